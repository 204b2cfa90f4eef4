"""Telegram as far as we use it: a strict Bot API on a real port, the phones of its people, and the rig.

It refuses what the real server refuses, in its words, keeps updates until they are confirmed, and calls our webhook
with the secret that we set.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import time
import zlib
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from telegram.constants import UpdateType

import server
from settings import Settings, load_settings
from tests.bot.channels.rig import Trouble
from tests.browsing import Site, serving
from tests.building import WAIT_S, compiled_screener

TOKEN = "7100200300:AAHinvented_token-of_our_tests_00000000"
SECRET = "a-secret_of-our-tests"
PUBLIC_URL = "https://hotline.example"
PATH = "/telegram/webhook"
PAYLOADS = Path(__file__).parent / "payloads" / "telegram"
KINDS = {
    "text": "text", "voice": "voice", "image": "photo_without_words", "video": "video", "sticker": "sticker",
    "place": "location", "file": "document", "unknown": "story",
}  # fmt: skip
_OUR_TROUBLE = frozenset({"sendmessage", "answercallbackquery", "getfile", "leavechat"})
_LARGEST_FILE = 20_000_000
_LONGEST_TEXT = 4096  # UTF-16 units


class Refused(Exception):
    """The Bot API's own error."""

    def __init__(self, code: int, description: str, **parameters: int):
        super().__init__(description)
        self.code, self.parameters = code, parameters


