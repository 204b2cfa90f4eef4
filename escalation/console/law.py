"""The page 合规: wishes with their clocks, leave to read minors' cases, who read them, how long things stay."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response

from escalation.console.access import Console, Visitor, act
from escalation.law.minors import PASSAGE_WORDS, Passage
from escalation.law.retention import ACTION_WORDS, ZONE
from escalation.law.rights import KIND_WORDS, Outcome, local_day
from escalation.showing import channel_word, displayable
from records.law_requests import Request as Wish
from records.minors import Grant, Reading

_SHOWN_READINGS = 50
_YEAR = timedelta(days=366)
_MOST_READINGS = 100_000
_MAY = ("rights_answer", "legal_hold", "minor_access_decide", "minor_access_review", "minor_log", "retention_approve",
        "queue_view")  # fmt: skip


def router(console: Console) -> APIRouter:
    """Routes of the page."""
    routes = APIRouter(prefix="/console/law")

    @routes.get("")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "law_view")
        values = await asyncio.to_thread(_read, console, visitor)
        return console.page(request, "law.html", visitor, values=values, oncall=console.oncall)

    @routes.get(".json")
    async def show_json(request: Request, timer: bool = False) -> Any:
        """By `timer` the page asks of itself, which keeps no session open."""
        visitor = await console.visitor(request, "law_view", by_itself=timer)
        return await asyncio.to_thread(_read, console, visitor)

    @routes.get("/minors.csv")
    async def export(request: Request) -> Response:
        """The access log of a year, for the yearly audit; that it was taken is in the audit."""
        visitor = await console.visitor(request, "minor_log")
        now = console.now()
        await console.writer.write(
            lambda c: console.accounts.staff.audit(c, "minor_log_export", now, actor_id=visitor.id)
        )
        text = await asyncio.to_thread(_csv, console)
        headers = {"Content-Disposition": 'attachment; filename="minor-access.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    _add_wishes(routes, console)
    _add_grants(routes, console)
    return routes


def _add_wishes(routes: APIRouter, console: Console) -> None:
    rights = console.desks.rights

    @routes.post("/requests/{request_id}/answer")
    async def answer(request: Request, request_id: str) -> Any:
        await console.visitor(request, "rights_answer")
        words = str((await request.form()).get("words", ""))
        return await act(
            console, request, "rights_answer", lambda c, who, now: rights.answer(c, request_id, who, words, now)
        )

    @routes.post("/requests/{request_id}/refuse")
    async def refuse(request: Request, request_id: str) -> Any:
        await console.visitor(request, "rights_answer")
        reason = str((await request.form()).get("reason", ""))
        return await act(
            console, request, "rights_answer", lambda c, who, now: rights.refuse(c, request_id, who, reason, now)
        )

    @routes.post("/requests/{request_id}/hold")
    async def hold(request: Request, request_id: str) -> Any:
        await console.visitor(request, "legal_hold")
        reason = str((await request.form()).get("reason", ""))
        return await act(
            console, request, "legal_hold", lambda c, who, now: rights.hold(c, request_id, who, reason, now)
        )

    @routes.post("/requests/{request_id}/release")
    async def release(request: Request, request_id: str) -> Any:
        return await act(console, request, "legal_hold", lambda c, who, now: rights.release(c, request_id, who, now))

    @routes.post("/retention/{kind}")
    async def approve(request: Request, kind: str) -> Any:
        await console.visitor(request, "retention_approve")
        seen = str((await request.form()).get("seen", ""))
        count = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 12 else -1
        return await act(
            console,
            request,
            "retention_approve",
            lambda c, who, now: console.desks.retention.approve(c, kind, count, who, now),
        )


def _add_grants(routes: APIRouter, console: Console) -> None:
    minors = console.desks.minors

    @routes.post("/grants/{grant_id}/decision")
    async def decide(request: Request, grant_id: str) -> Any:
        await console.visitor(request, "minor_access_decide")
        agree = (await request.form()).get("agree") == "yes"
        return await act(
            console,
            request,
            "minor_access_decide",
            lambda c, who, now: minors.decide(c, grant_id, who, now, agree=agree),
        )

    @routes.post("/grants/{grant_id}/review")
    async def review(request: Request, grant_id: str) -> Any:
        await console.visitor(request, "minor_access_review")
        words = str((await request.form()).get("words", ""))
        return await act(
            console, request, "minor_access_review", lambda c, who, now: minors.review(c, grant_id, who, words, now)
        )


def _read(console: Console, visitor: Visitor) -> dict[str, Any]:
    roles = visitor.counsellor.roles
    may = {action: console.desks.desk.permissions.allows(roles, action) for action in _MAY}
    with console.engine.connect() as connection:
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        sees_wishes = may["rights_answer"] or may["legal_hold"]
        return {
            "may": may,
            "wishes": _wishes(console, connection) if sees_wishes else [],
            "grants": _grants(console, connection, visitor, names) if may["minor_access_decide"] else [],
            "readings": _readings(console, connection, names, _SHOWN_READINGS) if may["minor_log"] else [],
            "retention": _retention(console, connection, names) if may["retention_approve"] else None,
        }


def _wishes(console: Console, connection: sa.Connection) -> list[dict[str, Any]]:
    requests = console.desks.rights.requests
    found = [*requests.in_state(connection, "open"), *requests.in_state(connection, "answered")]
    return [_wish(console, connection, wish) for wish in found]


def _wish(console: Console, connection: sa.Connection, wish: Wish) -> dict[str, Any]:
    rights, now = console.desks.rights, console.now()
    contact = rights.people.contacts.get(connection, wish.contact_id)
    conversation = rights.conversations.get(connection, wish.conversation_id)
    hold = rights.holds.of(connection, wish.contact_id)
    going = rights.going(connection, wish.contact_id, now)
    return {
        "id": wish.id,
        "kind": wish.kind,
        "what": KIND_WORDS[wish.kind],
        "channel": channel_word(contact.channel) if contact else "",
        "is_drill": conversation is not None and conversation.is_drill,
        "cases": [number for number, _, _ in rights.requests.cases_of(connection, wish.contact_id)],
        "asked_at": wish.asked_at.isoformat(),
        "due_at": wish.due_at.isoformat(),
        "due_day": local_day(wish.due_at - timedelta(microseconds=1)),
        "is_late": wish.state == "open" and now >= wish.due_at,
        "is_answered": wish.state == "answered",
        "carry_out_at": wish.carry_out_at.isoformat() if wish.carry_out_at else "",
        "going": going.words if wish.kind == "deletion" else "",
        "may_answer": wish.state == "open" and not (wish.kind == "deletion" and going.outcome is Outcome.WAITS),
        "hold": displayable(hold.reason) if hold else "",
    }


def _grants(
    console: Console, connection: sa.Connection, visitor: Visitor, names: dict[str, str]
) -> list[dict[str, Any]]:
    may_review = console.desks.desk.permissions.allows(visitor.counsellor.roles, "minor_access_review")
    found = console.desks.minors.minors.grants_in(connection, ("asked", "broken"))
    return [
        _grant(console, grant, names) | {"is_mine": grant.asked_by == visitor.id}
        for grant in found
        if grant.state == "asked" or may_review
    ]


def _grant(console: Console, grant: Grant, names: dict[str, str]) -> dict[str, Any]:
    now, due_at = console.now(), grant.review_due_at
    return {
        "id": grant.id,
        "case_no": grant.case_no,
        "is_broken": grant.state == "broken",
        "by": names.get(grant.asked_by, ""),
        "purpose": displayable(grant.purpose),
        "at": grant.asked_at.isoformat(),
        "due_at": due_at.isoformat() if due_at else "",
        "is_late": due_at is not None and now >= due_at,
    }


def _readings(console: Console, connection: sa.Connection, names: dict[str, str], limit: int) -> list[dict[str, Any]]:
    found = console.desks.minors.minors.readings(connection, console.now() - _YEAR, limit)
    return [
        {
            "at": reading.at.isoformat(),
            "case_no": reading.case_no,
            "by": names.get(reading.by_id, ""),
            "passage": PASSAGE_WORDS[Passage(reading.passage)],
            "purpose": _purpose(reading, names),
        }
        for reading in found
    ]


def _purpose(reading: Reading, names: dict[str, str]) -> str:
    """Only leave and broken glass ask for a purpose; of the others the audit must know whom to ask."""
    if reading.purpose:
        return displayable(reading.purpose)
    right = PASSAGE_WORDS[Passage(reading.passage)]
    return f"未填（{right}，看之前不用写）；审计要问时，由{names.get(reading.by_id) or '本人'}说明"


def _csv(console: Console) -> str:
    with console.engine.connect() as connection:
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        found = console.desks.minors.minors.readings(connection, console.now() - _YEAR, _MOST_READINGS)
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["时间", "个案", "查阅人", "依据", "目的"])
    for one in reversed(found):
        at = one.at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")
        words = PASSAGE_WORDS[Passage(one.passage)]
        table.writerow([at, one.case_no, _cell(names.get(one.by_id, "")), words, _cell(_purpose(one, names))])
    return f"\ufeff{out.getvalue()}"  # spreadsheets know by the mark that this is UTF-8


def _cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _retention(console: Console, connection: sa.Connection, names: dict[str, str]) -> dict[str, Any]:
    desk = console.desks.retention
    return {
        "waiting": [
            {"kind": due.rule.kind, "name": due.rule.name, "count": due.count, "until": local_day(due.until),
             "basis": due.rule.basis}
            for due in desk.waiting(connection, console.now())
        ],
        "rules": [
            {"name": rule.name, "days": rule.days, "action": ACTION_WORDS[rule.action], "basis": rule.basis,
             "by": "隐私专员确认" if rule.needs_approval else ("夜间自动" if rule.action != "keep" else ""),
             "is_unread": rule.review != "done"}
            for rule in desk.schedule.rules
        ],
        "runs": [
            {"night": run.night, "name": desk.schedule.rule(run.kind).name, "count": run.count,
             "is_done": run.is_done, "by": names.get(run.by_id or "", "")}
            for run in desk.runs.newest(connection)
        ],
    }  # fmt: skip
