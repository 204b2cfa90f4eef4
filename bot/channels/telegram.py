"""Telegram: calls of its Bot API, and updates by webhook or, without a public address, by asking for them.

python-telegram-bot gives the types and the calls. Its Updater is not used: it confirms updates that nobody has
stored yet. Here a batch and the offset behind it are one transaction, and only the next question confirms them.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import httpx
import sqlalchemy as sa
import structlog
from fastapi import APIRouter, HTTPException, Request, Response
from telegram import Bot, Update
from telegram.error import BadRequest, Forbidden, NetworkError, TelegramError
from telegram.request import HTTPXRequest

from bot.channels import ChannelBusy, ChannelRefused, ChannelUnavailable, MediaGone, OutOfReach, SendRules, TooLarge
from bot.channels.body import read_body
from bot.channels.telegram_updates import NAME, UNREADABLE, News, keyboard, read_update
from bot.intake import Intake
from bot.messages import Outbound
from records.channel_state import ChannelState
from records.writer import WriterClosed

log = structlog.get_logger()
PATH = "/telegram/webhook"
GROUP_TEXT = "talk.not_in_groups"
_OFFSET = "telegram.offset"
_BATCH = 25  # updates: all are screened at once, and other channels wait for that
_WAIT_S = 25  # how long Telegram holds our question while nothing has come
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 15.0  # after a fault; twice as long each time
_MEDIA_TYPES = {".oga": "audio/ogg", ".m4a": "audio/mp4"}  # the standard library knows them on some machines only
_FAULTS = (TelegramError, ChannelUnavailable, sa.exc.SQLAlchemyError, WriterClosed, *UNREADABLE)


class _Wire(HTTPXRequest):
    """Calls of the Bot API. The library would log an answer that it cannot read; one may hold messages."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:  # Any: JSON
        """The answer's fields; raise ChannelBusy when it asks us to wait."""
        try:
            answer = json.loads(payload)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict) or not {"result", "error_code"} & set(answer):
            raise NetworkError("this is no answer of the Bot API")
        wait_s = (answer.get("parameters") or {}).get("retry_after")
        if wait_s:
            raise ChannelBusy(float(wait_s))
        return answer


def make_bot(token: str, api_url: str, timeout_s: float) -> Bot:
    """A client of the Bot API."""
    base = api_url.rstrip("/")
    wire = _Wire(read_timeout=timeout_s, write_timeout=timeout_s, connect_timeout=timeout_s)
    return Bot(token, f"{base}/bot", f"{base}/file/bot", request=wire, get_updates_request=wire)


@dataclass
class TelegramChannel:
    """The sending side. Telegram has no key against repeats: a send whose answer is lost may come twice."""

    bot: Bot = field(repr=False)  # shows its token
    http: httpx.AsyncClient
    state: ChannelState
    longest_file: int  # bytes
    name = NAME
    delivers_by_store = False
    # 4,096 UTF-16 units are allowed; no text has more of them than bytes
    rules = SendRules(longest_bytes=4096, per_second=30, per_contact=1)

    async def send(self, outbound: Outbound) -> bool:
        """Send one bubble with its buttons."""
        with _our_errors():
            await self.bot.send_message(
                int(outbound.address), outbound.text, reply_markup=keyboard(outbound.extra.get("choices", ()))
            )
        return False

    async def fetch(self, reference: str) -> tuple[bytes, str]:
        """The bytes and the media type of a file."""
        try:
            with _our_errors():
                file = await self.bot.get_file(reference)
        except ChannelRefused as error:
            raise _no_file(str(error)) from None
        if (file.file_size or 0) > self.longest_file:
            raise TooLarge(TooLarge.__doc__)
        url = file.file_path or ""
        own_type = _MEDIA_TYPES.get(PurePosixPath(url).suffix) or mimetypes.guess_type(url)[0]
        return await self._download(url), own_type or "application/octet-stream"

    async def _download(self, url: str) -> bytes:
        body = bytearray()
        try:
            async with self.http.stream("GET", url) as answer:
                if answer.status_code == 404:
                    raise MediaGone(MediaGone.__doc__)
                answer.raise_for_status()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > self.longest_file:
                        raise TooLarge(TooLarge.__doc__)
        except httpx.HTTPError:
            raise ChannelUnavailable(ChannelUnavailable.__doc__) from None
        return bytes(body)


@contextlib.contextmanager
def _our_errors() -> Iterator[None]:
    """Errors of the library become the channel's."""
    try:
        yield
    except Forbidden:
        raise OutOfReach("blocked") from None
    except BadRequest as error:
        if "chat not found" in str(error).lower():
            raise OutOfReach("blocked") from None
        raise ChannelRefused(str(error)) from None
    except TelegramError:
        raise ChannelUnavailable(ChannelUnavailable.__doc__) from None


