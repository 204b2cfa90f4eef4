"""What WeChat and WeCom share: signed and encrypted envelopes, XML, and calls with an access token all processes share.

The envelope is the platform's own scheme (AES-256-CBC, PKCS#7 to 32 bytes, SHA-1 over sorted parts); our tests read
and write it with another implementation. The token lives in the database, so that a restart or a second process
does not ask for a new one, and is given up only by whoever found that very token refused.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from xml.parsers.expat import ExpatError

import httpx
import structlog
import xmltodict
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.channels import ChannelBusy, ChannelRefused, ChannelUnavailable, MediaGone, OutOfReach, TooLarge
from records.channel_state import ChannelState
from records.writer import Writer

log = structlog.get_logger()
Found = TypeVar("Found")
_BLOCK = 32
_STALE_TOKEN = frozenset({40001, 40014, 42001})  # invalid or expired access token
_EARLY_S = 300  # a token is renewed so long before its end: the platform then takes the old one and the new one
_SHORTEST_S = 60  # and never asked for more often than this
_WAIT_S = 10.0  # when the platform asks us to wait without saying how long
_JSON_TYPES = frozenset({"application/json", "text/json", "text/plain"})
_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST_TAGS = 1000  # a call has twenty
_XML_HEAD = re.compile(r"\s*(<\?xml\s[^>]*>\s*)?<xml[\s>]")  # nothing before the root: no DTD, so no entities


class BadEnvelope(Exception):
    """This did not come from the platform: signature, encryption or form is wrong."""


class BrokenXml(BadEnvelope):
    """This is not the platform's XML."""


class _StaleToken(Exception):
    """The platform refuses this access token."""


def is_aes_key(text: str) -> bool:
    """Whether this can be the EncodingAESKey that the platform shows."""
    return _AES_KEY.fullmatch(text) is not None


@dataclass(frozen=True)
class Envelope:
    """Opens and makes what the platform signs and encrypts. `receiver` is the app id or corporation id."""

    token: str
    aes_key: str  # 43 characters, as the platform shows it; empty where nothing is encrypted
    receiver: str

    def signature(self, *signed: str) -> str:
        """The platform's signature over the token and these parts."""
        together = "".join(sorted((self.token, *signed)))
        return hashlib.sha1(together.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()

    def check(self, signature: str, *signed: str) -> None:
        """Raise BadEnvelope unless the signature fits."""
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), self.signature(*signed).encode()):
            raise BadEnvelope(BadEnvelope.__doc__)

    def open(self, encrypted: str) -> str:
        """The text inside; raise BadEnvelope when it is broken or meant for another receiver."""
        try:
            body = base64.b64decode(encrypted, validate=True)
            decryptor = self._cipher().decryptor()
            plain = decryptor.update(body) + decryptor.finalize()
            pad = plain[-1]
            (size,) = struct.unpack("!I", plain[16:20])
        except (binascii.Error, ValueError, IndexError, struct.error):
            raise BadEnvelope(BadEnvelope.__doc__) from None
        content, receiver = plain[20 : 20 + size], plain[20 + size : -pad]
        is_padded = 1 <= pad <= _BLOCK and plain[-pad:] == bytes([pad]) * pad
        if not is_padded or len(content) != size or receiver != self.receiver.encode():
            raise BadEnvelope(BadEnvelope.__doc__)
        return content.decode("utf-8", "replace")

    def seal(self, text: str) -> str:
        """The text encrypted for the platform, base64."""
        raw = text.encode("utf-8", "replace")
        plain = secrets.token_bytes(16) + struct.pack("!I", len(raw)) + raw + self.receiver.encode()
        pad = _BLOCK - len(plain) % _BLOCK
        encryptor = self._cipher().encryptor()
        return base64.b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()

    def _cipher(self) -> Cipher[modes.CBC]:
        key = base64.b64decode(self.aes_key + "=")
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def legal(text: str) -> str:
    """The text without what the platform's XML cannot hold: control characters and half characters."""
    return _NOT_XML.sub("", text)


def read_xml(raw: bytes | str) -> Mapping[str, Any]:  # Any: texts, or what a platform nests
    """The fields of a platform's XML. Raise BrokenXml for anything else, above all for what declares a DTD.

    A control character that somebody typed would make the whole message unreadable: it is left out.
    """
    text = legal(raw if isinstance(raw, str) else raw.decode("utf-8-sig", "replace"))
    if not _XML_HEAD.match(text) or _tags(text) > _MOST_TAGS:
        raise BrokenXml(BrokenXml.__doc__)
    try:
        fields = xmltodict.parse(text, disable_entities=True, xml_attribs=False)["xml"]
    except (ExpatError, ValueError, RecursionError):
        raise BrokenXml(BrokenXml.__doc__) from None
    if not isinstance(fields, dict):
        raise BrokenXml(BrokenXml.__doc__)
    return fields


def _tags(text: str) -> int:
    head, *sections = text.split("<![CDATA[")
    return head.count("<") + sum(section.partition("]]>")[2].count("<") for section in sections)


