"""An SMS gateway and a WeCom group robot that take what the documentation promises, and nothing else."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.browsing import serving

SECRET = "s" * 40
ROBOT_KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
_CLOCK_WINDOW_S = 300
_ROBOT_A_MINUTE = 20


@dataclass
class SmsGateway:
    """As docs/calling.md says: the signature is checked as written there, by other code than ours."""

    now: Callable[[], datetime]
    taken: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> number, text
    answers: list[Response] = field(default_factory=list)  # instead of what it would say
    url: str = ""

    def app(self) -> FastAPI:
        app = FastAPI()
        app.add_api_route("/sms", self.take, methods=["POST"])
        return app

    async def take(self, request: Request) -> Response:
        raw = await request.body()
        if self.answers:
            return self.answers.pop(0)
        timestamp = request.headers["x-hotline-timestamp"]
        wanted = hmac.digest(SECRET.encode(), f"{timestamp}.".encode() + raw, hashlib.sha256).hex()
        if request.headers["x-hotline-signature"] != f"v1={wanted}":
            return Response(status_code=401)
        if abs(int(timestamp) - self.now().timestamp()) > _CLOCK_WINDOW_S:
            return Response(status_code=401)
        body = json.loads(raw)
        if set(body) != {"id", "to", "text"} or not all(isinstance(value, str) for value in body.values()):
            return Response(status_code=400)
        if body["id"] in self.taken:
            return Response(status_code=409)
        self.taken[body["id"]] = body["to"], body["text"]
        return JSONResponse({"id": f"sms-{len(self.taken)}"}, 202)

    @property
    def sent(self) -> list[tuple[str, str]]:
        """Numbers and texts, in order."""
        return list(self.taken.values())


@dataclass
class Robot:
    """qyapi.weixin.qq.com/cgi-bin/webhook/send."""

    now: Callable[[], datetime]
    said: list[dict[str, Any]] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)
    url: str = ""

    def app(self) -> FastAPI:
        app = FastAPI()
        app.add_api_route("/cgi-bin/webhook/send", self.take, methods=["POST"])
        return app

    async def take(self, request: Request, key: str = "") -> Response:
        body = await request.json()
        if self.answers:
            return self.answers.pop(0)
        if key != ROBOT_KEY:
            return JSONResponse({"errcode": 93000, "errmsg": "invalid webhook url"})
        if body["msgtype"] != "text" or not 0 < len(body["text"]["content"].encode()) <= 2048:
            return JSONResponse({"errcode": 40058, "errmsg": "invalid content"})
        now = self.now()
        if sum((now - at).total_seconds() < 60 for at in self.times) >= _ROBOT_A_MINUTE:
            return JSONResponse({"errcode": 45009, "errmsg": "api freq out of limit"})
        self.times.append(now)
        self.said.append(body["text"])
        return JSONResponse({"errcode": 0, "errmsg": "ok"})


@contextlib.asynccontextmanager
async def sms_gateway(now: Callable[[], datetime]) -> AsyncIterator[SmsGateway]:
    """A running one."""
    made = SmsGateway(now)
    async with serving(made.app()) as address:
        made.url = f"{address}/sms"
        yield made


@contextlib.asynccontextmanager
async def robot(now: Callable[[], datetime]) -> AsyncIterator[Robot]:
    """A running one."""
    made = Robot(now)
    async with serving(made.app()) as address:
        made.url = f"{address}/cgi-bin/webhook/send?key={ROBOT_KEY}"
        yield made
