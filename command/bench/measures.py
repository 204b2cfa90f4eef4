"""The measurements, one stage after the other; each gives rows with their baselines."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import wiring
from command.answering import load_answering
from command.bench import baselines, screens
from command.bench.deployment import Deployment, ServerProcess
from command.bench.load import Lines, Step, Stream, Timing, drive, repeat
from command.bench.rows import Figure, Row, latency, microseconds, rate
from command.bench.samples import Samples, around
from knowledge.grams import grams
from knowledge.index import passages_of
from knowledge.lexical import Lexical
from triage.measure import KEYWORDS, by_keywords
from triage.screen import Screener

_MANY = 64
_REPLIES = 16
_AT_ONCE = 50  # streams opened side by side
_IDLE = 0.1  # share of a core under which the server has caught up
_BODY = b'{"client_message_id": "1", "text": "%s"}' % ("最近总是睡不着".encode() * 3)
_EMPTY = "empty FastAPI route"
_ECHO = "FastAPI echo over SSE"


@dataclass(frozen=True)
class Bench:
    """What is measured, and for how long each."""

    ours: Deployment
    empty: ServerProcess
    folder: Path
    samples: Samples
    screener: Screener
    seconds: float
    chats: int

    @property
    def port(self) -> int:
        """Where our server listens."""
        return self.ours.process.port


Stage = Callable[[Bench], Awaitable[list[Row]]]


def start_up(bench: Bench) -> list[Row]:
    """From the command to ready: on an empty folder, and again."""
    first = bench.ours.process.start()
    bench.ours.process.stop()
    again, empty = bench.ours.process.start(), Figure(bench.empty.start())
    return [
        Row("first start, index built", "s", Figure(first), "empty FastAPI start", empty),
        Row("start-up", "s", Figure(again), "empty FastAPI start", empty),
        Row("memory after start", "MB", Figure(bench.ours.process.rss_mb()), "empty FastAPI",
            Figure(bench.empty.rss_mb())),
    ]  # fmt: skip


async def acknowledging(bench: Bench) -> list[Row]:
    """Messages screened, on disk and acknowledged."""
    rows, questions = [], around(bench.samples.questions)
    for count in (1, _MANY):
        async with Lines() as lines:
            empties = [await baselines.posting(lines, bench.empty.port, _BODY) for _ in range(count)]
            empty = await _driven(empties, bench)
            steps = [await screens.acknowledged(lines, bench.port, questions, "text") for _ in range(count)]
            ours = await _driven(steps, bench)
        name = f"acknowledged, {count} at once, the bot answering"
        rows.append(Row(name, "/s", rate(ours), f"{_EMPTY}, {count} at once", rate(empty)))
        await _caught_up(bench)
    return rows


async def acknowledging_only(bench: Bench) -> list[Row]:
    """The same without answers (a sticker is screened and stored, and needs none), and what it costs the server."""
    questions = around(bench.samples.questions)
    async with Lines() as lines:
        steps = [await screens.acknowledged(lines, bench.port, questions, "sticker") for _ in range(_MANY)]
        ours, ours_cpu = await _with_cpu(bench.ours.process, steps, bench)
        empties = [await baselines.posting(lines, bench.empty.port, _BODY) for _ in range(_MANY)]
        empty, empty_cpu = await _with_cpu(bench.empty, empties, bench)
    bare = await asyncio.to_thread(baselines.sqlite_inserts, bench.folder, 1, bench.seconds)
    grouped = await asyncio.to_thread(baselines.sqlite_inserts, bench.folder, 100, bench.seconds)
    name = f"acknowledged, {_MANY} at once, no answer wanted"
    return [
        Row(name, "/s", rate(ours), f"{_EMPTY}, {_MANY} at once", rate(empty)),
        Row(name, "/s", rate(ours), "SQLite insert, FULL, 1 row a commit", rate(bare)),
        Row(name, "/s", rate(ours), "SQLite insert, FULL, 100 rows a commit", rate(grouped, each=100)),
        Row("server processor time a message", "us", ours_cpu, f"{_EMPTY}, {_MANY} at once", empty_cpu),
    ]


async def replying(bench: Bench) -> list[Row]:
    """From the question sent to the answer on the visitor's screen."""
    rows, questions = [], around(bench.samples.questions)
    for count in (1, _REPLIES):
        async with Lines() as lines:
            steps = [await screens.answered(lines, bench.port, questions) for _ in range(count)]
            ours = await _driven(steps, bench)
            names = [f"reply-{count}-{number}" for number in range(count)]
            echoes = [await baselines.echoing(lines, bench.empty.port, name, b"{}") for name in names]
            echo = await _driven(echoes, bench)
        rows.append(Row(f"full replies, {count} at once", "/s", rate(ours), f"{_ECHO}, {count} at once", rate(echo)))
    return rows


