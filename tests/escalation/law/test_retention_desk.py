"""The night job on real rows: what is old goes, what is open, held or asked about stays, a person clicks for records."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from escalation.cases import NotAllowed
from records import tables as t
from tests.building import do, rows
from tests.escalation.law.conftest import TWO_AT_NIGHT, Archive
from triage.risk import Level


def contact_of(archive: Archive, chat: str):
    (conversation,) = rows(archive.office.store.engine, t.conversation, id=chat)
    (contact,) = rows(archive.office.store.engine, t.contact, id=conversation.contact_id)
    return contact


def test_an_anonymous_look_up_goes_after_thirty_days_and_only_its_count_stays(archive: Archive) -> None:
    old, young = archive.talk("old", 31), archive.talk("young", 29)
    archive.night()
    assert archive.there(old) == (0, 0)
    assert archive.there(young) == (1, 2)
    counts = {row.article: row.count for row in rows(archive.office.store.engine, t.lookup_count)}
    assert counts == {"": 1, "E074": 1}
    assert len(rows(archive.office.store.engine, t.contact)) == 1


@pytest.mark.parametrize("level", [Level.LOW, Level.HIGH])
def test_a_talk_with_any_sign_of_distress_is_no_look_up(archive: Archive, level: Level) -> None:
    chat = archive.talk("sad", 31, level=level)
    archive.night()
    assert archive.there(chat) == (1, 2)


def test_after_half_a_year_nothing_leads_to_the_person_and_the_words_stay(archive: Archive) -> None:
    case_id = archive.case("old", 181)
    chat = archive.office.case(case_id).conversation_id
    store = archive.office.store
    contact_id = contact_of(archive, chat).id
    do(archive.office.writer, lambda c: store.contacts.change(c, contact_id, nickname="小雨", person_id="p"))
    archive.night()
    contact = contact_of(archive, chat)
    assert (contact.nickname_sealed, contact.person_id) == (None, None)
    assert contact.nameless_at == TWO_AT_NIGHT
    with store.engine.connect() as connection:
        assert store.contacts.find(connection, "web", "old") is None
        found = store.contacts.get(connection, contact_id)
    assert found is not None
    assert (found.address, found.nickname, found.unreachable) == ("", "", "closed")
    assert archive.there(chat)[1] >= 2


def test_whoever_comes_again_afterwards_is_a_new_contact(archive: Archive) -> None:
    archive.case("old", 181)
    archive.night()
    again = archive.office.conversation("old")
    assert archive.there(again)[0] == 1
    assert len(rows(archive.office.store.engine, t.contact)) == 2


def test_a_drill_goes_after_a_year_with_its_case(archive: Archive) -> None:
    case_id = archive.case("drill", 366)
    chat = archive.office.case(case_id).conversation_id
    do(archive.office.writer, lambda c: archive.office.store.conversations.change(c, chat, is_drill=True))
    archive.night()
    assert archive.there(chat) == (0, 0)
    assert rows(archive.office.store.engine, t.case_record, id=case_id) == []


def held(archive: Archive, chat: str) -> None:
    hold = archive.office.store.holds.place
    contact_id = contact_of(archive, chat).id
    do(archive.office.writer, lambda c: hold(c, contact_id, "zhao", "派出所正在调查", TWO_AT_NIGHT))


def opened(archive: Archive, chat: str) -> None:
    archive.office.danger(chat, Level.MEDIUM)


def opened_by_kin(archive: Archive, chat: str) -> None:
    other = archive.office.case_at(Level.MEDIUM, "kin")
    links = archive.office.store.links
    ids = contact_of(archive, chat).id, archive.office.case(other).contact_id
    do(archive.office.writer, lambda c: links.join(c, *ids))


def wrote(archive: Archive, chat: str) -> None:
    change = archive.office.store.conversations.change
    do(archive.office.writer, lambda c: change(c, chat, last_message_at=TWO_AT_NIGHT))


@pytest.mark.parametrize("happened", [held, opened, opened_by_kin, wrote])
def test_nothing_goes_of_a_person_about_whom_something_is_open(archive: Archive, happened) -> None:
    chat = archive.talk("old", 2000)
    happened(archive, chat)
    archive.night()
    assert archive.there(chat)[1] >= 2
    assert contact_of(archive, chat).nameless_at is None


def test_a_wish_under_way_keeps_everything_until_it_is_answered(archive: Archive) -> None:
    chat = archive.talk("old", 40)
    contact_id = contact_of(archive, chat).id
    requests = archive.office.store.law_requests
    ask = requests.add
    wish = do(archive.office.writer, lambda c: ask(c, contact_id, chat, "copy", TWO_AT_NIGHT, TWO_AT_NIGHT))
    archive.night(batches=1)
    assert archive.there(chat) == (1, 2)
    do(archive.office.writer, lambda c: requests.change(c, wish, state="done"))
    with archive.office.store.engine.connect() as connection:
        assert {due.rule.kind for due in archive.desk.due(connection, TWO_AT_NIGHT) if due.count} == {"lookups"}


@pytest.mark.parametrize(("days", "is_kept"), [(179, True), (181, False)])
def test_a_voice_goes_by_its_own_age_and_that_there_was_one_stays(archive: Archive, days: int, is_kept: bool) -> None:
    chat = archive.talk("frequent", days, level=Level.LOW)
    store = archive.office.store
    (first, _) = sorted(rows(store.engine, t.message, conversation_id=chat), key=lambda row: row.seq)

    def keep(c: sa.Connection) -> str:
        file_id = store.attachments.expect(c, first.id, chat, "web", "voice", "ref", TWO_AT_NIGHT)
        store.attachments.keep(c, file_id, store.attachments.seal(file_id, b"ID3"), "audio/mpeg", 3)
        store.conversations.change(c, chat, last_message_at=TWO_AT_NIGHT)  # they still write to us
        return file_id

    file_id = do(archive.office.writer, keep)
    archive.night()
    (file,) = rows(store.engine, t.attachment, id=file_id)
    assert (file.state, file.body_sealed is not None) == (("stored", True) if is_kept else ("gone", False))


def test_after_a_hold_ends_what_is_old_goes(archive: Archive) -> None:
    chat = archive.talk("old", 40)
    held(archive, chat)
    contact_id = contact_of(archive, chat).id
    release = archive.office.store.holds.release
    do(archive.office.writer, lambda c: release(c, contact_id, "zhao", TWO_AT_NIGHT))
    archive.night()
    assert archive.there(chat) == (0, 0)


def test_by_day_the_job_does_nothing_and_reads_nothing(archive: Archive) -> None:
    archive.talk("old", 40)
    assert do(archive.office.writer, lambda c: archive.desk.sweep(c, TWO_AT_NIGHT - timedelta(hours=1))) == 0
    assert rows(archive.office.store.engine, t.retention) == []


def test_a_long_night_goes_on_batch_by_batch_and_the_next_one_where_it_ended(archive: Archive) -> None:
    for number in range(7):
        archive.talk(f"v{number}", 31)
    assert archive.night(batches=1) == 4
    (run,) = rows(archive.office.store.engine, t.retention)
    assert (run.kind, run.count, run.is_done) == ("lookups", 4, False)
    tomorrow = TWO_AT_NIGHT + timedelta(days=1)
    assert do(archive.office.writer, lambda c: archive.desk.sweep(c, tomorrow)) == 3
    (run,) = rows(archive.office.store.engine, t.retention)
    assert (run.count, run.is_done) == (7, True)
    assert len(archive.office.audited("retention_done")) == 1


def test_a_transaction_looks_at_a_few_rows_only_whatever_is_due(archive: Archive) -> None:
    for number in range(9):
        archive.talk(f"young{number}", 1)
    archive.talk("old", 31)
    assert sum(archive.night(batches=1) for _ in range(3)) == 1
    assert len(rows(archive.office.store.engine, t.retention)) == 1


def test_a_night_is_done_once(archive: Archive) -> None:
    archive.night()
    archive.talk("late", 40)
    assert archive.night() == 0
    assert len(rows(archive.office.store.engine, t.retention)) == len(archive.desk.schedule.automatic())


def test_three_years_after_closing_a_record_waits_for_the_privacy_officer_s_click(archive: Archive) -> None:
    case_id = archive.case("old", 1097, Level.HIGH)
    chat, officer = archive.office.case(case_id).conversation_id, archive.supervisor()
    archive.night()
    assert archive.there(chat)[1] >= 2
    with archive.office.store.engine.connect() as connection:
        (due,) = archive.desk.waiting(connection, TWO_AT_NIGHT)
    assert (due.rule.kind, due.count) == ("records", 1)
    with pytest.raises(NotAllowed, match="1条"):
        do(archive.office.writer, lambda c: archive.desk.approve(c, "records", 0, officer, TWO_AT_NIGHT))
    do(archive.office.writer, lambda c: archive.desk.approve(c, "records", 1, officer, TWO_AT_NIGHT))
    archive.night()
    engine = archive.office.store.engine
    assert archive.there(chat) == (1, 0)
    case = archive.office.case(case_id)
    assert (case.summary, case.disposition, case.case_no) == ("", "mistaken", case.case_no)
    assert rows(engine, t.note) == rows(engine, t.outbox) == rows(engine, t.assessment) == []
    assert {row.actor_id for row in archive.office.audited("retention_approved")} == {officer.id}
    with pytest.raises(NotAllowed):
        do(archive.office.writer, lambda c: archive.desk.approve(c, "records", 1, officer, TWO_AT_NIGHT))


def test_the_audit_is_never_touched(archive: Archive) -> None:
    archive.case("old", 5000)
    before = rows(archive.office.store.engine, t.audit)
    archive.night()
    assert rows(archive.office.store.engine, t.audit)[: len(before)] == before


def test_a_dry_run_counts_and_changes_nothing(archive: Archive) -> None:
    archive.talk("old", 31)
    archive.case("older", 200)
    before = [rows(archive.office.store.engine, table) for table in t.metadata.sorted_tables]
    with archive.office.store.engine.connect() as connection:
        counts = {due.rule.kind: due.count for due in archive.desk.due(connection, TWO_AT_NIGHT)}
    assert counts == {"lookups": 1, "files": 0, "identity": 1, "drills": 0, "records": 0, "talks": 0,
                      "handovers": 0, "arrivals": 0, "drafts": 0}  # fmt: skip
    assert [rows(archive.office.store.engine, table) for table in t.metadata.sorted_tables] == before
