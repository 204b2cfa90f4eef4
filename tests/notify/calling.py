"""What tests of sending build with: a carrier that keeps what it is given, and calls that are due."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from notify.carriers import Letter
from notify.sending import Sending
from records import tables as t
from records.notices import CALL, REPLY, TRIAL, NewNotice
from tests.building import do, rows
from wiring import Service

PHONE = "13800000000"


@dataclass
class FakeCarrier:
    """Takes letters; `answers` are raised in turn, None lets a letter through."""

    answers: list[Exception | None] = field(default_factory=list)
    taken: list[tuple[str, Letter]] = field(default_factory=list)
    per_second: float | None = None
    before: Callable[[], Awaitable[object]] | None = None

    async def send(self, address: str, letter: Letter) -> str:
        if self.before is not None:
            await self.before()
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.taken.append((address, letter))
        return f"receipt-{len(self.taken)}"


async def round_of(sending: Sending) -> int:
    """One round of every carrier and kind; returns how many were sent or tried."""
    under_way: set[asyncio.Task[None]] = set()
    for carrier in sending.carriers:
        await sending.begin(carrier, (CALL, TRIAL, REPLY), under_way)
    begun = len(under_way)
    await asyncio.gather(*under_way)
    return begun


def call(
    service: Service, address_id: str = "oncall.sms", *, kind: str = CALL, carrier: str = "sms", **more: Any
) -> str:
    """A call that is due now."""
    key = {CALL: "call.climbed", TRIAL: "trial.sent", REPLY: "reply.message"}[kind]
    more.setdefault("case_id", "case-1" if kind == CALL else None)
    new = NewNotice(kind, key, carrier, address_id, service.now(), params={"colour": "红", "waited": "60 秒"}, **more)
    return do(service.writer, lambda c: service.store.notices.add(c, [new], service.now())[0])


def notice(service: Service, notice_id: str) -> Any:
    return rows(service.store.engine, t.notice, id=notice_id)[0]
