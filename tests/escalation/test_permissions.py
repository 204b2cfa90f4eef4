"""Conditions on cases, and tables of permissions that are read: default deny, unknown names refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.cases import State
from escalation.permissions import CONDITIONS, CaseFacts, Permissions, read_permissions
from escalation.roles import load_permissions
from tests.building import NOW
from triage.risk import Level

SHIPPED = load_permissions()
FACTS = CaseFacts("me", NOW, State.IN_SERVICE, Level.HIGH, "somebody")
NAMES = {"counsellor": "接线员", "volunteer": "志愿者"}


def table(**actions: Any) -> Permissions:
    return read_permissions({"names": NAMES, "actions": actions})


@pytest.mark.parametrize(
    ("condition", "change", "otherwise"),
    [
        ("assigned_to_me", {"owner_id": "me"}, {"owner_id": None}),
        ("unassigned", {"owner_id": None}, {"owner_id": "me"}),
        ("unassigned", {"state": State.NEW}, {"state": State.CLOSED}),
        ("in_service", {"state": State.IN_SERVICE}, {"state": State.WAITING_USER}),
        ("takes_part", {"takes_part": True}, {}),
        ("ringing", {"is_ringing": True}, {}),
        ("level_at_most_low", {"level": Level.LOW}, {"level": Level.MEDIUM}),
        ("level_at_most_low", {"level": Level.NONE}, {"level": Level.EMERGENCY}),
        ("shared_with_me", {"shared_until": NOW + timedelta(seconds=1)}, {"shared_until": NOW}),
        ("shared_with_me", {"shared_until": NOW + timedelta(days=1)}, {"shared_until": None}),
        ("revealed_by_me", {"has_revealed": True}, {}),
    ],
)
def test_a_condition_holds_for_what_it_says_and_not_otherwise(
    condition: str, change: dict[str, Any], otherwise: dict[str, Any]
) -> None:
    assert CONDITIONS[condition].holds(replace(FACTS, **change))
    assert not CONDITIONS[condition].holds(replace(FACTS, **otherwise))


def test_a_role_alone_is_allowed_with_and_without_a_case() -> None:
    permissions = table(look=["counsellor"])
    assert permissions.allows(["counsellor"], "look")
    assert permissions.allows(["counsellor"], "look", FACTS)
    assert not permissions.allows(["volunteer"], "look", FACTS)


def test_all_conditions_of_one_line_must_hold_and_one_line_is_enough() -> None:
    permissions = table(
        look=[["volunteer", "assigned_to_me", "level_at_most_low"], ["volunteer", "ringing", "in_service"]]
    )
    mine, low = replace(FACTS, owner_id="me"), replace(FACTS, level=Level.LOW)
    assert not permissions.allows(["volunteer"], "look", mine)
    assert not permissions.allows(["volunteer"], "look", low)
    assert permissions.allows(["volunteer"], "look", replace(mine, level=Level.LOW))
    assert permissions.allows(["volunteer"], "look", replace(FACTS, is_ringing=True))


def test_conditions_of_another_role_do_not_help() -> None:
    permissions = table(look=[["volunteer", "assigned_to_me"], "counsellor"])
    assert not permissions.allows(["expert"], "look", replace(FACTS, owner_id="me"))


def test_without_a_case_no_condition_holds() -> None:
    assert not table(look=[["counsellor", "in_service"]]).allows(["counsellor"], "look")


@pytest.mark.parametrize(
    "actions",
    [{"look": ["counselor"]}, {"look": [["counsellor", "is_nice"]]}, {"look": [["is_nice"]]}, {"look": "counsellor"}],
)
def test_a_name_that_nobody_knows_is_refused_at_start(actions: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="look"):
        table(**actions)


def test_words_for_an_action_that_does_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="loook"):
        read_permissions({"names": NAMES, "actions": {"look": ["counsellor"]}, "words": {"loook": "看"}})


facts = st.builds(
    CaseFacts,
    me=st.just("me"),
    now=st.just(NOW),
    state=st.sampled_from(State),
    level=st.sampled_from(Level),
    owner_id=st.sampled_from([None, "me", "somebody"]),
    is_ringing=st.booleans(),
    takes_part=st.booleans(),
    shared_until=st.sampled_from([None, NOW, NOW + timedelta(days=1)]),
    has_revealed=st.booleans(),
)


@given(facts)
def test_a_volunteer_never_takes_a_case_above_blue_and_never_sees_a_colleagues(case: CaseFacts) -> None:
    assert SHIPPED.allows(["volunteer"], "case_claim", case) == (case.level <= Level.LOW)
    if case.owner_id != "me":
        assert not SHIPPED.allows(["volunteer"], "case_view", case)
    if SHIPPED.allows(["volunteer"], "queue_row", case):
        assert case.owner_id == "me" or case.level <= Level.LOW
    assert not SHIPPED.allows(["volunteer"], "contact_view", case)


@given(facts)
def test_nobody_who_serves_loses_sight_of_the_case_in_the_middle(case: CaseFacts) -> None:
    mine = replace(case, owner_id="me", state=State.IN_SERVICE)
    for role in ("counsellor", "volunteer", "duty_lead", "supervisor"):
        assert all(SHIPPED.allows([role], action, mine) for action in ("case_view", "case_reply", "case_release"))


@given(facts)
def test_whoever_is_called_may_look_and_whom_nobody_invited_may_not(case: CaseFacts) -> None:
    assert SHIPPED.allows(["counsellor"], "case_view", replace(case, is_ringing=True))
    assert SHIPPED.allows(["counsellor"], "case_view", replace(case, state=State.NEW))
    for role in ("mh_officer", "expert"):
        assert SHIPPED.allows([role], "shared_view", case) == CONDITIONS["shared_with_me"].holds(case)
        assert not SHIPPED.allows([role], "case_view", case)


@given(facts)
def test_who_has_no_business_with_cases_sees_none(case: CaseFacts) -> None:
    for role in ("admin", "privacy_officer", "statistician", "editor"):
        allowed = [action for action in SHIPPED.actions if SHIPPED.allows([role], action, case)]
        assert not [a for a in allowed if a.startswith(("case_", "queue_", "contact_", "shared_", "undelivered_"))]