def _no_file(reason: str) -> Exception:
    """Telegram answers `wrong file_id or the file is temporarily unavailable` to its own faults too: worth a retry."""
    if "too big" in reason:
        return TooLarge(TooLarge.__doc__)
    if "temporarily unavailable" in reason:
        return ChannelUnavailable(ChannelUnavailable.__doc__)
    return MediaGone(MediaGone.__doc__)


@dataclass
class TelegramDoor:
    """The receiving side. With a secret Telegram calls `webhook_url`; without one we ask for updates."""

    channel: TelegramChannel
    intake: Intake
    group_text: str  # what a group hears before we leave it
    secret: str = field(default="", repr=False)
    webhook_url: str = ""
    _courtesies: set[asyncio.Task[None]] = field(default_factory=set)

    def router(self) -> APIRouter:
        """The webhook, where there is one."""
        router = APIRouter()
        if self.secret:
            router.add_api_route(PATH, self.receive, methods=["POST"], include_in_schema=False)
        return router

    async def receive(self, request: Request) -> Response:
        """One update. Telegram holds back a chat's next updates until it hears 2xx, and repeats whatever fails."""
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not hmac.compare_digest(given.encode(), self.secret.encode()):
            raise HTTPException(403, "the secret token is wrong")
        await self._take([_update_in(await read_body(request))])
        return Response()

    async def run(self) -> None:
        """Tell Telegram how updates come, and ask for them where nobody calls; until cancelled."""
        try:
            await self._receive_for_ever()
        except asyncio.CancelledError:
            for task in self._courtesies:
                task.cancel()
            await self.channel.bot.request.shutdown()
            raise

    async def _receive_for_ever(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self._announce()
                while True:
                    await (_for_ever() if self.secret else self.poll())
                    pause_s = _FIRST_PAUSE_S
            except _FAULTS as error:
                log.warning("telegram.receive_failed", error=type(error).__name__)
                asked_s = error.retry_after_s if isinstance(error, ChannelBusy) else 0.0
                await asyncio.sleep(max(pause_s, asked_s))
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def poll(self) -> None:
        """One round: ask, and store the batch with the offset behind it; the next round's question confirms it."""
        pipeline, state = self.intake.pipeline, self.channel.state
        now = pipeline.now()
        known = await pipeline.writer.write(lambda connection: state.get(connection, _OFFSET, now), rings=False)
        found = await self.channel.bot.do_api_request(
            "getupdates",  # in small letters, raw: the library's own method reads all updates or none
            {"offset": int(known or 0), "limit": _BATCH, "timeout": _WAIT_S, "allowed_updates": Update.ALL_TYPES},
            read_timeout=_WAIT_S + 10,
        )
        if found:  # the offset may fall: after a quiet week Telegram counts from somewhere else
            await self._take(found, str(max(raw["update_id"] for raw in found) + 1))

    async def _announce(self) -> None:
        bot = self.channel.bot
        if self.secret:
            await bot.set_webhook(
                self.webhook_url, secret_token=self.secret, max_connections=40, allowed_updates=Update.ALL_TYPES
            )
        else:
            await bot.delete_webhook(drop_pending_updates=False)

    async def _take(self, updates: Sequence[Mapping[str, Any]], offset: str = "") -> None:  # Any: JSON
        """Store all of them with the offset, or nothing."""
        news = [read_update(raw) for raw in updates]

        def keep_offset(connection: sa.Connection) -> None:
            if offset:
                self.channel.state.put(connection, _OFFSET, offset)

        await self.intake.arrive(*(one.arrival for one in news if one.arrival), then=keep_offset)
        task = asyncio.create_task(self._be_polite(news))
        self._courtesies.add(task)
        task.add_done_callback(self._courtesies.discard)

    async def _be_polite(self, news: Sequence[News]) -> None:
        """Acknowledge button presses and leave groups, as far as Telegram lets us: nothing depends on it."""
        presses = [self.channel.bot.answer_callback_query(one.pressed) for one in news if one.pressed]
        invitations = {one.group for one in news if one.is_invitation}
        groups = [self._leave(group, group in invitations) for group in {one.group for one in news} if group]
        for failure in await asyncio.gather(*presses, *groups, return_exceptions=True):
            if isinstance(failure, Exception):
                log.info("telegram.courtesy_failed", error=type(failure).__name__)

    async def _leave(self, group: int, is_new: bool) -> None:
        """Only an invitation is answered in words, so that nobody reads them twice."""
        if is_new:
            await self.channel.bot.send_message(group, self.group_text)
        await self.channel.bot.leave_chat(group)


async def _for_ever() -> None:
    await asyncio.get_running_loop().create_future()


def _update_in(body: bytes) -> Mapping[str, Any]:
    """The update's fields; what is no update is refused, for no repeat would mend it."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict) or not isinstance(raw.get("update_id"), int):
        raise HTTPException(400, "this is no update")
    return raw
