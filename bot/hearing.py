"""Voices become text: stored, marked as a machine's, and screened exactly like a message.

People still listen: a recogniser that fails, is slow or talks nonsense takes nothing away. While it fails the person
is told once that nobody has heard the voice yet, and may write instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from bot.hands import Hands, outcome_of
from bot.judgement import judge
from bot.marking import back_off_s
from bot.messages import Inbound, Receipt
from bot.pipeline import Pipeline
from bot.recogniser import Recogniser, RecogniserFailed, RecogniserRefused
from bot.restraint import Hold
from records.attachments import Attachments
from records.contacts import Contacts
from records.conversations import Message
from records.outbox_rows import Lane, Pending
from records.transcripts import Transcripts, Unheard
from triage.risk import Screening

log = structlog.get_logger()
_HANDS = 2
_LANE = "voices"
_LEASE = timedelta(minutes=10)  # longer than the longest try
_GIVE_UP_AFTER = timedelta(hours=24)


@dataclass
class Hearing:
    """`late`: what is heard later than this after it came gets an honest line instead of a cheerful answer."""

    pipeline: Pipeline
    recogniser: Recogniser
    transcripts: Transcripts
    attachments: Attachments
    contacts: Contacts
    late: timedelta
    spread: Callable[[], float]

    def __post_init__(self) -> None:
        self.hands = Hands(_HANDS)

    def expect(self, connection: sa.Connection, message: Message, now: datetime) -> None:
        """A voice is here; what brought its own words needs no machine."""
        if not message.body:
            self.transcripts.expect(connection, message.id, message.conversation_id, now)

    async def run_due(self) -> None:
        """Begin what is due, as far as there are free hands."""
        free = self.hands.free(_LANE)
        if free <= 0:
            return
        now = self.pipeline.now()
        taken = await self.pipeline.writer.write(
            lambda connection: self.transcripts.take(connection, now, now + _LEASE, free), rings=False
        )
        for item in taken:
            self.hands.begin(_LANE, self._take_up(item))

    async def _take_up(self, item: Unheard) -> None:
        heard = await outcome_of(self._heard(item))
        now = self.pipeline.now()
        if isinstance(heard, Exception):
            is_told = isinstance(heard, RecogniserFailed | RecogniserRefused)
            log.warning("hearing.failed", message=item.message_id, why=str(heard) if is_told else type(heard).__name__)
            await self.pipeline.writer.write(lambda c: self._missed(c, item, heard, now))
            return
        screening = self.pipeline.screen(heard)
        receipt = await self.pipeline.writer.write(lambda c: self._keep(c, item, heard, screening, now))
        if receipt is not None:
            self.pipeline.answer_later(item.conversation_id, receipt)

    async def _heard(self, item: Unheard) -> str:
        voices = await asyncio.to_thread(self._voices, item.message_id)
        texts = []
        for body, media_type in voices:
            with contextlib.suppress(RecogniserRefused):  # left to people; the words of the others count
                texts.append(await self.recogniser.hear(body, media_type))
        words = "\n".join(filter(None, texts))
        if not words:
            raise RecogniserRefused("no words")
        return words

    def _voices(self, message_id: str) -> list[tuple[bytes, str]]:
        with self.pipeline.engine.connect() as connection:
            files = self.attachments.of_messages(connection, [message_id]).get(message_id, [])
            stored = [file for file in files if file.kind == "voice" and file.state == "stored"]
            return [(self.attachments.read(connection, file.id), file.media_type) for file in stored]

    def _keep(
        self, connection: sa.Connection, item: Unheard, words: str, screening: Screening, now: datetime
    ) -> Receipt | None:
        """Transcript, assessment, case, alarm and first words in one transaction, as if the words came now."""
        pipeline = self.pipeline
        conversation = pipeline.conversations.get(connection, item.conversation_id, lock=True)
        message = pipeline.conversations.message(connection, item.message_id)
        if conversation is None or message is None:
            self.transcripts.give_up(connection, item)
            return None
        if not self.transcripts.keep(connection, item, words, self.recogniser.name):
            return None
        contact = self.contacts.get(connection, conversation.contact_id)
        is_late = self._is_late(message, now)
        inbound = Inbound(
            conversation.channel, conversation.id, "", message.kind, words,
            is_answered=not is_late and (contact is None or contact.blocked_at is None),
            remark="talk.late" if is_late else "",
        )  # fmt: skip
        has_owner = conversation.owner_id is not None
        judgement = judge(conversation.memory, screening, words, now, person_owns=has_owner)
        hold = pipeline.restraint.of(connection, conversation, now)
        needs_answer = hold is Hold.NONE and pipeline.wants_answer(inbound, judgement.disposition)
        if needs_answer:
            pipeline.conversations.ask_for_answer(connection, message.id, now + pipeline.handling_lease)
        pipeline.conversations.change(connection, conversation.id, last_message_at=now)
        case = pipeline.heed(connection, conversation, inbound, message.id, judgement, hold, now)
        if case is not None:
            pipeline.alarm.tell(connection, case, "transcript", now, message=message.id)
        return Receipt(message.id, message.seq, is_repeat=False, needs_answer=needs_answer)

    def _missed(self, connection: sa.Connection, item: Unheard, why: Exception, now: datetime) -> None:
        self.pipeline.conversations.get(connection, item.conversation_id, lock=True)  # before the row, as in _keep
        message = self.pipeline.conversations.message(connection, item.message_id)
        is_old = message is None or now - message.received_at > _GIVE_UP_AFTER
        if is_old or isinstance(why, RecogniserRefused):
            self.transcripts.give_up(connection, item)
        else:
            wait = timedelta(seconds=back_off_s(item.attempts, self.spread()))
            self.transcripts.put_off(connection, item, now + wait)
        if message is not None:
            self.admit(connection, message, now)

    def admit(self, connection: sa.Connection, message: Message, now: datetime) -> None:
        """Say once, while it is fresh, that nobody heard this voice; with an open case people were called already."""
        pipeline = self.pipeline
        conversation = pipeline.conversations.get(connection, message.conversation_id, lock=True)
        row_id = hashlib.sha256(f"unheard\0{message.id}".encode()).hexdigest()[:32]
        if conversation is None or conversation.owner_id is not None or self._is_late(message, now):
            return
        if pipeline.alarm.cases.open_case_of(connection, conversation.id) or pipeline.outbox.exists(connection, row_id):
            return
        pipeline.outbox.add(
            connection,
            Pending(
                conversation.id, conversation.channel, Lane.REPLY, "bot", conversation.epoch, "safety.voice", id=row_id
            ),
            now,
        )  # fmt: skip

    def _is_late(self, message: Message, now: datetime) -> bool:
        return bool(message.extra.get("late")) or now - message.received_at > self.late
