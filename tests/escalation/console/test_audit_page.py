"""The privacy officer's page: who saw which case when, without any content; the chain; the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

import server
from escalation.console.audit import ACTION_WORDS
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site
from tests.building import EMERGENCY, Clock, compiled_screener, do, rows

pytestmark = pytest.mark.anyio
NOTE = "母亲的电话是13812345678"


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path_factory.mktemp("audit"))})
    app = server.build_app(settings, now=Clock(), screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def looked_at(site: Site) -> tuple[str, Seat, Seat]:
    """A case that Lin served and the supervisor looked behind; (case number, Lin, supervisor)."""
    person = await site.visitor()
    await person.post(EMERGENCY, "m1")
    case_id = site.case_of(person.conversation_id)
    lin, zhao = site.seat("lin"), site.seat("zhao", "supervisor")
    await lin.act(case_id, "claim")
    await lin.browser.get(f"/console/cases/{case_id}")
    await lin.act(case_id, "note", text=NOTE)
    await zhao.browser.get(f"/console/cases/{case_id}")
    await zhao.act(case_id, "reveal", why="supervision")
    (case,) = rows(site.service.store.engine, t.case_record, id=case_id)
    return case.case_no, lin, zhao


async def test_it_says_who_looked_when_and_why_and_nothing_of_the_person(site: Site) -> None:
    case_no, lin, zhao = await looked_at(site)
    page = (await site.seat("li", "privacy_officer").browser.get("/console/audit")).text
    for words in (
        case_no,
        lin.counsellor.login,
        zhao.counsellor.login,
        "看个案",
        "查看姓名和联系方式",
        "督导或复核",
        "2026-12-01 10:00:00",
    ):
        assert words in page
    for words in (EMERGENCY, NOTE, "写备注"):  # a note is no look; it stands under all actions
        assert words not in page


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"kind": "all"}, {"上班", "看个案", "写备注", "接手", "查看姓名和联系方式"}),
        ({"kind": "all", "person": "LIN"}, {"上班", "看个案", "写备注", "接手"}),
        ({"person": "nobody"}, set()),
        ({"case_no": "CASE"}, {"看个案", "查看姓名和联系方式"}),
        ({"case_no": "other"}, set()),
        ({"day": "2026-12-01"}, {"看个案", "查看姓名和联系方式"}),
        ({"day": "2026-11-30"}, set()),
        ({"day": "yesterday"}, {"看个案", "查看姓名和联系方式"}),
    ],
)
async def test_it_is_searched_by_case_person_and_day(site: Site, asked: dict[str, str], found: set[str]) -> None:
    case_no, lin, _ = await looked_at(site)
    officer = site.seat("li", "privacy_officer")
    query = urlencode(asked).replace("LIN", lin.counsellor.login).replace("CASE", case_no)
    lines = lines_of((await officer.post(f"/console/audit/export?{query}")).content)
    assert {line["做了什么"] for line in lines} == found


def lines_of(file: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))


async def test_the_file_holds_no_formula_and_its_making_is_in_the_audit(site: Site) -> None:
    case_no, lin, _ = await looked_at(site)
    staff = site.service.store.staff
    do(site.service.writer, lambda c: staff.change(c, lin.counsellor.id, display_name="=HYPERLINK(1)"))
    officer = site.seat("li", "privacy_officer")
    answer = await officer.post(f"/console/audit/export?case_no={case_no}")
    names = {line["名字"] for line in lines_of(answer.content)}
    assert "'=HYPERLINK(1)" in names
    assert not any(name.startswith(("=", "+", "-", "@")) for name in names)
    assert officer.counsellor.login in answer.headers["content-disposition"]
    (audit,) = rows(site.service.store.engine, t.audit, action="audit_exported")
    assert audit.actor_id == officer.counsellor.id
    assert NOTE not in answer.content.decode()


async def test_the_chain_is_checked_and_a_changed_row_is_found(site: Site) -> None:
    await looked_at(site)
    officer, engine = site.seat("li", "privacy_officer"), site.service.store.engine
    count = len(rows(engine, t.audit))
    whole = (await officer.browser.get("/console/audit/chain.json")).json()["words"]
    assert whole == f"完整，共 {count} 行"
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(t.audit.update().where(t.audit.c.seq == 2).values(actor_id="somebody else"))
    broken = (await officer.browser.get("/console/audit/chain.json")).json()["words"]
    assert broken.startswith("第 2 行对不上")


async def test_every_action_of_this_story_has_words(site: Site) -> None:
    await looked_at(site)
    assert {row.action for row in rows(site.service.store.engine, t.audit)} <= set(ACTION_WORDS)
