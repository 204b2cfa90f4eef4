"""Drafts over HTTP: a lost browser finds what its owner typed, nobody else does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import server
from settings import load_settings
from tests.browsing import Site
from tests.building import Clock, compiled_screener

pytestmark = pytest.mark.anyio
URL = "/console/account/drafts"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path_factory.mktemp("drafts"))})
    app = server.build_app(settings, now=Clock(), screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def test_what_was_typed_is_found_by_its_writer_and_by_nobody_else(site: Site) -> None:
    lin, wang = site.seat("lin"), site.seat("wang")
    assert (await lin.post(URL, place="draft:1", text="我在，慢慢说", case="1")).status_code == 200
    found = await lin.browser.get(f"{URL}.json")
    assert found.json() == {"drafts": {"draft:1": "我在，慢慢说"}}
    assert found.headers["cache-control"] == "no-store"
    assert (await wang.browser.get(f"{URL}.json")).json() == {"drafts": {}}


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"place": "", "text": "x"}, 422), ({"place": "p" * 301, "text": "x"}, 422), ({"place": "p", "text": "长" * 200_001}, 413)],
)  # fmt: skip
async def test_what_cannot_be_a_draft_is_refused_in_words(site: Site, fields: dict[str, str], status: int) -> None:
    answer = await site.seat("li").post(URL, **fields)
    assert (answer.status_code, bool(answer.json()["detail"])) == (status, True)


async def test_a_megabyte_of_nothing_harms_nobody(site: Site) -> None:
    answer = await site.seat("qian").post(URL, place="p", text="\x00" * 1_000_000)
    assert answer.status_code in (400, 413)
