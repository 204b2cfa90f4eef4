"""The web chat on other sites' pages: who may frame it, what the script is, and that nothing else is opened by it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import server
from bot.channels.widget import dials
from settings import BadSettings, load_settings
from tests.browsing import Site, serving, sse_events
from tests.building import CRISIS, Clock, compiled_screener

pytestmark = pytest.mark.anyio
SCHOOL, HOSPITAL = "https://www.school.cn", "http://hospital.example:8080"
OTHER_PATHS = ("/", "/embed/", "/embedded", "/widget.js", "/chat/chat.js", "/console", "/console/sign-in",
               "/console/static/http.js", "/api/chat/messages", "/healthz", "/nothing")  # fmt: skip


def make_site(folder: Path, **given: str) -> Iterator[Site]:
    settings = load_settings({"HOTLINE_DATA_DIR": str(folder), "HOTLINE_LOCAL_24H": "0000-1234567", **given})
    app = server.build_app(settings, now=Clock(), screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A deployment that two sites may embed."""
    yield from make_site(tmp_path_factory.mktemp("on"), HOTLINE_WIDGET_ORIGINS=f"{SCHOOL}/, {HOSPITAL}")


@pytest.fixture(scope="module")
def closed_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A deployment that no site may embed."""
    yield from make_site(tmp_path_factory.mktemp("off"))


def ancestors(answer: httpx.Response) -> list[str]:
    (found,) = re.findall(r"frame-ancestors ([^;]*)", answer.headers["content-security-policy"])
    return str(found).split()


async def test_without_sites_there_is_no_script_and_the_page_refuses_to_be_framed(closed_site: Site) -> None:
    browser = closed_site.browser()
    assert (await browser.get("/widget.js")).status_code == 404
    page = await browser.get("/embed")
    assert ancestors(page) == ["'none'"]
    assert page.headers["x-frame-options"] == "DENY"


async def test_the_embedded_page_may_be_framed_by_the_listed_sites_only(site: Site) -> None:
    page = await site.browser().get("/embed")
    assert page.status_code == 200
    assert ancestors(page) == [SCHOOL, HOSPITAL]
    assert "x-frame-options" not in page.headers  # it knows no list; DENY would contradict
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("path", OTHER_PATHS)
async def test_nothing_else_may_be_framed_by_anybody(site: Site, path: str) -> None:
    answer = await site.browser().get(path)
    assert ancestors(answer) == ["'none'"]
    assert answer.headers["x-frame-options"] == "DENY"


async def test_the_embedded_page_is_the_chat_page_with_a_mark_and_without_code_of_its_own(site: Site) -> None:
    browser = site.browser()
    embedded, page = (await browser.get("/embed")).text, (await browser.get("/")).text
    assert embedded.replace(" data-embedded", "", 1) == page
    assert "data-embedded" not in page
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>\s*[^<\s]", embedded) == []
    assert re.findall(r"<style|\son[a-z]+=|\sstyle=|javascript:", embedded) == []


async def test_the_script_is_asked_for_anew_each_time_and_other_sites_may_load_it(site: Site) -> None:
    answer = await site.browser().get("/widget.js", headers={"Origin": SCHOOL})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


async def test_the_script_has_the_numbers_of_the_settings_and_does_nothing_that_a_strict_site_forbids(
    site: Site,
) -> None:
    script = (await site.browser().get("/widget.js")).text
    (dials,) = re.findall(r"const DIALS = (.*);", script)
    assert [number for number, _ in json.loads(dials)] == ["120", "110", "0000-1234567", "12356"]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|fetch\(|cookie", script)
    assert not re.search(r"setAttribute\(.style|https?://", script)


def test_without_a_local_line_no_number_stands_twice() -> None:
    found = dials(load_settings({}).numbers())
    assert found == [("120", "急救"), ("110", "报警"), ("12356", "心理援助热线")]


async def test_the_script_is_valid_in_every_deployment(site: Site) -> None:
    if not shutil.which("node"):
        pytest.skip("node is missing: the journey runs the script anyway")
    script = (await site.browser().get("/widget.js")).text
    subprocess.run(["node", "--check", "-"], input=script, text=True, check=True)


@pytest.mark.parametrize(
    "path", ["/embed", "/widget.js", "/api/chat/sessions", "/api/chat/messages", "/api/chat/events"]
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
async def test_no_other_origin_may_read_or_write_even_when_it_may_embed(site: Site, path: str, method: str) -> None:
    headers = {"Origin": SCHOOL, "Access-Control-Request-Method": "POST"}
    answer = await site.browser().request(method, path, headers=headers)
    assert not [name for name in answer.headers if name.startswith("access-control")]
    if method != "GET":
        assert answer.status_code in (401, 403, 405)


async def test_a_frame_without_cookies_writes_and_listens_with_its_token(tmp_path: Path) -> None:
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path), "HOTLINE_WIDGET_ORIGINS": SCHOOL})
    async with (
        serving(server.build_app(settings, screener=compiled_screener())) as address,
        httpx.AsyncClient(base_url=address, timeout=20) as frame,
    ):
        token = (await frame.post("/api/chat/sessions", headers={"Origin": address})).json()["token"]
        frame.cookies.clear()
        frame.headers["Authorization"] = f"Bearer {token}"
        async with frame.stream("GET", "/api/chat/events") as stream:
            heard = sse_events(stream)
            sent = await frame.post("/api/chat/messages", json={"client_message_id": "m1", "text": CRISIS})
            texts = [json.loads((await anext(heard)).data)["text"] for _ in range(2)]
        left = await frame.post("/api/chat/leave", headers={"Origin": address})
    assert sent.status_code == 202
    assert texts[0] == CRISIS
    assert "12356" in texts[1]
    assert left.status_code == 204


@pytest.mark.parametrize(
    "origins",
    [
        "www.school.cn", "https://www.school.cn/chat", "*", "https://*.school.cn", "https://a.cn https://b.cn",
        "https://a.cn; script-src *", "'none'", "https://", "javascript:alert(1)", "https://user@a.cn",
        "https://a.cn\r\nX: y", "https://学校.cn",
    ],
)  # fmt: skip
def test_what_is_no_origin_stops_the_start(origins: str) -> None:
    with pytest.raises(BadSettings, match="needs origins such as"):
        load_settings({"HOTLINE_WIDGET_ORIGINS": origins})


def test_no_origin_is_as_good_as_none() -> None:
    assert load_settings({"HOTLINE_WIDGET_ORIGINS": " , "}).widget_origins == ()