def payload(name: str) -> dict[str, Any]:
    """A recorded update."""
    return dict(json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Bubble:
    """What a person sees: a text and its buttons."""

    text: str
    buttons: tuple[tuple[str, str], ...] = ()  # label, data

    def message(self, chat_id: int, number: int) -> dict[str, Any]:
        """The bubble as the Bot API describes it."""
        rows = [[{"text": label, "callback_data": data}] for label, data in self.buttons]
        keyboard = {"reply_markup": {"inline_keyboard": rows}} if rows else {}
        bot = {"id": int(TOKEN.partition(":")[0]), "is_bot": True, "first_name": "心灯"}
        chat = {"id": chat_id, "type": "private", "first_name": "?"}
        return {
            "message_id": number,
            "from": bot,
            "chat": chat,
            "date": int(time.time()),
            "text": self.text,
            **keyboard,
        }


@dataclass
class TelegramPlatform:
    """One Bot API with one bot."""

    phones: dict[int, list[Bubble]] = field(default_factory=lambda: defaultdict(list))
    chats: set[int] = field(default_factory=set)  # where the bot may write
    left: list[int] = field(default_factory=list)  # groups that the bot left
    presses: set[str] = field(default_factory=set)  # button presses that wait for their acknowledgement
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # file id -> path, bytes
    pending: list[dict[str, Any]] = field(default_factory=list)  # updates that nobody has confirmed
    webhook: dict[str, Any] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    trouble: Trouble = Trouble.NONE
    refuses_updates: bool = False  # getUpdates, setWebhook and deleteWebhook answer with server errors
    addresses: dict[str, str] = field(default_factory=dict)  # public address -> where it really is
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(845_112_001))
    _messages: Iterator[int] = field(default_factory=lambda: itertools.count(9001))
    _sent: deque[float] = field(default_factory=deque)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _poll: int = 0

    def app(self) -> FastAPI:
        """The server: /bot<token>/<method> and /file/bot<token>/<path>."""
        app = FastAPI()

        @app.api_route("/bot{token}/{method}", methods=["GET", "POST"])
        async def call(token: str, method: str, request: Request) -> Response:
            try:
                answer = {"ok": True, "result": await self._call(token, method.lower(), request)}
                return Response(json.dumps(answer), media_type="application/json")
            except Refused as error:
                refusal = {"ok": False, "error_code": error.code, "description": str(error)}
                more = {"parameters": error.parameters} if error.parameters else {}
                return JSONResponse({**refusal, **more}, error.code)
            except ConnectionError:
                return Response("<html>502 Bad Gateway</html>", 502, media_type="text/html")

        @app.get("/file/bot{token}/{path:path}")
        async def file(token: str, path: str) -> Response:
            found = next((body for name, body in self.files.values() if name == path and body), None)
            if token != TOKEN or found is None:
                return JSONResponse({"ok": False, "error_code": 404, "description": "Not Found"}, 404)
            return Response(found, media_type="application/octet-stream")

        return app

    def next_update(self) -> int:
        """A new update's id."""
        return next(self._numbers)

    def count_from(self, number: int) -> None:
        """Updates are numbered from here, as after a week without any."""
        self._numbers = itertools.count(number)

    def queue(self, *updates: dict[str, Any]) -> None:
        """Updates for whoever asks for them; each gets its id here."""
        for update in updates:
            self.pending.append({**update, "update_id": self.next_update()})
        self._news.set()

    def meet(self, update: dict[str, Any]) -> None:
        """The bot may write to whoever writes to it; a press waits to be acknowledged."""
        for part in (part for part in update.values() if isinstance(part, dict)):
            if "data" in part:
                self.presses.add(part["id"])
            chat = part.get("chat") or (part.get("message") or {}).get("chat")
            if isinstance(chat, dict):
                self.chats.add(chat["id"])

    async def call_webhook(self, update: dict[str, Any], secret: str | None = None) -> int:
        """Bring one update as the real server does; returns the status that it gets."""
        await until(lambda: bool(self.webhook))
        body = json.dumps(update).encode()
        return await self.post(body, self.webhook["secret_token"] if secret is None else secret)

    async def post(self, body: bytes, secret: str) -> int:
        """POST to the webhook's address, wherever that really is."""
        public, real = next(iter(self.addresses.items()))
        url = self.webhook.get("url", public + PATH).replace(public, real)
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret, "Content-Type": "application/json"}
        async with httpx.AsyncClient(timeout=WAIT_S) as client:
            return (await client.post(url, content=body, headers=headers)).status_code

    async def _call(self, token: str, method: str, request: Request) -> Any:
        if token != TOKEN:
            raise Refused(401, "Unauthorized")
        handler = getattr(self, f"_do_{method}", None)
        if handler is None:
            raise Refused(404, "Not Found")
        self.calls[method] += 1
        fields = {**request.query_params, **{key: str(value) for key, value in (await request.form()).items()}}
        if method in _OUR_TROUBLE:
            await self._suffer(method, request)
        elif self.refuses_updates:
            raise ConnectionError
        return await handler(fields, request)

    async def _suffer(self, method: str, request: Request) -> None:
        if self.trouble is Trouble.DOWN:
            raise ConnectionError
        while self.trouble is Trouble.SLOW:
            if await request.is_disconnected():
                raise ConnectionError
            await asyncio.sleep(0.02)
        if self.trouble is Trouble.THROTTLED:
            self.trouble = Trouble.NONE
            raise Refused(429, "Too Many Requests: retry after 1", retry_after=1)
        if self.trouble is Trouble.BLOCKED and method == "sendmessage":
            raise Refused(403, "Forbidden: bot was blocked by the user")

    async def _do_sendmessage(self, fields: dict[str, str], _request: Request) -> dict[str, Any]:
        chat_id, text = int(fields["chat_id"]), fields.get("text", "")
        if chat_id not in self.chats:
            raise Refused(400, "Bad Request: chat not found")
        if not text.strip():
            raise Refused(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > _LONGEST_TEXT:
            raise Refused(400, "Bad Request: message is too long")
        bubble = Bubble(text, _buttons(fields.get("reply_markup", "")))
        now = time.monotonic()
        while self._sent and self._sent[0] < now - 1:
            self._sent.popleft()
        if len(self._sent) >= 60:  # the documented 30 a second are enforced over a longer time
            raise Refused(429, "Too Many Requests: retry after 3", retry_after=3)
        self._sent.append(now)
        self.phones[chat_id].append(bubble)
        return bubble.message(chat_id, next(self._messages))

    async def _do_answercallbackquery(self, fields: dict[str, str], _request: Request) -> bool:
        press = fields["callback_query_id"]
        if press not in self.presses:
            raise Refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self.presses.discard(press)
        return True

    async def _do_leavechat(self, fields: dict[str, str], _request: Request) -> bool:
        chat_id = int(fields["chat_id"])
        if chat_id not in self.chats:
            raise Refused(403, "Forbidden: bot is not a member of the supergroup chat")
        self.chats.discard(chat_id)
        self.left.append(chat_id)
        return True

    async def _do_getfile(self, fields: dict[str, str], _request: Request) -> dict[str, Any]:
        file_id = fields["file_id"]
        if file_id not in self.files:
            raise Refused(400, "Bad Request: invalid file_id")
        path, body = self.files[file_id]
        if not path:
            raise Refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(body) > _LARGEST_FILE:
            raise Refused(400, "Bad Request: file is too big")
        known = {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_path": path}
        return known | ({"file_size": len(body)} if body else {})

    async def _do_setwebhook(self, fields: dict[str, str], _request: Request) -> bool:
        if not re.fullmatch(r"https://[^/:]+(:(443|80|88|8443))?/\S*", fields["url"]):
            raise Refused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", fields["secret_token"]):
            raise Refused(400, "Bad Request: secret token contains unallowed characters")
        assert 1 <= int(fields["max_connections"]) <= 100
        assert fields.get("drop_pending_updates", "false") == "false"
        self.webhook = {**fields, "allowed_updates": _known_types(fields)}
        return True

    async def _do_deletewebhook(self, fields: dict[str, str], _request: Request) -> bool:
        assert fields.get("drop_pending_updates", "false") == "false"
        self.webhook = {}
        return True

    async def _do_getupdates(self, fields: dict[str, str], request: Request) -> list[dict[str, Any]]:
        if self.webhook:
            raise Refused(
                409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete it"
            )
        _known_types(fields)
        self._poll = mine = self._poll + 1
        ends = time.monotonic() + int(fields.get("timeout", 0))
        self._confirm(int(fields.get("offset", 0)))
        while not self.pending and time.monotonic() < ends and not await request.is_disconnected():
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), 0.05)
            if mine != self._poll:
                raise Refused(
                    409, "Conflict: terminated by other getUpdates request; make sure that only one is running"
                )
        return self.pending[: min(int(fields.get("limit", 100)), 100)]

    def _confirm(self, offset: int) -> None:
        """Forget what lies before the offset; one in the future means nothing, as after a quiet week."""
        if self.pending and offset <= self.pending[-1]["update_id"] + 10:
            self.pending = [update for update in self.pending if update["update_id"] >= offset]


def _buttons(markup: str) -> tuple[tuple[str, str], ...]:
    rows = json.loads(markup)["inline_keyboard"] if markup else []
    found = tuple((button["text"], button["callback_data"]) for row in rows for button in row)
    for label, data in found:
        if not label.strip():
            raise Refused(400, "Bad Request: inline keyboard button text is empty")
        if not 1 <= len(data.encode()) <= 64:
            raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    return found


def _known_types(fields: dict[str, str]) -> list[str]:
    found = json.loads(fields["allowed_updates"])
    assert found
    assert set(found) <= set(UpdateType)
    return list(found)


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


async def until(is_so: Callable[[], object], wait_s: float = WAIT_S) -> None:
    """Wait for a condition; raise TimeoutError when it does not come."""
    async with asyncio.timeout(wait_s):
        while not is_so():
            await asyncio.sleep(0.01)


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
