"""The page 我的通知: where I want to be called when I am not looking at a screen, and a trial of it."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from escalation.console.access import Console, Visitor, act
from records.addresses import PUSH, Address
from records.notices import Notice

_CARRIER_WORDS = {"mail": "邮件", "sms": "短信", "push": "浏览器通知"}
_STATE_WORDS = {
    "pending": "正在试发…",
    "failing": "试发没有成功，还在重试",
    "sent": "试发已发出，收到请点开它",
    "dead": "试发失败：发不出去",
    "withdrawn": "试发没有发出",
}


def router(console: Console) -> APIRouter:
    """Routes of the page."""
    routes = APIRouter(prefix="/console/notices")
    ways = console.own_ways

    @routes.get("")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "notice_own")
        state = await asyncio.to_thread(_read, console, visitor)
        carriers = ways.carriers
        return console.page(
            request, "notices.html", visitor, state=state, carriers=carriers, push_key=console.push_key,
            oncall=console.oncall,
        )  # fmt: skip

    @routes.get(".json")
    async def show_json(request: Request) -> Any:
        visitor = await console.visitor(request, "notice_own")
        return await asyncio.to_thread(_read, console, visitor)

    @routes.post("/add")
    async def add(request: Request) -> Any:
        await console.visitor(request, "notice_own")  # before anything of the request is read
        form = await request.form()
        carrier, address = str(form.get("carrier", "")), str(form.get("address", ""))
        return await act(console, request, "notice_own", lambda c, who, now: ways.add(c, who, carrier, address, now))

    _add_changes(routes, console)
    return routes


def _add_changes(routes: APIRouter, console: Console) -> None:
    ways = console.own_ways

    @routes.post("/{address_id}/on")
    async def turn_on(request: Request, address_id: str) -> Any:
        return await act(console, request, "notice_own", lambda c, who, now: ways.switch(c, who, address_id, True, now))

    @routes.post("/{address_id}/off")
    async def turn_off(request: Request, address_id: str) -> Any:
        return await act(
            console, request, "notice_own", lambda c, who, now: ways.switch(c, who, address_id, False, now)
        )

    @routes.post("/{address_id}/remove")
    async def remove(request: Request, address_id: str) -> Any:
        return await act(console, request, "notice_own", lambda c, who, now: ways.remove(c, who, address_id, now))

    @routes.post("/{address_id}/trial")
    async def try_out(request: Request, address_id: str) -> Any:
        return await act(console, request, "notice_own", lambda c, who, now: ways.try_out(c, who, address_id, now))


def _read(console: Console, visitor: Visitor) -> dict[str, Any]:
    with console.engine.connect() as connection:
        return {"addresses": [_shown(*found) for found in console.own_ways.all(connection, visitor.counsellor)]}


def _shown(address: Address, trial: Notice | None) -> dict[str, Any]:
    """The owner alone gets this; a browser's address tells the page which line is this device."""
    return {
        "id": address.id,
        "carrier": address.carrier,
        "carrier_word": _CARRIER_WORDS[address.carrier],
        "address": address.text,
        "is_push": address.carrier == PUSH,
        "is_on": address.is_on,
        "added_at": address.added_at.isoformat(),
        "is_confirmed": address.confirmed_at is not None,
        "trial": ("已确认收到" if trial.seen_at else _STATE_WORDS[trial.state]) if trial else "",
        "trial_at": trial.made_at.isoformat() if trial else "",
        "is_trying": bool(trial and trial.seen_at is None and trial.state in ("pending", "failing", "sent")),
    }
