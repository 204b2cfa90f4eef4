"""The whole application under a browser that never opens a socket, and a real server where a stream is read."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from escalation.accounts import hash_cookie
from records.staff import Counsellor, StaffSession
from tests.building import counsellor, deliver, do
from wiring import Service

ORIGIN = "http://hotline.test"


@dataclass(frozen=True)
class Visitor:
    """A person at the web chat."""

    browser: httpx.AsyncClient
    conversation_id: str
    token: str

    async def post(self, text: str, id: str, **more: Any) -> httpx.Response:
        """Send a message as the page does."""
        return await self.browser.post("/api/chat/messages", json={"client_message_id": id, "text": text, **more})

    async def messages(self, after: int = 0) -> list[dict[str, Any]]:
        """What the page shows after a number."""
        answer = await self.browser.get("/api/chat/messages", params={"after": after})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["messages"])


@dataclass(frozen=True)
class Seat:
    """A counsellor at a signed-in console."""

    browser: httpx.AsyncClient
    counsellor: Counsellor
    cookie: str

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """Press a button of the console; the page's token goes along."""
        return await self.browser.post(path, data=fields)

    async def act(self, case_id: str, action: str, **fields: str) -> httpx.Response:
        """Press a button of a case."""
        return await self.post(f"/console/cases/{case_id}/{action}", **fields)


@dataclass(frozen=True)
class Site:
    """An application whose background tasks do not run: a test says when the outbox delivers."""

    app: FastAPI
    service: Service

    def browser(self, **headers: str) -> httpx.AsyncClient:
        """A browser without any cookie."""
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers)

    async def visitor(self, **headers: str) -> Visitor:
        """Somebody who opened the web chat."""
        browser = self.browser()
        answer = await browser.post("/api/chat/sessions", headers=headers)
        assert answer.status_code == 201, answer.text
        return Visitor(browser, answer.json()["session"], answer.json()["token"])

    def seat(self, login: str = "lin", *roles: str) -> Seat:
        """A new counsellor, so named with a number behind, who signed in a moment ago."""
        service = self.service
        who = counsellor(service.store, service.writer, f"{login}-{secrets.token_hex(4)}", *roles)
        cookie, now = secrets.token_urlsafe(16), service.now()
        session = StaffSession(hash_cookie(cookie), who.id, secrets.token_urlsafe(16), now, now)
        do(service.writer, lambda c: service.store.staff.open_session(c, session))
        browser = self.browser(**{"X-CSRF-Token": session.csrf, "Origin": ORIGIN})
        browser.cookies.set("xindeng_console", cookie)
        return Seat(browser, who, cookie)

    async def settle(self) -> None:
        """Let the bot finish thinking and deliver what it says."""
        await self.service.pipeline.drain()
        await deliver(self.service)

    def case_of(self, conversation_id: str) -> str:
        """The id of the conversation's open case."""
        with self.service.store.engine.connect() as connection:
            case = self.service.store.cases.open_case_of(connection, conversation_id)
        assert case is not None
        return case.id


class _Announced(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config):
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@contextlib.asynccontextmanager
async def serving(app: FastAPI, certificate: Path | None = None) -> AsyncIterator[str]:
    """Serve the application with all its background tasks on a free port; gives the address.

    With a certificate (its key in the same file) by https, as localhost.
    """
    config = uvicorn.Config(
        app, port=0, ws="none", log_level="error", timeout_graceful_shutdown=1, ssl_certfile=certificate
    )
    running = _Announced(config)
    task = asyncio.create_task(running.serve())
    await asyncio.wait_for(running.listens.wait(), 20)
    try:
        place = "https://localhost" if certificate else "http://127.0.0.1"
        yield f"{place}:{running.servers[0].sockets[0].getsockname()[1]}"
    finally:
        running.should_exit = True
        await task


@dataclass(frozen=True)
class Heard:
    """One server-sent event."""

    id: str
    kind: str
    data: str


async def sse_events(answer: httpx.Response) -> AsyncIterator[Heard]:
    """The events of an open stream, comments left out."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if line and name in ("id", "event", "data"):
            fields[name] = value
        elif not line and "data" in fields:
            yield Heard(fields.get("id", ""), fields.get("event", ""), fields["data"])
            fields = {}
