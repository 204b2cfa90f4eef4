"""Drills over the real rows: planned, begun by a token, ended with everything that they brought, and never counted."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from escalation.cases import NotAllowed, State
from escalation.practice.drill_desk import Asked, DrillDesk
from escalation.practice.plans import OVER, Wanted
from records import tables as t
from records.drills import Plan
from records.staff import Counsellor
from tests.building import do, rows
from tests.escalation.conftest import Office
from triage.risk import Level

MINUTE = timedelta(minutes=1)


@dataclass
class Exercise:
    """The office with its drills; every step is one transaction of the real writer."""

    office: Office
    lead: Counsellor
    numbers: list[str] = field(default_factory=list)

    @property
    def desk(self) -> DrillDesk:
        return self.office.desks.drills

    def act(self, method: str, *arguments: Any, **options: Any) -> Any:
        """`now` is added."""
        work = getattr(self.desk, method)
        return do(self.office.writer, lambda c: work(c, *arguments, self.office.clock(), **options))

    def planned(self, **values: Any) -> str:
        """A plan for this moment; returns its id."""
        wanted = replace(Wanted("one_red", 2, self.office.clock(), True, False), **values)
        return str(self.act("plan", self.lead, wanted, may_hide=True))

    def begun(self, **values: Any) -> str:
        """The proof of a run."""
        run = self.act("begin", self.desk.token(self.planned(**values)), Asked())
        return self.desk.proof(run.id)

    def caller(self, proof: str) -> str:
        """A conversation of the run, opened as the web chat does."""

        def work(connection: sa.Connection) -> str:
            store = self.office.store
            self.numbers.append("x")
            opened = store.conversations.open(
                connection, channel="web", external_id=f"caller-{len(self.numbers)}", now=self.office.clock(),
                token_hash=f"hash-{len(self.numbers)}", is_drill=True,
            )  # fmt: skip
            self.desk.admit(connection, proof, opened)
            return opened

        return do(self.office.writer, work)

    def case(self, proof: str, level: Level = Level.EMERGENCY) -> str:
        return self.office.danger(self.caller(proof), level)

    def plan_row(self, plan_id: str) -> Plan:
        with self.office.store.engine.connect() as connection:
            found = self.desk.drills.get(connection, plan_id)
        assert found is not None
        return found


@pytest.fixture
def exercise(office: Office) -> Exercise:
    return Exercise(office, office.counsellor("zhao", "duty_lead"))


def test_a_plan_is_kept_with_who_made_it_and_told_to_all_screens(exercise: Exercise) -> None:
    plan_id = exercise.planned(callers=5)
    plan = exercise.plan_row(plan_id)
    assert (plan.callers, plan.state, plan.by_id) == (5, "planned", exercise.lead.id)
    assert len(exercise.office.audited("drill_planned")) == 1
    assert len(exercise.office.told("drill")) == 1


@pytest.mark.parametrize("token", ["", ".", "x", "x.y", "{plan}", "{plan}.", "{plan}.0123456789abcdef0123456789abcdef"])
def test_without_the_token_of_a_plan_no_drill_begins(exercise: Exercise, token: str) -> None:
    plan_id = exercise.planned()
    with pytest.raises(NotAllowed, match="口令"):
        exercise.act("begin", token.format(plan=plan_id), Asked())
    assert rows(exercise.office.store.engine, t.drill_run) == []


def test_the_token_of_a_plan_makes_nobody_a_caller_before_the_run_and_a_proof_nobody_after_it(
    exercise: Exercise,
) -> None:
    token = exercise.desk.token(exercise.planned())
    with pytest.raises(NotAllowed):
        exercise.caller(token)
    proof = exercise.desk.proof(exercise.act("begin", token, Asked()).id)
    exercise.act("finish", proof, [], is_whole=True)
    with pytest.raises(NotAllowed, match="不在进行"):
        exercise.caller(proof)


def test_a_run_takes_so_many_callers_as_were_planned(exercise: Exercise) -> None:
    proof = exercise.begun(callers=2)
    exercise.caller(proof)
    exercise.caller(proof)
    with pytest.raises(NotAllowed, match="满了"):
        exercise.caller(proof)


@pytest.mark.parametrize("asked", [Asked(callers=3), Asked(callers=0), Asked(scenario="party")])
def test_the_command_may_ask_for_less_than_planned_and_for_known_scenarios_only(
    exercise: Exercise, asked: Asked
) -> None:
    token = exercise.desk.token(exercise.planned(callers=2))
    with pytest.raises(NotAllowed):
        exercise.act("begin", token, asked)
    run = exercise.act("begin", token, Asked("flood", 1))
    assert (run.scenario, run.callers) == ("flood", 1)


def test_one_drill_at_a_time(exercise: Exercise) -> None:
    exercise.begun()
    with pytest.raises(NotAllowed, match="已有演练"):
        exercise.begun()


def test_the_end_of_a_run_leaves_nothing_that_rings_or_waits(exercise: Exercise) -> None:
    proof, lin = exercise.begun(callers=3), exercise.office.counsellor()
    ringing, served, real = exercise.case(proof), exercise.case(proof), exercise.office.case_at(Level.HIGH, "somebody")
    exercise.office.act("claim", served, lin)
    exercise.act("finish", proof, [{"script": "edge", "seconds": {"stored": 0.1}}], is_whole=True)
    for case_id in (ringing, served):
        case = exercise.office.case(case_id)
        assert (case.state, case.disposition, exercise.office.ringing(case_id)) == (State.CLOSED, OVER, None)
        assert exercise.office.conversation_of(case_id).owner_id is None
    assert exercise.office.ringing(real) is not None
    (run,) = rows(exercise.office.store.engine, t.drill_run)
    assert (run.state, json.loads(run.result)[0]["seconds"]) == ("done", {"stored": 0.1})
    assert exercise.plan_row(run.plan_id).state == "done"
    tokens = {row.id: row.token_hash for row in rows(exercise.office.store.engine, t.conversation)}
    assert tokens[exercise.office.case(served).conversation_id] is None


def test_what_a_caller_still_said_while_its_run_ended_is_tidied_up(exercise: Exercise) -> None:
    proof = exercise.begun()
    case_id = exercise.case(proof)
    exercise.act("stop", exercise.lead)
    exercise.office.danger(exercise.office.case(case_id).conversation_id, Level.EMERGENCY)
    assert exercise.office.ringing(case_id) is not None
    exercise.act("sweep")
    assert (exercise.office.ringing(case_id), exercise.office.case(case_id).state) == (None, State.CLOSED)


def test_a_drill_that_was_stopped_or_broke_off_was_not_carried_out(exercise: Exercise) -> None:
    exercise.begun()
    exercise.act("stop", exercise.lead)
    with pytest.raises(NotAllowed, match="没有进行中"):
        exercise.act("stop", exercise.lead)
    exercise.act("finish", exercise.begun(), [], is_whole=False)
    exercise.begun()
    exercise.office.clock.forward(minutes=61)
    assert exercise.act("sweep") == 1
    runs = rows(exercise.office.store.engine, t.drill_run)
    assert sorted(run.state for run in runs) == ["broken", "broken", "stopped"]
    assert {plan.state for plan in rows(exercise.office.store.engine, t.drill_plan)} == {"planned"}


def test_a_quiet_sweep_does_nothing(exercise: Exercise) -> None:
    exercise.begun()
    assert exercise.act("sweep") == 0


def test_real_people_stand_before_drills_of_the_same_level_and_after_those_in_more_danger(exercise: Exercise) -> None:
    proof = exercise.begun(callers=2)
    red_drill, orange_drill = exercise.case(proof), exercise.case(proof, Level.HIGH)
    exercise.office.clock.forward(seconds=30)
    orange, red = exercise.office.case_at(Level.HIGH, "a"), exercise.office.case_at(Level.EMERGENCY, "b")
    with exercise.office.store.engine.connect() as connection:
        order = [case.id for case in exercise.office.store.cases.queue(connection)]
        exercise.office.clock.forward(hours=1)
        due = [alert.case_id for alert in exercise.office.store.alerts.due(connection, exercise.office.clock())]
    assert order == due == [red, red_drill, orange, orange_drill]


def test_a_drill_plans_no_follow_up_and_is_no_exposure(exercise: Exercise) -> None:
    proof, lin = exercise.begun(), exercise.office.counsellor("lin", "supervisor")
    case_id = exercise.case(proof)
    exercise.office.act("claim", case_id, lin)
    exercise.office.act("close", case_id, lin, "calmed", "练习了安全评估")
    assert exercise.office.case(case_id).state == State.CLOSED
    assert rows(exercise.office.store.engine, t.follow_up) == []
    with exercise.office.store.engine.connect() as connection:
        assert exercise.office.store.stints.since(connection, exercise.office.clock() - MINUTE) == []


def test_a_drill_in_hand_keeps_nobody_from_a_real_call_while_others_are_free(exercise: Exercise) -> None:
    proof, lin, office = exercise.begun(), exercise.office.counsellor(), exercise.office
    floor = office.desks.shift.floor
    other = office.counsellor("zhang")
    do(office.writer, lambda c: floor.change(c, other, "begin", office.clock()))
    for case_id in (exercise.case(proof), office.case_at(Level.EMERGENCY, "real")):
        do(office.writer, lambda c, case_id=case_id: floor.claim(c, case_id, lin, office.clock()))
    with office.store.engine.connect() as connection:
        carried = {person.id: person.levels for person in floor.people(connection, office.clock())}
    assert carried[lin.id] == (Level.EMERGENCY,)


def test_a_drill_is_not_handed_over_to_the_next_shift(exercise: Exercise) -> None:
    exercise.case(exercise.begun())
    with exercise.office.store.engine.connect() as connection:
        handed_over = exercise.office.desks.shift.signing.now_open(connection, exercise.office.clock())
    assert (handed_over.cases, handed_over.due) == ([], [])


def test_what_the_team_learnt_is_kept_sealed_once_the_drill_was_done(exercise: Exercise) -> None:
    proof = exercise.begun()
    (plan,) = rows(exercise.office.store.engine, t.drill_plan)
    with pytest.raises(NotAllowed, match="做完以后"):
        exercise.act("conclude", plan.id, exercise.lead, "夜里只有一个人")
    exercise.act("finish", proof, [], is_whole=True)
    exercise.act("conclude", plan.id, exercise.lead, "夜里只有一个人")
    (plan,) = rows(exercise.office.store.engine, t.drill_plan)
    assert "夜里".encode() not in plan.findings_sealed
    assert exercise.plan_row(plan.id).findings == "夜里只有一个人"


def test_a_plan_is_given_up_before_its_time_only(exercise: Exercise) -> None:
    plan_id = exercise.planned(planned_for=exercise.office.clock() + timedelta(days=2))
    exercise.act("cancel", plan_id, exercise.lead)
    with pytest.raises(NotAllowed, match="已经取消"):
        exercise.act("begin", exercise.desk.token(plan_id), Asked())
    with pytest.raises(NotAllowed, match="没有这次演练"):
        exercise.act("cancel", "nothing", exercise.lead)
