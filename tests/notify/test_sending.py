"""What is due goes out once, is tried again, given up loudly, and delays nobody else: real rows on each database."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from notify.carriers import Gone, Later, Refused
from notify.sending import LOUD_AFTER, MOST_ATTEMPTS, Sending, back_off_s
from records import tables as t
from records.addresses import SMS, STAFF
from records.notices import CALL, REPLY
from tests.building import Clock, do, rows
from tests.notify.calling import PHONE, FakeCarrier, call, notice, round_of
from wiring import Service

pytestmark = pytest.mark.anyio


def told(service: Service, kind: str) -> list[Any]:
    return rows(service.store.engine, t.event, topic="desk", kind=kind)


async def test_a_call_goes_out_with_its_words_and_its_link(
    service: Service, sending: Sending, sms: FakeCarrier
) -> None:
    notice_id = call(service)
    await round_of(sending)
    ((address, letter),) = sms.taken
    token = service.store.notices.token(notice_id)
    assert address == PHONE
    assert (
        letter.text
        == f"【值班提醒】有红色警报 60 秒无人接手，请立即打开值班台 http://127.0.0.1:8000/console/seen/{token}"
    )
    found = notice(service, notice_id)
    assert (found.state, found.receipt, found.sent_at) == ("sent", "receipt-1", service.now())
    assert [event.case_id for event in told(service, "call_sent")] == ["case-1"]
    assert token not in str(found)


async def test_what_was_sent_is_not_sent_again(service: Service, sending: Sending, sms: FakeCarrier) -> None:
    call(service)
    assert [await round_of(sending) for _ in range(3)] == [1, 0, 0]
    assert len(sms.taken) == 1


async def test_the_same_occasion_calls_an_address_once(service: Service, sending: Sending, sms: FakeCarrier) -> None:
    ids = {call(service, occasion="alert-1/4/1") for _ in range(3)}
    call(service, occasion="alert-1/4/2")
    await round_of(sending)
    assert len(ids) == 1
    assert len(sms.taken) == 2


async def test_what_does_not_go_out_is_tried_again_with_the_same_id(
    service: Service, sending: Sending, sms: FakeCarrier, clock: Clock
) -> None:
    notice_id = call(service)
    sms.answers = [Later()]
    await round_of(sending)
    assert (notice(service, notice_id).state, notice(service, notice_id).attempts) == ("pending", 1)
    assert await round_of(sending) == 0
    clock.forward(seconds=back_off_s(1, 1.0))
    await round_of(sending)
    assert [letter.id for _, letter in sms.taken] == [notice_id]


async def test_the_carriers_own_word_of_when_is_heeded(
    service: Service, sending: Sending, sms: FakeCarrier, clock: Clock
) -> None:
    call(service)
    sms.answers = [Later(25)]
    await round_of(sending)
    clock.forward(seconds=24)
    assert await round_of(sending) == 0
    clock.forward(seconds=1)
    assert await round_of(sending) == 1


async def test_the_screens_hear_after_a_few_tries_and_when_it_is_given_up(
    service: Service, sending: Sending, sms: FakeCarrier, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    notice_id = call(service)
    sms.answers = [Later() for _ in range(MOST_ATTEMPTS)]
    states, heard = [], []
    for _ in range(MOST_ATTEMPTS):
        await round_of(sending)
        states.append(notice(service, notice_id).state)
        heard.append(len(told(service, "call_failed")))
        clock.forward(seconds=60)
    quiet, loud = LOUD_AFTER - 1, MOST_ATTEMPTS - LOUD_AFTER
    assert states == ["pending"] * quiet + ["failing"] * loud + ["dead"]
    assert heard == [0] * quiet + list(range(1, loud + 2))
    assert await round_of(sending) == 0
    assert notice_id in capsys.readouterr().out


async def test_a_carrier_that_asks_for_a_long_wait_is_as_good_as_away(
    service: Service, sending: Sending, sms: FakeCarrier
) -> None:
    notice_id = call(service)
    sms.answers = [Later(600)]
    await round_of(sending)
    assert notice(service, notice_id).state == "failing"
    assert len(told(service, "call_failed")) == 1


@pytest.mark.parametrize("error", [Refused(), Gone()])
async def test_what_is_refused_is_given_up_at_once(
    service: Service, sending: Sending, sms: FakeCarrier, error: Exception
) -> None:
    notice_id = call(service)
    sms.answers = [error]
    await round_of(sending)
    assert (notice(service, notice_id).state, notice(service, notice_id).reason) == ("dead", type(error).__name__)
    assert len(told(service, "call_failed")) == 1


async def test_an_address_that_is_gone_is_forgotten_and_waits_for_nothing_more(
    service: Service, sending: Sending, sms: FakeCarrier
) -> None:
    addresses = service.store.addresses
    address_id = do(service.writer, lambda c: addresses.add(c, STAFF, "lin", SMS, PHONE, service.now()))
    first = call(service, address_id, occasion="1")
    later = call(service, address_id, occasion="2")
    sms.answers = [Gone(), Later()]
    await round_of(sending)
    assert rows(service.store.engine, t.notice_address) == []
    assert {notice(service, one).state for one in (first, later)} <= {"dead", "withdrawn"}
    assert await round_of(sending) == 0


async def test_a_carrier_that_breaks_counts_as_a_try_in_vain(
    service: Service, sending: Sending, sms: FakeCarrier
) -> None:
    notice_id = call(service)
    sms.answers = [ZeroDivisionError()]
    await round_of(sending)
    assert (notice(service, notice_id).state, notice(service, notice_id).reason) == ("pending", "ZeroDivisionError")


async def test_a_process_that_died_while_sending_is_followed_by_another(
    service: Service, sending: Sending, sms: FakeCarrier, clock: Clock
) -> None:
    call(service)
    await sending._lease("sms", (CALL,))
    assert await round_of(sending) == 0
    clock.forward(seconds=31)
    await round_of(sending)
    assert len(sms.taken) == 1


async def test_two_processes_send_it_once(service: Service, sending: Sending, sms: FakeCarrier) -> None:
    for number in range(5):
        call(service, occasion=str(number))
    await asyncio.gather(*(round_of(sending) for _ in range(4)))
    assert len(sms.taken) == 5


async def test_what_was_withdrawn_stays_at_home(service: Service, sending: Sending, sms: FakeCarrier) -> None:
    kept, gone = call(service, alert_id="a1", occasion="1"), call(service, alert_id="a2", occasion="2")
    do(service.writer, lambda c: service.store.notices.withdraw(c, "a2"))
    await round_of(sending)
    assert [letter.id for _, letter in sms.taken] == [kept]
    assert notice(service, gone).state == "withdrawn"


async def test_what_was_withdrawn_while_it_failed_is_not_taken_up_again(
    service: Service, sending: Sending, sms: FakeCarrier, clock: Clock
) -> None:
    notice_id = call(service, alert_id="a1")

    async def answered() -> None:
        await service.writer.write(lambda c: service.store.notices.withdraw(c, "a1"))

    sms.before, sms.answers = answered, [Later()]
    await round_of(sending)
    clock.forward(hours=1)
    assert await round_of(sending) == 0
    assert notice(service, notice_id).state == "withdrawn"


async def test_after_a_day_only_calls_of_the_ladder_are_still_wanted(
    service: Service, sending: Sending, sms: FakeCarrier, clock: Clock
) -> None:
    call(service, kind=REPLY)
    kept = call(service)
    clock.forward(hours=25)
    await round_of(sending)
    assert [letter.id for _, letter in sms.taken] == [kept]


async def test_an_address_or_a_text_that_this_version_lacks_is_given_up(
    service: Service, sending: Sending, sms: FakeCarrier
) -> None:
    unknown = call(service, "nowhere")
    await round_of(sending)
    assert notice(service, unknown).state == "dead"
    assert sms.taken == []


async def test_what_a_browser_shows_is_the_text_without_its_link(service: Service, sending: Sending) -> None:
    notice_id = call(service)
    with service.store.engine.connect() as connection:
        found = service.store.notices.by_token(connection, service.store.notices.token(notice_id))
    assert found is not None
    assert sending.shown(found) == (
        "【值班提醒】警报无人接手",
        "【值班提醒】有红色警报 60 秒无人接手，请立即打开值班台",
    )
    assert json.loads(notice(service, notice_id).params) == {"colour": "红", "waited": "60 秒"}
