"""The gate before a minor's case: the page that says why it is shut, and the ways to have it opened."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse

from escalation.cases import ENDED
from escalation.console.access import Console, Visitor, act
from escalation.law.minors_desk import Gate
from escalation.showing import displayable
from records.cases import Case


class GateClosed(Exception):
    """A minor's case that is closed or somebody else's; a browser is led to its gate."""

    def __init__(self, case_id: str):
        super().__init__("没有这个页面")
        self.case_id = case_id


async def pass_gate(console: Console, visitor: Visitor, case_id: str, *, is_reading: bool = True) -> None:
    """Before anything of a case is read: raise GateClosed, or 404 where nobody may read.

    What people do about an open case (rescue, a level, a word) waits for no leave; about a closed one it does.
    """
    case, gate = await asyncio.to_thread(_gate, console, visitor, case_id)
    if not is_reading and case.state not in ENDED:
        return
    if gate.is_restricted:
        raise HTTPException(404, "没有这个个案")
    if not gate.is_open:
        raise GateClosed(case_id)


def router(console: Console) -> APIRouter:
    """Routes of the gate."""
    routes = APIRouter(prefix="/console/gate/{case_id}")
    minors = console.desks.minors

    @routes.get("")
    async def show_gate(request: Request, case_id: str) -> Any:
        visitor = await console.visitor(request, "case_view")
        case, gate = await asyncio.to_thread(_gate, console, visitor, case_id)
        if gate.is_restricted:
            raise HTTPException(404, "没有这个个案")
        if gate.is_open:
            return RedirectResponse(f"/console/cases/{case_id}", 303)
        grant = gate.grant
        return console.page(
            request, "gate.html", visitor, case=case, gate=gate, clocks=minors.clocks, oncall=console.oncall,
            is_waiting=grant is not None and grant.state == "asked",
            was_refused=grant is not None and grant.state == "refused",
            purpose=displayable(grant.purpose) if grant else "", asked_at=grant.asked_at if grant else None,
        )  # fmt: skip

    @routes.post("/ask")
    async def ask(request: Request, case_id: str) -> Any:
        await console.visitor(request, "case_view")
        purpose = str((await request.form()).get("purpose", ""))
        return await act(console, request, "case_view", lambda c, who, now: minors.ask(c, case_id, who, purpose, now))

    @routes.post("/break")
    async def break_glass(request: Request, case_id: str) -> Any:
        await console.visitor(request, "case_view")
        reason = str((await request.form()).get("reason", ""))
        return await act(
            console, request, "case_view", lambda c, who, now: minors.break_glass(c, case_id, who, reason, now)
        )

    return routes


def _gate(console: Console, visitor: Visitor, case_id: str) -> tuple[Case, Gate]:
    with console.engine.connect() as connection:
        case = console.alarm.cases.get(connection, case_id)
        if case is None:
            raise HTTPException(404, "没有这个个案")
        return case, console.desks.minors.gate(connection, case, visitor.counsellor, console.now())
