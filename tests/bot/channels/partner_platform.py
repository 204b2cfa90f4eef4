"""A partner's system as a real server: it checks every call as docs/http-channel.md says, and can fail."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response

import server
from settings import Settings, load_settings
from tests.bot.channels.rig import Trouble
from tests.browsing import Site, serving
from tests.building import compiled_screener

SECRET = "a-secret-of-the-city-app-with-40-letters"
PAYLOADS = Path(__file__).parent / "payloads" / "partner"
KINDS = ("text", "voice", "voice_untranscribed", "image", "video", "sticker", "place", "file", "unknown", "edited")
WAIT_S = 20.0
SLOW_S = 30.0  # longer than any lease; a test ends it sooner by setting the trouble to NONE
_FIELDS = {"delivery_id": str, "person": str, "author": str, "text": str, "choices": list, "at": str}


def signed(secret: str, body: bytes, at: float | None = None) -> dict[str, str]:
    """The headers of a call, made by other means than ours."""
    timestamp = str(int(time.time() if at is None else at))
    digest = hmac.digest(secret.encode(), b"%s.%s" % (timestamp.encode(), body), "sha256").hex()
    return {"X-Hotline-Timestamp": timestamp, "X-Hotline-Signature": f"v1={digest}"}


@dataclass
class Platform:
    """The partner's side of the callback: keeps what its people see on their phones."""

    secret: str = SECRET
    trouble: Trouble = Trouble.NONE
    calls: Counter[str] = field(default_factory=Counter)  # for each person
    refused: list[str] = field(default_factory=list)  # calls that break the contract, in words
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)  # delivery id -> bubble
    repeats: int = 0
    answers: dict[str, Response] = field(default_factory=dict)  # person -> what the next call gets
    _mended: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self) -> FastAPI:
        app = FastAPI()
        app.add_api_route("/hotline", self.take, methods=["POST"])
        return app

    def set_trouble(self, what: Trouble) -> None:
        self.trouble = what
        if what is Trouble.NONE:
            self._mended.set()
        else:
            self._mended.clear()

    async def take(self, request: Request) -> Response:
        """One bubble for one person."""
        raw = await request.body()
        person = str(json.loads(raw)["person"])
        self.calls[person] += 1
        if person in self.answers:
            return self.answers.pop(person)
        if self.trouble is Trouble.DOWN:
            return Response(status_code=502)
        if self.trouble is Trouble.SLOW:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._mended.wait(), SLOW_S)
            return Response(status_code=504)
        if self.trouble is Trouble.THROTTLED:
            self.trouble = Trouble.NONE
            return Response(status_code=429, headers={"Retry-After": "2"})
        if self.trouble is Trouble.BLOCKED:
            return Response(status_code=410)
        return self._keep(request, raw)

    def _keep(self, request: Request, raw: bytes) -> Response:
        if wrong := self._wrong(request, raw):
            self.refused.append(wrong)
            return Response(wrong, 400)
        bubble = json.loads(raw)
        if bubble["delivery_id"] in self.taken:
            self.repeats += 1
            return Response(status_code=409)
        self.taken[bubble["delivery_id"]] = bubble
        return Response(status_code=204)

    def _wrong(self, request: Request, raw: bytes) -> str:
        timestamp = request.headers.get("x-hotline-timestamp", "")
        if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > 300:
            return "the timestamp is not of now"
        good = hmac.new(self.secret.encode(), f"{timestamp}.".encode() + raw, hashlib.sha256).hexdigest()
        if request.headers.get("x-hotline-signature") != f"v1={good}":
            return "the signature does not fit"
        if request.headers.get("content-type") != "application/json":
            return "this is no JSON"
        bubble = json.loads(raw)
        if {name: type(value) for name, value in bubble.items()} != _FIELDS:
            return f"the fields are {sorted(bubble)}"
        if datetime.fromisoformat(bubble["at"]).tzinfo is None or not bubble["text"] or not bubble["person"]:
            return "an empty field, or a time without its zone"
        if bubble["author"] not in ("bot", "counsellor", "system") or len(bubble["text"].encode()) > 4096:
            return "an unknown author, or too long"
        if any(set(choice) != {"label", "text"} for choice in bubble["choices"]):
            return "a choice is not label and text"
        return ""


