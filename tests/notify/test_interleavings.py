"""Whatever comes between - failures, refusals, a process that dies, a claim - nothing is lost, doubled, or sent late."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import wiring
from notify.carriers import Later, Refused
from records import tables as t
from records.notices import CALL
from settings import load_settings
from tests.building import Clock, compiled_screener, do, rows
from tests.notify.calling import PHONE, FakeCarrier, call, round_of
from wiring import Service

STEPS = st.lists(
    st.sampled_from(["call", "call", "send", "send", "fail", "refuse", "die", "claim", "wait"]), max_size=25
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("interleavings")
    made = wiring.build_service(
        load_settings({"HOTLINE_DATA_DIR": str(folder)}), now=Clock(), screener=compiled_screener()
    )
    yield made
    made.writer.close()
    made.store.engine.dispose()


class Play:
    """One alert, its calls, and what happens to them."""

    def __init__(self, service: Service):
        self.service, self.clock, self.sms = service, service.now, FakeCarrier()
        service.sending.carriers, service.sending.own = {"sms": self.sms}, {"oncall.sms": PHONE}
        self.alert = f"alert-{len(rows(service.store.engine, t.notice))}"
        self.refused: set[str] = set()
        self.is_claimed = False
        self.calls: list[str] = []

    def step(self, name: str) -> None:
        if name == "call" and not self.is_claimed:
            self.calls.append(call(self.service, alert_id=self.alert, occasion=f"{self.alert}/{len(self.calls)}"))
        elif name == "send":
            self._send([])
        elif name == "fail":
            self._send([Later()] * 50)
        elif name == "refuse":
            self._send([Refused()])
        elif name == "die":
            asyncio.run(self.service.sending._lease("sms", (CALL,)))
        elif name == "claim":
            self.is_claimed = True
            do(self.service.writer, lambda c: self.service.store.notices.withdraw(c, self.alert))
        elif name == "wait":
            self.clock.forward(seconds=40)  # type: ignore[attr-defined]  # a test's clock

    def _send(self, answers: list[Exception | None]) -> None:
        before = len(self.sms.taken)
        self.sms.answers = answers
        asyncio.run(round_of(self.service.sending))
        assert not self.is_claimed or len(self.sms.taken) == before, "called although somebody had come"

    def found(self) -> dict[str, str]:
        return {row.id: row.state for row in rows(self.service.store.engine, t.notice, alert_id=self.alert)}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_every_call_ends_once(shared: Service, steps: list[str]) -> None:
    play = Play(shared)
    for name in steps:
        play.step(name)
    for _ in range(3):  # later everything works again
        play.step("wait")
        play.step("send")
    taken = [letter.id for _, letter in play.sms.taken]
    assert len(taken) == len(set(taken))
    assert set(play.found()) == set(play.calls)
    assert {state for state in play.found().values()} <= {"sent", "dead", "withdrawn"}
    assert {id for id, state in play.found().items() if state == "sent"} == set(taken)
    assert play.is_claimed or "refuse" in steps or set(play.found().values()) <= {"sent"}
