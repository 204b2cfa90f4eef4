"""The page 保护: what is still to be done about safeguarding, the first due first; complaints; notifications."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request

from escalation.console.access import Console, Visitor, act
from escalation.console.case_safeguarding import complete, deed_of, fields
from escalation.console.safeguarding_values import Look, clock_values, form_values, matter_values, staff_values
from escalation.safeguarding.safeguarding_desk import DECISIONS
from escalation.safeguarding.states import COMPLAINT, KIND_WORDS, NOTIFICATION, STATE_WORDS
from records.matters import Matter, MatterTask

_VIEWED = "safeguarding"
_MOST = 50  # of each kind, the newest
_HANDLING = frozenset({"try", "talk", "note", "name", "close", "reopen"})
_SENDING = frozenset({"send", "acknowledge", "withdraw"})


def router(console: Console) -> APIRouter:
    """Routes of the page."""
    routes = APIRouter(prefix="/console/safeguarding")
    _add_list(routes, console)
    _add_complaints(routes, console)
    _add_notifications(routes, console)
    return routes


def _add_list(routes: APIRouter, console: Console) -> None:
    @routes.get("")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "safeguarding_view")
        values = await _look(console, visitor, again=True)
        return console.page(request, "safeguarding.html", visitor, oncall=console.oncall, shown=values)

    @routes.get("/count.json")
    async def count(request: Request) -> Any:
        visitor = await console.visitor(request, "safeguarding_view", by_itself=True)
        return {"tasks": len([row for row in await asyncio.to_thread(_rows, console, visitor) if not row["is_drill"]])}

    @routes.get(".json")
    async def show_json(request: Request) -> Any:
        visitor = await console.visitor(request, "safeguarding_view")
        return await _look(console, visitor, again=False)


def _add_complaints(routes: APIRouter, console: Console) -> None:
    desk = console.desks.safeguarding

    @routes.post("/complaints")
    async def take(request: Request) -> Any:
        await console.visitor(request, "complaint_take")  # before anything of the request is read
        raw = await fields(request)

        def work(connection: sa.Connection, who: Any, now: Any) -> object:
            case_id = desk.case_numbered(connection, raw.get("case_no", ""))
            return desk.make(connection, COMPLAINT, case_id, who, raw, now)

        return await complete(act(console, request, "complaint_take", work))

    @routes.post("/complaints/step")
    async def handle(request: Request) -> Any:
        await console.visitor(request, "complaint_handle")
        raw = await fields(request)
        return await complete(act(
            console, request, "complaint_handle",
            lambda c, who, now: desk.act(c, deed_of(raw, _HANDLING, {COMPLAINT}), who, raw, now),
        ))  # fmt: skip


def _add_notifications(routes: APIRouter, console: Console) -> None:
    desk = console.desks.safeguarding

    @routes.post("/notifications")
    async def make(request: Request) -> Any:
        await console.visitor(request, "notification_make")
        raw = await fields(request)
        return await complete(act(
            console, request, "notification_make", lambda c, who, now: desk.make(c, NOTIFICATION, None, who, raw, now)
        ))  # fmt: skip

    @routes.post("/notifications/step")
    async def step(request: Request) -> Any:
        await console.visitor(request, "notification_make")
        raw = await fields(request)
        return await complete(act(
            console, request, "notification_make",
            lambda c, who, now: desk.act(c, deed_of(raw, _SENDING | DECISIONS, {NOTIFICATION}), who, raw, now),
        ))  # fmt: skip


async def _look(console: Console, visitor: Visitor, *, again: bool) -> dict[str, Any]:
    """Words of people stand here: looking is in the audit, a page each time, refreshes once a sign-in."""
    key = (visitor.session.id, _VIEWED)
    if again or key not in console.viewed:
        staff, now = console.accounts.staff, console.now()
        await console.writer.write(lambda c: staff.audit(c, "safeguarding_view", now, actor_id=visitor.id))
        console.viewed.add(key)
    return await asyncio.to_thread(_read, console, visitor)


def _read(console: Console, visitor: Visitor) -> dict[str, Any]:
    matters = console.desks.safeguarding.clocks.matters
    rows = _rows(console, visitor)
    with console.engine.connect() as connection:
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        look = Look(console, connection, visitor, names)
        kinds = {COMPLAINT: "queue_view", NOTIFICATION: "notification_make"}
        shown = {
            kind: [
                {**matter_values(look, matter), "case_no": _case_no(look, matter)}
                for matter in matters.of_kind(connection, kind, _MOST)
            ]
            for kind, action in kinds.items()
            if console.may(visitor, action)
        }
        return {
            "rows": rows,
            "lists": shown,
            "may": {
                "complaint": console.may(visitor, "complaint_take"),
                "notification": console.may(visitor, "notification_make"),
            },
            "forms": form_values(console),
            "staff": staff_values(look) if COMPLAINT in shown else [],
        }


def _rows(console: Console, visitor: Visitor) -> list[dict[str, Any]]:
    """Every clock that runs, the first due first; without a queue only those of notifications."""
    matters = console.desks.safeguarding.clocks.matters
    with console.engine.connect() as connection:
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        look = Look(console, connection, visitor, names)
        waiting = {matter.id: matter for matter in matters.waiting(connection) if _is_listed(console, visitor, matter)}
        tasks = [task for task in matters.clocks(connection) if task.matter_id in waiting]
        return [_row(look, waiting, task) for task in tasks]


def _is_listed(console: Console, visitor: Visitor, matter: Matter) -> bool:
    if matter.kind == NOTIFICATION:
        return console.may(visitor, "notification_make")
    return console.may(visitor, "queue_view")


def _row(look: Look, waiting: Mapping[str, Matter], task: MatterTask) -> dict[str, Any]:
    matter = waiting[task.matter_id]
    return {
        **clock_values(look, task),
        "id": task.id,
        "matter": matter.id,
        "kind": matter.kind,
        "kind_words": KIND_WORDS[matter.kind],
        "state_words": STATE_WORDS[matter.kind, matter.state],
        "by": look.names.get(matter.made_by or "", "来访者（在对话里）"),
        "case_id": matter.case_id,
        "case_no": _case_no(look, matter),
        "is_drill": matter.is_drill,
    }


def _case_no(look: Look, matter: Matter) -> str:
    case = look.console.alarm.cases.get(look.connection, matter.case_id) if matter.case_id else None
    return case.case_no if case else ""
