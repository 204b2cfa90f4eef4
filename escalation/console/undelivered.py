"""The page of words that did not arrive, and the ways out of it."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from escalation.console.access import Console, Visitor, act
from escalation.reach import REASON_WORDS
from escalation.showing import channel_word, displayable
from records.outbox_rows import DeadLetter

_SPEAKERS = {"bot": "机器人", "system": "系统", "counsellor": "老师"}
_VIEWED = "undelivered"


def router(console: Console) -> APIRouter:
    """Routes of the list."""
    routes = APIRouter(prefix="/console/undelivered")
    ways = console.desks.undelivered

    @routes.get("")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "undelivered_view")
        values = await _look(console, visitor, again=True)
        return console.page(request, "undelivered.html", visitor, oncall=console.oncall, **values)

    @routes.get(".json")
    async def show_json(request: Request) -> Any:
        visitor = await console.visitor(request, "undelivered_view")
        return await _look(console, visitor, again=False)

    @routes.post("/{row_id}/retry")
    async def retry(request: Request, row_id: str) -> Any:
        return await act(console, request, "undelivered_settle", lambda c, who, now: ways.retry(c, row_id, who, now))

    @routes.post("/{row_id}/settle")
    async def settle(request: Request, row_id: str) -> Any:
        await console.visitor(request, "undelivered_settle")  # before anything of the request is read
        how = str((await request.form()).get("how", ""))
        return await act(
            console, request, "undelivered_settle", lambda c, who, now: ways.settle(c, row_id, who, how, now)
        )

    return routes


async def _look(console: Console, visitor: Visitor, *, again: bool) -> dict[str, Any]:
    """Whoever may see words of people is in the audit: a page each time, its live refreshes once a sign-in."""
    values = await asyncio.to_thread(_read, console, visitor)
    key = (visitor.session.id, _VIEWED)
    if again or key not in console.viewed:
        now = console.now()
        staff = console.accounts.staff
        await console.writer.write(lambda c: staff.audit(c, "undelivered_view", now, actor_id=visitor.id))
        console.viewed.add(key)
    return values


def _read(console: Console, visitor: Visitor) -> dict[str, Any]:
    """The list; the words of a case only for those who may see it."""
    outbox, admission = console.alarm.outbox, console.desks.admission
    with console.engine.connect() as connection:
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        now, dead = console.now(), outbox.dead(connection)
        cases = console.alarm.cases.some(connection, {letter.case_id for letter in dead if letter.case_id})
        readable = admission.allowed(
            connection, visitor.counsellor, visitor.session.id, "case_view", cases, now
        )  # fmt: skip
        letters = [
            {
                **_letter(letter, names),
                "words": displayable(console.words_of(letter.item))
                if not letter.case_id or letter.case_id in readable
                else None,
                "why_no_retry": console.desks.undelivered.why_no_retry(connection, letter, now),
            }
            for letter in dead
        ]
        return {"letters": letters, "undelivered": outbox.count_dead(connection)}


def _letter(letter: DeadLetter, names: dict[str, str]) -> dict[str, Any]:
    item = letter.item
    return {
        "id": item.id,
        "case_id": letter.case_id,
        "case_no": letter.case_no,
        "channel": channel_word(item.channel),
        "by": names.get(item.origin_id or "", "") or _SPEAKERS.get(item.origin, item.origin),
        "origin": item.origin,
        "reason": REASON_WORDS.get(letter.reason, letter.reason),
        "made_at": letter.made_at.isoformat(),
        "at": letter.at.isoformat(),
    }
