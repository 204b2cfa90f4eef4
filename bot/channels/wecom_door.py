"""The receiving side of 微信客服: the callback only says that something is there; messages are pulled with a cursor.

That something is there is on disk before the callback is confirmed, and a batch is stored in one transaction with its
cursor, so that a crash anywhere loses nothing. Should callbacks get lost, every account is looked at twice a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import PlainTextResponse

from bot.channels.body import read_body
from bot.channels.tencent import Api, BadEnvelope, Envelope, read_xml
from bot.channels.wecom import NoteTooOld, welcome_name
from bot.channels.wecom_messages import Batch, read_batch
from bot.intake import Intake

_AT_ONCE = 50  # of the 1000 allowed: a batch is screened and stored in one go, and other channels wait meanwhile
_NOTE_FOR = timedelta(minutes=10)  # how long the platform takes the token of a callback
_NOTES, _CURSORS = "wecom.pending.", "wecom.cursor."

log = structlog.get_logger()


@dataclass
class WecomDoor:
    """Takes callbacks and pulls what they announce, one pull at a time for each account."""

    api: Api
    envelope: Envelope
    intake: Intake
    look_s: float = 30.0  # how often an account is looked at when nothing calls

    def __post_init__(self) -> None:
        self._bells: dict[str, asyncio.Event] = {}  # account -> rung when something is there
        self._new_account = asyncio.Event()
        self._listed: tuple[str, ...] | None = None  # what the platform said when it was last asked

    def router(self) -> APIRouter:
        """GET: the check of the address. POST: callbacks."""
        router = APIRouter()
        router.add_api_route("/wecom", self.check_address, methods=["GET"], include_in_schema=False)
        router.add_api_route("/wecom", self.take_callback, methods=["POST"], include_in_schema=False)
        return router

    async def check_address(self, request: Request) -> PlainTextResponse:
        """The platform asks whether we hold the keys."""
        return PlainTextResponse(self._open(request, request.query_params.get("echostr")))

    async def take_callback(self, request: Request) -> PlainTextResponse:
        """Something is there: note it on disk, say thanks, and pull."""
        body = await read_body(request)
        try:
            event = read_xml(self._open(request, read_xml(body).get("Encrypt")).encode())
        except BadEnvelope as error:
            raise HTTPException(400, str(error)) from None
        account, token = event.get("OpenKfId"), event.get("Token")
        if event.get("Event") != "kf_msg_or_event":
            log.info("wecom.callback_ignored", what=event.get("Event"))
        elif isinstance(account, str) and isinstance(token, str):
            until = self.api.now() + _NOTE_FOR
            note = _NOTES + account
            await self.api.writer.write(lambda c: self.api.state.put(c, note, token, until), rings=False)
            self._bells.get(account, self._new_account).set()
        else:
            raise HTTPException(400, "OpenKfId and Token are missing")
        return PlainTextResponse("success")

    async def run(self) -> None:
        """Look after every account, for ever."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._new_account.clear()
                for account in await self._accounts():
                    if account not in self._bells:
                        self._bells[account] = asyncio.Event()
                        tasks.create_task(self._keep_pulling(account))
                await _wait(self._new_account, self.look_s)

    async def _accounts(self) -> set[str]:
        """Those that ever called and those that the platform lists; a source that fails is asked again next time."""
        known: set[str] = set()
        for found in await asyncio.gather(self._noted(), self._ours(), return_exceptions=True):
            if isinstance(found, BaseException):
                log.error("wecom.accounts_unknown", error=type(found).__name__)
            else:
                known.update(found)
        return known

    async def _noted(self) -> list[str]:
        names = self.api.state.names
        return await self.api.writer.write(lambda c: names(c, _NOTES) + names(c, _CURSORS), rings=False)

    async def _ours(self) -> tuple[str, ...]:
        """Asked once: an account whose first callback got lost is found here."""
        if self._listed is None:
            answer = await self.api.post("/cgi-bin/kf/account/list", {"offset": 0, "limit": 100})
            listed = [account for account in answer.get("account_list") or () if account.get("manage_privilege", True)]
            self._listed = tuple(str(account["open_kfid"]) for account in listed)
        return self._listed

    async def _keep_pulling(self, account: str) -> None:
        """Pull when the bell rings and every so often; what failed is tried again soon. Nothing ends this loop."""
        bell, failures = self._bells[account], 0
        while True:
            bell.clear()
            (failure,) = await asyncio.gather(self._pull(account), return_exceptions=True)
            failures = failures + 1 if failure is not None else 0
            if failure is not None:
                log.error("wecom.pull_failed", account=account, error=type(failure).__name__)
            soon = 2.0 ** min(failures - 1, 5) if failures else self.look_s
            await _wait(bell, min(soon, self.look_s))

    async def _pull(self, account: str) -> None:
        """Fetch and store until nothing more is there."""
        more, too_old = True, None
        while more:
            cursor, token = await self._state(account)
            question = _question(account, cursor, "" if token == too_old else token)
            try:
                answer = await self.api.post("/cgi-bin/kf/sync_msg", question)
            except NoteTooOld:
                if token == too_old:
                    raise
                too_old = token
                continue
            reached = str(answer.get("next_cursor") or cursor)
            more = bool(answer.get("has_more")) and reached != cursor
            batch = read_batch(answer.get("msg_list") or (), self.api.now())
            if batch.arrivals or reached != cursor or token:
                await self._store(account, batch, reached, "" if more else token)

    async def _state(self, account: str) -> tuple[str, str]:
        """The account's cursor, and the token of a fresh callback."""
        state, now = self.api.state, self.api.now()

        def work(connection: sa.Connection) -> tuple[str, str]:
            cursor = state.get(connection, _CURSORS + account, now)
            return cursor or "", state.get(connection, _NOTES + account, now) or ""

        return await self.api.writer.write(work, rings=False)

    async def _store(self, account: str, batch: Batch, cursor: str, done: str) -> None:
        """Messages, cursor and welcome codes in one transaction; `done` is the token that has served its purpose."""
        state = self.api.state

        def then(connection: sa.Connection) -> None:
            state.put(connection, _CURSORS + account, cursor)
            for welcome in batch.welcomes:
                state.put(connection, welcome_name(welcome.address), welcome.code, welcome.until)
            if done:
                state.forget(connection, _NOTES + account, done)

        await self.intake.arrive(*batch.arrivals, then=then)

    def _open(self, request: Request, encrypted: object) -> str:
        query = request.query_params
        signed = [query.get(name, "") for name in ("timestamp", "nonce")]
        try:
            if not isinstance(encrypted, str):
                raise BadEnvelope(BadEnvelope.__doc__)
            self.envelope.check(query.get("msg_signature", ""), *signed, encrypted)
            return self.envelope.open(encrypted)
        except BadEnvelope as error:
            raise HTTPException(403, str(error)) from None


def _question(account: str, cursor: str, token: str) -> dict[str, Any]:  # Any: JSON
    known = {name: value for name, value in (("cursor", cursor), ("token", token)) if value}
    return {**known, "limit": _AT_ONCE, "voice_format": 0, "open_kfid": account}


async def _wait(bell: asyncio.Event, most_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(most_s):  # wait_for of Python 3.11 may swallow that we are stopped
            await bell.wait()