@dataclass
class Api:
    """Calls of a platform with its access token. `refusals` maps its error codes to what they mean for us."""

    name: str  # of the channel: the token is kept under it
    http: httpx.AsyncClient
    base_url: str
    fetch_token: Callable[[httpx.AsyncClient, str], Awaitable[Any]]  # Any: the JSON of the platform's answer
    refusals: Mapping[int, Callable[[], Exception]]
    state: ChannelState
    writer: Writer
    now: Callable[[], datetime]
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """One call; a token that expired in between is renewed once. Raises the channel's errors."""
        raw = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")  # the platform shows \\u as it stands
        return await self._with_token(lambda token: self._ask("POST", path, token, raw))

    async def get(self, path: str) -> Mapping[str, Any]:
        """The same without a body."""
        return await self._with_token(lambda token: self._ask("GET", path, token))

    async def download(self, path: str, query: Mapping[str, str], most_bytes: int) -> tuple[bytes, str]:
        """A file's bytes and media type, or JSON that says where it lies; raise ChannelUnavailable or MediaGone."""

        async def ask(token: str) -> tuple[bytes, str]:
            url = self.base_url + path
            body, media_type = await self.download_from(url, most_bytes, {**query, "access_token": token})
            found = _read_object(body) or {} if media_type in _JSON_TYPES else {}
            if isinstance(found.get("errcode"), int):  # else it may be a person's own text file
                self._check(found)
            return body, media_type

        try:
            return await self._with_token(ask)
        except ChannelRefused:
            raise MediaGone(MediaGone.__doc__) from None

    async def download_from(
        self, url: str, most_bytes: int, query: Mapping[str, str] | None = None
    ) -> tuple[bytes, str]:  # fmt: skip
        """A file's bytes and media type, without any token."""
        try:
            async with self.http.stream("GET", url, params=query) as answer:
                _check_status(answer)
                if not answer.is_success:
                    raise MediaGone(MediaGone.__doc__)
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > most_bytes:
                        raise TooLarge(TooLarge.__doc__)
        except (httpx.HTTPError, httpx.InvalidURL):
            raise ChannelUnavailable(ChannelUnavailable.__doc__) from None
        return bytes(body), answer.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def token(self) -> str:
        """The token that all processes share."""
        async with self._lock:
            now = self.now()
            known = await self.writer.write(lambda c: self.state.get(c, self._key, now), rings=False)
            if known is not None:
                return known
            fresh, lasts_s = await self._new_token()
            ends = now + timedelta(seconds=max(lasts_s - _EARLY_S, _SHORTEST_S))
            await self.writer.write(lambda c: self.state.put(c, self._key, fresh, ends), rings=False)
            return fresh

    async def _new_token(self) -> tuple[str, int]:
        try:
            answer = await self.fetch_token(self.http, self.base_url)
        except (httpx.HTTPError, ValueError):
            raise ChannelUnavailable(ChannelUnavailable.__doc__) from None
        found = answer if isinstance(answer, dict) else {}
        token, lasts_s = found.get("access_token"), found.get("expires_in")
        if not isinstance(token, str) or not token:  # a wrong secret, an address that is not on their list
            log.error("tencent.no_token", channel=self.name, code=found.get("errcode"))
            raise ChannelUnavailable(ChannelUnavailable.__doc__)
        return token, lasts_s if isinstance(lasts_s, int) else 7200

    async def _with_token(self, ask: Callable[[str], Awaitable[Found]]) -> Found:
        """A refused token is given up, unless another process did so before, and one more is tried."""
        for _ in range(2):
            token = await self.token()
            try:
                return await ask(token)
            except _StaleToken:
                await self._forget(token)
        raise ChannelUnavailable(ChannelUnavailable.__doc__)

    async def _forget(self, token: str) -> None:
        await self.writer.write(lambda connection: self.state.forget(connection, self._key, token), rings=False)

    @property
    def _key(self) -> str:
        return f"{self.name}.access_token"

    async def _ask(self, method: str, path: str, token: str, body: bytes | None = None) -> Mapping[str, Any]:
        try:
            answer = await self.http.request(
                method, self.base_url + path, params={"access_token": token}, content=body,
                headers={"Content-Type": "application/json; charset=utf-8"},
            )  # fmt: skip
        except httpx.HTTPError:
            raise ChannelUnavailable(ChannelUnavailable.__doc__) from None
        _check_status(answer)
        found = _read_object(answer.content)
        if found is None:
            raise ChannelUnavailable(ChannelUnavailable.__doc__)
        self._check(found)
        return found

    def _check(self, answer: Mapping[str, Any]) -> None:
        """Raise what the platform's error code means."""
        said = answer.get("errcode") or 0
        code = said if isinstance(said, int) else -1
        if code in _STALE_TOKEN:
            raise _StaleToken(_StaleToken.__doc__)
        if code != 0:
            log.warning("tencent.refused", channel=self.name, code=code)
            raise self.refusals.get(code, ChannelRefused)()


def _check_status(answer: httpx.Response) -> None:
    if answer.status_code == 429:
        said = answer.headers.get("retry-after", "")
        raise ChannelBusy(float(said) if said.isdecimal() and len(said) < 5 else _WAIT_S)
    if answer.is_server_error:
        raise ChannelUnavailable(ChannelUnavailable.__doc__)


def _read_object(raw: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def refusals(table: Mapping[int, str]) -> dict[int, Callable[[], Exception]]:
    """Codes to errors: `busy:60`, `unavailable`, or a reason of OutOfReach (blocked, left, closed, used_up)."""
    return {code: partial(_refusal, word) for code, word in table.items()}


def _refusal(word: str) -> Exception:
    kind, _, seconds = word.partition(":")
    if kind == "busy":
        return ChannelBusy(float(seconds))
    if kind == "unavailable":
        return ChannelUnavailable(ChannelUnavailable.__doc__)
    return OutOfReach(kind)
