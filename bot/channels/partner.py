"""Partner systems (a city's mini-program, the 12345 platform, a school's app) as channels: signed HTTP both ways.

docs/http-channel.md is the contract that their programmers read. Both sides sign the raw body with the time, so that
nobody else can speak for a person, and both repeat until the other side has said that it keeps what it was given.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx
import structlog
from fastapi import APIRouter, HTTPException, Request

from bot.channels import ChannelBusy, ChannelRefused, ChannelUnavailable, MediaGone, OutOfReach, TooLarge
from bot.channels.addresses import ForbiddenAddress, LookUp, Reach, addresses_of
from bot.channels.body import read_body
from bot.channels.partner_file import Partner
from bot.channels.partner_payload import BadMessage, is_https, read
from bot.intake import Arrived, Intake
from bot.messages import Outbound
from records.crypto import sign_body

log = structlog.get_logger()
TIMESTAMP, SIGNATURE = "X-Hotline-Timestamp", "X-Hotline-Signature"
_CLOCK_WINDOW_S = 300
_LONGEST_ANSWER = 1 << 16  # of a callback: a longer one is not read to its end
_FETCH_S = 30
_WAIT_S, _LONGEST_WAIT_S = 10, 900  # for "429": without Retry-After, and at most
_AT_ONCE = 10  # messages of a batch stored together; others' work goes on in between
_NOBODY = (secrets.token_hex(32),)  # an unknown partner is refused no sooner than a forged signature
_DELIVERED_BEFORE, _GONE, _BUSY = 409, 410, 429
_NOT_NOW = frozenset({408, 425})  # of the partner's front end; says nothing about this message


@dataclass
class PartnerChannel:
    """Sends to one partner and fetches the files that its people sent."""

    partner: Partner
    http: httpx.AsyncClient
    now: Callable[[], datetime]
    longest_file: int
    look_up: LookUp = addresses_of
    delivers_by_store = False

    def __post_init__(self) -> None:
        self.name = self.partner.channel
        self.rules = self.partner.rules
        self._callback = Reach(self.look_up, only_inside=self.partner.callback_url.scheme == "http")
        self._media = Reach(self.look_up, only_inside=False)

    async def send(self, outbound: Outbound) -> bool:
        """Hand one bubble to the partner's callback; see the table in docs/http-channel.md."""
        url = self.partner.callback_url
        try:
            await self._callback.check(url.host)
            status, headers = await self._post(url, self._bubble(outbound))
        except ForbiddenAddress:
            log.error("partner.forbidden_address", channel=self.name)
            raise ChannelRefused(ChannelRefused.__doc__) from None
        except (OSError, httpx.HTTPError):
            raise ChannelUnavailable(ChannelUnavailable.__doc__) from None
        if status == _BUSY:
            raise ChannelBusy(_wait_s(headers.get("retry-after", "")))
        if status == _GONE:
            raise OutOfReach("left")
        if status >= 500 or status in _NOT_NOW:
            raise ChannelUnavailable(ChannelUnavailable.__doc__)
        if not 200 <= status < 300 and status != _DELIVERED_BEFORE:
            log.error("partner.refused", channel=self.name, status=status)
            raise ChannelRefused(ChannelRefused.__doc__)
        return self.rules.messages is not None

    async def fetch(self, reference: str) -> tuple[bytes, str]:
        """A file from one of the partner's media hosts."""
        url = httpx.URL(reference) if is_https(reference) else None
        if url is None or url.netloc.decode("ascii") not in self.partner.media_hosts:
            log.warning("partner.unlisted_media_host", channel=self.name, host=url and url.host)
            raise MediaGone(MediaGone.__doc__)
        try:
            async with asyncio.timeout(_FETCH_S):
                await self._media.check(url.host)
                return await self._download(url)
        except ForbiddenAddress:
            raise MediaGone(MediaGone.__doc__) from None
        except (OSError, httpx.HTTPError):  # TimeoutError is an OSError
            raise ChannelUnavailable(ChannelUnavailable.__doc__) from None

    def _bubble(self, outbound: Outbound) -> bytes:
        text = outbound.text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        bubble = {
            "delivery_id": outbound.delivery_id, "person": outbound.address, "author": outbound.author, "text": text,
            "choices": outbound.extra.get("choices", []), "at": self.now().isoformat(),
        }  # fmt: skip
        return json.dumps(bubble, ensure_ascii=False).encode()

    async def _post(self, url: httpx.URL, body: bytes) -> tuple[int, httpx.Headers]:
        timestamp = str(int(self.now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP: timestamp,
            SIGNATURE: sign_body(self.partner.secrets[0], timestamp, body),
        }
        async with self.http.stream("POST", url, content=body, headers=headers, follow_redirects=False) as answer:
            left = _LONGEST_ANSWER
            async for chunk in answer.aiter_raw():  # read to its end, the connection serves again
                left -= len(chunk)
                if left < 0:
                    break
        return answer.status_code, answer.headers

    async def _download(self, url: httpx.URL) -> tuple[bytes, str]:
        async with self.http.stream("GET", url, follow_redirects=False) as answer:
            if answer.status_code >= 500 or answer.status_code == _BUSY:
                raise ChannelUnavailable(ChannelUnavailable.__doc__)
            if answer.status_code != 200:
                raise MediaGone(MediaGone.__doc__)
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > self.longest_file:
                    raise TooLarge(TooLarge.__doc__)
            return bytes(body), answer.headers.get("content-type", "").partition(";")[0]


def _wait_s(retry_after: str) -> float:
    """Seconds only; a date or nonsense counts as the usual wait."""
    is_number = retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 10
    return float(min(max(int(retry_after), 1), _LONGEST_WAIT_S)) if is_number else _WAIT_S


@dataclass(frozen=True)
class PartnerDoor:
    """Where partners post what people wrote."""

    partners: Mapping[str, Partner]
    intake: Intake

    def router(self) -> APIRouter:
        """One route for all partners."""
        router = APIRouter(tags=["partners"])
        router.add_api_route("/partners/{name}/messages", self.receive, methods=["POST"], status_code=202)
        return router

    async def run(self) -> None:
        """Nothing runs beside the route."""

    async def receive(self, name: str, request: Request) -> dict[str, object]:
        """One message or event, or {"messages": [...]}. Stored on disk before the answer (202)."""
        raw = await read_body(request)
        partner, now = self.partners.get(name), self.intake.pipeline.now()
        _check_signature(partner.secrets if partner else _NOBODY, request, raw, now)
        try:
            arrivals, is_batch = read(raw, f"http.{name}", self._own_id, now)
        except BadMessage as error:
            raise HTTPException(422, str(error)) from None
        found: list[Arrived] = []
        for first in range(0, len(arrivals), _AT_ONCE):
            found += await self.intake.arrive(*arrivals[first : first + _AT_ONCE])
        answers = [_answer(arrived) for arrived in found]
        return {"messages": answers} if is_batch else answers[0]

    def _own_id(self, person: str, message_id: str) -> str:
        """Keyed, for it stands in the open; with the person, for a partner may count each person's messages."""
        return self.intake.contacts.vault.blind_index(f"{person}\0{message_id}")


def _answer(arrived: Arrived) -> dict[str, object]:
    receipt = arrived.receipt
    return {"id": receipt and receipt.message_id, "repeat": bool(receipt and receipt.is_repeat)}


def _check_signature(known: tuple[str, ...], request: Request, raw: bytes, now: datetime) -> None:
    """Who holds no secret learns nothing; who holds one is told when only the clock is wrong."""
    timestamp, given = request.headers.get(TIMESTAMP, ""), request.headers.get(SIGNATURE, "").encode()
    is_time = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 13
    fits = [hmac.compare_digest(given, sign_body(secret, timestamp, raw).encode()) for secret in known]
    if not any(fits) or not is_time:
        raise HTTPException(401, f"unknown partner, or {SIGNATURE} does not fit {TIMESTAMP} and the raw body")
    ours = int(now.timestamp())
    if abs(ours - int(timestamp)) > _CLOCK_WINDOW_S:
        raise HTTPException(
            401, f"{TIMESTAMP} is more than {_CLOCK_WINDOW_S} seconds from our clock, which says {ours}"
        )
