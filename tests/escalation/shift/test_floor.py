"""Presence, limits, breaks and exposure over the real rows of each database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation.cases import NotAllowed
from escalation.shift.presence import Person, State, summary
from tests.building import do
from tests.escalation.shift.conftest import Ward
from triage.risk import Level


def people(ward: Ward) -> dict[str, Person]:
    found = do(ward.office.writer, lambda c: ward.shift.floor.people(c, ward.office.clock()))
    return {person.name: person for person in found}


def states(ward: Ward) -> dict[str, str]:
    return {name: person.state.value for name, person in people(ward).items()}


def test_who_is_here_is_seen_by_all_and_nobody_says_why_they_are_away(ward: Ward) -> None:
    for name in ("林", "张", "李", "王"):
        who = ward.here(name)
    ward.duty(who, "away")
    ward.office.counsellor("赵")  # has an account and is not on duty
    found = do(ward.office.writer, lambda c: ward.shift.floor.people(c, ward.office.clock()))
    assert summary(found) in {f"在岗 3（{names}）· 暂离 1" for names in ("张、李、林", "李、林、张", "张、林、李")}
    (gone,) = [row for row in ward.office.audited("went_away")]
    assert gone.detail == "{}"


def test_a_console_that_vanished_counts_as_not_here_and_comes_back_without_a_click(ward: Ward) -> None:
    lin = ward.here("lin")
    ward.office.clock.forward(seconds=61)
    assert states(ward) == {"lin": "off"}
    ward.present(lin)
    assert states(ward) == {"lin": "on"}
    assert len(ward.office.told("presence")) == 2


def test_a_touch_that_changes_nothing_wakes_no_screen(ward: Ward) -> None:
    lin = ward.here("lin")
    before = len(ward.office.told("presence"))
    for _ in range(5):
        ward.office.clock.forward(seconds=20)
        ward.present(lin)
    assert len(ward.office.told("presence")) == before


@pytest.mark.parametrize(("before", "refused"), [((), "back"), ((), "away"), ((), "end"), (("begin",), "begin")])
def test_what_makes_no_sense_now_is_refused_in_words(ward: Ward, before: tuple[str, ...], refused: str) -> None:
    lin = ward.office.counsellor("lin")
    for action in before:
        ward.duty(lin, action)
    with pytest.raises(NotAllowed, match="您现在是"):
        ward.duty(lin, refused)


def test_whoever_takes_a_case_is_on_duty(ward: Ward) -> None:
    lin = ward.office.counsellor("lin")
    ward.served(Level.HIGH, lin)
    assert states(ward) == {"lin": "on"}
    assert [row.actor_id for row in ward.office.audited("shift_begun")] == [lin.id]


def test_nobody_ends_a_shift_with_people_on_the_line(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.MEDIUM, lin)
    with pytest.raises(NotAllowed, match="1 个个案在服务"):
        ward.duty(lin, "end")
    ward.office.act("release", case_id, lin)
    ward.duty(lin, "end")
    assert states(ward) == {"lin": "off"}


def test_a_claim_beyond_the_limit_names_who_is_free(ward: Ward) -> None:
    lin, _ = ward.here("lin"), ward.here("zhang")
    ward.served(Level.EMERGENCY, lin, "one")
    second = ward.office.case_at(Level.MEDIUM, "two")
    with pytest.raises(NotAllowed, match="zhang"):
        ward.claim(second, lin)
    assert ward.office.case(second).state == "new"


def test_when_nobody_else_is_free_the_claim_goes_through_with_a_warning(ward: Ward) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    ward.served(Level.EMERGENCY, lin, "one")
    ward.served(Level.EMERGENCY, zhang, "two")
    third = ward.office.case_at(Level.EMERGENCY, "three")
    ward.claim(third, lin)
    assert ward.owner(third) == lin.id
    assert "超过了上限" in do(ward.office.writer, lambda c: ward.shift.floor.over_limit(c, lin.id))
    assert do(ward.office.writer, lambda c: ward.shift.floor.over_limit(c, zhang.id)) == ""


def test_a_person_waits_for_no_limit_once_the_promised_time_is_over(ward: Ward) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    ward.served(Level.EMERGENCY, lin, "one")
    second = ward.office.case_at(Level.HIGH, "two")
    ward.office.clock.forward(seconds=121)
    ward.present(lin, zhang)
    ward.claim(second, lin)
    assert ward.owner(second) == lin.id


@pytest.mark.parametrize("level", [Level.MEDIUM, Level.HIGH, Level.EMERGENCY])
def test_a_volunteer_takes_green_and_blue_only(ward: Ward, level: Level) -> None:
    xiao = ward.here("xiao", "volunteer")
    ward.served(Level.LOW, xiao, "blue")
    with pytest.raises(NotAllowed, match="志愿者"):
        ward.claim(ward.office.case_at(level, "other"), xiao)


def test_a_break_is_offered_after_orange_and_red_and_forced_on_nobody(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.HIGH, lin)
    floor = ward.shift.floor

    def offered() -> str:
        stint = do(ward.office.writer, lambda c: floor.offered_rest(c, lin.id, ward.office.clock()))
        return stint.id if stint else ""

    assert offered() == ""
    ward.office.clock.forward(minutes=40)
    ward.office.act("release", case_id, lin)
    stint_id = offered()
    ward.act("floor", "rest", lin, stint_id, take=True)
    assert offered() == ""
    assert people(ward)["lin"].state is State.AWAY
    with pytest.raises(NotAllowed):
        ward.act("floor", "rest", lin, stint_id, take=True)
    ward.duty(lin, "back")
    ward.claim(case_id, lin)
    ward.office.act("release", case_id, lin)
    ward.act("floor", "rest", lin, offered(), take=False)
    assert people(ward)["lin"].state is State.ON
    assert offered() == ""


def test_no_break_is_offered_after_a_calm_case_or_much_later(ward: Ward) -> None:
    lin = ward.here("lin")
    ward.office.act("release", ward.served(Level.MEDIUM, lin, "calm"), lin)
    ward.office.act("release", ward.served(Level.HIGH, lin, "orange"), lin)
    assert do(ward.office.writer, lambda c: ward.shift.floor.offered_rest(c, lin.id, ward.office.clock())) is not None
    later = ward.office.clock() + timedelta(minutes=16)
    assert do(ward.office.writer, lambda c: ward.shift.floor.offered_rest(c, lin.id, later)) is None


def test_the_week_counts_people_and_minutes_at_orange_and_red(ward: Ward) -> None:
    lin = ward.here("lin")
    for name, level, minutes in (("a", Level.HIGH, 30), ("b", Level.LOW, 50), ("c", Level.EMERGENCY, 20)):
        case_id = ward.served(level, lin, name)
        ward.office.clock.forward(minutes=minutes)
        ward.office.act("release", case_id, lin)
    week = do(ward.office.writer, lambda c: ward.shift.floor.week(c, ward.office.clock()))
    assert (week[lin.id].number, week[lin.id].minutes) == (2, 50)
    assert "2 个橙色、红色个案，一共 50 分钟" in week[lin.id].words