@dataclass
class PartnerRig:
    """The platform beside our real service; see tests/bot/channels/rig.py."""

    site: Site
    http: httpx.AsyncClient
    platform: Platform
    name: str = "http.cityapp"
    kinds: tuple[str, ...] = KINDS
    has_quota: bool = False
    has_token: bool = False
    has_wire: bool = True
    carries_time: bool = True
    refuses_old: bool = False

    def address(self, person: str) -> str:
        return person

    async def post(self, person: str, number: int, text: str, *, sent_at: datetime | None = None) -> int:
        message = {"id": f"m-{number}", "person": person, "kind": "text", "text": text}
        if sent_at is not None:
            message["sent_at"] = sent_at.isoformat()
        return (await self.send(message)).status_code

    async def post_kind(self, person: str, number: int, kind: str) -> int:
        message = json.loads((PAYLOADS / f"{kind}.json").read_text(encoding="utf-8"))
        return (await self.send({**message, "person": person, "id": f"m-{number}"})).status_code

    async def forge(self, person: str, number: int, text: str) -> int:
        message = {"id": f"m-{number}", "person": person, "text": text}
        return (await self.send(message, secret="x" * 40)).status_code

    async def post_broken(self, body: bytes) -> int:
        return (await self.post_raw(body)).status_code

    def trouble(self, what: Trouble) -> None:
        self.platform.set_trouble(what)

    def seen(self, person: str) -> list[str]:
        return [bubble["text"] for bubble in self.bubbles(person)]

    def bubbles(self, person: str) -> list[dict[str, Any]]:
        """What the person's phone shows, with who said it and the buttons."""
        return [bubble for bubble in self.platform.taken.values() if bubble["person"] == person]

    async def send(self, message: object, *, secret: str = SECRET, partner: str = "cityapp") -> httpx.Response:
        """Any JSON, signed."""
        return await self.post_raw(json.dumps(message).encode(), secret=secret, partner=partner)

    async def post_raw(
        self, body: bytes, *, secret: str = SECRET, partner: str = "cityapp", at: float | None = None
    ) -> httpx.Response:
        """Any bytes, signed."""
        headers = {"Content-Type": "application/json", **signed(secret, body, at)}
        return await self.http.post(f"/partners/{partner}/messages", content=body, headers=headers)


def partner_settings(folder: Path, callback_url: str, *, more: str = "") -> Settings:
    """A deployment with one partner; `more` is added to its TOML."""
    file = folder / "partners.toml"
    file.write_text(
        f'[[partner]]\nname = "cityapp"\nsecret = "{SECRET}"\ncallback_url = "{callback_url}"\nallow_http = true\n{more}',
        encoding="utf-8",
    )
    return load_settings(
        {
            "HOTLINE_DATA_DIR": str(folder / "data"),
            "HOTLINE_HTTP_CHANNELS_FILE": str(file),
            "HOTLINE_OUTBOX_LEASE_S": "2",
            "HOTLINE_WAITING_NOTE_S": "3600",  # nobody speaks but in answer to a test
        }
    )


@contextlib.asynccontextmanager
async def running(settings: Settings, platform: Platform) -> AsyncIterator[PartnerRig]:
    """Our real service beside a platform that is already there."""
    app = server.build_app(settings, screener=compiled_screener())
    async with serving(app) as address, httpx.AsyncClient(base_url=address, timeout=WAIT_S) as http:
        yield PartnerRig(Site(app, app.state.service), http, platform)


@contextlib.asynccontextmanager
async def partner_rig(folder: Path, *, more: str = "") -> AsyncIterator[PartnerRig]:
    """Both together."""
    platform = Platform()
    async with serving(platform.app()) as address:
        settings = partner_settings(folder, f"{address}/hotline", more=more)
        async with running(settings, platform) as rig:
            yield rig
            platform.set_trouble(Trouble.NONE)
