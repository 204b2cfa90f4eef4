"""Closings that wait for a signature: the list for who may sign, and what the page of a case says of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request

from escalation.cases import DISPOSITIONS, SERVED, State
from escalation.console.access import CaseView, Console, Visitor, act
from escalation.desk import Ending
from escalation.showing import displayable
from records.cases import Case
from records.closings import Closing

_VIEWED = "closings"


def router(console: Console) -> APIRouter:
    """Routes of the list."""
    routes = APIRouter(prefix="/console/closings")

    @routes.get("")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "case_close_high")
        values = await _look(console, visitor, again=True)
        return console.page(request, "closings.html", visitor, oncall=console.oncall, **values)

    @routes.get(".json")
    async def show_json(request: Request) -> Any:
        visitor = await console.visitor(request, "case_close_high")
        return await _look(console, visitor, again=False)

    @routes.get("/count.json")
    async def count_json(request: Request) -> Any:
        """How many wait: the number in the header."""
        await console.visitor(request, "case_close_high")
        return {"waiting": await asyncio.to_thread(_count, console)}

    return routes


def add_closing(routes: APIRouter, console: Console) -> None:
    """Submitting, signing and sending back, under the routes of a case."""
    desk = console.desks.closing

    @routes.post("/closing/submit")
    async def submit(request: Request, case_id: str) -> Any:
        form = await request.form()
        ending = Ending(str(form.get("disposition", "")), str(form.get("summary", "")))
        return await act(console, request, "case_close", lambda c, who, now: desk.submit(c, case_id, who, ending, now))

    @routes.post("/closing/sign")
    async def sign(request: Request, case_id: str) -> Any:
        return await act(console, request, "case_close_high", lambda c, who, now: desk.sign(c, case_id, who, now))

    @routes.post("/closing/return")
    async def send_back(request: Request, case_id: str) -> Any:
        await console.visitor(request, "case_close_high")  # before anything of the request is read
        words = str((await request.form()).get("words", ""))
        return await act(
            console, request, "case_close_high", lambda c, who, now: desk.send_back(c, case_id, who, words, now)
        )


def closing_values(console: Console, view: CaseView) -> dict[str, Any]:
    """The newest submission of a case as values; every text is somebody's own and must be shown as text."""
    found = console.desks.closing.closings.of(view.connection, view.case.id)
    if not found or (found[-1].decision == "signed"):
        return {"waits": False, "returned": None, "overtaken": False}
    closing = found[-1]
    waits = view.case.state == State.CLOSING
    was_returned = closing.decision == "returned" and view.case.state in (*SERVED, State.NEW)
    may_sign = console.may(view.visitor, "case_close_high")
    return {
        "waits": waits,
        "overtaken": not waits and closing.decision != "returned" and view.case.state in (*SERVED, State.NEW),
        "may_sign": waits and may_sign and closing.by_id != view.visitor.id,
        "is_mine": closing.by_id == view.visitor.id,
        "by": view.names.get(closing.by_id, ""),
        "at": closing.at.isoformat(),
        "due_at": (closing.at + console.desks.closing.clocks.sign_within).isoformat(),
        "disposition": DISPOSITIONS.get(closing.disposition, ""),
        "summary": displayable(closing.summary),
        "returned": {
            "by": view.names.get(closing.decided_by or "", ""),
            "at": closing.decided_at.isoformat() if closing.decided_at else "",
            "words": displayable(closing.words),
        }
        if was_returned
        else None,
    }


def _count(console: Console) -> int:
    with console.engine.connect() as connection:
        return len(console.desks.closing.closings.waiting(connection))


async def _look(console: Console, visitor: Visitor, *, again: bool) -> dict[str, Any]:
    """Whose summaries were shown is in the audit: a page each time, its live refreshes once a sign-in."""
    closings = await asyncio.to_thread(_read, console, visitor)
    shown = [one["case_id"] for one in closings if one["summary"] is not None]
    new = [one for one in shown if again or (visitor.session.id, f"{_VIEWED} {one}") not in console.viewed]
    if new:
        now = console.now()
        await console.writer.write(lambda c: _note_look(c, console, visitor, new, now))
        console.viewed.update((visitor.session.id, f"{_VIEWED} {one}") for one in new)
    return {"closings": closings}


def _note_look(connection: sa.Connection, console: Console, visitor: Visitor, case_ids: list[str], now: Any) -> None:
    for case_id in case_ids:
        console.accounts.staff.audit(connection, "closing_view", now, actor_id=visitor.id, object_id=case_id)
        console.desks.minors.read(connection, case_id, visitor.counsellor, now)


def _read(console: Console, visitor: Visitor) -> list[dict[str, Any]]:
    with console.engine.connect() as connection:
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        found = [
            (closing, console.alarm.cases.get(connection, closing.case_id))
            for closing in console.desks.closing.closings.waiting(connection)
        ]
        return [_row(console, connection, visitor, closing, case, names) for closing, case in found if case is not None]


def _row(
    console: Console, connection: sa.Connection, visitor: Visitor, closing: Closing, case: Case,
    names: Mapping[str, str],
) -> dict[str, Any]:  # fmt: skip
    """One closing; the words of a minor's case only for whom its gate is open."""
    gate = console.desks.minors.gate(connection, case, visitor.counsellor, console.now())
    return {
        "id": closing.id,
        "case_id": case.id,
        "case_no": case.case_no,
        "level": int(case.level),
        "level_label": f"{case.level.colour}·{case.level.label}",
        "is_drill": case.is_drill,
        "by": names.get(closing.by_id, ""),
        "is_mine": closing.by_id == visitor.id,
        "at": closing.at.isoformat(),
        "due_at": (closing.at + console.desks.closing.clocks.sign_within).isoformat(),
        "disposition": DISPOSITIONS.get(closing.disposition, ""),
        "summary": displayable(closing.summary) if gate.is_open else None,
    }
