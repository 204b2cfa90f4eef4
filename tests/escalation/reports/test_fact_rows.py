"""What the database gives for counting: which rows count, to whom, in which span; on each database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from escalation.record.answers import Change
from escalation.reports.case_counts import FIELDS
from escalation.reports.periods import ZONE
from records import events
from records import tables as t
from records.conversations import new_id
from records.facts import Wanted
from records.facts.kinds import Facts, Messages
from tests.building import do
from tests.escalation.conftest import Office
from triage.risk import Level

SINCE = datetime(2026, 12, 1, tzinfo=ZONE)
UNTIL = datetime(2027, 1, 1, tzinfo=ZONE)
YEAR = datetime(2026, 1, 1, tzinfo=ZONE)


def gathered(office: Office, since: datetime = SINCE, until: datetime = UNTIL) -> Facts:
    hours = timedelta(hours=1)
    wanted = Wanted(since, until, FIELDS, 2 * hours, timedelta(weeks=8), 24 * hours, hours / 4, hours / 12, YEAR)
    with office.store.engine.connect() as connection:
        facts = office.store.facts.gather(connection, wanted)
        return Facts(**{**vars(facts), "sessions": list(facts.sessions)})


def writes(office: Office, conversation_id: str, received_at: datetime, sent_at: datetime | None = None) -> None:
    """A message of the person, as it stands in the rows."""
    values = {"author": "visitor", "kind": "text", "channel": "web", "external_id": new_id(), "body_hash": "", "extra": "{}",
              "handling": "done", "body_sealed": b"", "received_at": received_at, "sent_at": sent_at}  # fmt: skip

    def work(connection: sa.Connection) -> None:
        newest = sa.select(sa.func.count()).select_from(t.message)
        number = connection.execute(newest.where(t.message.c.conversation_id == conversation_id)).scalar_one() + 1
        connection.execute(t.message.insert().values(
            district_id=office.store.staff.district, id=new_id(), conversation_id=conversation_id, seq=number, **values
        ))  # fmt: skip

    do(office.writer, work)


def change(office: Office, table: sa.Table, row_id: str, **values: Any) -> None:
    do(office.writer, lambda c: c.execute(table.update().where(table.c.id == row_id).values(**values)))


def test_whoever_writes_after_the_pause_comes_anew(office: Office) -> None:
    chat, first = office.conversation(), office.clock()
    for hours in (0, 1, 3, 5.1, 7.1):  # the pause is two hours: 3 and 7.1 follow after exactly two
        writes(office, chat, first + timedelta(hours=hours))
    assert [one.at for one in gathered(office).sessions] == [first, first + timedelta(hours=5.1)]


def test_a_session_that_began_before_the_span_is_not_begun_again_in_it(office: Office) -> None:
    chat = office.conversation()
    for minutes in (-5, 5):
        writes(office, chat, SINCE + timedelta(minutes=minutes))
    found = [one.at for one in gathered(office).sessions if one.at >= SINCE]
    assert found == []


def test_linked_contacts_are_one_person(office: Office) -> None:
    chats = [office.conversation(name) for name in ("a", "b", "c")]
    for chat in chats:
        writes(office, chat, office.clock())
    with office.store.engine.connect() as connection:
        contacts = [office.store.conversations.get(connection, chat).contact_id for chat in chats]  # type: ignore[union-attr]  # they are there
    for contact in contacts[:2]:
        change(office, t.contact, contact, person_id="p")
    assert len({one.person for one in gathered(office).sessions}) == 2


def test_nothing_of_a_drill_is_a_fact(office: Office) -> None:
    case_id = office.case_at(Level.HIGH)
    chat = office.case(case_id).conversation_id
    writes(office, chat, office.clock())
    office.act("claim", case_id, office.counsellor())
    change(office, t.conversation, chat, is_drill=True)
    change(office, t.case_record, case_id, is_drill=True)
    facts = gathered(office)
    assert (facts.sessions, facts.calls, facts.starts, facts.stretches, facts.cases, facts.openings) == (
        [],
        [],
        [],
        [],
        [],
        [],
    )
    assert facts.messages == Messages()
    assert facts.house.drill_cases == 1


def test_a_merged_case_counts_only_as_left_out(office: Office) -> None:
    change(office, t.case_record, office.case_at(Level.HIGH), state="merged")
    facts = gathered(office)
    assert (facts.cases, facts.calls, facts.house.merged_cases) == ([], [], 1)


@pytest.mark.parametrize(("seconds", "counts"), [(-1, False), (0, True), (31 * 86400 - 1, True), (31 * 86400, False)])
def test_a_span_holds_its_first_moment_and_not_its_last(office: Office, seconds: int, counts: bool) -> None:
    office.clock.time = SINCE + timedelta(seconds=seconds)
    office.case_at(Level.LOW)
    assert bool(gathered(office).cases) is counts


def test_a_call_knows_who_waited_until_when_and_whether_they_left(office: Office) -> None:
    case_id = office.case_at(Level.HIGH)
    chat = office.case(case_id).conversation_id
    raised = office.clock()
    left = office.clock.forward(seconds=20)
    do(
        office.writer,
        lambda c: events.append(c, office.store.staff.district, "desk", "visitor_left", left, conversation_id=chat),
    )
    came = office.clock.forward(seconds=20)
    office.act("claim", case_id, office.counsellor())
    (call,) = gathered(office).calls
    assert (call.level, call.raised_at, call.left_at, call.answered_at) == (Level.HIGH, raised, left, came)


def test_a_case_carries_its_levels_its_newest_answers_and_what_was_done(office: Office) -> None:
    case_id, lin = office.case_at(Level.MEDIUM), office.counsellor()
    office.act("claim", case_id, lin)
    office.act("set_level", case_id, lin, Level.HIGH, "有计划")
    save = office.desks.record.save
    for number, (value, missing) in enumerate((("40", ""), ("80", ""))):
        entry = Change("distress_start", value, missing, number)
        do(office.writer, lambda c, entry=entry: save(c, case_id, lin, entry, office.clock()))
    do(office.writer, lambda c: save(c, case_id, lin, Change("plan", "", "refused", 0), office.clock()))
    (case,) = gathered(office).cases
    assert [(step.to, step.by_person) for step in case.steps] == [(Level.MEDIUM, False), (Level.HIGH, True)]
    assert (case.told["distress_start"].value, case.told["plan"].missing) == ("80", "refused")
    assert (case.has_plan, case.was_rescued, case.was_referred, case.served_until) == (False, False, False, None)


def test_a_refused_lowering_is_no_step(office: Office) -> None:
    case_id, lin, zhao = office.case_at(Level.HIGH), office.counsellor(), office.counsellor("zhao", "supervisor")
    office.act("claim", case_id, lin)
    office.act("set_level", case_id, lin, Level.LOW, "误报")
    office.act("decide_lowering", case_id, zhao, agree=False)
    (case,) = gathered(office).cases
    assert [step.to for step in case.steps] == [Level.HIGH]


def test_messages_that_came_late_or_from_a_wrong_clock_are_counted(office: Office) -> None:
    chat, now = office.conversation(), office.clock()
    for minutes in (0, -14, -16, 4, 6, None):
        writes(office, chat, now, None if minutes is None else now + timedelta(minutes=minutes))
    assert gathered(office).messages == Messages(total=6, late=1, ahead=1)


def test_another_district_has_no_facts(office: Office) -> None:
    office.case_at(Level.HIGH)
    writes(office, office.conversation("b"), office.clock())
    office.store.facts.district = "elsewhere"
    facts = gathered(office)
    assert (facts.sessions, facts.calls, facts.cases, facts.messages.total) == ([], [], [], 0)
