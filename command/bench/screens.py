"""The people of the bench: visitors with a chat, and one counsellor whose console listens."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field

import wiring
from command.bench.deployment import Deployment
from command.bench.load import Connection, Lines, ServerGone, Step, Stream
from escalation.account_office import NewAccount
from escalation.accounts import one_time_password
from escalation.desks import make_office
from escalation.roles import load_permissions

LOGIN = "bench"
_PASSWORD = "measure-me-12356"
_ROLES = ("counsellor", "duty_lead", "supervisor")
_FORM = "content-type: application/x-www-form-urlencoded\r\n"


@dataclass
class Visitor:
    """A web chat; `sent` numbers its messages."""

    connection: Connection
    headers: str
    sent: int = field(default=0)

    async def say(self, text: str, kind: str = "text") -> int:
        """Send a message; returns its number in the conversation once it is acknowledged."""
        self.sent += 1
        message = {"client_message_id": str(self.sent), "text": text, "kind": kind}
        answer = await self.connection.request(
            "POST", "/api/chat/messages", json.dumps(message).encode(), headers=self.headers
        )
        if answer.status != 202:
            raise ServerGone(f"a message was answered with {answer.status}")
        return int(answer.json()["seq"])

    async def listen(self, lines: Lines, port: int) -> Stream:
        """The visitor's own stream."""
        return await (await lines.open(port)).stream("/api/chat/events", headers=self.headers)


async def open_chat(connection: Connection) -> Visitor:
    """A new visitor, who writes on this connection."""
    answer = await connection.request("POST", "/api/chat/sessions")
    if answer.status != 201:
        raise ServerGone(f"a session was answered with {answer.status}")
    return Visitor(connection, f"authorization: Bearer {answer.json()['token']}\r\n")


async def acknowledged(lines: Lines, port: int, texts: Iterator[str], kind: str) -> Step:
    """A step: a message is sent and acknowledged (screened and on disk)."""
    visitor = await open_chat(await lines.open(port))

    async def step() -> float:
        text, began = next(texts), time.perf_counter()
        await visitor.say(text, kind)
        return (time.perf_counter() - began) * 1000

    return step


async def answered(lines: Lines, port: int, texts: Iterator[str]) -> Step:
    """A step: a question is sent and the bot's reply is on the visitor's screen."""
    visitor = await open_chat(await lines.open(port))
    stream = await visitor.listen(lines, port)

    async def step() -> float:
        text, began = next(texts), time.perf_counter()
        seq = await visitor.say(text)
        while True:
            _, shown = await stream.next()
            if shown["author"] == "bot" and shown["seq"] > seq:
                return (time.perf_counter() - began) * 1000

    return step


def alarmed(connection: Connection, console: Stream, texts: Iterator[str]) -> Step:
    """A step: someone new writes that they are in danger, and the case is on the console's screen."""

    async def step() -> float:
        visitor, text = await open_chat(connection), next(texts)
        began = time.perf_counter()
        await visitor.say(text)
        while True:
            _, row = await console.next()
            if row.get("what") == "case_opened":
                return (time.perf_counter() - began) * 1000

    return step


def add_counsellor(deployment: Deployment) -> str:
    """Make the account as `hotline user add` does; returns the one-time password."""
    store = wiring.open_store(deployment.settings)
    try:
        once = one_time_password()
        with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
            new = NewAccount(LOGIN, "测试", _ROLES)
            make_office(store, load_permissions()).add(connection, new, once, wiring.utc_now())
        return once.text
    finally:
        store.engine.dispose()


async def open_console(lines: Lines, deployment: Deployment, password: str) -> Stream:
    """Sign in, change the one-time password, and listen to the event stream of the queue."""
    connection = await lines.open(deployment.process.port)
    form = urllib.parse.urlencode({"login": LOGIN, "password": password}).encode()
    answer = await connection.request("POST", "/console/sign-in", form, headers=_FORM)
    cookie = _signed_in(answer.cookie("xindeng_console"))
    form = urllib.parse.urlencode({"old": password, "new": _PASSWORD, "again": _PASSWORD}).encode()
    headers = f"{_FORM}cookie: xindeng_console={cookie}\r\nx-csrf-token: {_csrf(deployment, cookie)}\r\n"
    answer = await connection.request("POST", "/console/password", form, headers=headers)
    cookie = _signed_in(answer.cookie("xindeng_console"))
    return await connection.stream("/console/events", headers=f"cookie: xindeng_console={cookie}\r\n")


def _signed_in(cookie: str) -> str:
    if not cookie:
        raise ServerGone("the console refused the bench account")
    return cookie


def _csrf(deployment: Deployment, cookie: str) -> str:
    """The session's token, read from our own store: the page around it may change its looks."""
    store = wiring.open_store(deployment.settings)
    try:
        with store.engine.connect() as connection:
            found = wiring.make_accounts(deployment.settings, store).who(connection, cookie, wiring.utc_now())
    finally:
        store.engine.dispose()
    if found is None:
        raise ServerGone("the console forgot the bench account")
    return found[1].csrf
