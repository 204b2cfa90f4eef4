"""The roster over the real rows: planned, taken out, copied, and what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from escalation.cases import NotAllowed
from escalation.shift.exposure import week_start
from escalation.shift.planning import Week
from records.roster import Planned
from records.staff import Counsellor
from tests.building import NOW, do
from tests.escalation.shift.conftest import Ward

MONDAY = week_start(NOW)


def at(day: int, hour: float) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour)


def plan(
    ward: Ward, lead: Counsellor, who: Counsellor, day: int, begins: float, ends: float, role: str = "seat"
) -> None:
    ward.act("planning", "add", lead, Planned("", who.id, role, at(day, begins), at(day, ends)))


def week(ward: Ward, monday: datetime = MONDAY) -> Week:
    return do(ward.office.writer, lambda c: ward.shift.planning.week(c, monday))


def test_an_empty_week_is_one_long_gap(ward: Ward) -> None:
    (gap,) = week(ward).gaps
    assert (gap.begins_at, gap.ends_at, gap.seats) == (MONDAY, MONDAY + timedelta(days=7), 0)


def test_one_seat_is_too_few_and_a_volunteer_is_none(ward: Ward) -> None:
    lead, lin, xiao = (ward.office.counsellor(name) for name in ("lead", "lin", "xiao"))
    plan(ward, lead, lin, 0, 8, 16)
    plan(ward, lead, xiao, 0, 8, 16, "volunteer")
    assert [gap.seats for gap in week(ward).gaps] == [0, 1, 0]
    plan(ward, lead, lead, 0, 8, 12, "lead")
    assert [(gap.begins_at, gap.seats) for gap in week(ward).gaps] == [(MONDAY, 0), (at(0, 12), 1), (at(0, 16), 0)]


def test_shifts_that_touch_are_one_long_shift_also_across_midnight_on_sunday(ward: Ward) -> None:
    lead, lin = ward.office.counsellor("lead"), ward.office.counsellor("lin")
    plan(ward, lead, lin, 6, 18, 24)
    plan(ward, lead, lin, 7, 0, 4)
    (run,) = week(ward).long_runs
    assert (run.counsellor_id, run.begins_at, run.ends_at) == (lin.id, at(6, 18), at(7, 4))


@pytest.mark.parametrize(("begins", "ends"), [(8, 8), (10, 8), (0, 24.5)])
def test_a_shift_ends_after_it_begins_and_within_a_day(ward: Ward, begins: float, ends: float) -> None:
    lin = ward.office.counsellor("lin")
    with pytest.raises(NotAllowed):
        plan(ward, lin, lin, 0, begins, ends)


def test_nobody_is_planned_twice_at_once(ward: Ward) -> None:
    lin = ward.office.counsellor("lin")
    plan(ward, lin, lin, 0, 8, 16)
    with pytest.raises(NotAllowed, match="已经排班"):
        plan(ward, lin, lin, 0, 15, 20)
    plan(ward, lin, lin, 0, 16, 20)


def test_a_shift_that_is_taken_out_is_free_again_and_known_for_ever(ward: Ward) -> None:
    lin = ward.office.counsellor("lin")
    plan(ward, lin, lin, 0, 8, 16)
    (planned,) = week(ward).plan
    ward.act("planning", "remove", lin, planned.id)
    with pytest.raises(NotAllowed):
        ward.act("planning", "remove", lin, planned.id)
    assert week(ward).plan == []
    assert [row.object_id for row in ward.office.audited("roster_removed")] == [planned.id]
    plan(ward, lin, lin, 0, 9, 12)


def test_last_week_is_copied_around_what_is_planned_already(ward: Ward) -> None:
    lead, lin = ward.office.counsellor("lead"), ward.office.counsellor("lin")
    plan(ward, lead, lin, 0, 8, 16)
    plan(ward, lead, lead, 1, 8, 16, "lead")
    plan(ward, lead, lin, 7, 12, 20)  # next Monday is planned by hand
    next_monday = MONDAY + timedelta(days=7)
    ward.act("planning", "copy_last_week", lead, next_monday)
    assert [(p.counsellor_id, p.role, p.begins_at) for p in week(ward, next_monday).plan] == [
        (lin.id, "seat", at(7, 12)), (lead.id, "lead", at(8, 8)),
    ]  # fmt: skip
    with pytest.raises(NotAllowed):
        ward.act("planning", "copy_last_week", lead, next_monday)


def test_only_colleagues_are_planned_and_only_in_known_roles(ward: Ward) -> None:
    lead = ward.office.counsellor("lead")
    with pytest.raises(NotAllowed):
        ward.act("planning", "add", lead, Planned("", "nobody", "seat", at(0, 8), at(0, 9)))
    with pytest.raises(NotAllowed):
        plan(ward, lead, lead, 0, 8, 9, "boss")


def holes(ward: Ward, now: datetime = NOW) -> tuple[int, int]:
    """How many times without a lead, and with nobody on call, the header names."""
    found = do(ward.office.writer, lambda c: ward.shift.planning.soon_missing(c, now))
    return len(found.lead), len(found.oncall)


def test_a_house_without_a_roster_is_not_told_that_it_has_holes(ward: Ward) -> None:
    assert holes(ward) == (0, 0)
    assert not week(ward).holes


def test_the_header_names_the_coming_hours_that_nobody_leads_or_is_on_call(ward: Ward) -> None:
    lead, lin = ward.office.counsellor("lead", "duty_lead"), ward.office.counsellor("lin")
    plan(ward, lead, lead, 1, 8, 16, "lead")  # NOW is Tuesday at ten
    (gap,) = do(ward.office.writer, lambda c: ward.shift.planning.soon_missing(c, NOW)).lead
    assert (gap.begins_at, gap.ends_at) == (at(1, 16), at(1, 22))
    assert holes(ward) == (1, 1)
    plan(ward, lead, lin, 1, 8, 24, "oncall")
    assert holes(ward) == (1, 0)
    assert holes(ward, NOW + timedelta(days=9)) == (0, 0)  # no roster is kept any more


def test_who_has_left_or_may_not_lead_fills_no_hole(ward: Ward) -> None:
    lead, lin = ward.office.counsellor("lead", "duty_lead"), ward.office.counsellor("lin")
    plan(ward, lead, lin, 1, 8, 24, "lead")
    assert holes(ward)[0] == 1
    (planned,) = week(ward).plan
    assert "role" in [said.kind for said in week(ward).advice[planned.id]]
    plan(ward, lead, lead, 1, 8, 24, "lead")
    assert holes(ward)[0] == 0
    do(ward.office.writer, lambda c: ward.office.store.staff.change(c, lead.id, is_active=False))
    assert holes(ward)[0] == 1


def test_a_person_in_the_settings_is_always_on_call(ward: Ward) -> None:
    lead = ward.office.counsellor("lead", "duty_lead")
    plan(ward, lead, lead, 1, 8, 24, "lead")
    planning = replace(ward.shift.planning, rules=replace(ward.shift.planning.rules, has_outside=True))
    assert not do(ward.office.writer, lambda c: planning.soon_missing(c, NOW))


def test_hours_on_call_are_no_hours_of_work(ward: Ward) -> None:
    lead, lin = ward.office.counsellor("lead", "duty_lead"), ward.office.counsellor("lin")
    for day in range(7):
        plan(ward, lead, lin, day, 0, 24, "oncall")
    found = week(ward)
    assert (found.long_runs, len(found.gaps)) == ([], 1)
    assert all(said == [] for said in found.advice.values())


def test_what_to_think_about_is_said_before_it_is_planned_and_forbids_nothing(ward: Ward) -> None:
    lead, lin = ward.office.counsellor("lead", "duty_lead"), ward.office.counsellor("lin")
    plan(ward, lead, lin, 0, 8, 16)
    wanted = Planned("", lin.id, "seat", at(1, 0), at(1, 8))
    said = do(ward.office.writer, lambda c: ward.shift.planning.advise(c, wanted))
    assert [one.kind for one in said] == ["rest", "seats", "lead"]
    ward.act("planning", "add", lead, wanted)
    (_, night) = week(ward).plan
    assert week(ward).advice[night.id] == said
    with pytest.raises(NotAllowed, match="已经排班"):
        do(ward.office.writer, lambda c: ward.shift.planning.advise(c, wanted))
