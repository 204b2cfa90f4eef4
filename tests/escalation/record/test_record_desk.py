"""Writing the record: every change kept, nobody overwritten, nothing readable without the key, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from escalation.cases import NoSuchCase, NotAllowed
from escalation.record.answers import Change
from escalation.record.record_desk import RecordDesk
from records import tables as t
from records.entries import Entry
from records.writer import Writer
from tests.building import do, rows
from tests.escalation.conftest import Office
from tests.escalation.record.conftest import Save, link
from tests.record_samples import REQUIRED, answer
from triage.risk import Level

Current = Callable[[str], dict[str, Entry]]
RECORD = ("companion", "室友到场陪伴，明早回访")


def test_a_change_is_a_row_with_who_and_when_sealed(office: Office, save: Save, current: Current) -> None:
    case_id, lin = office.case_at(Level.HIGH), office.counsellor()
    save(case_id, lin, "location", "城东路便利店")
    office.clock.forward(minutes=1)
    save(case_id, lin, "location", "人民医院门口", based_on=1)
    found = sorted(rows(office.store.engine, t.record_entry), key=lambda row: row.version)
    assert [(row.version, row.by_id, row.at) for row in found] == [
        (1, lin.id, office.clock() - timedelta(minutes=1)),
        (2, lin.id, office.clock()),
    ]
    assert not any("便利店".encode() in row.value_sealed for row in found)
    assert current(case_id)["location"].value == "人民医院门口"
    assert len(office.told("record_set")) == len(office.audited("record_set")) == 2


def test_a_repeated_save_adds_nothing(office: Office, save: Save) -> None:
    case_id, lin = office.case_at(Level.HIGH), office.counsellor()
    for _ in range(3):
        assert save(case_id, lin, "plan", "vague").entry.version == 1
    assert len(rows(office.store.engine, t.record_entry)) == 1


def test_who_comes_second_is_shown_the_other_words_and_overwrites_nothing(
    office: Office, save: Save, current: Current
) -> None:
    case_id, lin, wang = office.case_at(Level.HIGH), office.counsellor("lin"), office.counsellor("wang")
    save(case_id, lin, "companion", "室友小周")
    second = save(case_id, wang, "companion", "宿管李阿姨")
    assert (second.is_clash, second.entry.value, second.entry.by_id) == (True, "室友小周", lin.id)
    assert current(case_id)["companion"].value == "室友小周"
    assert not save(case_id, wang, "companion", "室友小周、宿管李阿姨", based_on=second.entry.version).is_clash


def test_one_person_goes_on_writing_although_an_answer_got_lost(office: Office, save: Save, current: Current) -> None:
    case_id, lin = office.case_at(Level.HIGH), office.counsellor()
    save(case_id, lin, "location", "城")
    assert not save(case_id, lin, "location", "城东").is_clash  # the first answer never came back
    assert current(case_id)["location"].value == "城东"


def test_of_two_who_save_at_once_exactly_one_wins_and_the_other_hears_of_it(office: Office, record: RecordDesk) -> None:
    case_id = office.case_at(Level.HIGH)
    people = [office.counsellor(f"c{number}") for number in range(8)]
    writers = [Writer(office.store.engine, threads=4), office.writer]  # as two processes would
    line, saved = threading.Barrier(len(people)), []

    def rush(number: int) -> None:
        change = Change("companion", f"第{number}个人写的", "", 0)
        line.wait(20)
        work = writers[number % 2].submit(lambda c: record.save(c, case_id, people[number], change, office.clock()))
        saved.append(work.result(20))

    threads = [threading.Thread(target=rush, args=(number,)) for number in range(len(people))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    writers[0].close()
    assert sorted(one.is_clash for one in saved) == [False] + [True] * 7
    assert len({one.entry for one in saved}) == 1


@pytest.mark.parametrize(
    ("field", "value", "missing", "based_on"),
    [
        ("riddle", "x", "", 0),
        ("plan.riddle", "x", "", 0),
        ("plan", "perhaps", "", 0),
        ("plan", "", "forgotten", 0),
        ("plan", "", "redacted", 0),
        ("intent_start", "101", "", 0),
        ("location", "长" * 2001, "", 0),
        ("plan.signs", "长" * 1001, "", 0),
        ("plan.signs", "", "refused", 0),
        ("location", "城东", "", 7),
    ],
)
def test_what_is_no_answer_is_refused(
    office: Office, save: Save, field: str, value: str, missing: str, based_on: int
) -> None:
    with pytest.raises(NotAllowed):
        save(office.case_at(Level.HIGH), office.counsellor(), field, value, missing, based_on)
    assert rows(office.store.engine, t.record_entry) == []


def test_a_source_must_be_a_message_of_this_conversation(office: Office, save: Save) -> None:
    with pytest.raises(NotAllowed, match="来源"):
        save(office.case_at(Level.HIGH), office.counsellor(), "plan", "vague", message_id="elsewhere")


def test_an_unknown_case_has_no_record(office: Office, save: Save) -> None:
    with pytest.raises(NoSuchCase):
        save("0" * 32, office.counsellor(), "plan", "vague")


def test_a_case_is_closed_only_with_what_its_level_demands(office: Office, record: RecordDesk, save: Save) -> None:
    desk = replace(office.desk, closing_checks=(record.check_closing,))
    case_id, chief = office.case_at(Level.HIGH), office.counsellor("chief", "supervisor")
    office.act("claim", case_id, chief)

    def close() -> None:
        do(office.writer, lambda c: desk.close(c, case_id, chief, *RECORD, office.clock()))

    with pytest.raises(NotAllowed, match="记录单还差"):
        close()
    for field in REQUIRED:
        save(case_id, chief, field.key, answer(field))
    save(case_id, chief, "companion", "", "refused", 1)
    with pytest.raises(NotAllowed, match="记录单还差 1 项：陪伴（要写原因）"):
        close()
    save(case_id, chief, "companion", "本人坚持一个人，120在路上", "refused", 2)
    close()
    assert office.case(case_id).state == "follow_up"


def test_a_closed_case_may_still_be_completed(office: Office, save: Save, current: Current) -> None:
    case_id, lin = office.case_at(Level.LOW), office.counsellor()
    office.act("claim", case_id, lin)
    office.act("close", case_id, lin, *RECORD)
    save(case_id, lin, "events", "上周和室友争吵")
    assert current(case_id)["events"].value == "上周和室友争吵"


def test_a_redaction_takes_the_words_out_of_every_version_and_keeps_who_and_why(
    office: Office, record: RecordDesk, save: Save, current: Current
) -> None:
    case_id, lin, chief = office.case_at(Level.HIGH), office.counsellor(), office.counsellor("chief", "supervisor")
    save(case_id, lin, "events", "写了别人的身份证号")
    save(case_id, lin, "events", "写了别人的身份证号码", based_on=1)
    do(
        office.writer,
        lambda c: record.redact_field(c, case_id, chief, "events", "写到了不相干的人", office.clock()),
    )
    entry = current(case_id)["events"]
    assert (entry.missing, entry.value, entry.by_id, entry.version) == ("redacted", "写到了不相干的人", chief.id, 3)
    with office.store.engine.connect() as connection:
        kept = office.store.entries.of_case(connection, case_id)
    assert [one.value for one in kept] == ["", "", "写到了不相干的人"]
    assert save(case_id, lin, "events", "写了别人的", based_on=2).is_clash


@pytest.mark.parametrize(("field", "reason"), [("events", "短"), ("plan", "没有内容的一项"), ("riddle", "没有这一项")])
def test_a_redaction_needs_words_and_a_reason(
    office: Office, record: RecordDesk, save: Save, field: str, reason: str
) -> None:
    case_id, chief = office.case_at(Level.HIGH), office.counsellor("chief", "supervisor")
    save(case_id, chief, "events", "原话")
    with pytest.raises(NotAllowed):
        do(office.writer, lambda c: record.redact_field(c, case_id, chief, field, reason, office.clock()))


def test_a_redacted_note_keeps_who_when_and_why(office: Office, record: RecordDesk) -> None:
    case_id, lin, chief = office.case_at(Level.HIGH), office.counsellor(), office.counsellor("chief", "supervisor")
    office.act("note", case_id, lin, "写错了人名")
    note_id = rows(office.store.engine, t.note)[0].id

    def redact() -> None:
        do(
            office.writer,
            lambda c: record.redact_note(c, case_id, chief, note_id, "写到了不相干的人", office.clock()),
        )

    redact()
    with office.store.engine.connect() as connection:
        (note,) = office.store.cases.notes(connection, case_id)
    assert (note["body"], note["redacted_by"], note["redaction"]) == ("", chief.id, "写到了不相干的人")
    with pytest.raises(NotAllowed):
        redact()


def test_the_plan_belongs_to_the_person_on_every_channel(office: Office, record: RecordDesk, save: Save) -> None:
    one, other, lin = office.case_at(Level.HIGH, "one"), office.case_at(Level.HIGH, "other"), office.counsellor()
    save(one, lin, "plan.own", "去楼下走一圈")
    link(office, one, other)
    assert not save(other, lin, "plan.own", "去楼下走一圈，放歌", based_on=1).is_clash
    with office.store.engine.connect() as connection:
        assert record.plan_words(connection, office.case(one)) == {"own": "去楼下走一圈，放歌"}


def test_a_plan_goes_out_as_one_message_and_each_version_is_kept(
    office: Office, record: RecordDesk, save: Save
) -> None:
    case_id, lin = office.case_at(Level.HIGH), office.counsellor()

    def give() -> None:
        do(office.writer, lambda c: record.give_plan(c, case_id, lin, office.clock()))

    with pytest.raises(NotAllowed, match="接手"):
        give()
    office.act("claim", case_id, lin)
    save(case_id, lin, "plan.signs", "睡不着")
    with pytest.raises(NotAllowed, match="至少"):
        give()
    save(case_id, lin, "plan.own", "去楼下走一圈")
    give()
    office.clock.forward(minutes=5)
    save(case_id, lin, "plan.own", "去操场走一圈", based_on=1)
    give()
    said = [row for row in rows(office.store.engine, t.outbox) if row.key == "own_plan.given"]
    assert [(row.origin, row.origin_id) for row in said] == [("counsellor", lin.id)] * 2
    with office.store.engine.connect() as connection:
        found = office.store.safety_plans.of(connection, [office.case(case_id).contact_id])
    assert [plan.parts["own"] for plan in found] == ["去操场走一圈", "去楼下走一圈"]
    assert office.case(case_id).first_word_at is not None
