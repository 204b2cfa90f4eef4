"""Whom the ladder calls when there is a roster: who is on duty now; never fewer than somebody; everybody at its end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wiring
from escalation.calling import load_rungs, summoned, ways_of
from escalation.routing import RUNGS
from escalation.shift.presence import State, changed, nobody_yet
from escalation.shift.standing import Standing, standing
from outside import Ways
from records import tables as t
from records.addresses import MAIL, PUSH, SMS, STAFF, Way
from records.presence import Presence
from records.roster import Planned
from records.staff import Counsellor
from settings import Settings
from tests.building import NOW, do, rows
from tests.escalation.conftest import Office
from triage.risk import Level

TABLE = load_rungs()
HOUR = timedelta(hours=1)
GONE = timedelta(seconds=60)
ROLES = {
    "lin": ("counsellor",), "he": ("counsellor",), "wang": ("duty_lead",), "li": ("duty_lead", "counsellor"),
    "zhao": ("supervisor",), "qian": ("supervisor",),
}  # fmt: skip
WAYS = [Way(f"{who}-{carrier}", carrier, who, roles) for who, roles in ROLES.items() for carrier in (PUSH, SMS)]
DUTIES = ("seat", "lead", "supervisor", "volunteer", "oncall")


def shift(who: str, role: str, begins: float = -4, ends: float = 4) -> Planned:
    return Planned(f"{who}-{role}", who, role, NOW + begins * HOUR, NOW + ends * HOUR)


def called(rung: str, *plan: Planned, ways: list[Way] = WAYS, **there: Presence) -> set[str]:
    now = standing(plan, there, GONE, NOW)
    return {way.counsellor_id or "" for way in summoned(TABLE[rung], Level.EMERGENCY, ways, now)}


def presence(state: str, since: float = -1, until: float | None = None, seen_s: int = 0) -> Presence:
    return Presence(
        "", state, NOW + since * HOUR, NOW - 4 * HOUR, None if until is None else NOW + until * HOUR,
        NOW - timedelta(seconds=seen_s),
    )  # fmt: skip


LEADS, SUPERVISORS = {"wang", "li"}, {"zhao", "qian"}


@pytest.mark.parametrize(
    ("rung", "plan", "who"),
    [
        # an empty roster: as without one
        ("all_seats", [], {"lin", "he", "li"}), ("duty_lead", [], LEADS), ("supervisor", [], SUPERVISORS),
        ("oncall", [], set()),
        # the people of this shift
        ("all_seats", [shift("lin", "seat")], {"lin"}), ("duty_lead", [shift("wang", "lead")], {"wang"}),
        ("supervisor", [shift("qian", "supervisor")], {"qian"}), ("oncall", [shift("he", "oncall")], {"he"}),
        ("duty_lead", [shift("wang", "lead"), shift("li", "lead")], LEADS),
        ("all_seats", [shift("li", "lead")], {"li"}),  # a lead who is a counsellor too sits there
        # yesterday's and tomorrow's shift are not this one; a shift that has begun this second is
        ("duty_lead", [shift("wang", "lead", -8, 0), shift("li", "lead", 0, 8)], {"li"}),
        ("duty_lead", [shift("wang", "lead", 1, 8)], LEADS),
        # no lead in this shift: who is on call and may lead, else everybody of the role
        ("duty_lead", [shift("lin", "seat"), shift("li", "oncall")], {"li"}),
        ("duty_lead", [shift("wang", "lead"), shift("li", "oncall")], {"wang"}),
        ("duty_lead", [shift("lin", "seat"), shift("zhao", "oncall")], LEADS),
        ("duty_lead", [shift("lin", "seat")], LEADS), ("supervisor", [shift("wang", "lead")], SUPERVISORS),
        ("all_seats", [shift("wang", "lead")], {"lin", "he", "li"}),
        # the roster names somebody for what they are not: everybody of the role
        ("duty_lead", [shift("lin", "lead")], LEADS), ("supervisor", [shift("wang", "supervisor")], SUPERVISORS),
        # the roster names somebody who is no longer here, or has no address: everybody of the role
        ("duty_lead", [shift("left", "lead")], LEADS), ("oncall", [shift("left", "oncall")], set()),
    ],
)  # fmt: skip
def test_each_rung_calls_whom_the_roster_names_or_everybody(rung: str, plan: list[Planned], who: set[str]) -> None:
    assert called(rung, *plan) == who


@pytest.mark.parametrize(
    ("wang", "who"),
    [
        (presence("on"), {"wang"}), (presence("off"), {"wang"}),  # forgot to begin the shift, and is planned
        (presence("on", seen_s=3600), {"wang"}),  # the console was closed
        (presence("away"), LEADS), (presence("away", until=0.2), LEADS),
        (presence("away", until=-0.1), {"wang"}),  # the break is over
        (presence("away", since=-9), {"wang"}),  # forgotten in an earlier shift
    ],
)  # fmt: skip
def test_who_took_a_break_is_not_called_while_it_lasts(wang: Presence, who: set[str]) -> None:
    assert called("duty_lead", shift("wang", "lead"), wang=wang) == who


def test_who_is_away_and_on_call_is_called() -> None:
    assert called("oncall", shift("he", "oncall"), he=presence("away")) == {"he"}


def test_who_is_here_on_duty_is_called_though_the_roster_names_another() -> None:
    plan = shift("wang", "lead")
    assert called("duty_lead", plan, li=presence("on")) == LEADS
    assert called("duty_lead", plan, li=presence("on", seen_s=61)) == {"wang"}
    assert called("duty_lead", plan, li=presence("off")) == {"wang"}


def test_a_lead_without_any_address_is_no_lead_that_can_be_called() -> None:
    ways = [way for way in WAYS if way.counsellor_id != "wang"]
    assert called("duty_lead", shift("wang", "lead"), ways=ways) == {"li"}


def test_the_roster_changes_nothing_about_where_a_rung_begins() -> None:
    now = Standing((shift("lin", "seat"),))
    assert summoned(TABLE["all_seats"], Level.MEDIUM, WAYS, now) == []


PLANS = st.lists(
    st.builds(
        shift, st.sampled_from([*ROLES, "left"]), st.sampled_from(DUTIES), st.floats(-9, 1), st.floats(0, 9)
    ), max_size=8,
)  # fmt: skip
STATES = st.builds(presence, st.sampled_from(["on", "away", "off"]), st.floats(-9, 0), st.none() | st.floats(-1, 1))


@given(PLANS, st.dictionaries(st.sampled_from(list(ROLES)), STATES), st.sampled_from(RUNGS))
def test_no_roster_leaves_a_rung_without_anybody_or_calls_a_stranger(
    plan: list[Planned], there: dict[str, Presence], rung: str
) -> None:
    rule, now = TABLE[rung], standing(plan, there, GONE, NOW)
    everybody = ways_of(rule, Level.EMERGENCY, WAYS)
    found = summoned(rule, Level.EMERGENCY, WAYS, now)
    assert bool(found) or not everybody
    assert len(set(found)) == len(found)
    if rule.roles:
        assert set(found) <= set(everybody)
    else:
        assert all(now.is_named(way.counsellor_id, {"oncall"}) for way in found)


class Carrier:
    """Stands where a gateway stands; nothing is sent in these tests."""


@dataclass
class Tower:
    """The ladder over real rows, with ways out for everybody."""

    office: Office
    people: dict[str, Counsellor]

    def plan(self, who: str, role: str, begins: float = -4, ends: float = 4) -> None:
        one = replace(shift(who, role, begins, ends), id="", counsellor_id=self.people[who].id)
        do(self.office.writer, lambda c: self.office.store.roster.add(c, one, "planner"))

    def there(self, who: str, action: str) -> None:
        rows_of, clock = self.office.store.presence, self.office.clock

        def work(c) -> None:
            before = rows_of.get(c, self.people[who].id) or nobody_yet(self.people[who].id, clock())
            rows_of.put(c, changed(before, action, clock()))

        do(self.office.writer, work)

    def climb(self, seconds: float) -> None:
        for _ in range(round(seconds / 10)):
            self.office.clock.forward(seconds=10)
            self.office.sweep()

    def receipts(self) -> list[tuple[int, str, str]]:
        """(step, who, carrier) of every call that was written, in order."""
        names = {who.id: login for login, who in self.people.items()}
        found = sorted(rows(self.office.store.engine, t.notice), key=lambda row: (row.made_at, row.step, row.carrier))
        return [(row.step, names.get(row.counsellor_id, row.address_id), row.carrier) for row in found]


@pytest.fixture
def tower(office: Office, settings: Settings) -> Tower:
    carriers = {SMS: Carrier(), PUSH: Carrier(), MAIL: Carrier()}
    ways = Ways(carriers, {"oncall.sms": (SMS, "13900000009")}, None)  # type: ignore[arg-type]  # never called
    office.alarm.calls = wiring.make_calls(settings, office.store, ways)
    people = {login: office.counsellor(login, *roles) for login, roles in ROLES.items()}
    for number, who in enumerate(people.values()):
        carrier, address = (PUSH, f"https://push.test/{number}") if number < 2 else (SMS, f"1380000000{number}")
        do(
            office.writer,
            lambda c, who=who, carrier=carrier, address=address: office.store.addresses.add(
                c, STAFF, who.id, carrier, address, NOW
            ),
        )
    return Tower(office, people)


def test_the_people_of_the_shift_come_first_and_at_the_end_of_the_ladder_everybody(tower: Tower) -> None:
    for who, role in (("lin", "seat"), ("wang", "lead"), ("zhao", "supervisor"), ("he", "oncall")):
        tower.plan(who, role)
    tower.office.case_at(Level.EMERGENCY)
    tower.climb(130)
    assert tower.receipts() == [(0, "lin", PUSH), (1, "wang", SMS), (2, "zhao", SMS)]
    tower.climb(60)
    last = [(1, "li", SMS), (2, "qian", SMS), (3, "he", PUSH), (3, "oncall.sms", SMS)]
    assert tower.receipts()[3:] == last
    tower.climb(600)
    assert len(tower.receipts()) == 7


def test_an_empty_roster_calls_as_ever(tower: Tower) -> None:
    tower.office.case_at(Level.EMERGENCY)
    tower.climb(800)
    assert sorted(tower.receipts()) == [
        (0, "he", PUSH), (0, "lin", PUSH), (1, "li", SMS), (1, "wang", SMS), (2, "qian", SMS), (2, "zhao", SMS),
        (3, "oncall.sms", SMS),
    ]  # fmt: skip


def test_a_lead_on_a_break_leaves_the_call_to_the_other_leads(tower: Tower) -> None:
    tower.plan("wang", "lead")
    tower.there("wang", "begin")
    tower.there("wang", "away")
    tower.office.case_at(Level.EMERGENCY)
    tower.climb(70)
    assert {who for step, who, _ in tower.receipts() if step == 1} == LEADS
    assert State(rows(tower.office.store.engine, t.presence)[0].state) is State.AWAY


def test_the_shift_that_begins_while_it_rings_is_called_too(tower: Tower) -> None:
    tower.plan("wang", "lead", -8, 0.01)  # 36 seconds more
    tower.plan("li", "lead", 0.01, 8)
    tower.office.case_at(Level.EMERGENCY)
    tower.climb(70)
    assert [who for step, who, _ in tower.receipts() if step == 1] == ["li"]
    tower.climb(200)
    assert {who for step, who, _ in tower.receipts() if step == 1} == LEADS


def test_a_yellow_case_ends_with_everybody_and_a_blue_one_with_the_lead_of_the_shift(tower: Tower) -> None:
    tower.plan("wang", "lead")
    tower.plan("zhao", "supervisor")
    tower.office.case_at(Level.LOW, "blue")
    tower.climb(2000)
    assert tower.receipts() == [(1, "wang", SMS)]
    tower.office.case_at(Level.MEDIUM, "yellow")
    tower.climb(1300)
    assert sorted(tower.receipts()[1:]) == [(1, "li", SMS), (1, "wang", SMS), (2, "qian", SMS), (2, "zhao", SMS)]


def test_danger_that_rises_calls_the_shift_again(tower: Tower) -> None:
    tower.plan("wang", "lead")
    conversation = tower.office.conversation()
    tower.office.danger(conversation, Level.MEDIUM)
    tower.climb(610)
    tower.office.danger(conversation, Level.EMERGENCY)
    tower.climb(70)
    assert [one for one in tower.receipts() if one[0] == 1] == [(1, "wang", SMS), (1, "wang", SMS)]
