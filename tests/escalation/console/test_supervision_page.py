"""The pages 督导 and 我的成长: who may open what, what stands where, and what nobody else sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

import server
from escalation.supervision.importing import COLUMNS
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site
from tests.building import Clock, compiled_screener, do, rows
from tests.escalation.supervision.conftest import GOOD

pytestmark = pytest.mark.anyio
URL, OWN = "/console/supervision", "/console/growth"
WORDS = "阳台的花你记得替我浇"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = {"HOTLINE_DATA_DIR": str(tmp_path_factory.mktemp("growth")), "HOTLINE_STAFF_SUPPORT": "周医生 13xx"}
    app = server.build_app(load_settings(settings), now=Clock(), screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def ended_case(site: Site, seat: Seat, *, raised: bool = False) -> str:
    """A person wrote, the counsellor served, the case was closed."""
    person = await site.visitor()
    await person.post("转人工", "m1")
    await person.post(WORDS, "m2")
    await site.settle()
    case_id = site.case_of(person.conversation_id)
    await seat.act(case_id, "claim")
    await seat.act(case_id, "level", level="high" if raised else "medium", reason="问出了计划")

    def close(connection: sa.Connection) -> None:
        handling, now = site.service.desk.handling, site.service.now()
        case = handling.case(connection, case_id)
        handling.save(connection, case, state="closed", closed_at=now)
        handling.own(connection, handling.conversation(connection, case), None, now)

    do(site.service.writer, close)
    return case_id


async def due_review(site: Site, seat: Seat, chief: Seat) -> tuple[str, str]:
    """(case, review) that a supervisor chose."""
    case_id = await ended_case(site, seat)
    (case,) = rows(site.service.store.engine, t.case_record, id=case_id)
    answer = await chief.post(f"{URL}/choose", case_no=case.case_no)
    assert answer.status_code == 200, answer.text
    (review,) = rows(site.service.store.engine, t.case_review, case_id=case_id)
    return case_id, review.id


async def page(seat: Seat, path: str) -> str:
    answer = await seat.browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def sent(seat: Seat, body: bytes, **fields: str) -> httpx.Response:
    files = {"file": ("t.csv", body, "text/csv")}
    return await seat.browser.post(f"{URL}/training/import/file", files=files, data=fields)


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        *(("supervisor", f"{URL}{path}", 200) for path in ("", "/team", "/training", "/missed", "?show=done")),
        *((role, URL, 404) for role in ("counsellor", "duty_lead", "volunteer", "admin", "statistician", "expert")),
        *((role, OWN, 200) for role in ("counsellor", "volunteer", "duty_lead", "supervisor")),
        *((role, f"{OWN}/care", 200) for role in ("counsellor", "volunteer")),
        *((role, OWN, 404) for role in ("admin", "editor", "statistician")),
        ("counsellor", f"{URL}/missed/export.jsonl", 404),
    ],
)
async def test_every_page_is_for_those_who_may(site: Site, role: str, path: str, status: int) -> None:
    assert (await site.seat(role, role).browser.get(path)).status_code == status


async def test_supervisor_and_counsellor_sign_and_only_they_see_the_points(site: Site) -> None:
    lin, wang, chief = site.seat("lin"), site.seat("wang"), site.seat("chief", "supervisor")
    case_id, review_id = await due_review(site, lin, chief)
    assert (await lin.browser.get(f"{OWN}/reviews/{review_id}")).status_code == 404  # not signed yet
    shown = await page(chief, f"{URL}/reviews/{review_id}")
    assert WORDS in shown
    (message,) = [row for row in rows(site.service.store.engine, t.message) if row.id in shown][:1]
    assert (await chief.post(f"{URL}/reviews/{review_id}/remark", message=message.id, text="这里再停一停")).json()["ok"]
    assert (await chief.post(f"{URL}/reviews/{review_id}/sign", **GOOD)).json()["ok"]
    own = await page(lin, f"{OWN}/reviews/{review_id}")
    assert all(words in own for words in ("一上来就问了安全", "这里再停一停", WORDS))
    digest = own.split('name="digest" value="')[1].split('"')[0]
    for other in (wang, chief):
        assert (await other.browser.get(f"{OWN}/reviews/{review_id}")).status_code == 404
        assert (await other.post(f"{OWN}/reviews/{review_id}/agree", digest=digest)).status_code == 404
    assert (await lin.post(f"{OWN}/reviews/{review_id}/agree", digest=digest, comment="谢谢，我来练")).json()["ok"]
    assert "谢谢，我来练" in await page(chief, f"{URL}/reviews/{review_id}")
    timeline = (await chief.browser.get(f"/console/cases/{case_id}/timeline.json")).text
    assert "一上来就问了安全" not in timeline


async def test_gaps_of_the_form_stand_beside_their_lines(site: Site) -> None:
    lin, chief = site.seat("lin"), site.seat("chief", "supervisor")
    _, review_id = await due_review(site, lin, chief)
    answer = await chief.post(f"{URL}/reviews/{review_id}/sign", **{**GOOD, "strengths": ""})
    assert answer.status_code == 422
    assert answer.json()["errors"] == {"strengths": "请写一句"}


async def test_opening_a_review_is_a_view_of_the_case_in_the_audit(site: Site) -> None:
    lin, chief = site.seat("lin"), site.seat("chief", "supervisor")
    case_id, review_id = await due_review(site, lin, chief)
    before = len(rows(site.service.store.engine, t.audit, action="case_view", object_id=case_id))
    await page(chief, f"{URL}/reviews/{review_id}")
    assert len(rows(site.service.store.engine, t.audit, action="case_view", object_id=case_id)) == before + 1


async def test_a_file_of_trainings_is_looked_at_first_and_stored_when_confirmed(site: Site) -> None:
    lin, chief = site.seat("lin"), site.seat("chief", "supervisor")
    lines = [
        ",".join(COLUMNS.values()),
        f"{lin.counsellor.login},危机干预,6,2026-05-10,90,",
        "nobody,伦理,3,2026-05-10,,",
    ]
    body = "\n".join(lines).encode("gb18030")
    seen = (await sent(chief, body)).json()
    assert seen["counts"] == {"new": 1, "changed": 0, "same": 0, "broken": 1}
    assert rows(site.service.store.engine, t.training, counsellor_id=lin.counsellor.id) == []
    assert (await sent(chief, body, digest="other")).status_code == 409
    assert (await sent(chief, body, digest=seen["digest"])).json() == {"ok": True, "stored": 1, "passed_over": 0}
    assert "危机干预" in await page(lin, OWN)
    assert (await sent(lin, body)).status_code == 404
    assert (await sent(chief, b"\xff\xfe\x00")).status_code == 422


async def test_a_training_and_a_session_are_typed_in(site: Site) -> None:
    lin, chief = site.seat("lin"), site.seat("chief", "supervisor")
    typed = {"login": lin.counsellor.login, "topic": "哀伤陪伴", "hours": "2", "held": "2026-11-20"}
    assert (await chief.post(f"{URL}/training", **typed)).json()["ok"]
    assert (await chief.post(f"{URL}/training", **{**typed, "hours": ""})).status_code == 422
    who = {"counsellor": lin.counsellor.id}
    assert (await chief.post(f"{URL}/sessions", kind="group", held="2026-12-01", minutes="90", **who)).json()["ok"]
    assert (await chief.post(f"{URL}/sessions", kind="group", held="", minutes="90", **who)).status_code == 422
    own = await page(lin, OWN)
    assert all(words in own for words in ("哀伤陪伴", "团体督导"))
    assert (await lin.post(f"{URL}/training", **typed)).status_code == 404


async def test_the_warning_stands_on_both_pages(site: Site) -> None:
    lin, chief = site.seat("lin"), site.seat("chief", "supervisor")
    joined = {"created_at": site.service.now().replace(year=2025)}
    do(site.service.writer, lambda c: site.service.store.staff.change(c, lin.counsellor.id, **joined))
    for seat, path in ((lin, OWN), (chief, f"{URL}/team")):
        assert "今年还差 2 次培训" in await page(seat, path)


async def test_a_wish_to_talk_reaches_the_supervisors_page_and_leaves_it(site: Site) -> None:
    lin, chief = site.seat("lin"), site.seat("chief", "supervisor")
    case_id = await ended_case(site, lin, raised=True)
    assert "要不要和督导聊一聊" in await page(lin, OWN)
    assert (await lin.post(f"{OWN}/talks", case=case_id, answer="wanted")).json()["ok"]
    assert "要不要和督导聊一聊" not in await page(lin, OWN)
    (wish,) = rows(site.service.store.engine, t.debrief, case_id=case_id)
    assert wish.id in await page(chief, f"{URL}/team")
    assert (await chief.post(f"{URL}/talks/{wish.id}/done")).json()["ok"]
    assert wish.id not in await page(chief, f"{URL}/team")


async def test_reading_about_self_care_leaves_no_trace(site: Site) -> None:
    lin, engine = site.seat("lin"), site.service.store.engine
    before = {name: len(rows(engine, table)) for name, table in t.metadata.tables.items()}
    shown = await page(lin, f"{OWN}/care")
    assert "周医生 13xx" in shown
    assert {name: len(rows(engine, table)) for name, table in t.metadata.tables.items()} == before


async def test_a_missed_crisis_is_reviewed_and_only_new_words_leave_the_house(site: Site) -> None:
    lin, chief = site.seat("lin"), site.seat("chief", "supervisor")
    case_id = await ended_case(site, lin, raised=True)
    assert case_id in await page(chief, f"{URL}/missed")
    assert WORDS not in await page(chief, f"{URL}/missed")
    assert WORDS in await page(chief, f"{URL}/missed/{case_id}")
    found: dict[str, Any] = {"outcome": "corpus", "example_level": "high", "form": "indirect", "category": "suicide"}
    copied = await chief.post(f"{URL}/missed/{case_id}", **found, example=WORDS)
    assert (copied.status_code, list(copied.json()["errors"])) == (422, ["example"])
    assert (await chief.post(f"{URL}/missed/{case_id}", **found, example="他把遥控器和存折都交代清楚了")).json()["ok"]
    file = await chief.browser.get(f"{URL}/missed/export.jsonl")
    assert "交代清楚了" in file.text
    assert WORDS not in file.text
    assert file.headers["content-disposition"].endswith('.jsonl"')


async def test_a_drill_shows_no_form_of_a_missed_crisis(site: Site) -> None:
    lin, chief = site.seat("lin"), site.seat("chief", "supervisor")
    case_id = await ended_case(site, lin, raised=True)
    do(site.service.writer, lambda c: site.service.desk.handling.save(
        c, site.service.desk.handling.case(c, case_id), is_drill=True))  # fmt: skip
    assert case_id not in await page(chief, f"{URL}/missed")
    assert "演练的个案，不进漏报复盘" in await page(chief, f"{URL}/missed/{case_id}")
