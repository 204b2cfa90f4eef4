"""The page 我的成长: one's own reviews, trainings and hard days. Only for the person; nobody sees who reads what."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, HTTPException, Request

from escalation.console.access import Console, Visitor, act, look
from escalation.console.supervision_values import find_review, listed_values, review_values, training_values
from escalation.shift.exposure import exposure, week_start
from escalation.supervision.growth_desk import SUPERVISION_WORDS
from escalation.supervision.self_care import reason

_SHOWN = timedelta(days=366)


def router(console: Console) -> APIRouter:
    """Routes of one's own page."""
    routes = APIRouter(prefix="/console/growth")
    _add_pages(routes, console)
    _add_deeds(routes, console)
    return routes


def _add_pages(routes: APIRouter, console: Console) -> None:
    @routes.get("")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "growth_own")
        values = await asyncio.to_thread(_read, console, visitor)
        return console.page(request, "growth.html", visitor, oncall=console.oncall, **values)

    @routes.get("/care")
    async def show_care(request: Request) -> Any:
        """Short texts; that somebody reads them is written down nowhere."""
        visitor = await console.visitor(request, "growth_own")
        office = console.desks.supervision
        return console.page(
            request, "growth_care.html", visitor, oncall=console.oncall, texts=office.growth.care.texts,
            support=office.rules.support, helpline=console.helpline,
        )  # fmt: skip

    @routes.get("/reviews/{review_id}")
    async def show_review(request: Request, review_id: str) -> Any:
        visitor = await console.visitor(request, "growth_own")
        review = await asyncio.to_thread(find_review, console, review_id)
        if review.counsellor_id != visitor.id or review.state not in ("signed", "done"):
            raise HTTPException(404, "没有这个页面")  # what is not signed yet is a supervisor's draft
        sees_talk = await asyncio.to_thread(_sees_case, console, visitor, review.case_id)
        if sees_talk:
            await look(console, visitor, review.case_id, again=True)
        values = await asyncio.to_thread(review_values, console, review, visitor, sees_talk=sees_talk)
        return console.page(request, "growth_review.html", visitor, oncall=console.oncall, **values)


def _add_deeds(routes: APIRouter, console: Console) -> None:
    office = console.desks.supervision

    @routes.post("/reviews/{review_id}/agree")
    async def agree(request: Request, review_id: str) -> Any:
        visitor = await console.writing_visitor(request, "growth_own")
        review = await asyncio.to_thread(find_review, console, review_id)
        if review.counsellor_id != visitor.id:
            raise HTTPException(404, "没有这个页面")
        form = await request.form()
        comment, digest = str(form.get("comment", "")), str(form.get("digest", ""))
        return await act(
            console, request, "growth_own",
            lambda c, who, now: office.reviews.agree(c, review_id, who, comment, digest, now),
        )  # fmt: skip

    @routes.post("/talks")
    async def answer_offer(request: Request) -> Any:
        await console.visitor(request, "growth_own")
        form = await request.form()
        case_id, answer = str(form.get("case", "")), str(form.get("answer", ""))
        return await act(
            console, request, "growth_own",
            lambda c, who, now: office.growth.answer_offer(c, case_id, who, answer, now),
        )  # fmt: skip


def _sees_case(console: Console, visitor: Visitor, case_id: str) -> bool:
    with console.engine.connect() as connection:
        return console.desks.admission.allows(
            connection, visitor.counsellor, visitor.session.id, "case_view", case_id, console.now()
        )


def _read(console: Console, visitor: Visitor) -> dict[str, Any]:
    office, now, who = console.desks.supervision, console.now(), visitor.counsellor
    growth, week = office.growth, week_start(console.now())
    with console.engine.connect() as connection:
        reviews = office.reviews.reviews.of_counsellor(connection, who.id)
        trainings = growth.trainings.all(connection, who.id)
        standing = growth.standings(connection, [who], now)[who.id]
        offered = growth.hard_cases(connection, who, now)
        stints = office.reviews.handling.stints.since(connection, week, who.id)
        supervisions = growth.trainings.supervisions(connection, now - _SHOWN, who.id)
        names = {one.id: one.display_name for one in growth.staff.all(connection)}
    rows = [listed_values(console, one) for one in reviews]
    return {
        "waiting": [row for row in rows if row["state"] == "signed"],
        "past": [row for row in rows if row["state"] == "done"],
        "standing": standing if growth.owes(who) else None,
        "trainings": [training_values(one, now) for one in trainings],
        "supervisions": [
            {"held_at": one.held_at, "words": SUPERVISION_WORDS[one.kind], "by": names.get(one.by_id, ""),
             "minutes": one.minutes}
            for one in supervisions
        ],
        "offers": [
            {"case_id": one.case_id, "case_no": one.case_no, "why": growth.care.why[reason(one)],
             "ended_at": one.ended_at}
            for one in offered
        ],
        "exposed": exposure(stints, week, now).words,
    }  # fmt: skip
