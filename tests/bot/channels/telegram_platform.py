"""Telegram as far as we use it: a strict Bot API on a real port, and the phones of its people.

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
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from telegram.constants import UpdateType

from tests.bot.channels.rig import Trouble
from tests.building import WAIT_S

TOKEN = "7100200300:AAHinvented_token-of_our_tests_00000000"
SECRET = "a-secret_of-our-tests"
PUBLIC_URL = "https://hotline.example"
PATH = "/telegram/webhook"
_OUR_TROUBLE = frozenset({"sendmessage", "answercallbackquery", "getfile", "leavechat"})
_LARGEST_FILE = 20_000_000
_LONGEST_TEXT = 4096  # UTF-16 units


class Refused(Exception):
    """The Bot API's own error."""

    def __init__(self, code: int, description: str, **parameters: int):
        super().__init__(description)
        self.code, self.parameters = code, parameters


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
    written: Counter[int] = field(default_factory=Counter)  # chat -> calls that would show something there
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
        if method == "sendmessage":
            self.written[int(fields["chat_id"])] += 1
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


async def until(is_so: Callable[[], object], wait_s: float = WAIT_S) -> None:
    """Wait for a condition; raise TimeoutError when it does not come."""
    async with asyncio.timeout(wait_s):
        while not is_so():
            await asyncio.sleep(0.01)
