"""One synthetic caller of a drill at the real web chat: writes by its script, reacts to what it hears, keeps times."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import httpx

from escalation.practice import scripts
from escalation.practice.results import MEASURES, CallerResult
from escalation.practice.scripts import Heard, Line, Script

_CALM_S = 5.0  # how long a caller without danger stays after its last line
_IDLE_S = 20.0  # how long one in danger stays when everything was reached and nobody says more
_LISTENS_S = 20.0


@dataclass
class Times:
    """Seconds from the first danger message of one caller to each measure."""

    seconds: dict[str, float] = field(default_factory=dict)
    began_at: float | None = None
    seq: int | None = None  # of the danger message, once the server told
    _bot: list[tuple[int, float]] = field(default_factory=list)
    _has_person: bool = False

    def begin(self, now: float) -> None:
        """The danger message leaves. Where a person is there already, nobody needs to be called."""
        self.began_at = now
        if self._has_person:
            self.seconds.update(safety=0.0, alarm=0.0, claim=0.0)

    def stored(self, seq: int, now: float) -> None:
        """The server acknowledged it: it is on disk."""
        self.seq = seq
        self._mark("stored", now)
        for number, at in self._bot:
            self._answered(number, at)

    def said(self, author: str, seq: int, now: float) -> None:
        """A message reached the caller's page."""
        if author == "counsellor":
            self._has_person = True
            self._mark("word", now)
        elif author == "bot":
            self._bot.append((seq, now))
            self._answered(seq, now)

    def told(self, kind: str, now: float) -> None:
        """The desk's screens were told of the caller's case."""
        if kind == "claimed":
            self._has_person = True
            self._mark("claim", now)
        elif kind == "alert":
            self._mark("alarm", now)

    @property
    def is_whole(self) -> bool:
        """Whether everything was reached."""
        return len(self.seconds) == len(MEASURES)

    def _answered(self, seq: int, at: float) -> None:
        if self.seq is not None and seq > self.seq:
            self._mark("safety", at)

    def _mark(self, measure: str, now: float) -> None:
        if self.began_at is not None:
            self.seconds.setdefault(measure, now - self.began_at)


@dataclass
class Caller:
    """A caller with its clock; `news` is called whenever a time was taken."""

    client: httpx.AsyncClient
    proof: str
    script: Script
    cues: Mapping[str, Sequence[str]]
    speed: float
    wait_s: float
    news: Callable[[], None]
    times: Times = field(default_factory=Times)
    session: str = ""
    fault: str = ""
    _token: str = ""
    _inbox: asyncio.Queue[Heard | None] = field(default_factory=asyncio.Queue)

    async def play(self) -> None:
        """The whole call; what goes wrong on the way is kept as its fault."""
        try:
            await self._open()
            listens = asyncio.Event()
            listening = asyncio.create_task(self._listen(listens))
            try:
                async with asyncio.timeout(_LISTENS_S):
                    await listens.wait()  # else an answer to the first line could be missed
                await self._talk()
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
        except (httpx.HTTPError, TimeoutError, ValueError, KeyError) as error:
            self.fault = type(error).__name__

    @property
    def result(self) -> CallerResult:
        """What the drill keeps of it."""
        return CallerResult(
            self.script.code, dict(self.times.seconds), self.times.began_at is not None, self.fault
        )  # fmt: skip

    def told(self, kind: str) -> None:
        """The desk's screens heard of this caller's case; somebody may have stopped the drill."""
        if kind == "drill_over":
            self.fault = "Stopped"
            self._inbox.put_nowait(None)
        self.times.told(kind, perf_counter())
        self.news()

    async def _open(self) -> None:
        answer = await self.client.post("/api/chat/sessions", headers={"X-Hotline-Drill": self.proof})
        opened = answer.raise_for_status().json()
        self.client.cookies.clear()  # each caller shows a token of its own
        if not opened["drill"]:
            raise ValueError("not marked as a drill")
        self.session, self._token = str(opened["session"]), str(opened["token"])

    async def _talk(self) -> None:
        progress, typing_since = scripts.begin(self.script), perf_counter()
        last_at = typing_since
        while True:
            line = scripts.next_line(self.script, progress)
            now = perf_counter()
            ends_at = typing_since + line.after / self.speed if line else self._leaves_at(last_at)
            if now >= ends_at and line is None:
                return
            if line is not None and now >= ends_at:
                await self._write(line, progress.said)
                progress = scripts.spoken(progress)
                typing_since = last_at = perf_counter()
                continue
            try:
                async with asyncio.timeout(ends_at - now):
                    heard = await self._inbox.get()
            except TimeoutError:
                continue
            if heard is None:
                return
            before, last_at = progress, perf_counter()
            progress = scripts.hear(self.script, self.cues, progress, heard)
            if progress.waiting != before.waiting:
                typing_since = last_at

    def _leaves_at(self, last_at: float) -> float:
        """When a caller with nothing more to say hangs up."""
        if self.times.began_at is None:
            return last_at + _CALM_S / self.speed
        patience = self.times.began_at + self.wait_s
        return min(patience, last_at + _IDLE_S / self.speed) if self.times.is_whole else patience

    async def _write(self, line: Line, number: int) -> None:
        is_first = line.danger and self.times.began_at is None
        if is_first:
            self.times.begin(perf_counter())
        message = {"client_message_id": f"drill-{number}", "text": line.text}
        answer = await self.client.post("/api/chat/messages", json=message, headers=self._headers)
        seq = int(answer.raise_for_status().json()["seq"])
        if is_first:
            self.times.stored(seq, perf_counter())
        self.news()

    async def _listen(self, listens: asyncio.Event) -> None:
        try:
            async for message in stream(self.client, "/api/chat/events", self._headers, listens):
                if message["author"] == "visitor":
                    continue
                self.times.said(message["author"], int(message["seq"]), perf_counter())
                self._inbox.put_nowait(Heard(message["author"], message["text"]))
                self.news()
        except httpx.HTTPError as error:  # times may be missing from here on
            self.fault = type(error).__name__

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


async def stream(
    client: httpx.AsyncClient, path: str, headers: Mapping[str, str], ready: asyncio.Event
) -> AsyncIterator[dict[str, Any]]:
    """The data of server-sent events; `ready` is set when nothing is missed any more."""
    timeout = httpx.Timeout(_LISTENS_S, read=None)
    async with client.stream("GET", path, headers=dict(headers), timeout=timeout) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            ready.set()
            if line.startswith("data:"):
                yield json.loads(line[5:])
