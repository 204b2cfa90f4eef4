"""The tools that measure three years of service, tried on a few days of it; and no page reads a whole table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

import server
import wiring
from records import tables as t
from records.erasure import Look
from records.staff import first_broken
from records.store import Store
from settings import Settings
from tests.volume import pages
from tests.volume.fill import fill
from tests.volume.plans import pretend_size, watched
from tests.volume.seats import Marks, find_marks, sign_in
from tests.volume.visits import moments, visits
from triage.screen import Screener
from wiring import Service

pytestmark = pytest.mark.anyio
CASES, MESSAGES = 50, 2500
SHOWS_EACH_ANOTHER = ("/console/law", "/console/law.json", "/console/safeguarding.json")
SEES_MOST = ("counsellor", "supervisor", "privacy_officer", "editor", "expert", "admin")
ON_PURPOSE = (  # statement: how it begins to read, and why that may be the whole table
    ("ORDER BY audit.seq DESC", "the newest rows stand at the end of the index"),
    ("FROM audit WHERE audit.district_id = :d ORDER BY audit.seq", "the whole chain is checked, at a button"),
    ("count(*) AS count_1 FROM audit", "the number of rows beside that button"),
    ("ORDER BY handover.out_at DESC", "the newest rows stand at the end of the index"),
    ("FROM answer_mark", "marks of all answers are counted"),
)
JOINED_WHOLE = (  # by PostgreSQL, which plans by the few rows of this test; SQLite plans by records/sizes.py
    ("alert.raised_at <", "a report counts a span, of which these few rows say nothing"),
    ("case_record.opened_at <", "the same"),
    ("legal_hold.released_at IS NULL", "what is old enough to go: nearly nothing, which these few rows do not show"),
)


@pytest.fixture
def filled(settings: Settings) -> Settings:
    fill(settings, CASES, MESSAGES)
    return settings


@pytest.fixture
def full_store(filled: Settings) -> Iterator[Store]:
    store = wiring.open_store(filled)
    yield store
    store.engine.dispose()


def count(store: Store, table: sa.Table, *which: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(table.c.district_id == "local", *which)
    with store.engine.connect() as connection:
        return connection.execute(query).scalar_one()


def test_as_many_cases_and_messages_lie_there_as_were_asked_for(full_store: Store) -> None:
    assert (count(full_store, t.case_record), count(full_store, t.message)) == (CASES, MESSAGES)


def test_what_was_said_opens_with_the_keys_of_the_deployment(full_store: Store) -> None:
    with full_store.engine.connect() as connection:
        for talk in connection.execute(sa.select(t.conversation).where(t.conversation.c.district_id == "local")):
            said = full_store.conversations.messages(connection, talk.id, limit=1000)
            assert [message.seq for message in said] == list(range(1, talk.last_seq + 1))
            assert all(message.body for message in said)


def test_the_audit_is_one_chain_in_every_district(full_store: Store) -> None:
    with full_store.engine.connect() as connection:
        districts = list(connection.execute(sa.select(t.audit.c.district_id).distinct()).scalars())
        chains = [
            connection.execute(sa.select(t.audit).where(t.audit.c.district_id == one).order_by(t.audit.c.seq)).all()
            for one in districts
        ]
    assert len(districts) == 4
    assert [first_broken(chain) for chain in chains] == [None] * 4


def test_a_conversation_that_somebody_serves_has_one_open_stint(full_store: Store) -> None:
    served = count(full_store, t.conversation, t.conversation.c.owner_id.is_not(None))
    assert served == count(full_store, t.stint, t.stint.c.ended_at.is_(None)) > 0


def test_a_database_that_is_in_use_is_not_filled(filled: Settings) -> None:
    with pytest.raises(SystemExit, match="not empty"):
        fill(filled, CASES, MESSAGES)


async def test_no_page_and_no_sweep_reads_a_whole_table_that_grows(filled: Settings, compiled_rules: Screener) -> None:
    app = server.build_app(filled, screener=compiled_rules)
    service = app.state.service
    engine = service.store.engine
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        marks = find_marks(service.store, connection, filled.district)
        cookies = sign_in(service.store, connection, marks, datetime.now(UTC))
    pretend_size(engine)
    with watched(engine) as found:
        await _open_all(app, marks, cookies)
        await server.sweep_once(service)
        await let_go(service)
        async with _browser(app) as browser:
            await browser.post("/api/chat/sessions")
            await browser.post("/api/chat/messages", json={"client_message_id": "1", "text": "我想死，今晚就跳楼"})
        await service.pipeline.drain()
    service.writer.close()
    engine.dispose()

    known = ON_PURPOSE if engine.dialect.name == "sqlite" else (*ON_PURPOSE, *JOINED_WHOLE)
    assert [f"{why}: {sql[-400:]}" for sql, why in found.items() if not _is_among(sql, known)] == []


async def _open_all(app: object, marks: Marks, cookies: dict[str, str]) -> None:
    words = {"case_no": "nothing", "last_seq": "3", **moments(datetime.now(UTC))}
    for visit in visits(app, marks, words):  # type: ignore[arg-type]
        for role in SEES_MOST:
            async with _browser(app) as browser:
                browser.cookies.set("xindeng_console", cookies[role])
                answer = await browser.get(visit.path)
            assert answer.status_code < 500, visit
            if answer.status_code == 200 and visit.path not in SHOWS_EACH_ANOTHER:
                break


async def let_go(service: Service) -> None:
    """The first batch of every kind of what is old, as in the night or after a click; and what waits for one."""
    desk, now = service.desks.retention, service.now()

    def work(connection: sa.Connection) -> None:
        for rule in (*desk.schedule.automatic(), *desk.schedule.approved()):
            desk.erasure.run(connection, rule.kind, rule.until(now), Look("", desk.schedule.batch), now)

    await service.writer.write(work)


def _browser(app: object) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hotline.test")  # type: ignore[arg-type]


def _is_among(sql: str, known: Sequence[tuple[str, str]]) -> bool:
    words = " ".join(sql.split()).replace("%(district_id_1)s::VARCHAR", ":d").replace("= ?", "= :d")
    return any(part in words for part, _ in known)


@pytest.mark.parametrize(("limit_ms", "code"), [("600000", 0), ("0", 1)])
def test_the_measuring_ends_with_one_when_a_page_is_slow(
    sqlite_settings: Settings, tmp_path: Path, limit_ms: str, code: int
) -> None:
    fill(sqlite_settings, CASES, MESSAGES)
    told = tmp_path / "told.json"
    words = ["--folder", str(sqlite_settings.data_dir), "--times", "2", "--json", str(told), "--limit", limit_ms]

    with pytest.raises(SystemExit) as ended:
        pages.main([*words, "--only", "/console/audit?day"])

    assert ended.value.code == code
    assert [page["role"] for page in json.loads(told.read_text())["pages"]] == ["privacy_officer"]
