"""WeChat Official Account (公众号), the receiving side: the calls of WeChat's server.

Each call is signed, in the safe mode encrypted too, and repeated when it is not answered within 5 seconds. It is
answered when its message is on disk: with the first words for this person when they come in time, else with `success`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from fastapi import APIRouter, HTTPException, Request, Response
from starlette.background import BackgroundTask

from bot.channels import ChannelRefused, ChannelUnavailable
from bot.channels.body import read_body
from bot.channels.tencent import BadEnvelope, BrokenXml, Envelope, legal, read_xml
from bot.channels.wechat_api import NAME, Slot, WeChatChannel
from bot.intake import Intake
from bot.messages import Arrival

log = structlog.get_logger()
_LONGEST_ADDRESS = 128
_FRESH_S = 300  # an older or newer call is somebody's copy
_PASSIVE_S = 4.0  # of the platform's 5 seconds
_REPEATS_S = 30.0  # WeChat calls three times within this
_UNSUPPORTED = "【收到不支持的消息类型，暂无法显示】"  # what WeChat writes for a sticker
_OPENS = (3, timedelta(minutes=1))  # what a menu press, a scan or a subscription allows

Fields = Mapping[str, Any]  # Any: texts, or what WeChat nests
Query = Mapping[str, str]


@dataclass
class WeChatDoor:
    """Takes WeChat's calls. With a key in the envelope only encrypted ones."""

    channel: WeChatChannel
    intake: Intake
    envelope: Envelope
    _said: dict[str, tuple[float, str]] = field(default_factory=dict)  # what was answered to which message, and when

    def router(self) -> APIRouter:
        """The one address that WeChat knows."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/wechat", self.check, methods=["GET"])
        router.add_api_route("/wechat", self.receive, methods=["POST"])
        return router

    async def run(self) -> None:
        """Put the menu in place; an account that cannot have one works without."""
        try:
            await self.channel.put_menu()
        except (ChannelUnavailable, ChannelRefused) as error:
            log.warning("wechat.no_menu", error=type(error).__name__)

    async def check(self, request: Request) -> Response:
        """WeChat asks whether we know the token, when the address is entered."""
        with _refusing():
            self._check_signature(request.query_params)
        return Response(request.query_params.get("echostr", ""), media_type="text/plain")

    async def receive(self, request: Request) -> Response:
        """One message or event."""
        until = asyncio.get_running_loop().time() + _PASSIVE_S
        with _refusing():
            self._check_signature(request.query_params)
            fields = self._open(await read_body(request), request.query_params)
            arrival, account = read(fields), _text(fields, "ToUserName")
        if arrival is not None and arrival.kind != "left":
            return await self._answer(request, arrival, account, until)
        if arrival is not None:
            await self.intake.arrive(arrival)
        return Response("success")

    def _check_signature(self, query: Query) -> None:
        timestamp = query.get("timestamp", "")
        self.envelope.check(query.get("signature", ""), timestamp, query.get("nonce", ""))
        is_time = timestamp.isdecimal() and len(timestamp) < 12
        age_s = self.intake.pipeline.now().timestamp() - int(timestamp) if is_time else math.inf
        if abs(age_s) > _FRESH_S:
            log.warning("wechat.stale_call", age_s=age_s)  # every call of a server whose clock is wrong
            raise BadEnvelope("This call is too old or too new, or one of our clocks is wrong.")

    def _open(self, raw: bytes, query: Query) -> Fields:
        """The fields of a call; what is encrypted counts, where we have the key."""
        fields = read_xml(raw)
        if self.envelope.aes_key:
            encrypted = _text(fields, "Encrypt")
            signed = (query.get("timestamp", ""), query.get("nonce", ""), encrypted)
            self.envelope.check(query.get("msg_signature", ""), *signed)
            return read_xml(self.envelope.open(encrypted))
        if "Encrypt" in fields and "FromUserName" not in fields:
            log.error("wechat.key_missing", do="set HOTLINE_WECHAT_AES_KEY: the account is in the safe mode")
            raise HTTPException(503, "this service has no key for encrypted calls")
        return fields

    async def _answer(self, request: Request, arrival: Arrival, account: str, until: float) -> Response:
        """Keep it, and answer with the first words for this person; a repeat is answered as before."""
        if words := self._said_before(arrival.external_id):
            await self.intake.arrive(arrival)
            return Response(self._reply(arrival.address, account, words), media_type="application/xml")
        with self.channel.slots.opened(arrival.address, until) as slot:
            watch = asyncio.create_task(_hang_up(request, slot))
            try:
                await self.intake.arrive(arrival)
                words = await slot.wait() or self._said_before(arrival.external_id)
            finally:
                watch.cancel()
            if not words:
                return Response("success")
            self._remember(arrival.external_id, words)
            xml = self._reply(arrival.address, account, words)
            return Response(xml, media_type="application/xml", background=BackgroundTask(slot.end, is_out=True))

    def _said_before(self, external_id: str) -> str:
        """What we answered to this message a moment ago: WeChat repeats it when the answer was lost."""
        at, words = self._said.get(external_id, (0.0, ""))
        return words if asyncio.get_running_loop().time() - at < _REPEATS_S else ""

    def _remember(self, external_id: str, words: str) -> None:
        now = asyncio.get_running_loop().time()
        fresh = {key: said for key, said in self._said.items() if now - said[0] < _REPEATS_S}
        self._said = {**fresh, external_id: (now, words)}

    def _reply(self, address: str, account: str, words: str) -> str:
        timestamp = str(int(self.intake.pipeline.now().timestamp()))
        xml = write_xml(ToUserName=address, FromUserName=account, CreateTime=timestamp, MsgType="text", Content=words)
        if not self.envelope.aes_key:
            return xml
        encrypted, nonce = self.envelope.seal(xml), secrets.token_hex(8)
        signature = self.envelope.signature(timestamp, nonce, encrypted)
        return write_xml(Encrypt=encrypted, MsgSignature=signature, TimeStamp=timestamp, Nonce=nonce)


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """What is broken or forged gets a clear answer and leaves nothing."""
    try:
        yield
    except BrokenXml as error:
        raise HTTPException(400, str(error)) from None
    except BadEnvelope as error:
        raise HTTPException(403, str(error)) from None


async def _hang_up(request: Request, slot: Slot) -> None:
    """After the body nothing comes but the end of the connection: then nobody waits any more."""
    await request.receive()
    slot.end(is_out=False)


def write_xml(**fields: str) -> str:
    """An answer in WeChat's form."""
    inside = "".join(f"<{name}>{_written(value)}</{name}>" for name, value in fields.items())
    return f"<xml>{inside}</xml>"


