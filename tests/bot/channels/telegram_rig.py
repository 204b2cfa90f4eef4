"""Telegram beside our whole service: the rig, its recorded updates, and what tests ask of both."""

from __future__ import annotations

import contextlib
import json
import re
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import server
from bot.channels.telegram import TelegramChannel
from records import tables as t
from settings import Settings, load_settings
from tests.bot.channels.rig import Trouble
from tests.bot.channels.telegram_platform import PUBLIC_URL, SECRET, TOKEN, TelegramPlatform, until
from tests.browsing import Site, serving
from tests.building import compiled_screener, rows

PAYLOADS = Path(__file__).parent / "payloads" / "telegram"
KINDS = {
    "text": "text", "voice": "voice", "image": "photo_without_words", "video": "video", "sticker": "sticker",
    "place": "location", "file": "document", "unknown": "story",
}  # fmt: skip
GREETING = "智能助手，是机器人"
HEARD = "谢谢你愿意告诉我"  # the safety words for CRISIS
SAFETY = "你现在的安全最重要"  # and for PLAN


def payload(name: str) -> dict[str, Any]:
    """A recorded update."""
    return dict(json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8")))


@dataclass
class TelegramRig:
    """Telegram beside our service, by webhook or asked for updates."""

    platform: TelegramPlatform
    site: Site
    polls: bool
    url: str = ""  # of our service
    name: str = "telegram"
    kinds: tuple[str, ...] = tuple(KINDS)
    has_quota: bool = False
    has_token: bool = False
    has_wire: bool = True
    carries_time: bool = True
    refuses_old: bool = False
    _updates: dict[str, int] = field(default_factory=dict)

    def chat_of(self, person: str) -> int:
        """The person's id at Telegram."""
        return 6_000_000_000 + zlib.crc32(person.encode())

    def address(self, person: str) -> str:
        """The contact's address in our database."""
        return str(self.chat_of(person))

    async def post(self, person: str, number: int, text: str, *, sent_at: datetime | None = None) -> int:
        """A text message; the same number again is a repeat."""
        return await self.bring(person, number, "text", sent_at=sent_at, text=text, entities=[])

    async def post_kind(self, person: str, number: int, kind: str) -> int:
        """A recorded message of a kind."""
        return await self.bring(person, number, KINDS[kind])

    async def bring(
        self, person: str, number: int, name: str, *, sent_at: datetime | None = None, **changes: Any
    ) -> int:
        """A recorded update as of this person, its main part changed; 200 means that Telegram need not repeat it."""
        update = self.update(person, number, name, sent_at=sent_at, **changes)
        self.platform.meet(update)
        if not self.polls:
            return await self.platform.call_webhook(update)
        self.platform.queue(update)
        return await self.confirmed()

    def update(
        self, person: str, number: int, name: str, *, sent_at: datetime | None = None, **changes: Any
    ) -> dict[str, Any]:
        """A recorded update as of this person."""
        raw = payload(name)
        chat_id, second = self.chat_of(person), int((sent_at or datetime.now(UTC)).timestamp())
        update_id = self._updates.setdefault(f"{person}:{number}:{name}", 0) or self.platform.next_update()
        self._updates[f"{person}:{number}:{name}"] = update_id
        main = next(value for key, value in raw.items() if key != "update_id")
        words = json.dumps({**raw, "update_id": update_id, next(k for k in raw if k != "update_id"): main | changes})
        recorded = {"6180339887": chat_id, "1796090400": second, "1796090465": second + 65, "4101": number}
        for old, new in recorded.items():
            words = re.sub(rf"\b{old}\b", str(new), words)
        return dict(json.loads(words))

    async def confirmed(self) -> int:
        """Wait until our service has told Telegram that it holds everything."""
        with contextlib.suppress(TimeoutError):
            await until(lambda: not self.platform.pending)
        return 503 if self.platform.pending else 200

    async def press(self, person: str, label: str) -> int:
        """Press a button that the person sees."""
        chat_id = self.chat_of(person)
        bubble = next(b for b in reversed(self.platform.phones[chat_id]) if label in dict(b.buttons))
        number = self.platform.next_update()
        return await self.bring(
            person,
            number,
            "press",
            id=str(number),
            data=dict(bubble.buttons)[label],
            message=bubble.message(chat_id, 8001),
        )

    async def forge(self, person: str, number: int, text: str) -> int:
        """A good update under a wrong secret."""
        update = self.update(person, number, "text", text=text, entities=[])
        return await self.platform.post(json.dumps(update).encode(), "wrong-secret")

    async def post_broken(self, body: bytes) -> int:
        """Bytes that are no update, under the right secret."""
        return await self.platform.post(body, SECRET)

    def trouble(self, what: Trouble) -> None:
        """What happens to our calls from now on."""
        self.platform.trouble = what

    def seen(self, person: str) -> list[str]:
        """What the person reads."""
        return [bubble.text for bubble in self.platform.phones[self.chat_of(person)]]

    async def sees(self, person: str, words: str, times: int = 1) -> list[str]:
        """Wait until the person reads these words so often."""
        with contextlib.suppress(TimeoutError):
            await until(lambda: sum(words in text for text in self.seen(person)) >= times)
        assert sum(words in text for text in self.seen(person)) == times, self.seen(person)
        return self.seen(person)


def contact_of(rig: TelegramRig, person: str) -> Any:
    store = rig.site.service.store
    with store.engine.connect() as connection:
        return store.contacts.find(connection, "telegram", str(rig.chat_of(person)))


def said_by(rig: TelegramRig, person: str) -> list[tuple[str, str]]:
    """Kind and text of what the person said, as the counsellor reads it."""
    return [(message.kind, message.body) for message in messages_of(rig, person)]


def messages_of(rig: TelegramRig, person: str) -> list[Any]:
    contact, store = contact_of(rig, person), rig.site.service.store
    if contact is None:
        return []
    (conversation,) = rows(store.engine, t.conversation, contact_id=contact.id)
    with store.engine.connect() as connection:
        found = store.conversations.messages(connection, conversation.id, limit=10_000)
    return [message for message in found if message.author == "visitor"]


def conversation_of(rig: TelegramRig, person: str) -> str:
    (conversation,) = rows(rig.site.service.store.engine, t.conversation, contact_id=contact_of(rig, person).id)
    return str(conversation.id)


def channel_of(rig: TelegramRig) -> TelegramChannel:
    channel = rig.site.service.outbox.channels["telegram"]
    assert isinstance(channel, TelegramChannel)
    return channel


def telegram_settings(folder: Path, api_url: str, *, polls: bool) -> Settings:
    """A deployment with Telegram; short leases, so that tests need not wait."""
    webhook = {} if polls else {"HOTLINE_TELEGRAM_SECRET": SECRET, "HOTLINE_PUBLIC_URL": PUBLIC_URL}
    return load_settings(
        {
            "HOTLINE_DATA_DIR": str(folder), "HOTLINE_TELEGRAM_TOKEN": TOKEN, "HOTLINE_TELEGRAM_API_URL": api_url,
            "HOTLINE_OUTBOX_LEASE_S": "2", "HOTLINE_MEDIA_LONGEST_BYTES": "5000", **webhook,
        }
    )  # fmt: skip


@contextlib.asynccontextmanager
async def hotline_beside(
    platform: TelegramPlatform, api_url: str, folder: Path, *, polls: bool
) -> AsyncIterator[TelegramRig]:
    """Our whole service as it runs in production; leave the context and enter it again for a restart."""
    app = server.build_app(telegram_settings(folder, api_url, polls=polls), screener=compiled_screener())
    async with serving(app) as url:
        platform.addresses[PUBLIC_URL] = url
        yield TelegramRig(platform, Site(app, app.state.service), polls, url)


@contextlib.asynccontextmanager
async def telegram_rig(folder: Path, *, polls: bool) -> AsyncIterator[TelegramRig]:
    """Telegram and our service beside it."""
    platform = TelegramPlatform()
    async with (
        serving(platform.app()) as api_url,
        hotline_beside(platform, api_url, folder, polls=polls) as rig,
    ):
        yield rig
