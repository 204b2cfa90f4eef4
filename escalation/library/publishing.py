"""Puts approved articles in force beside the running service, and takes over what another process put in force.

Everything due is a row: after a restart approved drafts are tried again, and the newest change is looked for.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from escalation.library.library_desk import LibraryDesk
from knowledge.in_force import Knowledge
from knowledge.trial import Order, Verdict
from records.articles import Texts
from records.writer import Writer

_ZONE = ZoneInfo("Asia/Shanghai")
_ROOT = Path(__file__).parent.parent.parent  # where `python -m knowledge.trial` finds its packages
_AGAIN_AFTER = timedelta(seconds=60)
_LONGEST_S = 1800.0  # seconds of computing, but behind everything else on a busy machine
Try = Callable[[Order], Awaitable[Verdict]]


class TrialFailed(RuntimeError):
    """The process that tries an article broke off; it is started again in a minute."""


class Answers(Protocol):
    """What speaks to people; it takes new knowledge between two answers."""

    knowledge: Knowledge


@dataclass
class Publishing:
    """One piece of work at a time; messages go on meanwhile."""

    engine: sa.Engine
    writer: Writer
    desk: LibraryDesk
    answers: Answers
    open_knowledge: Callable[[Texts], Knowledge]
    folder: Path  # of the index
    now: Callable[[], datetime]
    attempt: Try
    complain: Callable[..., object]  # the log: why a try broke off
    encoder: str = ""  # HOTLINE_ENCODER
    _task: asyncio.Task[None] | None = None
    _again_at: datetime | None = None

    async def run_due(self) -> None:
        """Begin what is due; cheap when nothing is."""
        if self._task is not None and not self._task.done():
            return
        if self._again_at is not None and self.now() < self._again_at:
            return
        release, approved = await asyncio.to_thread(self._due)
        if release != self.answers.knowledge.release:
            self._task = asyncio.create_task(self._careful(self._catch_up()))
        elif approved:
            self._task = asyncio.create_task(self._careful(self._publish(approved[0])))

    async def drain(self) -> None:
        """Wait for what is under way."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        """End what is under way; its row stays due."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _due(self) -> tuple[int, list[str]]:
        with self.engine.connect() as connection:
            return self.desk.articles.release(connection), self.desk.articles.approved(connection)

    async def _careful(self, work: Awaitable[None]) -> None:
        try:
            await work
            self._again_at = None
        except (TrialFailed, OSError, TimeoutError, sa.exc.SQLAlchemyError) as error:
            self._again_at = self.now() + _AGAIN_AFTER
            self.complain(error=type(error).__name__)

    async def _publish(self, draft_id: str) -> None:
        files, article_id, text = await asyncio.to_thread(self._read, draft_id)
        verdict = await self.attempt(self._order(files, article_id, text))
        now = self.now()
        if not verdict.is_good:
            await self.writer.write(lambda c: self.desk.refuse(c, draft_id, verdict.words, now))
            return
        await self.writer.write(lambda c: self.desk.publish(c, draft_id, verdict.words, now))
        await self._catch_up()

    async def _catch_up(self) -> None:
        """Answer from the newest texts. Until their index is there, the old ones go on answering."""
        texts = await asyncio.to_thread(self._texts)
        fresh = await asyncio.to_thread(self.open_knowledge, texts)
        if fresh.answerer is None:
            await self.attempt(self._order(texts.files, "", ""))
            fresh = await asyncio.to_thread(self.open_knowledge, texts)
        if fresh.answerer is None and self.answers.knowledge.answerer is not None:
            raise TrialFailed(TrialFailed.__doc__)
        self.answers.knowledge = fresh

    def _read(self, draft_id: str) -> tuple[Mapping[str, str], str, str]:
        with self.engine.connect() as connection:
            draft = self.desk.articles.draft(connection, draft_id)
            assert draft is not None, "drafts are never removed"
            return self.desk.articles.texts(connection).files, draft.article_id, self.desk.file_of(connection, draft)

    def _texts(self) -> Texts:
        with self.engine.connect() as connection:
            return self.desk.articles.texts(connection)

    def _order(self, files: Mapping[str, str], article_id: str, text: str) -> Order:
        today = self.now().astimezone(_ZONE).date()
        return Order(str(self.folder), files, article_id, text, today.isoformat(), self.encoder)


async def try_apart(order: Order) -> Verdict:
    """Run the trial as a process of its own; raise TrialFailed when it breaks off."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "knowledge.trial", cwd=_ROOT, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_LONGEST_S):
            told, _ = await process.communicate(json.dumps(asdict(order)).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        found = json.loads(told)
    except ValueError as error:  # it broke off before it could say anything
        raise TrialFailed(TrialFailed.__doc__) from error
    return Verdict(**{**found, "lost": tuple(found["lost"])})
