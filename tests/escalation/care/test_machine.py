"""A case under anything that people and the person can do: hypothesis drives the real desks over the real rows."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import wiring
from escalation.alarm import Danger
from escalation.care.rescue_desk import Start
from escalation.cases import SERVED, TRANSITIONS, NotAllowed, SomebodyElse, State
from escalation.desk import Ending
from records import tables as t
from records.cases import Case
from settings import load_settings
from tests.building import Clock, counsellor, do, rows, visitor
from tests.escalation.care.conftest import CALM, RECORD
from triage.risk import Level

LEVELS = st.sampled_from((Level.LOW, Level.MEDIUM, Level.HIGH, Level.EMERGENCY))
STEPS = {(state, to) for (state, _), to in TRANSITIONS.items()}
# one act may make two moves: the person is taken over for a rescue, a danger found at the last call
DOUBLE = {(one, last) for one, middle in STEPS for also, last in STEPS if also == middle}


class CaseMachine(RuleBasedStateMachine):
    """One conversation; every act may be refused, none may leave the table."""

    service: Any
    clock: Clock
    lin: Any
    chief: Any
    numbers = count()

    @initialize()
    def somebody_in_danger(self) -> None:
        self.clock.forward(days=60)
        store, writer = self.service.store, self.service.writer
        self.chat = visitor(store, writer, f"p{next(self.numbers)}", now=self.clock())
        self.hears(Level.HIGH)
        self.before = State.NEW
        self.somebody_claims()
        self.before = State.IN_SERVICE

    def case(self) -> Case:
        with self.service.store.engine.connect() as connection:
            found = self.service.store.cases.newest_of(connection, self.chat)
        assert found is not None
        return found

    def tries(self, work: Callable[[Any], object]) -> None:
        """What is refused changes nothing."""
        before = self.case()
        try:
            do(self.service.writer, work)
        except (NotAllowed, SomebodyElse):
            assert self.case() == before

    def hears(self, level: Level) -> None:
        def work(connection: Any) -> None:
            talk = self.service.store.conversations.get(connection, self.chat, lock=True)
            self.service.alarm.raise_case(connection, talk, Danger(level, "risk", "m", ()), self.clock())

        do(self.service.writer, work)

    @rule(level=LEVELS)
    def the_person_is_in_danger(self, level: Level) -> None:
        self.hears(level)

    @precondition(lambda self: self.before in (State.NEW, State.WAITING_USER, State.CLOSING, State.FOLLOW_UP))
    @rule()
    def somebody_claims(self) -> None:
        self.tries(lambda c: self.service.desk.claim(c, self.case().id, self.lin, self.clock()))

    @precondition(lambda self: self.before is State.IN_SERVICE)
    @rule(disposition=st.sampled_from((RECORD[0], RECORD[0], "mistaken")))
    def the_supervisor_closes(self, disposition: str) -> None:
        desk, record = self.service.desk, (disposition, RECORD[1])
        self.tries(lambda c: desk.close(c, self.case().id, self.chief, *record, self.clock()))

    @precondition(lambda self: self.before is State.IN_SERVICE)
    @rule()
    def the_counsellor_submits(self) -> None:
        closing, ending = self.service.desks.closing, Ending(*RECORD)
        closing = replace(closing, desk=replace(closing.desk, closing_checks=()))
        self.tries(lambda c: closing.submit(c, self.case().id, self.lin, ending, self.clock()))

    @precondition(lambda self: self.before is State.CLOSING)
    @rule(signs=st.booleans(), by_chief=st.booleans(), is_here=st.booleans())
    def somebody_decides_on_the_closing(self, signs: bool, by_chief: bool, is_here: bool) -> None:
        closing, who, case_id = self.service.desks.closing, self.chief if by_chief else self.lin, self.case().id
        closing = replace(closing, desk=replace(closing.desk, closing_checks=()))
        if is_here:
            do(self.service.writer, lambda c: self.service.desks.shift.floor.arrive(c, self.lin, self.clock()))
            do(self.service.writer, lambda c: self.service.desks.shift.floor.touch(c, self.lin.id, self.clock()))
        if signs:
            self.tries(lambda c: closing.sign(c, case_id, who, self.clock()))
        else:
            self.tries(lambda c: closing.send_back(c, case_id, who, "请补上谁在陪着", self.clock()))

    @rule(action=st.sampled_from(("claim", "release", "hand_back", "close", "arrive", "end", "decline")))
    def somebody_does_what_may_not_fit(self, action: str) -> None:
        given = {"close": ("", ""), "arrive": ("派出所来电",), "decline": ("母亲在旁边",), "end": ("", "医院回电")}
        desk = self.service.desks.rescue if action in ("arrive", "end", "decline") else self.service.desk
        options = {"is_serious": False} if action == "end" else {}
        self.tries(
            lambda c: getattr(desk, action)(
                c, self.case().id, self.lin, *given.get(action, ()), self.clock(), **options
            )
        )  # fmt: skip

    @rule(level=LEVELS)
    def the_level_is_set(self, level: Level) -> None:
        self.tries(lambda c: self.service.desk.set_level(c, self.case().id, self.lin, level, "评估", self.clock()))

    @rule(basis=st.sampled_from(("act", "life")))
    def rescue_starts(self, basis: str) -> None:
        desk, start = self.service.desks.rescue, Start(basis, "已服药，意识模糊")
        self.tries(lambda c: desk.start(c, self.case().id, self.lin, start, self.clock()))

    @precondition(lambda self: self.before is State.RESCUE)
    @rule(outcome=st.sampled_from(("hospital", "not_found")), leads=st.booleans(), arrives=st.booleans())
    def rescue_ends(self, outcome: str, leads: bool, arrives: bool) -> None:
        desk, who = self.service.desks.rescue, self.chief if leads else self.lin
        if arrives:
            self.tries(lambda c: desk.arrive(c, self.case().id, self.lin, "派出所来电", self.clock()))
        self.tries(lambda c: desk.end(c, self.case().id, who, outcome, "医院回电", self.clock(), is_serious=False))

    @precondition(lambda self: self.before in (State.FOLLOW_UP, State.IN_SERVICE))
    @rule(level=st.sampled_from((Level.LOW, Level.LOW, Level.HIGH)))
    def calls_are_made(self, level: Level) -> None:
        for _ in range(1 if level is Level.HIGH else 4):  # as far as they go
            self._call(lambda c, task: self.service.desks.follow_ups.finish(
                c, task, self.lin, replace(CALM, level=level), self.clock()
            ))  # fmt: skip

    @precondition(lambda self: self.before is State.FOLLOW_UP)
    @rule(how=st.sampled_from(("refuse", "die", "cancel", "lose")))
    def a_call_ends_otherwise(self, how: str) -> None:
        self._call(lambda c, task: self.service.desks.follow_ups.end(
            c, task, self.chief, how, "家属告知", self.clock()
        ))  # fmt: skip

    def _call(self, work: Callable[[Any, str], object]) -> None:
        found = [row for row in rows(self.service.store.engine, t.follow_up, case_id=self.case().id, kind="safety")]
        open_calls = [row.id for row in found if row.state in ("todo", "doing")]
        if open_calls:
            self.tries(lambda c: work(c, open_calls[0]))

    @rule(days=st.sampled_from((1, 10, 31)))
    def time_passes(self, days: int) -> None:
        self.clock.forward(days=days)
        for desk in (self.service.desks.watch, self.service.desks.closing, self.service.desks.rescue):
            do(self.service.writer, functools.partial(desk.sweep, now=self.clock()))

    @invariant()
    def every_move_is_in_the_table(self) -> None:
        if not hasattr(self, "before"):
            return
        before, self.before = self.before, State(self.case().state)
        is_new_case = self.case().previous_id is not None and before is State.CLOSED
        assert before == self.before or (before, self.before) in STEPS | DOUBLE or is_new_case
        if before is State.RESCUE and self.before is not State.RESCUE:
            newest = max(rows(self.service.store.engine, t.rescue, case_id=self.case().id), key=lambda row: row.at)
            assert newest.outcome
            assert newest.ended_by == self.chief.id

    @invariant()
    def rows_say_what_the_state_says(self) -> None:
        if not hasattr(self, "before"):
            return
        case, engine = self.case(), self.service.store.engine
        (talk,) = rows(engine, t.conversation, id=self.chat)
        calls = [row.state for row in rows(engine, t.follow_up, case_id=case.id, kind="safety")]
        rescues = [row for row in rows(engine, t.rescue, case_id=case.id) if row.decision == "started"]
        assert (talk.owner_id is not None) == (case.state in SERVED)
        assert any(row.ended_at is None for row in rescues) == (case.state == State.RESCUE)
        if case.state == State.NEW:
            assert rows(engine, t.alert, case_id=case.id, state="ringing")
        waiting = [row for row in rows(engine, t.closing, case_id=case.id) if row.decision is None]
        if case.state == State.CLOSING:
            assert len(waiting) == 1
            assert case.owner_id == self.lin.id
        if case.state in (State.FOLLOW_UP, State.CLOSED):
            assert case.disposition
            assert case.summary
            assert (case.closed_at is not None) == (case.state == State.CLOSED)
        if case.state == State.FOLLOW_UP:
            assert {"todo", "doing"} & set(calls)
        if case.state == State.CLOSED:
            assert not {"todo", "doing"} & set(calls)

    @invariant()
    def one_case_is_open_at_most(self) -> None:
        if hasattr(self, "chat"):
            found = rows(self.service.store.engine, t.case_record, conversation_id=self.chat)
            assert sum(row.state != State.CLOSED for row in found) <= 1


def test_no_act_leads_outside_the_table_no_rescue_ends_without_outcome_nothing_closes_without_record() -> None:
    with tempfile.TemporaryDirectory() as folder:
        CaseMachine.clock = Clock()
        service = wiring.build_service(load_settings({"HOTLINE_DATA_DIR": folder}), now=CaseMachine.clock)
        CaseMachine.service = service
        CaseMachine.lin = counsellor(service.store, service.writer, "lin")
        CaseMachine.chief = counsellor(service.store, service.writer, "chief", "supervisor")
        CaseMachine.TestCase.settings = settings(
            max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        )
        try:
            CaseMachine.TestCase().runTest()
        finally:
            service.writer.close()
            service.store.engine.dispose()
