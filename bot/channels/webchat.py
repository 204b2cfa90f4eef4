"""The web page as a channel: the stable API under /api/chat, and the page itself.

A visitor holds a random token (cookie or bearer); the database knows only its hash. Delivery is by our own store:
the page hears of a new message by server-sent events and may read it again after any loss.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from fastapi.templating import Jinja2Templates

from bot.channels import SendRules
from bot.channels.body import read_body
from bot.dialogue import TOPIC_BUTTONS
from bot.messages import Inbound, Outbound
from bot.pipeline import LONGEST_BYTES, Pipeline
from bot.reminding import Reminding
from escalation.practice.drill_desk import DrillDesk
from records import events
from records.conversations import Conversation, Message, NewMessage
from records.events import Cursor
from records.feed import HEARTBEAT, Feed, sse

NAME = "web"
COOKIE = "xindeng_chat"
_COOKIE_S = 30 * 24 * 3600
_LONGEST_BODY = LONGEST_BYTES * 6 + 4096  # JSON may write one byte as six characters
_KINDS = frozenset({"text", "voice", "image", "video", "sticker", "place", "file", "unknown"})
_LARGEST_SEQ = 2**31 - 1  # of the database column
FOLDER = Path(__file__).parent / "web"
_SCRIPTS = (
    "chat.js", "feed.js", "frame.js", "knock.js", "queue.js", "reminder.js", "rows.js", "stream.js", "wire.js",
)  # fmt: skip
_SERVED = frozenset({"chat.css", "own-copy.css", "icon.svg", *_SCRIPTS})


class WebChannel:
    """Delivers by the store: marking a row sent is what makes it visible."""

    name = NAME
    delivers_by_store = True
    rules = SendRules(longest_bytes=1 << 20)

    async def send(self, outbound: Outbound) -> bool:
        """Nothing to do on the wire."""
        return False


@dataclass(frozen=True)
class WebChat:
    """What the routes need."""

    pipeline: Pipeline
    feed: Feed
    reminding: Reminding
    drills: DrillDesk
    page: Mapping[str, Any]  # values of the page: name, numbers, quick-leave address
    greeting: str
    secure_cookie: bool

    def router(self) -> APIRouter:
        """The routes of the page and of its API."""
        router = APIRouter(tags=["web chat"])
        templates = Jinja2Templates(FOLDER)

        @router.get("/", include_in_schema=False)
        async def page(request: Request) -> Response:
            return templates.TemplateResponse(request, "chat.html", dict(self.page))

        @router.get("/chat/{name}", include_in_schema=False)
        async def static(name: str) -> Response:
            path = FOLDER / name
            if name not in _SERVED or not path.is_file():
                raise HTTPException(404)
            return FileResponse(path, headers={"Cache-Control": "no-cache"})

        router.add_api_route("/api/chat/sessions", self.open_session, methods=["POST"], status_code=201)
        router.add_api_route("/api/chat/messages", self.post_message, methods=["POST"], status_code=202)
        router.add_api_route("/api/chat/messages", self.get_messages, methods=["GET"])
        router.add_api_route("/api/chat/events", self.get_events, methods=["GET"])
        router.add_api_route("/api/chat/leave", self.leave, methods=["POST"], status_code=204)
        return router

    async def open_session(self, request: Request, response: Response) -> dict[str, Any]:
        """Begin a conversation. Answers a token; the same token is set as a cookie."""
        _refuse_foreign_origin(request)
        token = secrets.token_urlsafe(32)
        now = self.pipeline.now()
        proof = request.headers.get("x-hotline-drill", "")
        is_drill = "." in proof or self._is_drill(proof, now)  # of a run, which refuses it or takes it; or of the demo
        conversation_id = await self.pipeline.writer.write(
            lambda connection: self._open(connection, token, is_drill, proof, now)
        )
        response.set_cookie(
            COOKIE, token, max_age=_COOKIE_S, httponly=True, secure=self.secure_cookie, samesite="lax", path="/"
        )  # fmt: skip
        return {"session": conversation_id, "token": token, "drill": is_drill}

    async def post_message(self, request: Request) -> Response:
        """Send a message: {"client_message_id", "text", "kind"?}. Stored on disk before the answer (202)."""
        conversation_id = await self.conversation_id(request)
        body = read_json(await read_body(request, _LONGEST_BODY, "a message may have at most 64 KiB"))
        client_id, text, kind = body.get("client_message_id"), body.get("text", ""), body.get("kind", "text")
        if not isinstance(client_id, str) or not 1 <= len(client_id) <= 64 or not _is_plain(client_id):
            raise HTTPException(422, "client_message_id must be 1 to 64 printable ASCII characters")
        if not isinstance(text, str) or not isinstance(kind, str):
            raise HTTPException(422, "text and kind must be texts")
        receipt = await self.pipeline.receive(
            Inbound(
                NAME, conversation_id, f"{conversation_id}:{client_id}", kind if kind in _KINDS else "unknown", text
            )
        )  # fmt: skip
        return JSONResponse({"id": receipt.message_id, "seq": receipt.seq, "repeat": receipt.is_repeat}, 202)

    async def get_messages(self, request: Request, after: int = 0) -> dict[str, Any]:
        """Messages after a number, oldest first, at most 200, and who is speaking now."""
        conversation_id = await self.conversation_id(request)
        shown = min(max(0, after), _LARGEST_SEQ)
        found, is_expected = await asyncio.to_thread(self._read, conversation_id, shown)
        if is_expected:
            now = self.pipeline.now()
            with contextlib.suppress(sa.exc.SQLAlchemyError):  # reading goes on; the page asks again soon
                await self.pipeline.writer.write(
                    lambda connection: self.reminding.shown(connection, conversation_id, shown, now), rings=False
                )
        return found

    async def get_events(self, request: Request) -> Response:
        """Server-sent events: `message` with one message as JSON. Resumes by Last-Event-ID."""
        conversation_id = await self.conversation_id(request)
        after = Cursor.parse(request.headers.get("last-event-id", ""))
        return StreamingResponse(
            self._stream(conversation_id, after),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def leave(self, request: Request) -> Response:
        """Quick leave: this device forgets the conversation; the counsellor sees that the person left."""
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, path="/")
        _refuse_foreign_origin(request)
        conversation_id = await self._find(request)
        if conversation_id:
            now = self.pipeline.now()
            await self.pipeline.writer.write(lambda connection: self._left(connection, conversation_id, now))
        return response

    def _left(self, connection: sa.Connection, conversation_id: str, now: datetime) -> None:
        self.reminding.turn_off(connection, conversation_id)
        events.append(connection, self._district, "desk", "visitor_left", now, conversation_id=conversation_id)

    @property
    def _district(self) -> str:
        return self.pipeline.conversations.district

    def _open(self, connection: sa.Connection, token: str, is_drill: bool, proof: str, now: datetime) -> str:
        conversations = self.pipeline.conversations
        token_hash = hash_token(token)
        conversation_id = conversations.open(
            connection,
            channel=NAME,
            external_id=token_hash,
            now=now,
            token_hash=token_hash,
            is_drill=is_drill,
        )
        if "." in proof:
            self.drills.admit(connection, proof, conversation_id)
        greeting = NewMessage(
            conversation_id, "bot", "text", NAME, f"{conversation_id}:greeting", self.greeting, now,
            extra=TOPIC_BUTTONS,
        )  # fmt: skip
        conversations.add(connection, greeting, 1)
        conversations.change(connection, conversation_id, last_seq=1, disclosed_at=now)
        return conversation_id

    def _is_drill(self, proof: str, now: datetime) -> bool:
        """The demo's proof, which only this machine's owner can make."""
        good = self.pipeline.conversations.vault.sign("drill", now.strftime("%Y-%m-%d"))
        return secrets.compare_digest(proof.encode(), good.encode())

    async def _find(self, request: Request) -> str | None:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        token = bearer if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")
        if not token or len(token) > 100:
            return None
        if scheme.lower() != "bearer":
            _refuse_foreign_origin(request)
        return await asyncio.to_thread(self._by_token, hash_token(token))

    def _by_token(self, token_hash: str) -> str | None:
        with self.pipeline.engine.connect() as connection:
            return self.pipeline.conversations.by_token(connection, token_hash)

    async def conversation_id(self, request: Request) -> str:
        """Whose request it is; 401 for a request of nobody's."""
        conversation_id = await self._find(request)
        if conversation_id is None:
            raise HTTPException(401, "no session: POST /api/chat/sessions first")
        return conversation_id

    def _read(self, conversation_id: str, after: int) -> tuple[dict[str, Any], bool]:
        """What the page asks for, and whether a reminder waits for its asking."""
        conversations = self.pipeline.conversations
        with self.pipeline.engine.connect() as connection:
            conversation = conversations.get(connection, conversation_id)
            found = conversations.messages(connection, conversation_id, after=after)
            is_expected = self.reminding.is_expected(connection, conversation_id)
        return {"messages": [shown(message) for message in found], **_status(conversation)}, is_expected

    async def _stream(self, conversation_id: str, after: Cursor | None) -> AsyncIterator[str]:
        yield "retry: 1000\n: ready\n\n"
        async for item in self.feed.listen("chat", conversation_id, after):
            if item is None:
                yield HEARTBEAT
            elif item.kind == "message":
                found = await asyncio.to_thread(self._one, item.data["message"])
                if found is not None:
                    yield sse(item, json.dumps(found))

    def _one(self, message_id: str) -> dict[str, Any] | None:
        conversations = self.pipeline.conversations
        with self.pipeline.engine.connect() as connection:
            message = conversations.message(connection, message_id)
            if message is None:
                return None
            conversation = conversations.get(connection, message.conversation_id)
        return {**shown(message), **_status(conversation)}


def shown(message: Message) -> dict[str, Any]:
    """A message as the visitor's page gets it. Half characters that cannot be shown become a replacement mark."""
    text = message.body.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return {
        "id": message.id, "seq": message.seq, "author": message.author, "kind": message.kind, "text": text,
        "choices": message.extra.get("choices", []), "article": message.extra.get("article"),
        "at": message.received_at.isoformat(),
    }  # fmt: skip


def hash_token(token: str) -> str:
    """What the database keeps of a visitor's token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _status(conversation: Conversation | None) -> dict[str, Any]:
    return {"with_person": bool(conversation and conversation.owner_id)}


def _refuse_foreign_origin(request: Request) -> None:
    origin = request.headers.get("origin")
    if request.method != "GET" and origin and origin.split("://", 1)[-1] != request.headers.get("host"):
        raise HTTPException(403, "this page may not send here")


def read_json(raw: bytes) -> Mapping[str, Any]:
    """The object in a body. Broken UTF-8 is kept byte for byte as half characters, never refused."""
    try:
        body = json.loads(raw.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        raise HTTPException(422, "the body must be a JSON object") from None
    if not isinstance(body, dict):
        raise HTTPException(422, "the body must be a JSON object")
    return body