async def alarming(bench: Bench) -> list[Row]:
    """Many chats open and quiet; then words of danger, from sending to the case on the console's screen."""
    password = await asyncio.to_thread(screens.add_counsellor, bench.ours)
    async with Lines() as lines:
        console = await screens.open_console(lines, bench.ours, password)
        await _fill(lines, bench)
        memory = Row(f"memory with {bench.chats:,} chats open", "MB", Figure(bench.ours.process.rss_mb()),
                     f"empty FastAPI, {bench.chats:,} streams", Figure(bench.empty.rss_mb()))  # fmt: skip
        step = screens.alarmed(await lines.open(bench.port), console, around(bench.samples.crises))
        quiet = await _driven([step], bench)
        echo = latency(await _driven([await baselines.echoing(lines, bench.empty.port, "console", b"{}")], bench))
        busy = await _beside_load(lines, bench, step)
    name = f"danger to console, {bench.chats:,} chats open"
    return [
        memory,
        Row(name, "ms", latency(quiet), f"{_ECHO}, 1 at once", echo),
        Row(f"{name}, {_REPLIES} writing", "ms", latency(busy), f"{_ECHO}, 1 at once", echo),
    ]


async def thinking(bench: Bench) -> list[Row]:
    """Screening and answering alone, in this process, beside the plainest way to do each."""
    mixed, questions = around(bench.samples.mixed), around(bench.samples.questions)
    judged = repeat(lambda: bench.screener.judge(next(mixed)), bench.seconds)
    plain = repeat(lambda: by_keywords(next(mixed)), bench.seconds)
    answering = load_answering(bench.ours.settings)
    library = answering.knowledge.library
    lexical = Lexical.over([text for a in library.articles.values() for text in (*passages_of(a), *a.questions)])
    now = wiring.utc_now()
    found = repeat(lambda: answering.find(next(questions), now), bench.seconds)
    scored = repeat(lambda: lexical.scores(grams(next(questions))).argmax(), bench.seconds)
    return [
        Row("screening one message", "us", microseconds(judged), f"{len(KEYWORDS)} keywords", microseconds(plain)),
        Row("choosing one answer", "us", microseconds(found), "character BM25", microseconds(scored)),
    ]


STAGES: tuple[tuple[str, Stage], ...] = (
    ("acknowledgements", acknowledging),
    ("acknowledgements without answers", acknowledging_only),
    ("full replies", replying),
    ("open chats and alarms", alarming),
    ("screening and answering", thinking),
)


async def _driven(steps: Sequence[Step], bench: Bench) -> Timing:
    await drive(steps, min(0.5, bench.seconds / 4))  # warm
    return await drive(steps, bench.seconds)


async def _with_cpu(process: ServerProcess, steps: Sequence[Step], bench: Bench) -> tuple[Timing, Figure]:
    await drive(steps, min(0.5, bench.seconds / 4))
    before = process.cpu_s()
    timing = await drive(steps, bench.seconds)
    spent = (process.cpu_s() - before) * 1e6
    return timing, Figure(spent / len(timing.latencies_ms), samples=len(timing.latencies_ms))


async def _caught_up(bench: Bench) -> None:
    """Wait until the server has nothing left to answer."""
    for _ in range(240):
        before, began = bench.ours.process.cpu_s(), time.perf_counter()
        await asyncio.sleep(0.5)
        if not bench.ours.process.cpu_s() - before > _IDLE * (time.perf_counter() - began):
            return


async def _fill(lines: Lines, bench: Bench) -> None:
    """Open the chats, and as many streams of the empty service."""
    gate, opening = asyncio.Semaphore(_AT_ONCE), await lines.open(bench.port)
    visitors = [await screens.open_chat(opening) for _ in range(bench.chats)]

    async def gently(stream: Awaitable[Stream]) -> None:
        async with gate:
            await stream

    await asyncio.gather(*(gently(visitor.listen(lines, bench.port)) for visitor in visitors))
    names = [f"open-{number}" for number in range(bench.chats)]
    await asyncio.gather(*(gently(baselines.open_stream(lines, bench.empty.port, name)) for name in names))


async def _beside_load(lines: Lines, bench: Bench, step: Step) -> Timing:
    questions = around(bench.samples.questions)
    writing = [await screens.acknowledged(lines, bench.port, questions, "text") for _ in range(_REPLIES)]
    alarms, _ = await asyncio.gather(drive([step], bench.seconds), drive(writing, bench.seconds))
    return alarms


def raise_file_limit(wanted: int) -> None:
    """Each open chat is an open file, here and in the server (which inherits this)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
