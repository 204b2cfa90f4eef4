"""What counts as missed, and sentences for the corpus that are nobody's own words."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.cases import NotAllowed
from escalation.supervision.missed import LATE, NAMED, RAISED, Example, Miss, is_copy
from escalation.supervision.missed_desk import NewFinding
from escalation.supervision.review import Unfit
from records import tables as t
from tests.building import do, rows
from tests.escalation.supervision.conftest import Study
from triage.risk import Level

SAID = "我把妈妈的药都收进抽屉里了，今晚谁也别来"
OWN = Example("他把药片一颗颗数好放在床头", "high", ("suicide",), "indirect")


def raised(study: Study, name: str = "visitor") -> str:
    """Screening said low; the counsellor found high."""
    case_id = study.office.case_at(Level.LOW, name)
    study.office.act("claim", case_id, study.lin)
    study.office.act("set_level", case_id, study.lin, Level.HIGH, "问出了计划")
    return case_id


def listed(study: Study) -> list[Miss]:
    with study.office.store.engine.connect() as connection:
        return study.desks.missed.listed(connection, study.office.clock())


def find(
    study: Study, case_id: str, outcome: str = "corpus", message_id: str = "", example: Example | None = OWN
) -> None:
    new = NewFinding(outcome, message_id, "药和告别连着说", example)
    study.does(study.desks.missed.find, case_id, study.chief, new)


def test_a_case_that_people_raised_over_what_screening_said_is_missed(study: Study) -> None:
    case_id = raised(study)
    (miss,) = listed(study)
    assert (miss.course.case_id, miss.found, miss.machine, miss.human) == (case_id, RAISED, Level.LOW, Level.HIGH)


def test_what_screening_said_itself_is_not_missed_even_when_people_lowered_and_raised_it(study: Study) -> None:
    case_id = study.office.case_at(Level.HIGH)
    study.office.act("claim", case_id, study.lin)
    study.office.act("set_level", case_id, study.lin, Level.EMERGENCY, "已经在楼顶")
    assert listed(study) == []


def test_a_case_that_ends_yellow_is_not_missed(study: Study) -> None:
    case_id = study.office.case_at(Level.LOW)
    study.office.act("claim", case_id, study.lin)
    study.office.act("set_level", case_id, study.lin, Level.MEDIUM, "有被动想法")
    assert listed(study) == []


@pytest.mark.parametrize(("minutes", "is_late"), [(4, False), (6, True)])
def test_words_that_alarmed_long_after_they_were_written_are_late(study: Study, minutes: int, *, is_late: bool) -> None:
    case_id = study.office.case_at(Level.LOW)
    study.writes(case_id, SAID, Level.HIGH)
    study.office.clock.forward(minutes=minutes)
    study.office.danger(study.office.case(case_id).conversation_id, Level.HIGH)
    assert [miss.found for miss in listed(study)] == ([LATE] if is_late else [])


def test_the_time_at_which_a_platform_says_it_was_written_counts(study: Study) -> None:
    case_id = study.office.case_at(Level.LOW)
    study.writes(case_id, SAID, Level.HIGH, sent_at=study.office.clock() - timedelta(minutes=30))
    study.office.danger(study.office.case(case_id).conversation_id, Level.HIGH)
    (miss,) = listed(study)
    assert miss.late_by == timedelta(minutes=30)


def test_drills_and_old_cases_are_not_listed(study: Study) -> None:
    old, drill = raised(study), raised(study, "second")
    do(study.office.writer, lambda c: study.office.desk.handling.save(c, study.office.case(drill), is_drill=True))
    assert [miss.course.case_id for miss in listed(study)] == [old]
    with pytest.raises(NotAllowed, match="演练"):
        find(study, drill)
    study.office.clock.forward(days=91)
    assert listed(study) == []


def test_a_supervisor_may_name_a_case_that_does_not_count_by_itself(study: Study) -> None:
    case_id = study.office.case_at(Level.HIGH)
    find(study, case_id, "other", example=None)
    (miss,) = listed(study)
    assert miss.found == NAMED


def test_a_finding_keeps_the_message_and_the_screening_that_judged_it(study: Study) -> None:
    case_id = raised(study)
    message_id = study.writes(case_id, SAID, Level.LOW)
    find(study, case_id, message_id=message_id)
    (row,) = rows(study.office.store.engine, t.missed_review)
    assert (row.message_id, row.version, row.machine_level, row.human_level, row.is_drill) == (
        message_id, "r1", 1, 3, False,
    )  # fmt: skip
    assert OWN.text.encode() not in row.example_sealed


@pytest.mark.parametrize(
    "copied",
    [
        SAID,
        f"有人说：{SAID}",
        "我把妈妈的药都收进抽屉里了",
        "她把妈妈的药都收进抽屉里",
        "我把妈妈的药，都收进抽屉里了！",
    ],
)
def test_the_persons_own_words_are_refused(study: Study, copied: str) -> None:
    case_id = raised(study)
    study.writes(case_id, SAID, Level.LOW)
    with pytest.raises(Unfit) as refused:
        find(study, case_id, example=Example(copied, "high", (), "plain"))
    assert "自己的话" in refused.value.errors["example"]
    assert rows(study.office.store.engine, t.missed_review) == []


def test_every_field_that_cannot_be_kept_is_named(study: Study) -> None:
    case_id = raised(study)
    other = study.writes(study.office.case_at(Level.LOW, "other"), "别人的话")
    with pytest.raises(Unfit) as refused:
        find(study, case_id, "luck", other, Example("电话13812345678", "worst", ("love",), "song"))
    assert set(refused.value.errors) == {"outcome", "message", "example", "example_level", "category", "form"}


def test_the_export_has_the_newest_sentences_and_nothing_of_the_cases(study: Study) -> None:
    case_id = raised(study)
    study.writes(case_id, SAID, Level.LOW)
    find(study, case_id, example=Example("先写错了一句", "low", (), "plain"))
    study.office.clock.forward(minutes=1)
    find(study, case_id)
    lines = study.does(study.desks.missed.export, study.chief).splitlines()
    (line,) = map(json.loads, lines)
    assert {key: line[key] for key in ("text", "level", "categories", "form")} == {
        "text": OWN.text, "level": 3, "categories": ["suicide"], "form": "indirect",
    }  # fmt: skip
    assert case_id not in lines[0]
    assert study.office.case(case_id).case_no not in lines[0]
    assert len(study.office.audited("missed_exported")) == 1


@given(st.text(min_size=1, max_size=40))
def test_a_sentence_is_always_a_copy_of_itself_with_or_without_marks(text: str) -> None:
    if any(char.isalnum() for char in text):
        assert is_copy(f"……{text}！", text)


@pytest.mark.parametrize(
    ("mine", "theirs"), [("我真的好想走", "我想走"), ("今晚下雨", "下雨"), ("", SAID), ("他", "她")]
)
def test_other_words_are_no_copy(mine: str, theirs: str) -> None:
    assert not is_copy(mine, theirs)
