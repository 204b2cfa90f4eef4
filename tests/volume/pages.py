"""Opens every page of the console on a full database: `python -m tests.volume.pages`; fails when one is slow.

The real service runs in a process of its own. Its processor time stands beside the milliseconds, because a shared
machine makes people wait for other things than us.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import time
import urllib.parse
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

import server
from command.answering import ensure_index
from command.bench.deployment import ServerProcess, free_port
from command.bench.load import Connection, Lines, Response, ServerGone, Timing
from knowledge.questions_file import read_dev
from records import tables as t
from settings import PREFIX, Settings
from tests.building import compiled_screener
from tests.volume.place import add_place, place_of
from tests.volume.seats import Marks, become_visitor, find_marks, sign_in
from tests.volume.visits import Visit, moments, visits

LIMIT_MS = 300
UNHURRIED = ("/console/reports",)  # a month is counted, one at a time beside the other pages: no limit
_UNHURRIED_TIMES = 3
_CODE = "from command.main import run; run()"
_SEEN = (200, 303)
_DANGER = "我想死，今晚就跳楼"
Ask = Callable[[], Awaitable[int]]  # makes one request and says how many bytes came


@dataclass(frozen=True)
class Measured:
    """One page in the eyes of one role."""

    page: str
    role: str
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    cpu_ms: float  # of the service, for one request
    kilobytes: float


@dataclass(frozen=True)
class Plan:
    """Everything that is needed to open the pages."""

    visits: list[Visit]
    cookies: dict[str, str]
    marks: Marks
    token: str
    times: int


def prepare(settings: Settings, times: int) -> Plan:
    """Choose the rows, sign everybody in, and read the routes of the application."""
    app = server.build_app(settings, screener=compiled_screener())
    service = app.state.service
    store = service.store
    with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
        now = datetime.now(UTC)
        marks = find_marks(store, connection, settings.district)
        cookies = sign_in(store, connection, marks, now)
        token = become_visitor(store, connection, marks.talk_id)
        usual = next(iter(marks.ids["case_id"].values()))
        case_no = connection.execute(sa.select(t.case_record.c.case_no).where(t.case_record.c.id == usual)).scalar_one()
        longest = connection.execute(
            sa.select(t.conversation.c.last_seq).where(t.conversation.c.id == marks.talk_id)
        ).scalar_one()
    words = {"case_no": case_no, "last_seq": str(longest), **moments(now)}
    found = visits(app, marks, words)
    service.writer.close()
    store.engine.dispose()
    return Plan(found, cookies, marks, token, times)


async def measure(plan: Plan, process: ServerProcess, say: Callable[[Measured], None], only: str) -> list[Measured]:
    """Each page in each role that may see it, and the path of a message."""
    found: list[Measured] = []
    async with Lines() as lines:
        connection = await lines.open(process.port)
        for name, role, ask in (
            *_pages(plan, connection),
            *_streams(plan, lines, process.port),
            *_talks(plan, connection),
        ):
            if only not in name:
                continue
            if await ask() < 0:
                continue
            times = min(plan.times, _UNHURRIED_TIMES) if name.startswith(UNHURRIED) else plan.times
            found.append(await _timed(name, role, ask, times, process))
            say(found[-1])
    return found


async def _timed(name: str, role: str, ask: Ask, times: int, process: ServerProcess) -> Measured:
    cpu, took, size = process.cpu_s(), [], 0
    for _ in range(times):
        began = time.perf_counter()
        size = await ask()
        took.append((time.perf_counter() - began) * 1000)
    timing = Timing(sum(took) / 1000, tuple(took))
    spent = (process.cpu_s() - cpu) * 1000 / times
    p50, p95, p99, most = map(timing.percentile_ms, (0.5, 0.95, 0.99, 1.0))
    return Measured(name, role, p50, p95, p99, most, spent, size / 1024)


def _pages(plan: Plan, connection: Connection) -> Iterator[tuple[str, str, Ask]]:
    for visit, (role, cookie) in itertools.product(plan.visits, plan.cookies.items()):

        async def ask(path: str = visit.path, cookie: str = cookie) -> int:
            answer = await _get(connection, path, f"cookie: xindeng_console={cookie}\r\n")
            return len(answer.body) if answer.status in _SEEN else -1

        yield visit.name, role, ask


async def _get(connection: Connection, path: str, headers: str) -> Response:
    answer = await connection.request("GET", urllib.parse.quote(path, safe="/?&=%"), headers=headers)
    if answer.status >= 500:
        raise ServerGone(f"GET {path}: {answer.status}")
    return answer


def _streams(plan: Plan, lines: Lines, port: int) -> Iterator[tuple[str, str, Ask]]:
    """The start of the console's stream, fresh and after some minutes without network."""
    headers = f"cookie: xindeng_console={plan.cookies['counsellor']}\r\n"
    for after in ("", f"?after={plan.marks.cursor}", "?after=0-0"):

        async def ask(after: str = after) -> int:
            connection = await lines.open(port)
            stream = await connection.stream(f"/console/events{after}", headers=headers)
            if after:
                await stream.next()
            await connection.close()
            return 0

        yield (
            f"/console/events{after and ('?after=200 events ago' if '0-0' not in after else after)}",
            "counsellor",
            ask,
        )


