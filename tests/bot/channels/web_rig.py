"""The web chat as a rig of the contract: the page's own calls; there is no platform behind it that could fail."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx

import server
from bot.channels.webchat import hash_token
from settings import load_settings
from tests.bot.channels.rig import Trouble
from tests.browsing import Site, serving
from tests.building import compiled_screener

_SETTINGS = {"HOTLINE_WAITING_NOTE_S": "1000000", "HOTLINE_OUTBOX_LEASE_S": "2"}


@dataclass
class WebRig:
    """People at the page; see tests/bot/channels/rig.py."""

    site: Site
    http: httpx.AsyncClient
    name: str = "web"
    kinds: tuple[str, ...] = (
        "text",
        "voice",
        "image",
        "video",
        "sticker",
        "place",
        "file",
        "unknown",
        "never heard of",
    )
    has_quota: bool = False
    has_token: bool = False
    has_wire: bool = False
    refuses_old: bool = False
    carries_time: bool = False
    _tokens: dict[str, str] = field(default_factory=dict)

    def address(self, person: str) -> str:
        """The contact's address in our database."""
        return hash_token(self._tokens.get(person, ""))

    async def post(self, person: str, number: int, text: str, *, sent_at: datetime | None = None) -> int:  # noqa: ARG002
        """Write at the page, which tells no time."""
        return await self._send(person, number, text, "text")

    async def post_kind(self, person: str, number: int, kind: str) -> int:
        """The page says what it sends."""
        return await self._send(person, number, f"{kind} {number}", kind)

    async def forge(self, person: str, number: int, text: str) -> int:
        """Without a good token."""
        return await self._send(person, number, text, "text", token="a guess")

    async def post_broken(self, body: bytes) -> int:
        """Any bytes, with a good token."""
        headers = {"Authorization": f"Bearer {await self._token('broken')}"}
        return (await self.http.post("/api/chat/messages", content=body, headers=headers)).status_code

    def trouble(self, what: Trouble) -> None:
        """Nothing: people read from our own store."""

    def seen(self, person: str) -> list[str]:
        """What the page shows of others."""
        store = self.site.service.store
        with store.engine.connect() as connection:
            chat = store.conversations.by_token(connection, self.address(person))
            found = store.conversations.messages(connection, chat) if chat else []
        return [message.body for message in found if message.author != "visitor"]

    async def _send(self, person: str, number: int, text: str, kind: str, token: str = "") -> int:
        headers = {"Authorization": f"Bearer {token or await self._token(person)}"}
        body = {"client_message_id": str(number), "text": text, "kind": kind}
        return (await self.http.post("/api/chat/messages", json=body, headers=headers)).status_code

    async def _token(self, person: str) -> str:
        if person not in self._tokens:
            answer = await self.http.post("/api/chat/sessions")
            self.http.cookies.clear()
            self._tokens.setdefault(person, answer.json()["token"])
        return self._tokens[person]


@contextlib.asynccontextmanager
async def web_rig(folder: Path) -> AsyncIterator[WebRig]:
    """Our service, and people at its page."""
    app = server.build_app(load_settings({"HOTLINE_DATA_DIR": str(folder), **_SETTINGS}), screener=compiled_screener())
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=20) as http:
        yield WebRig(Site(app, app.state.service), http)
