"""Text messages, against a gateway that reads docs/calling.md strictly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from fastapi import Response

from notify.carriers import Later, Refused
from notify.sms import SmsCarrier
from tests.building import Clock
from tests.notify.conftest import CALL
from tests.notify.gateways import SECRET, SmsGateway, sms_gateway

pytestmark = pytest.mark.anyio
TO = "13800000000"


@pytest.fixture
async def gateway(clock: Clock) -> AsyncIterator[SmsGateway]:
    async with sms_gateway(clock) as made:
        yield made


@pytest.fixture
async def carrier(gateway: SmsGateway, clock: Clock) -> AsyncIterator[SmsCarrier]:
    async with httpx.AsyncClient(timeout=5) as http:
        yield SmsCarrier(http, gateway.url, SECRET, clock)


async def test_a_message_goes_out_signed_and_its_number_at_the_gateway_is_kept(
    carrier: SmsCarrier, gateway: SmsGateway
) -> None:
    assert await carrier.send(TO, CALL) == "sms-1"
    assert gateway.sent == [(TO, CALL.text)]


async def test_a_repeat_is_known_by_its_id_and_counts_as_sent(carrier: SmsCarrier, gateway: SmsGateway) -> None:
    await carrier.send(TO, CALL)
    assert await carrier.send(TO, CALL) == ""
    assert len(gateway.sent) == 1


async def test_who_has_another_secret_sends_nothing(carrier: SmsCarrier, gateway: SmsGateway) -> None:
    with pytest.raises(Later):  # the setting may be mended
        await replace(carrier, secret="x" * 40).send(TO, CALL)
    assert gateway.sent == []


@pytest.mark.parametrize(
    ("answer", "error", "wait_s"),
    [
        (Response(status_code=400), Refused, None),
        (Response(status_code=404), Refused, None),
        (Response(status_code=410), Refused, None),
        (Response(status_code=413), Refused, None),
        (Response(status_code=422), Refused, None),
        (Response(status_code=429, headers={"Retry-After": "7"}), Later, 7),
        (Response(status_code=429, headers={"Retry-After": "999999"}), Later, 3600),
        (Response(status_code=429, headers={"Retry-After": "soon"}), Later, 10),
        (Response(status_code=429), Later, 10),
        (Response(status_code=500), Later, None),
        (Response(status_code=302, headers={"Location": "http://127.0.0.1:9/"}), Later, None),
    ],
)
async def test_every_answer_has_one_meaning(
    carrier: SmsCarrier, gateway: SmsGateway, answer: Response, error: type[Exception], wait_s: float | None
) -> None:
    gateway.answers.append(answer)
    with pytest.raises(error) as caught:
        await carrier.send(TO, CALL)
    assert getattr(caught.value, "retry_after_s", None) == wait_s


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", '{"id": null}', '{"id": {"a": 1}}'])
async def test_a_gateway_that_gives_no_number_has_taken_it_all_the_same(
    carrier: SmsCarrier, gateway: SmsGateway, body: str
) -> None:
    gateway.answers.append(Response(body, 200))
    assert await carrier.send(TO, CALL) == ""


async def test_a_gateway_that_is_away_is_tried_later(carrier: SmsCarrier) -> None:
    with pytest.raises(Later):
        await replace(carrier, url="http://127.0.0.1:9/sms").send(TO, CALL)
