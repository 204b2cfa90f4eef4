"""Other words for an article, in the tone of this hotline: off by default, and never at the price of the article.

The article waits in the outbox as it was reviewed, for at most the limit. Only while it waits there may other words
take its place; whatever happens - the person writes again, somebody takes over, a case opens, the service stops, the
model is late or says anything doubtful - the article goes out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from bot.answering import Answering
from bot.dialogue import Reply
from bot.generator import Generator, GeneratorFailed
from bot.hands import Hands
from knowledge.articles import render
from knowledge.rephrase import Draft, Rules
from records.cases import Cases
from records.conversations import Conversation, Conversations, Message
from records.outbox_rows import OutboxRows
from records.transcripts import Transcripts
from records.writer import Writer
from triage.risk import Level

log = structlog.get_logger()
_HANDS = 8
_LANE = "rephrasings"
_RESERVE = timedelta(seconds=0.5)  # of the limit: for checking and storing
_LOOK_BACK = 200  # messages in which a person may have said their age
_MOST_FAILURES = 3  # in a row; then nobody waits for the model for a while
_REST = timedelta(minutes=1)


@dataclass(frozen=True)
class Held:
    """An article that waits a moment for other words."""

    row_id: str
    conversation_id: str
    epoch: int
    draft: Draft
    question: str
    extra: Mapping[str, Any]  # JSON: article id, choices
    until: datetime


@dataclass
class Rephrasing:
    """Holds an article, asks the model, checks what it wrote, and lets one of both go."""

    generator: Generator
    rules: Rules
    tone: str
    answering: Answering
    writer: Writer
    conversations: Conversations
    transcripts: Transcripts
    cases: Cases
    outbox: OutboxRows
    limit: timedelta
    sends_question: bool
    now: Callable[[], datetime]

    def __post_init__(self) -> None:
        self.hands = Hands(_HANDS)
        self._failures = 0
        self._rests_until: datetime | None = None

    def hold(
        self, connection: sa.Connection, conversation: Conversation, message: Message, reply: Reply, row_id: str,
        now: datetime,
    ) -> Held | None:  # fmt: skip
        """Let a reply that was just queued wait, when it may be said in other words; None when it goes as it is."""
        article = self.answering.knowledge.library.articles.get(str(reply.extra.get("article", "")))
        draft = self.rules.draft(article) if article else None
        if draft is None or not reply.text.startswith(self.answering.short(draft.article)):  # or it is the long text
            return None
        if message.kind != "text" or not self._may_ask(now) or self._is_careful(connection, conversation):
            return None
        until = now + self.limit
        self.outbox.set_state(connection, [row_id], "pending", due_at=until)
        question = message.body if self.sends_question else ""
        return Held(row_id, conversation.id, conversation.epoch, draft, question, reply.extra, until)

    def _may_ask(self, now: datetime) -> bool:
        """Whether a hand is free and the model worked lately."""
        return self.hands.free(_LANE) > 0 and (self._rests_until is None or now >= self._rests_until)

    def _is_careful(self, connection: sa.Connection, conversation: Conversation) -> bool:
        """Whether people deal or dealt with this person, or they may be a minor: then only reviewed words."""
        if self.cases.newest_of(connection, conversation.id) is not None:
            return True
        after = conversation.last_seq - _LOOK_BACK
        messages = self.conversations.messages(connection, conversation.id, after=after, limit=_LOOK_BACK)
        theirs = [message for message in messages if message.author == "visitor"]
        heard = self.transcripts.texts(connection, [message.id for message in theirs])
        return self.rules.may_be_minor([*(message.body for message in theirs), *heard.values()])

    def begin(self, held: Held) -> None:
        """Ask and do not wait."""
        self.hands.begin(_LANE, self._take_up(held))

    async def _take_up(self, held: Held) -> None:
        said, why = await self._said(held)
        now = self.now()
        is_used = await self.writer.write(lambda connection: self._settle(connection, held, said, now))
        log.info("rephrasing.used" if is_used else "rephrasing.dropped", article=held.draft.article, why=why)

    async def _said(self, held: Held) -> tuple[tuple[str, ...], str]:
        """The model's sentences when all of them stand; else why not."""
        left_s = (held.until - self.now() - _RESERVE).total_seconds()
        asked = self.rules.messages(held.draft, self.tone, held.question)
        try:
            content = await self.generator.write(asked, max(left_s, 0.0))
        except GeneratorFailed as error:
            self._failures += 1
            if self._failures >= _MOST_FAILURES:
                self._rests_until = self.now() + _REST
            return (), str(error)
        self._failures = 0
        return await asyncio.to_thread(self.rules.check, held.draft, content)

    def _settle(self, connection: sa.Connection, held: Held, said: Sequence[str], now: datetime) -> bool:
        """Put the words in the article's place where that is still allowed; else let the article go at once."""
        conversation = self.conversations.get(connection, held.conversation_id, lock=True)
        is_ours = (
            conversation is not None and conversation.owner_id is None and conversation.epoch == held.epoch
            and conversation.level <= Level.LOW and not conversation.is_blocked
            and self.cases.newest_of(connection, held.conversation_id) is None
        )  # fmt: skip
        if said and is_ours:
            extra = {**held.extra, "written_by": self.generator.name}
            text = self._bubble(held.draft, said)
            if self.outbox.reword(connection, held.row_id, text, extra, held_until=held.until, now=now):
                return True
        self.outbox.release(connection, held.conversation_id, now)
        return False

    def _bubble(self, draft: Draft, said: Sequence[str]) -> str:
        """The model's sentences, those that are always said as they are, the source, and that a machine wrote."""
        library = self.answering.knowledge.library
        kept = render("".join(draft.kept), self.answering.numbers, self.answering.region)
        lines = "".join(said) + kept, library.cite(library.articles[draft.article]), self.rules.label_for(draft)
        return "\n".join(lines)