def _talks(plan: Plan, connection: Connection) -> Iterator[tuple[str, str, Ask]]:
    """The visitor's side: reading the longest conversation, and the path of a message from the wire to the disk."""
    own = f"authorization: Bearer {plan.token}\r\n"
    numbers, run = itertools.count(), f"{time.time_ns():x}"
    asked = itertools.cycle(question.text for question in read_dev())

    async def read() -> int:
        return len((await _get(connection, "/api/chat/messages?after=0", own)).body)

    async def post(headers: str, text: str) -> int:
        body = json.dumps({"client_message_id": f"{run}-{next(numbers)}", "text": text}).encode()
        answer = await connection.request("POST", "/api/chat/messages", body, headers=headers)
        if answer.status != 202:
            raise ServerGone(f"a message was answered with {answer.status}")
        return len(answer.body)

    async def session() -> str:
        answer = await connection.request("POST", "/api/chat/sessions")
        return f"authorization: Bearer {answer.json()['token']}\r\n"

    async def known() -> int:
        return await post(own, next(asked))

    async def new() -> int:
        return await post(await session(), next(asked))

    async def danger() -> int:
        return await post(await session(), _DANGER)

    yield "GET /api/chat/messages the longest", "visitor", read
    yield "POST a message, the longest conversation", "visitor", known
    yield "POST session + first message", "visitor", new
    yield "POST session + first message in danger", "visitor", danger


def _serve(settings: Settings, folder: Path) -> ServerProcess:
    port = free_port()
    environment = {
        f"{PREFIX}DATA_DIR": str(folder), f"{PREFIX}PORT": str(port), f"{PREFIX}DATABASE_URL": settings.database_url,
        f"{PREFIX}SESSION_IDLE_S": "36000",
    }  # fmt: skip
    return ServerProcess(_CODE, ("serve",), port, "/readyz", folder / "serve.log", environment)


def machine() -> str:
    """What it ran on, and how busy that was."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"


def main(arguments: list[str] | None = None) -> None:
    """The command; ends with 1 when a page is slow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--only", default="", help="part of a page's name")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--limit", type=float, default=LIMIT_MS, help="milliseconds that nobody waits longer than")
    add_place(parser)
    given, console = parser.parse_args(arguments), Console(width=150)
    with place_of(given) as settings:
        ensure_index(settings)
        plan = prepare(settings, given.times)
        process = _serve(settings, given.folder.resolve())
        process.start()
        try:
            found = asyncio.run(measure(plan, process, lambda one: console.print(_line(one)), given.only))
        finally:
            process.stop()
    console.print(_table(found))
    if given.json:
        given.json.write_text(json.dumps({"machine": machine(), "pages": [asdict(one) for one in found]}, indent=1))
    slow = [one for one in found if one.p95_ms > given.limit and not one.page.startswith(UNHURRIED)]
    console.print(f"{len(found)} measured, {len(slow)} above {given.limit:.0f} ms at p95; {machine()}")
    raise SystemExit(1 if slow or not found else 0)


def _line(one: Measured) -> str:
    return f"{one.p50_ms:8.0f} {one.p95_ms:8.0f} {one.cpu_ms:8.0f}  {one.role:16} {one.page}"


def _table(found: list[Measured]) -> Table:
    made = Table(caption=machine())
    for title in ("page", "role", "p50 ms", "p95 ms", "p99 ms", "max ms", "CPU ms", "kB"):
        made.add_column(title, justify="left" if title in ("page", "role") else "right")
    for one in sorted(found, key=lambda one: -one.p95_ms):
        figures = (one.p50_ms, one.p95_ms, one.p99_ms, one.max_ms, one.cpu_ms, one.kilobytes)
        made.add_row(one.page, one.role, *(f"{figure:.0f}" for figure in figures))
    return made


if __name__ == "__main__":
    main()
