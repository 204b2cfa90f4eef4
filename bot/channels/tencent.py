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
import secrets
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from xml.parsers.expat import ExpatError

import httpx
import xmltodict
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.channels import ChannelBusy, ChannelRefused, ChannelUnavailable, OutOfReach, TooLarge
from records.channel_state import ChannelState
from records.writer import Writer

_BLOCK = 32
_STALE_TOKEN = frozenset({40001, 40014, 42001})  # invalid or expired access token
_EARLY = timedelta(minutes=5)  # a token is renewed so long before its end


class BadEnvelope(Exception):
    """This did not come from the platform: signature, encryption or form is wrong."""


@dataclass(frozen=True)
class Envelope:
    """Opens and makes what the platform signs and encrypts. `receiver` is the app id or corporation id."""

    token: str
    aes_key: str  # 43 characters, as the platform shows it
    receiver: str

    def signature(self, *signed: str) -> str:
        """The platform's signature over the token and these parts."""
        return hashlib.sha1("".join(sorted((self.token, *signed))).encode(), usedforsecurity=False).hexdigest()

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
            if not 1 <= pad <= _BLOCK or plain[-pad:] != bytes([pad]) * pad:
                raise BadEnvelope(BadEnvelope.__doc__)
            (size,) = struct.unpack("!I", plain[16:20])
            text, receiver = plain[20 : 20 + size], plain[20 + size : -pad]
            if len(text) != size or receiver.decode() != self.receiver:
                raise BadEnvelope(BadEnvelope.__doc__)
            return text.decode("utf-8")
        except (binascii.Error, ValueError, IndexError, struct.error):
            raise BadEnvelope(BadEnvelope.__doc__) from None

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


def read_xml(raw: bytes) -> Mapping[str, Any]:
    """The fields of a platform's XML; entities are refused. Raise BadEnvelope for anything else."""
    try:
        fields = xmltodict.parse(raw, disable_entities=True)["xml"]
    except (ExpatError, ValueError, KeyError, TypeError, RecursionError):
        raise BadEnvelope(BadEnvelope.__doc__) from None
    if not isinstance(fields, dict):
        raise BadEnvelope(BadEnvelope.__doc__)
    return fields


@dataclass
class Api:
    """Calls of a platform with its access token. `refusals` maps its error codes to what they mean for us."""

    name: str  # of the channel: the token is kept under it
    http: httpx.AsyncClient
    base_url: str
    fetch_token: Callable[[httpx.AsyncClient, str], Any]  # awaitable of the platform's answer; Any: its JSON
    refusals: Mapping[int, Callable[[], Exception]]
    state: ChannelState
    writer: Writer
    now: Callable[[], datetime]
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """One call; a token that expired in between is renewed once. Raises the channel's errors."""
        for is_last in (False, True):
            token = await self.token()
            answer = await self._json("POST", f"{path}?access_token={token}", body)
            code = int(answer.get("errcode") or 0)
            if code == 0:
                return answer
            if code in _STALE_TOKEN and not is_last:
                await self._forget(token)
                continue
            raise self.refusals.get(code, ChannelRefused)()
        raise ChannelUnavailable(ChannelUnavailable.__doc__)

    async def download(self, path: str, query: Mapping[str, str], most_bytes: int) -> tuple[bytes, str]:
        """A file's bytes and media type; a JSON answer is an error of the platform."""
        token = await self.token()
        try:
            async with self.http.stream("GET", self.base_url + path, params={**query, "access_token": token}) as answer:
                media_type = answer.headers.get("content-type", "").partition(";")[0]
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > most_bytes:
                        raise TooLarge(TooLarge.__doc__)
        except httpx.HTTPError:
            raise ChannelUnavailable(ChannelUnavailable.__doc__) from None
        return bytes(body), media_type

    async def token(self) -> str:
        """The token that all processes share."""
        async with self._lock:
            now = self.now()
            known = await self.writer.write(lambda c: self.state.get(c, self._key, now), rings=False)
            if known is not None:
                return known
            try:
                answer = await self.fetch_token(self.http, self.base_url)
            except httpx.HTTPError:
                raise ChannelUnavailable(ChannelUnavailable.__doc__) from None
            fresh = answer.get("access_token")
            if not isinstance(fresh, str) or not fresh:
                raise ChannelUnavailable(f"the platform gave no access token (code {answer.get('errcode')})")
            ends = now + timedelta(seconds=int(answer.get("expires_in") or 7200)) - _EARLY
            await self.writer.write(lambda c: self.state.put(c, self._key, fresh, ends), rings=False)
            return fresh

    async def _forget(self, token: str) -> None:
        await self.writer.write(lambda connection: self.state.forget(connection, self._key, token), rings=False)

    @property
    def _key(self) -> str:
        return f"{self.name}.access_token"

    async def _json(self, method: str, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            answer = await self.http.request(method, self.base_url + path, json=dict(body))
        except httpx.HTTPError:
            raise ChannelUnavailable(ChannelUnavailable.__doc__) from None
        if answer.status_code == 429:
            raise ChannelBusy(float(answer.headers.get("retry-after", "10")))
        try:
            found = answer.json()
        except ValueError:
            raise ChannelUnavailable(ChannelUnavailable.__doc__) from None
        if answer.status_code >= 500 or not isinstance(found, dict):
            raise ChannelUnavailable(ChannelUnavailable.__doc__)
        return found


def refusals(table: Mapping[int, str]) -> dict[int, Callable[[], Exception]]:
    """Codes to errors: `busy:60`, `unavailable`, or a reason of OutOfReach (blocked, closed, used_up)."""

    return {code: partial(_refusal, word) for code, word in table.items()}


def _refusal(word: str) -> Exception:
    kind, _, seconds = word.partition(":")
    if kind == "busy":
        return ChannelBusy(float(seconds))
    if kind == "unavailable":
        return ChannelUnavailable(ChannelUnavailable.__doc__)
    return OutOfReach(kind)
