"""Pages for somebody who was called: open without sign-in, for whoever holds the link; they show nothing of anybody.

Reading the link keeps nothing: programs that look into mails and chats open links too, and the desk must not believe
that somebody is coming when only a program was there. The person presses one button.
"""

from __future__ import annotations

import asyncio
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Request, Response

from escalation.calls import DRILL
from escalation.console.access import Console, refuse_foreign
from escalation.receipts import Receipts, Standing
from records.notices import CALL, Notice

_LONGEST_TOKEN = 100
_ANSWERED = "这个警报已经有人接手。"
_DONE = "这件事已经有人办了。"


def router(console: Console) -> APIRouter:
    """The link of a call, and what a browser that was knocked at asks."""
    routes = APIRouter()
    receipts = console.receipts

    @routes.get("/console/seen/{token}")
    async def ask(request: Request, token: str) -> Any:
        notice, standing = await asyncio.to_thread(_by_token, console, token)
        return _page(console, request, notice, standing, done=notice.seen_at is not None)

    @routes.post("/console/seen/{token}")
    async def see(request: Request, token: str) -> Any:
        refuse_foreign(request)
        notice, standing = await asyncio.to_thread(_by_token, console, token)
        now = console.now()
        await console.writer.write(lambda connection: receipts.see(connection, notice, now))
        return _page(console, request, notice, standing, done=True)

    @routes.post("/console/knock")
    async def knock(request: Request) -> Any:
        """What the service worker shows; the push itself carried nothing."""
        endpoint = await _endpoint(request)
        return await asyncio.to_thread(_words, console, receipts, endpoint)

    @routes.post("/console/knock/seen")
    async def knock_seen(request: Request) -> Response:
        endpoint = await _endpoint(request)
        now = console.now()

        def work(connection: sa.Connection) -> None:
            if (notice := receipts.by_browser(connection, endpoint)) is not None:
                receipts.see(connection, notice, now)

        await console.writer.write(work)
        return Response(status_code=204)

    return routes


async def _endpoint(request: Request) -> str:
    refuse_foreign(request)
    return str((await request.form()).get("endpoint", ""))


def _by_token(console: Console, token: str) -> tuple[Notice, Standing]:
    with console.engine.connect() as connection:
        found = console.receipts.by_token(connection, token[:_LONGEST_TOKEN])
        if found is None:
            raise HTTPException(404, "这个链接不对，或者已经失效")
        return found, console.receipts.stands(connection, found, console.now())


def _words(console: Console, receipts: Receipts, endpoint: str) -> dict[str, str]:
    """Fixed words; an unknown browser learns nothing."""
    with console.engine.connect() as connection:
        notice = receipts.by_browser(connection, endpoint)
        if notice is None:
            raise HTTPException(404, "没有这个设备")
        title, text = console.notice_words(notice)
        if notice.kind == CALL and receipts.stands(connection, notice, console.now()) is Standing.ANSWERED:
            text = _ANSWERED if notice.case_id else _DONE
        return {"title": title, "text": text, "kind": notice.kind}


def _page(console: Console, request: Request, notice: Notice, standing: Standing, *, done: bool) -> Any:
    words = _DONE if notice.case_id is None else _ANSWERED
    values = {
        "done": done,
        "standing": standing,
        "answered": words,
        "is_call": notice.kind == CALL,
        "is_drill": notice.key == DRILL,
    }
    return console.page(request, "seen.html", None, **values)
