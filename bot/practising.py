"""Lets synthetic callers of practices write: through the same pipeline as everybody, a row saying what is next."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from bot.messages import Inbound
from bot.pipeline import Pipeline
from escalation.practice.practice_desk import CHANNEL, PracticeDesk


@dataclass(frozen=True)
class Practising:
    """Looked at in every round of the sweeper; whatever it does may be done again after a restart."""

    pipeline: Pipeline
    desk: PracticeDesk

    async def run_due(self) -> None:
        """Let every caller read and, when its time has come, write; cheap when nobody practises."""
        for case_id in await asyncio.to_thread(self._running):
            now = self.pipeline.now()
            say = await self.pipeline.writer.write(partial(self.desk.listen, case_id=case_id, now=now))
            if say is not None:
                await self.pipeline.receive(
                    Inbound(CHANNEL, say.conversation_id, say.external_id, "text", say.text)
                )  # fmt: skip

    def _running(self) -> list[str]:
        with self.pipeline.engine.connect() as connection:
            return self.desk.running(connection)
