"""How fast, how patiently and beside whom calls go out."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from notify.sending import Sending, back_off_s
from records.notices import REPLY
from tests.building import WAIT_S, Clock
from tests.notify.calling import FakeCarrier, call, notice, round_of
from wiring import Service


@pytest.mark.anyio
async def test_a_carrier_with_a_rate_never_gets_more_than_it_takes(
    service: Service, sending: Sending, sms: FakeCarrier, clock: Clock
) -> None:
    sms.per_second = 10 / 60
    for number in range(60):
        call(service, occasion=str(number))
    times = []
    for _ in range(400):
        before = len(sms.taken)
        await round_of(sending)
        times += [clock()] * (len(sms.taken) - before)
        clock.forward(seconds=1)
        if len(times) == 60:
            break
    assert len(times) == 60
    assert all(later - one >= timedelta(seconds=60) for one, later in zip(times, times[20:], strict=False))


@pytest.mark.anyio
async def test_a_carrier_that_hangs_delays_no_other_and_its_visitors_delay_no_alarm(
    service: Service, sending: Sending, sms: FakeCarrier
) -> None:
    never, mail = asyncio.Event(), FakeCarrier()
    hangs = FakeCarrier(before=never.wait)
    calls_only: list[str] = []

    async def only_news_hangs() -> None:
        calls_only.append("asked")
        if len(calls_only) == 1:
            await never.wait()

    sms.before = only_news_hangs
    sending.carriers = {"sms": sms, "mail": mail, "push": hangs}
    call(service, kind=REPLY, occasion="news")
    call(service, "oncall.mail", carrier="mail", occasion="mail")
    call(service, "oncall.sms", carrier="push", occasion="push")
    running = asyncio.create_task(sending.run(0.01))
    async with asyncio.timeout(WAIT_S):
        while not calls_only or not mail.taken:
            await asyncio.sleep(0.01)
        call(service, occasion="alarm")
        while not sms.taken:
            await asyncio.sleep(0.01)
    running.cancel()
    assert [letter.is_urgent for _, letter in sms.taken] == [True]


def test_waits_grow_to_half_a_minute_and_never_beyond() -> None:
    waits = [back_off_s(attempts, 0.999) for attempts in range(1, 20)]
    assert waits == sorted(waits)
    assert max(waits) <= 30
    assert back_off_s(1, 0.0) == 1


@pytest.mark.anyio
async def test_what_is_half_out_at_the_end_is_marked_before_we_go(
    service: Service, sending: Sending, sms: FakeCarrier
) -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        began.set()
        await may_end.wait()

    sms.before = slowly
    notice_id = call(service)
    running = asyncio.create_task(sending.run(0.01))
    await asyncio.wait_for(began.wait(), WAIT_S)
    running.cancel()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert notice(service, notice_id).state == "sent"
