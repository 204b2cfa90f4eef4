"""The tab 安全计划: the six parts, written together in the chat, and the plan as the person has it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from escalation.console.access import CaseView, Console, act
from escalation.console.record import entry_values
from escalation.record.plan import compose
from escalation.showing import displayable


def add_plan(routes: APIRouter, console: Console) -> None:
    """Giving the plan to the person; its parts are saved like fields of the record."""
    record = console.desks.record

    @routes.post("/safety-plan")
    async def give(request: Request, case_id: str) -> Any:
        return await act(console, request, "case_reply", lambda c, who, now: record.give_plan(c, case_id, who, now))


def plan_values(console: Console, view: CaseView) -> dict[str, Any]:
    """The parts as they stand, and the versions that were given, newest first."""
    record, connection = console.desks.record, view.connection
    kin = record.kin(connection, view.case)
    entries = record.entries.current(connection, kin)
    given = record.plans.of(connection, kin)
    words = record.plan_words(connection, view.case)
    return {
        "values": {
            part.field: entry_values(entries[part.field], view.names.get(entries[part.field].by_id, ""))
            for part in record.parts
            if part.field in entries
        },
        "versions": [
            {
                "at": plan.at.isoformat(),
                "by": view.names.get(plan.by_id, ""),
                "here": plan.case_id == view.case.id,
                "text": displayable(compose(record.parts, plan.parts)),
            }
            for plan in given
        ],
        "text": displayable(compose(record.parts, words)),
        "is_changed": bool(words) and (not given or dict(given[0].parts) != words),
    }
