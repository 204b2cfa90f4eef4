"""The page 督导: cases to look at with a counsellor. How the team stands and what was missed are pages beside it."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from escalation.console.access import Console, Visitor, act, look
from escalation.console.supervision_missed import add_missed
from escalation.console.supervision_team import add_team
from escalation.console.supervision_values import find_review, listed_values, refused, review_values
from escalation.supervision.review import State, Unfit

_VIEWS = {"due": ("due",), "signed": ("signed",), "done": ("done", "set_aside")}


def router(console: Console) -> APIRouter:
    """Routes of the page and of those beside it."""
    routes = APIRouter(prefix="/console/supervision")
    _add_list(routes, console)
    _add_review(routes, console)
    add_team(routes, console)
    add_missed(routes, console)
    return routes


def _add_list(routes: APIRouter, console: Console) -> None:
    desk = console.desks.supervision.reviews

    @routes.get("")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "supervision_review")
        view = request.query_params.get("show", "due")
        values = await asyncio.to_thread(_read_list, console, view if view in _VIEWS else "due", visitor)
        return console.page(request, "supervision.html", visitor, oncall=console.oncall, **values)

    @routes.post("/choose")
    async def choose(request: Request) -> Any:
        await console.visitor(request, "supervision_review")
        case_no = str((await request.form()).get("case_no", ""))
        return await act(console, request, "supervision_review", lambda c, who, now: desk.choose(c, case_no, who, now))


def _add_review(routes: APIRouter, console: Console) -> None:
    desk = console.desks.supervision.reviews

    @routes.get("/reviews/{review_id}")
    async def show_review(request: Request, review_id: str) -> Any:
        visitor = await console.visitor(request, "supervision_review")
        review = await asyncio.to_thread(find_review, console, review_id)
        await look(console, visitor, review.case_id, again=True)
        values = await asyncio.to_thread(review_values, console, review, visitor, sees_talk=True)
        return console.page(request, "supervision_review.html", visitor, oncall=console.oncall, **values)

    @routes.post("/reviews/{review_id}/sign")
    async def sign(request: Request, review_id: str) -> Any:
        await console.visitor(request, "supervision_review")
        answers = desk.form.taken({name: str(value) for name, value in (await request.form()).items()})
        try:
            return await act(
                console, request, "supervision_review", lambda c, who, now: desk.sign(c, review_id, who, answers, now)
            )
        except Unfit as error:
            return refused(error)

    @routes.post("/reviews/{review_id}/remark")
    async def remark(request: Request, review_id: str) -> Any:
        await console.visitor(request, "supervision_review")
        form = await request.form()
        message_id, text = str(form.get("message", "")), str(form.get("text", ""))
        return await act(
            console, request, "supervision_review",
            lambda c, who, now: desk.remark(c, review_id, who, message_id, text, now),
        )  # fmt: skip

    @routes.post("/reviews/{review_id}/set-aside")
    async def set_aside(request: Request, review_id: str) -> Any:
        await console.visitor(request, "supervision_review")
        reason = str((await request.form()).get("reason", ""))
        return await act(
            console, request, "supervision_review", lambda c, who, now: desk.set_aside(c, review_id, who, reason, now)
        )


def _read_list(console: Console, view: str, visitor: Visitor) -> dict[str, Any]:
    desk, now = console.desks.supervision.reviews, console.now()
    with console.engine.connect() as connection:
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        found = {name: desk.reviews.listed(connection, _VIEWS[name]) for name in ("due", "signed")}
        if view == "done":
            found[view] = desk.reviews.listed(connection, _VIEWS[view], newest=True)
    return {
        "here": view,
        "counts": {name: len(found[name]) for name in ("due", "signed")},
        "rows": [
            {
                **listed_values(console, one),
                "who": names.get(one.review.counsellor_id, ""),
                "is_mine": one.review.counsellor_id == visitor.id,
                "is_late": one.review.state == State.DUE and one.review.due_by < now,
            }
            for one in found[view]
        ],
    }
