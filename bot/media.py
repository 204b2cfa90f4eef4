"""Voices, pictures and files are fetched as soon as their platform answers, and kept sealed.

The message that brought them is long on disk; nothing here can lose it. A platform that is away is asked again for a
day, each platform by its own hands, so that a slow one holds up nobody.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from bot.channels import Channel, ChannelBusy, ChannelUnavailable, MediaChannel, MediaGone, TooLarge
from bot.hands import Hands, outcome_of
from bot.hearing import Hearing
from bot.marking import back_off_s
from bot.media_types import media_type_of
from escalation.alarm import Alarm
from records.attachments import Attachment, Attachments
from records.conversations import Conversations
from records.writer import Writer

log = structlog.get_logger()
_HANDS = 3  # for each platform
_FETCH_TIMEOUT_S = 60
_LEASE = timedelta(seconds=2 * _FETCH_TIMEOUT_S)
_GIVE_UP_AFTER = timedelta(hours=24)


@dataclass
class MediaFetcher:
    """Brings files in. `hearing` turns voices into text; None = people listen."""

    writer: Writer
    attachments: Attachments
    conversations: Conversations
    alarm: Alarm
    channels: Mapping[str, Channel]
    hearing: Hearing | None
    longest_bytes: int
    now: Callable[[], datetime]
    spread: Callable[[], float]

    def __post_init__(self) -> None:
        self.hands = Hands(_HANDS)

    async def run_due(self) -> None:
        """Begin what is due, as far as there are free hands; the sweeper does not wait for it."""
        now, full = self.now(), self.hands.full()
        for item in await self.writer.write(lambda connection: self._take(connection, full, now), rings=False):
            self.hands.begin(item.channel, self._bring(item))
        if self.hearing is not None:
            await self.hearing.run_due()

    async def drain(self) -> None:
        """Wait for what is under way."""
        await self.hands.drain()
        if self.hearing is not None:
            await self.hearing.hands.drain()

    async def stop(self) -> None:
        """End what is under way (shutdown); leased rows are taken up again."""
        await self.hands.stop()
        if self.hearing is not None:
            await self.hearing.hands.stop()

    def _take(self, connection: sa.Connection, full: list[str], now: datetime) -> list[Attachment]:
        taken: list[Attachment] = []
        begun: Counter[str] = Counter()
        for item in self.attachments.due(connection, now, besides=full):
            if begun[item.channel] < self.hands.free(item.channel):
                begun[item.channel] += 1
                self.attachments.lease(connection, item, now + _LEASE)
                taken.append(item)
        return taken

    async def _bring(self, item: Attachment) -> None:
        found = await outcome_of(self._fetch(item))
        if isinstance(found, bytes):
            media_type = media_type_of(found)
            sealed = await asyncio.to_thread(self.attachments.seal, item.id, found)
            await self.writer.write(lambda c: self._keep(c, item, sealed, media_type, len(found)))
            log.info("media.stored", attachment=item.id, channel=item.channel, type=media_type, bytes=len(found))
            return
        log.warning("media.missed", attachment=item.id, channel=item.channel, error=type(found).__name__)
        await self.writer.write(lambda c: self._missed(c, item, found))

    async def _fetch(self, item: Attachment) -> bytes:
        """The bytes; what the platform calls them is not believed."""
        channel = self.channels.get(item.channel)
        if not isinstance(channel, MediaChannel):  # switched off, or a version without
            raise ChannelUnavailable("this channel brings no files now")
        async with asyncio.timeout(_FETCH_TIMEOUT_S):
            body, _ = await channel.fetch(item.reference)
        if not body:
            raise ChannelUnavailable("an empty file")
        if len(body) > self.longest_bytes:
            raise TooLarge(TooLarge.__doc__)
        return body

    def _keep(self, connection: sa.Connection, item: Attachment, sealed: bytes, media_type: str, size: int) -> None:
        if self.attachments.keep(connection, item.id, sealed, media_type, size):
            self._tell(connection, item, "stored")
            message = self.conversations.message(connection, item.message_id)
            if self.hearing is not None and message is not None and item.kind == "voice":
                self.hearing.expect(connection, message, self.now())

    def _missed(self, connection: sa.Connection, item: Attachment, why: Exception) -> None:
        message = self.conversations.message(connection, item.message_id)
        now = self.now()
        if isinstance(why, MediaGone) or message is None or now - message.received_at > _GIVE_UP_AFTER:
            state = "too_large" if isinstance(why, TooLarge) else "gone"
            if self.attachments.give_up(connection, item.id, state):
                self._tell(connection, item, state)
                if self.hearing is not None and message is not None and item.kind == "voice" and not message.body:
                    self.hearing.admit(connection, message, now)
            return
        wait_s = why.retry_after_s if isinstance(why, ChannelBusy) else back_off_s(item.attempts + 1, self.spread())
        self.attachments.put_off(connection, item.id, now + timedelta(seconds=wait_s))

    def _tell(self, connection: sa.Connection, item: Attachment, state: str) -> None:
        """The console of an open case shows the file, or that it cannot be had."""
        case = self.alarm.cases.open_case_of(connection, item.conversation_id)
        if case is not None:
            self.alarm.tell(connection, case, "attachment", self.now(), message=item.message_id, state=state)
