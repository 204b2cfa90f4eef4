"""The group robot, against a webhook that counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from fastapi import Response
from fastapi.responses import JSONResponse

from notify.carriers import Later, Refused
from notify.wecom_robot import RobotCarrier
from tests.building import Clock
from tests.notify.conftest import CALL, NEWS
from tests.notify.gateways import Robot, robot

pytestmark = pytest.mark.anyio


@pytest.fixture
async def group(clock: Clock) -> AsyncIterator[Robot]:
    async with robot(clock) as made:
        yield made


@pytest.fixture
async def carrier(group: Robot) -> AsyncIterator[RobotCarrier]:
    async with httpx.AsyncClient(timeout=5) as http:
        yield RobotCarrier(http, group.url)


async def test_an_alarm_rings_everybody_in_the_group(carrier: RobotCarrier, group: Robot) -> None:
    await carrier.send("", CALL)
    await carrier.send("", NEWS)
    assert group.said[0] == {"content": CALL.text, "mentioned_list": ["@all"]}
    assert group.said[1]["mentioned_list"] == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (JSONResponse({"errcode": 45009}), Later),
        (JSONResponse({"errcode": -1}), Later),
        (JSONResponse({"errcode": 93000}), Refused),
        (JSONResponse({"errcode": "0"}), Later),
        (JSONResponse([]), Later),
        (Response("<html>", 200), Later),
        (Response("<html>", 502), Later),
        (Response(status_code=429, headers={"Retry-After": "60"}), Later),
    ],
)
async def test_every_answer_has_one_meaning(
    carrier: RobotCarrier, group: Robot, answer: Response, error: type[Exception]
) -> None:
    group.answers.append(answer)
    with pytest.raises(error):
        await carrier.send("", CALL)


async def test_too_often_is_a_minute(carrier: RobotCarrier, group: Robot) -> None:
    group.answers.append(JSONResponse({"errcode": 45009}))
    with pytest.raises(Later) as caught:
        await carrier.send("", CALL)
    assert caught.value.retry_after_s == 60


async def test_a_webhook_that_was_taken_back_is_refused(carrier: RobotCarrier) -> None:
    with pytest.raises(Refused):
        await replace(carrier, url=carrier.url[:-1]).send("", CALL)


async def test_a_webhook_that_is_away_is_tried_later(carrier: RobotCarrier) -> None:
    with pytest.raises(Later):
        await replace(carrier, url="http://127.0.0.1:9/").send("", CALL)
