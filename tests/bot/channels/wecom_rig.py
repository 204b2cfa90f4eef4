"""Our real application beside WeCom's 微信客服, and what it knows of people."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from wechatpy.enterprise.crypto import WeChatCrypto

import server
from bot.channels.wecom_door import WecomDoor
from records import tables as t
from records.contacts import Contact
from records.conversations import Message
from settings import Settings, load_settings
from tests.bot.channels.rig import Trouble
from tests.bot.channels.wecom_phones import ACCOUNT, AES_KEY, CORP, DEADLINE_S, PAYLOADS, TOKEN
from tests.bot.channels.wecom_platform import SECRET, WecomPlatform
from tests.browsing import Site, serving
from tests.building import compiled_screener, rows

LEASE_S = 4


async def eventually(check: Callable[[], Any], what: str = "") -> Any:
    """Wait until a check is true; gives what it found."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := check()):
        assert time.monotonic() < deadline, f"never true: {what or check}"
        await asyncio.sleep(0.02)
    return found


@dataclass
class WecomRig:
    """Our real application beside the platform; people are external_userids."""

    platform: WecomPlatform
    site: Site
    name: str = "wecom"
    kinds: tuple[str, ...] = (
        "menu_click", "foreign_menu_click", "image", "voice", "video", "file", "location", "link", "business_card",
        "miniprogram", "msgmenu", "channels_shop_product", "channels_shop_order", "merged_msg", "channels", "meeting",
        "schedule", "note", "unknown",
    )  # fmt: skip
    has_quota: bool = True
    has_token: bool = True
    has_wire: bool = True
    carries_time: bool = True
    refuses_old: bool = False

    def address(self, person: str) -> str:
        """The contact's address in our database."""
        return f"{ACCOUNT}/{person}"

    async def post(self, person: str, number: int, text: str, *, sent_at: datetime | None = None) -> int:
        """A text; returns when our service has stored it, or has not said thanks."""
        changes = {"send_time": int(sent_at.timestamp())} if sent_at else {}
        return await self.bring(person, self.platform.item("text", person, number, text={"content": text}, **changes))

    async def post_kind(self, person: str, number: int, kind: str) -> int:
        """Another kind of message."""
        return await self.bring(person, self.platform.item(kind, person, number))

    async def bring(self, person: str, *items: Mapping[str, Any]) -> int:
        """Anything that happened, with one callback."""
        for item in items:
            self.platform.say(person, item)
        reached = len(self.platform.items[ACCOUNT])
        status = await self.platform.call_back()
        if status == 200 and self.platform.trouble not in (Trouble.DOWN, Trouble.SLOW):
            await eventually(lambda: self.platform.confirmed[ACCOUNT] >= reached, "the message is stored")
        return status

    async def forge(self, person: str, number: int, text: str) -> int:
        """A callback by somebody who has neither token nor key."""
        stranger = WeChatCrypto("another-token", base64.b64encode(b"k" * 32).decode().rstrip("="), CORP)
        return await self.platform.deliver((PAYLOADS / "callback.xml").read_bytes(), stranger)

    async def post_broken(self, body: bytes) -> int:
        """Bytes where an event should be, well encrypted and signed."""
        return await self.platform.deliver(body)

    def trouble(self, what: Trouble) -> None:
        """From now on this goes wrong."""
        self.platform.trouble = what
        self.platform.calm.set()

    def tokens_fetched(self) -> int:
        """How often the platform was asked for an access token."""
        return self.platform.calls["gettoken"]

    def seen(self, person: str) -> list[str]:
        """What the person sees on the phone."""
        return list(self.platform.phone(person).seen)

    # ---- what our service knows
    def contact(self, person: str, account: str = ACCOUNT) -> Contact | None:
        """The person as our service knows them."""
        store = self.site.service.store
        with store.engine.connect() as connection:
            return store.contacts.find(connection, "wecom", f"{account}/{person}")

    def conversation(self, person: str, account: str = ACCOUNT) -> str:
        """The id of the person's conversation."""
        contact = self.contact(person, account)
        assert contact is not None
        (row,) = rows(self.site.service.store.engine, t.conversation, contact_id=contact.id)
        return str(row.id)

    def stored(self, person: str, account: str = ACCOUNT) -> list[Message]:
        """What the person said, as our service keeps it."""
        store = self.site.service.store
        if self.contact(person, account) is None:
            return []
        with store.engine.connect() as connection:
            found = store.conversations.messages(connection, self.conversation(person, account), limit=10_000)
        return [message for message in found if message.author == "visitor"]


def wecom_settings(folder: Path, api_url: str, **more: str) -> Settings:
    """A deployment with 微信客服."""
    names = {
        "HOTLINE_DATA_DIR": str(folder), "HOTLINE_WECOM_CORP_ID": CORP, "HOTLINE_WECOM_SECRET": SECRET,
        "HOTLINE_WECOM_TOKEN": TOKEN, "HOTLINE_WECOM_AES_KEY": AES_KEY, "HOTLINE_WECOM_API_URL": api_url,
        "HOTLINE_OUTBOX_LEASE_S": str(LEASE_S), "HOTLINE_WAITING_NOTE_S": "3600",
    }  # fmt: skip
    return load_settings({**names, **more})


@contextlib.asynccontextmanager
async def our_service(platform: WecomPlatform, api_url: str, folder: Path) -> AsyncIterator[WecomRig]:
    """Our whole application with all its tasks, on a real port, beside a platform that runs already."""
    app = server.build_app(wecom_settings(folder, api_url), screener=compiled_screener())
    for door in app.state.service.doors:
        if isinstance(door, WecomDoor):
            door.look_s = 0.5
    async with serving(app) as url:
        platform.callback_url = f"{url}/wecom"
        yield WecomRig(platform, Site(app, app.state.service))


@contextlib.asynccontextmanager
async def open_rig(folder: Path) -> AsyncIterator[WecomRig]:
    """Platform and service together."""
    platform = WecomPlatform()
    async with serving(platform.app()) as api_url, our_service(platform, api_url, folder) as rig:
        yield rig
