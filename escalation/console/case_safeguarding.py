"""The tab 报告与突破 of a case: harm that must be reported, confidences that had to be broken, complaints."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse

from escalation.console.access import CaseView, Console, act
from escalation.console.safeguarding_values import Look, form_values, matter_values, staff_values
from escalation.safeguarding.forms import Incomplete
from escalation.safeguarding.safeguarding_desk import DECISIONS, OF_A_CASE, Deed
from escalation.safeguarding.states import BREACH, COMPLAINT, REPORT

WORK = frozenset({"report", "decline", "supplement", "share", "withdraw", "notify"})


def add_safeguarding(routes: APIRouter, console: Console) -> None:
    """What may be done about safeguarding, under the routes of a case."""
    desk = console.desks.safeguarding
    _add_steps(routes, console)

    @routes.post("/safeguarding/harm")
    async def flag(request: Request, case_id: str) -> Any:
        raw = await fields(request)
        return await complete(act(
            console, request, "harm_flag", lambda c, who, now: desk.make(c, REPORT, case_id, who, raw, now)
        ))  # fmt: skip

    @routes.post("/safeguarding/breach")
    async def breach(request: Request, case_id: str) -> Any:
        raw = await fields(request)
        return await complete(act(
            console, request, "safeguarding_make", lambda c, who, now: desk.make(c, BREACH, case_id, who, raw, now)
        ))  # fmt: skip

    @routes.post("/safeguarding/complaint")
    async def complain(request: Request, case_id: str) -> Any:
        raw = await fields(request)
        return await complete(act(
            console, request, "complaint_take", lambda c, who, now: desk.make(c, COMPLAINT, case_id, who, raw, now)
        ))  # fmt: skip


def _add_steps(routes: APIRouter, console: Console) -> None:
    desk = console.desks.safeguarding

    @routes.post("/safeguarding/step")
    async def step(request: Request, case_id: str) -> Any:
        raw = await fields(request)
        return await complete(act(
            console, request, "safeguarding_make",
            lambda c, who, now: desk.act(c, deed_of(raw, WORK, OF_A_CASE, case_id), who, raw, now),
        ))  # fmt: skip

    @routes.post("/safeguarding/decision")
    async def decide(request: Request, case_id: str) -> Any:
        raw = await fields(request)
        return await complete(act(
            console, request, "safeguarding_second",
            lambda c, who, now: desk.act(c, deed_of(raw, DECISIONS, OF_A_CASE, case_id), who, raw, now),
        ))  # fmt: skip

    @routes.post("/safeguarding/excuse")
    async def excuse(request: Request, case_id: str) -> Any:
        raw = await fields(request)
        return await complete(act(
            console, request, "safeguarding_excuse",
            lambda c, who, now: desk.act(c, deed_of(raw, {"excuse"}, OF_A_CASE, case_id), who, raw, now),
        ))  # fmt: skip


async def fields(request: Request) -> dict[str, str]:
    """A form as it was typed."""
    return {name: str(value) for name, value in (await request.form()).items()}


def deed_of(
    raw: dict[str, str], actions: Collection[str], kinds: Collection[str], case_id: str | None = None
) -> Deed:  # fmt: skip
    """The step that a form asks for, when this door is for it."""
    action = raw.get("action", "")
    if action not in actions:
        raise HTTPException(422, "没有这个操作")
    return Deed(raw.get("matter", ""), action, kinds, case_id)


async def complete(doing: Any) -> Any:
    """What it gives; what is missing in the form is said beside its fields."""
    try:
        return await doing
    except Incomplete as missing:
        return JSONResponse({"detail": str(missing), "errors": missing.errors}, 422)


def safeguarding_terms(console: Console) -> dict[str, Any]:
    """What of the tab is the same for every case."""
    terms = console.desks.safeguarding.clocks.terms
    return {
        "forms": form_values(console),
        "numbers": terms.numbers,
        "grounds": [f"{basis.words}：{basis.article}" for basis in terms.bases_of(REPORT).values()],
    }


def safeguarding_values(console: Console, view: CaseView) -> dict[str, Any]:
    """The tab as values; every text is somebody's own and must be shown as text."""
    look = Look(console, view.connection, view.visitor, view.names)
    matters = console.desks.safeguarding.clocks.matters.of_case(view.connection, view.case.id)
    rights = {"harm": "harm_flag", "breach": "safeguarding_make", "complaint": "complaint_take"}
    return {
        "matters": [matter_values(look, matter) for matter in matters],
        "may": {name: look.may(action, view.case.id) for name, action in rights.items()},
        "staff": staff_values(look),
    }
