"""The timeline: one line a deed, typing in one breath is one line, nothing redacted comes back."""

from __future__ import annotations

from datetime import timedelta

from escalation.record import timeline
from escalation.record.form import load_form
from escalation.record.plan import load_parts
from records.case_edges import Deed
from records.entries import Entry
from tests.building import NOW

FORM, PARTS = load_form(), load_parts()
WORDS = timeline.load_words()


def entry(
    version: int, value: str, *, field: str = "location", by: str = "lin", after_s: int = 0, missing: str = ""
) -> Entry:
    return Entry(field, version, value, missing, by, NOW + timedelta(seconds=after_s))


def said(*entries: Entry) -> list[str]:
    return [moment.words for moment in timeline.of_entries(entries, FORM, PARTS)]


def test_what_is_typed_in_one_breath_is_one_line() -> None:
    assert said(entry(1, "城"), entry(2, "城东", after_s=1), entry(3, "城东路", after_s=2)) == ["现在在哪里：城东路"]


def test_another_person_and_a_later_hour_are_lines_of_their_own() -> None:
    found = said(entry(1, "城东"), entry(2, "桥边", by="wang", after_s=5), entry(3, "家", by="wang", after_s=4000))
    assert found == ["现在在哪里：城东", "现在在哪里：桥边", "现在在哪里：家"]


def test_answers_are_shown_in_words() -> None:
    assert said(entry(1, "vague", field="plan")) == ["计划：想过，没有定"]
    assert said(entry(1, "不想说", field="plan", missing="refused")) == ["计划：拒答（不想说）"]
    assert said(entry(1, "", field="plan")) == ["计划：清空了"]
    assert said(entry(1, "走一圈", field="plan.own")) == ["我自己能做的：走一圈"]


def test_a_redaction_shows_that_something_was_there_and_no_more() -> None:
    found = said(entry(1, "", after_s=0), entry(2, "写到了别人", by="chief", after_s=9, missing="redacted"))
    assert found == ["现在在哪里：（已遮蔽）", "现在在哪里：遮蔽了内容，理由：写到了别人"]


def test_the_audit_speaks_in_words_and_hides_what_it_does_not_know_from_nobody() -> None:
    deeds = [
        Deed("claimed", "lin", {}, NOW),
        Deed("noted", "lin", {}, NOW),
        Deed("contact_blocked", "lead", {"case": "c1"}, NOW),
        Deed("contact_blocked", "lead", {"case": "another"}, NOW),
        Deed("something_new", "lin", {}, NOW),
    ]
    assert [m.words for m in timeline.of_deeds(deeds, WORDS, "c1")] == ["接手", "屏蔽了来访者", "something_new"]


def test_messages_are_counted_by_the_hour_of_shanghai() -> None:
    spoken = [
        ("visitor", NOW),
        ("bot", NOW),
        ("visitor", NOW + timedelta(minutes=59)),
        ("counsellor", NOW + timedelta(hours=1)),
    ]
    assert [moment.words for moment in timeline.of_talk(spoken)] == [
        "10时的对话：来访者 2 条，机器人 1 条",
        "11时的对话：老师 1 条",
    ]


def test_the_newest_comes_first() -> None:
    old, new = timeline.Moment(NOW, "deed", None, "旧"), timeline.Moment(NOW + timedelta(1), "deed", None, "新")
    assert timeline.newest_first([old], [new]) == [new, old]
