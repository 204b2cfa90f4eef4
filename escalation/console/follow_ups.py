"""The page 随访: who must be called back, the overdue first; by day or as a week. No words of people."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request

from escalation.care import plan
from escalation.care.plan import TASK_WORDS, Consent, TaskState
from escalation.cases import STATE_WORDS, State
from escalation.console.access import Console, Visitor
from records.follow_ups import TEAM, Listed

_AHEAD = timedelta(days=35)
_CONSENT_WORDS = {Consent.OPEN: "先问是否愿意", Consent.UNDECIDED: "不同意，等督导决定", Consent.REFUSED: "不再随访"}


def router(console: Console) -> APIRouter:
    """Routes of the list."""
    routes = APIRouter(prefix="/console/follow-ups")

    @routes.get("")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "follow_up")
        values = await asyncio.to_thread(_read, console, visitor)
        return console.page(request, "follow_ups.html", visitor, oncall=console.oncall, **values)

    @routes.get(".json")
    async def show_json(request: Request) -> Any:
        visitor = await console.visitor(request, "follow_up")
        return await asyncio.to_thread(_read, console, visitor)

    @routes.get("/count.json")
    async def count_json(request: Request) -> Any:
        """How many are overdue: the number beside 随访 in the header."""
        await console.visitor(request, "queue_view")
        return {"overdue": await asyncio.to_thread(_count, console)}

    return routes


def _count(console: Console) -> int:
    with console.engine.connect() as connection:
        return console.desks.follow_ups.planning.tasks.count_overdue(connection, console.now())


def _read(console: Console, visitor: Visitor) -> dict[str, Any]:
    planning, now = console.desks.follow_ups.planning, console.now()
    with console.engine.connect() as connection:
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        found = planning.tasks.listed(connection, now + _AHEAD)
        tries = planning.talks.tries(connection, [one.task.id for one in found])
        answers = planning.talks.newest_answers(connection, [one.task.case_id for one in found])
        rows = [
            {
                **_row(console, one, names, tries.get(one.task.id, [])),
                "is_mine": one.task.assignee_id == visitor.id,
                "consent": _CONSENT_WORDS.get(_consent(one, answers), ""),
                "standing": plan.standing(one.task.window_start, one.task.window_end, now),
            }
            for one in found
        ]
        return {"rows": rows, "now": now.isoformat(), "overdue": planning.tasks.count_overdue(connection, now)}


def _consent(one: Listed, answers: Mapping[str, str]) -> Consent:
    return plan.consent(one.case_level, [answers.get(one.task.case_id, "not_asked")])


def _row(console: Console, one: Listed, names: dict[str, str], tries: list[tuple[str, Any]]) -> dict[str, Any]:
    task, desk = one.task, console.desks.follow_ups
    rules = desk.planning.rules
    level = one.case_level
    return {
        "id": task.id,
        "case_id": task.case_id,
        "case_no": one.case_no,
        "case_state": "" if one.case_state in (State.FOLLOW_UP, State.CLOSED) else STATE_WORDS[State(one.case_state)],
        "level": int(level),
        "level_label": f"{level.colour}·{level.label}",
        "kind": task.kind,
        "words": desk.rescue.team[task.code].title if task.kind == TEAM else f"{rules.visit_words(task.code)}随访",
        "state_words": TASK_WORDS[TaskState(task.state)],
        "start": task.window_start.isoformat(),
        "end": task.window_end.isoformat(),
        "assignee": names.get(task.assignee_id or "", ""),
        "tries": len(tries),
        "is_answered": bool(tries and tries[-1][0] == "reached"),
        "is_undelivered": bool(tries and tries[-1][0] == "undelivered"),
        "untried": plan.untried((at for _, at in tries), rules) if task.kind != TEAM else [],
        "is_drill": one.is_drill,
    }
