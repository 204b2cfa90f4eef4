"""Random interleavings on the real store: a served conversation has exactly one owner at every moment, never two."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import wiring
from escalation.alarm import Danger
from escalation.cases import NotAllowed, SomebodyElse
from escalation.desk import Ending
from records import tables as t
from records.staff import Counsellor
from settings import load_settings
from tests.building import Clock, compiled_screener, counsellor, do, rows, visitor
from tests.escalation.shift.conftest import SUMMARY
from triage.risk import Level

ROLES = {"lin": "counsellor", "zhang": "counsellor", "xiao": "volunteer", "chief": "supervisor"}
RECORD = ("calmed", "谈了睡眠，约定周五再谈")
MOVES = (
    "claim", "claim", "claim", "ask", "ask", "ask", "accept", "accept", "accept", "decline", "withdraw", "take_over",
    "take_over", "relieve", "join", "leave", "reply", "release", "hand_back", "close", "submit", "submit", "sign",
    "send_back", "more_danger", "time_passes",
    "fall_silent", "fall_silent",
)  # fmt: skip


class OneCase(RuleBasedStateMachine):
    """One conversation and four colleagues who do whatever they like; refusals are part of the game."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.service = wiring.build_service(
            load_settings({"HOTLINE_DATA_DIR": self.folder.name}), now=self.clock, screener=compiled_screener()
        )
        self.store, self.writer = self.service.store, self.service.writer
        self.desk, self.shift = self.service.desk, self.service.desks.shift
        self.closing = replace(self.service.desks.closing, desk=replace(self.desk, closing_checks=()))
        self.people = {name: counsellor(self.store, self.writer, name, role) for name, role in ROLES.items()}
        self.conversation_id = visitor(self.store, self.writer)
        for who in self.people.values():
            self.attempt(lambda c, w=who: self.shift.floor.change(c, w, "begin", self.clock()))
        self.more_danger(Level.LOW)

    def teardown(self) -> None:
        self.writer.close()
        self.store.engine.dispose()
        self.folder.cleanup()

    def attempt(self, work: Callable[[Any], object]) -> None:
        with contextlib.suppress(NotAllowed, SomebodyElse):
            do(self.writer, work)

    def owner(self) -> Counsellor | None:
        """Who serves the person."""
        (case,) = rows(self.store.engine, t.case_record, id=self.case_id)
        return next((who for who in self.people.values() if who.id == case.owner_id), None)

    def more_danger(self, level: Level) -> None:
        def work(connection: Any) -> str:
            conversation = self.store.conversations.get(connection, self.conversation_id, lock=True)
            assert conversation is not None
            return self.service.alarm.raise_case(
                connection, conversation, Danger(level, "risk", "m", ("rule",)), self.clock()
            ).id

        self.case_id = do(self.writer, work)

    def pass_time(self, seconds: int, gone: str) -> None:
        self.clock.forward(seconds=seconds)
        here = [who.id for name, who in self.people.items() if name != gone]
        do(self.writer, lambda c: [self.shift.floor.touch(c, who_id, self.clock()) for who_id in here])
        for sweep in self.service.sweeps:
            do(self.writer, lambda c, s=sweep: s(c, now=self.clock()))

    def answer(self, who: Counsellor, action: str, *words: str) -> None:
        method = getattr(self.shift.passing, action)
        for request in do(self.writer, lambda c: self.store.transfers.asked_of(c, who.id)):
            self.attempt(lambda c, i=request.id: method(c, i, who, *words, self.clock()))

    @rule(
        move=st.sampled_from(MOVES), name=st.sampled_from(list(ROLES)), other=st.sampled_from(list(ROLES)),
        level=st.sampled_from([Level.LOW, Level.MEDIUM, Level.HIGH, Level.EMERGENCY]),
        seconds=st.sampled_from([5, 35, 70, 200]),
    )  # fmt: skip
    def somebody_does_something(self, move: str, name: str, other: str, level: Level, seconds: int) -> None:
        """The move of one colleague; those of an owner are mostly made by the real one."""
        shift, case_id, who, now = self.shift, self.case_id, self.people[name], self.clock()
        mine = self.owner() if level > Level.LOW else who
        owner = mine or who
        reply_id = secrets.token_hex(16)
        moves: dict[str, Callable[[Any], object]] = {
            "claim": lambda c: shift.floor.claim(c, case_id, who, now),
            "ask": lambda c: shift.passing.ask(c, case_id, owner, self.people[other].id, SUMMARY, now),
            "withdraw": lambda c: shift.passing.withdraw(c, case_id, owner, now),
            "take_over": lambda c: shift.watch.take_over(c, case_id, who, now),
            "relieve": lambda c: shift.guiding.take_over(c, case_id, who, "需要换一位老师", now),
            "join": lambda c: shift.guiding.join(c, case_id, who, now),
            "leave": lambda c: shift.guiding.leave(c, case_id, who, now),
            "reply": lambda c: self.desk.reply(c, case_id, owner, "我在", reply_id, now),
            "release": lambda c: self.desk.release(c, case_id, owner, now),
            "hand_back": lambda c: self.desk.hand_back(c, case_id, owner, now),
            "close": lambda c: self.desk.close(c, case_id, owner, *RECORD, now),
            "submit": lambda c: self.closing.submit(c, case_id, owner, Ending(*RECORD), now),
            "sign": lambda c: self.closing.sign(c, case_id, self.people["chief"], now),
            "send_back": lambda c: self.closing.send_back(c, case_id, self.people["chief"], "请补上谁在陪着", now),
        }
        if move in moves:
            self.attempt(moves[move])
        elif move in ("accept", "decline"):
            for person in self.people.values() if move == "accept" else (who,):
                self.answer(person, move, *(("现在不行",) if move == "decline" else ()))
        elif move == "more_danger":
            self.more_danger(level)
        else:
            silent = next((n for n, person in self.people.items() if person == mine), name)
            for _ in range(3 if move == "fall_silent" else 1):
                self.pass_time(400 if move == "fall_silent" else seconds, silent)
        if move in ("close", "sign"):
            self.more_danger(Level.LOW)  # the person comes back: the same case, or a new one

    @invariant()
    def in_service_means_one_owner_everywhere(self) -> None:
        (case,) = rows(self.store.engine, t.case_record, id=self.case_id)
        (conversation,) = rows(self.store.engine, t.conversation, id=self.conversation_id)
        stints = [row for row in rows(self.store.engine, t.stint) if row.ended_at is None]
        if case.state == "in_service":
            assert case.owner_id is not None
            assert [stint.counsellor_id for stint in stints] == [case.owner_id] == [conversation.owner_id]
        else:
            assert (stints, conversation.owner_id) == ([], None)

    @invariant()
    def whoever_is_not_served_is_called_for_or_given_back(self) -> None:
        (case,) = rows(self.store.engine, t.case_record, id=self.case_id)
        ringing = [row for row in rows(self.store.engine, t.alert, state="ringing") if row.case_id == self.case_id]
        assert case.state != "new" or len(ringing) == 1

    @invariant()
    def at_most_one_request_waits_for_an_answer(self) -> None:
        assert len(rows(self.store.engine, t.transfer, state="asked", case_id=self.case_id)) <= 1


TestOneCase = OneCase.TestCase
TestOneCase.settings = settings(
    max_examples=int(os.environ.get("OWNERSHIP_EXAMPLES", "10")),
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