def _written(value: str) -> str:
    return value if value.isdecimal() else f"<![CDATA[{legal(value).replace(']]>', ']]]]><![CDATA[>')}]]>"


def read(fields: Fields) -> Arrival | None:
    """The message, or the news of the person; None for events that are neither. Raise BrokenXml without a sender."""
    address, kind = _text(fields, "FromUserName"), _text(fields, "MsgType")
    if not address or len(address) > _LONGEST_ADDRESS or not kind:
        raise BrokenXml(BrokenXml.__doc__)
    if kind == "event":
        return _read_event(fields, address)
    our_kind, text, *files = _KINDS.get(kind, _unknown)(fields)
    external_id = _text(fields, "MsgId") or _digest(address, _text(fields, "CreateTime"), kind, text)
    return Arrival(
        NAME, address, external_id, our_kind, text, sent_at=_sent_at(fields), files=tuple(filter(None, files))
    )  # fmt: skip


def _read_event(fields: Fields, address: str) -> Arrival | None:
    event, key = _text(fields, "Event"), _text(fields, "EventKey")
    arrival = Arrival(
        NAME, address, _digest(address, _text(fields, "CreateTime"), event, key), "joined",
        sent_at=_sent_at(fields), opens=_OPENS,
    )  # fmt: skip
    match event.lower():
        case "subscribe":
            return replace(arrival, scene=key.removeprefix("qrscene_"))
        case "scan":  # somebody who follows us already came by a code
            return replace(arrival, scene=key)
        case "unsubscribe":
            return replace(arrival, kind="left", opens=None)
        case "click":  # pressing a menu button is as good as writing its key
            return replace(arrival, kind="text", text=key)
    return None


def _text(fields: Fields, name: str) -> str:
    """A field as WeChat writes it, empty where it is missing; raise BrokenXml for what is no text."""
    found = fields.get(name) or ""
    if not isinstance(found, str):
        raise BrokenXml(BrokenXml.__doc__)
    return found


def _lines(fields: Fields, *names: str) -> str:
    return "\n".join(filter(None, (_text(fields, name) for name in names)))


def _sent_at(fields: Fields) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(_text(fields, "CreateTime")), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _digest(*parts: str) -> str:
    """An id for what has none; hashed, for it names the person."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def _read_text(fields: Fields) -> tuple[str, ...]:
    content = _text(fields, "Content")
    return ("unknown", "") if content == _UNSUPPORTED else ("text", content)


def _read_place(fields: Fields) -> tuple[str, ...]:
    where = f"（{_text(fields, 'Location_X')}, {_text(fields, 'Location_Y')}）"
    return "place", _text(fields, "Label") + where


def _unknown(_fields: Fields) -> tuple[str, ...]:
    return "unknown", ""


# WeChat's kind of message -> our kind, the text in it, the files to fetch
_KINDS: dict[str, Callable[[Fields], tuple[str, ...]]] = {
    "text": _read_text,
    "voice": lambda fields: ("voice", _text(fields, "Recognition"), _text(fields, "MediaId")),
    "image": lambda fields: ("image", "", _text(fields, "MediaId")),
    "video": lambda fields: ("video", "", _text(fields, "MediaId")),
    "shortvideo": lambda fields: ("video", "", _text(fields, "MediaId")),
    "location": _read_place,
    "link": lambda fields: ("text", _lines(fields, "Title", "Description", "Url")),
    "file": lambda fields: ("file", _lines(fields, "Title", "Description")),
}
