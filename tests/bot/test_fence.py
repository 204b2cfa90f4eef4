"""The fence: nothing the bot made before a counsellor claimed is ever delivered after it.

First a model of one conversation in memory, driven through a hundred thousand random interleavings with the real
verdict; then the real desk, outbox and store, driven by hypothesis.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import wiring
from bot.marking import Outcome
from bot.parcels import Parcel, Verdict, verdict
from escalation.alarm import Danger
from records import tables as t
from records.outbox_rows import PLAIN, Lane, Pending
from settings import load_settings
from tests.building import Clock, counsellor, do, heard, rows, visitor
from triage.risk import Level

INTERLEAVINGS = 100_000
STEPS = 14
STEP_NAMES = (
    "bot_says", "bot_says", "claim", "hand_back", "counsellor_says", "lease", "lease", "mark", "mark", "restart"
)  # fmt: skip


class Row:
    """An outbox row as the verdict sees it, and how many claims there had been when it was made."""

    __slots__ = ("claims", "epoch", "origin", "owner_epoch", "owner_id")

    def __init__(self, origin: str, epoch: int, claims: int) -> None:
        self.origin, self.epoch, self.claims = origin, epoch, claims
        self.owner_epoch, self.owner_id = epoch, None


class Model:
    """One conversation: the desk's ownership rules and the outbox's two looks at the fence."""

    def __init__(self, judge: Callable[[Any], Verdict]) -> None:
        self.judge = judge
        self.epoch, self.owner, self.claims = 0, None, 0
        self.pending: list[Row] = []
        self.sending: list[Row] = []
        self.delivered: list[tuple[Row, int]] = []
        self.dropped: list[Row] = []

    def bot_says(self) -> None:
        if self.owner is None:
            self.pending.append(Row("bot", self.epoch, self.claims))

    def counsellor_says(self) -> None:
        if self.owner is not None:
            self.pending.append(Row("counsellor", self.epoch, self.claims))

    def claim(self) -> None:
        if self.owner is None:
            self.owner, self.epoch, self.claims = "lin", self.epoch + 1, self.claims + 1
            self.pending.append(Row("system", self.epoch, self.claims))

    def hand_back(self) -> None:
        if self.owner is not None:
            self.owner, self.epoch = None, self.epoch + 1

    def _passes(self, row: Row) -> bool:
        row.owner_epoch, row.owner_id = self.epoch, self.owner
        return self.judge(row) is Verdict.SEND

    def lease(self) -> None:
        if self.pending and not self.sending:  # the head of the conversation only
            row = self.pending.pop(0)
            (self.sending if self._passes(row) else self.dropped).append(row)

    def mark(self) -> None:
        if self.sending:
            row = self.sending.pop()
            if self._passes(row):
                self.delivered.append((row, self.claims))
            else:
                self.dropped.append(row)

    def restart(self) -> None:
        self.pending[:0] = self.sending
        self.sending.clear()

    def leaks(self) -> bool:
        return any(row.origin == "bot" and row.claims != claims for row, claims in self.delivered)

    def swallows(self) -> bool:
        """Dropped although it came from a person, or although nothing had changed hands since it was made."""
        return any(row.origin != "bot" or row.epoch == row.owner_epoch for row in self.dropped)


def play(judge: Callable[[Any], Verdict], times: int, seed: int = 2026) -> tuple[int, int, int]:
    """How many interleavings leaked, how many swallowed, and how many bot messages arrived."""
    chance = random.Random(seed)
    leaks = swallows = arrived = 0
    for _ in range(times):
        model = Model(judge)
        for name in chance.choices(STEP_NAMES, k=STEPS):
            getattr(model, name)()
        leaks += model.leaks()
        swallows += model.swallows()
        arrived += sum(row.origin == "bot" for row, _ in model.delivered)
    return leaks, swallows, arrived


def always_send(_row: Any) -> Verdict:
    return Verdict.SEND


def only_the_owner(row: Any) -> Verdict:
    """Forgets the number: after a hand-back the old words come out."""
    return Verdict.DROP if row.origin == "bot" and row.owner_id is not None else Verdict.SEND


def only_older_by_two(row: Any) -> Verdict:
    return Verdict.DROP if row.origin == "bot" and row.epoch < row.owner_epoch - 1 else Verdict.SEND


def drop_everything(_row: Any) -> Verdict:
    return Verdict.DROP


def test_in_a_hundred_thousand_interleavings_no_older_word_of_the_bot_follows_a_claim() -> None:
    leaks, swallows, arrived = play(verdict, INTERLEAVINGS)
    assert (leaks, swallows) == (0, 0)
    assert arrived > INTERLEAVINGS / 10


@pytest.mark.parametrize("broken", [always_send, only_the_owner, only_older_by_two])
def test_a_broken_fence_would_be_found(broken: Callable[[Any], Verdict]) -> None:
    assert play(broken, 2000)[0] > 0


def test_a_fence_that_swallows_words_would_be_found() -> None:
    leaks, swallows, arrived = play(drop_everything, 2000)
    assert (leaks, arrived) == (0, 0)
    assert swallows > 0


class FenceMachine(RuleBasedStateMachine):
    """The real desk and outbox on a real SQLite file; every example has its own conversation."""

    clock: Clock
    service: wiring.Service
    who: Any
    numbers = count()

    @initialize()
    def begin(self) -> None:
        self.number = next(self.numbers)
        self.chat = visitor(self.service.store, self.service.writer, str(self.number))
        self.claims, self.owned, self.case_id, self.replies = 0, False, "", 0
        self.made: dict[str, int] = {}  # bot row -> claims when it was made
        self.seen: dict[str, int] = {}  # external id of a shown bot message -> claims when it appeared
        self.taken: list[Parcel] = []
        self.lost: list[Parcel] = []  # leased by a worker that is slow or dead

        def work(connection: Any) -> str:
            conversation = self.service.store.conversations.get(connection, self.chat, lock=True)
            assert conversation is not None
            danger = Danger(Level.LOW, "asked_for_person", "m", ())
            return self.service.alarm.raise_case(connection, conversation, danger, self.clock()).id

        self.case_id = do(self.service.writer, work)

    @rule()
    def bot_says(self) -> None:
        def work(connection: Any) -> str | None:
            conversation = self.service.store.conversations.get(connection, self.chat, lock=True)
            assert conversation is not None
            if conversation.owner_id is not None:
                return None
            item = Pending(self.chat, "web", Lane.REPLY, "bot", conversation.epoch, PLAIN, text="from the bot")
            return self.service.store.outbox.add(connection, item, self.clock())

        row = do(self.service.writer, work)
        assert (row is None) is self.owned
        if row:
            self.made[row] = self.claims

    @precondition(lambda self: not self.owned)
    @rule()
    def claim(self) -> None:
        do(self.service.writer, lambda c: self.service.desk.claim(c, self.case_id, self.who, self.clock()))
        self.claims, self.owned = self.claims + 1, True

    @precondition(lambda self: self.owned)
    @rule()
    def release(self) -> None:
        do(self.service.writer, lambda c: self.service.desk.release(c, self.case_id, self.who, self.clock()))
        self.owned = False

    @precondition(lambda self: self.owned)
    @rule()
    def hand_back(self) -> None:
        do(self.service.writer, lambda c: self.service.desk.hand_back(c, self.case_id, self.who, self.clock()))
        self.owned = False

    @precondition(lambda self: self.owned)
    @rule()
    def counsellor_says(self) -> None:
        self.replies += 1
        reply_id, now = f"{self.chat}-{self.replies}", self.clock()
        do(self.service.writer, lambda c: self.service.desk.reply(c, self.case_id, self.who, "from lin", reply_id, now))

    @rule()
    def lease(self) -> None:
        self.taken += do(self.service.writer, lambda c: self.service.outbox._take(c, self.clock(), "web"))

    @precondition(lambda self: self.taken)
    @rule()
    def mark(self) -> None:
        self._mark(self.taken)

    @precondition(lambda self: self.lost)
    @rule()
    def a_slow_worker_marks_late(self) -> None:
        self._mark(self.lost)

    def _mark(self, items: list[Parcel]) -> None:
        pairs = [(item, Outcome("sent")) for item in items]
        do(self.service.writer, lambda c: self.service.outbox.marking.mark(c, pairs, self.clock()))
        items.clear()

    @precondition(lambda self: self.taken)
    @rule()
    def restart(self) -> None:
        self.lost += self.taken
        self.taken.clear()
        self.clock.forward(seconds=self.service.settings.outbox_lease_s + 1)

    @invariant()
    def no_word_of_the_bot_follows_a_claim_made_after_it(self) -> None:
        shown = rows(self.service.store.engine, t.message, conversation_id=self.chat, author="bot")
        for message in shown:
            appeared = self.seen.setdefault(message.external_id, self.claims)
            assert self.made[message.external_id] == appeared

    @invariant()
    def nothing_is_shown_twice(self) -> None:
        found = [message.id for message in heard(self.service, self.chat)]
        said = rows(self.service.store.engine, t.outbox, conversation_id=self.chat, state="sent")
        assert len(found) == len(set(found)) == len(said)

    def teardown(self) -> None:
        """What is left is delivered; the next example begins with an empty outbox."""
        if not hasattr(self, "chat"):
            return
        self.clock.forward(seconds=self.service.settings.outbox_lease_s + 1)
        while items := do(self.service.writer, lambda c: self.service.outbox._take(c, self.clock(), "web")):
            self._mark(items)
        self.no_word_of_the_bot_follows_a_claim_made_after_it()
        self.nothing_is_shown_twice()
        left = rows(self.service.store.engine, t.outbox, conversation_id=self.chat)
        assert {row.state for row in left} <= {"sent", "dropped"}
        assert all(row.origin == "bot" for row in left if row.state == "dropped")


def test_the_real_desk_and_outbox_keep_the_fence() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        service = wiring.build_service(load_settings({"HOTLINE_DATA_DIR": folder}), now=clock)
        FenceMachine.clock, FenceMachine.service = clock, service
        FenceMachine.who = counsellor(service.store, service.writer)
        machine = settings(
            max_examples=100, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        )
        FenceMachine.TestCase.settings = machine
        try:
            FenceMachine.TestCase().runTest()
        finally:
            service.writer.close()
            service.store.engine.dispose()
