"""The page 练习 and its part of the case page: a counsellor practises with a synthetic caller of her own."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from escalation.console.access import CaseView, Console, act
from escalation.practice.practice_desk import WHY_WORDS
from records.practices import Practice


def router(console: Console) -> APIRouter:
    """Routes of the own practice; nobody else's is ever shown."""
    routes = APIRouter(prefix="/console/practice")
    desk = console.desks.practices

    @routes.get("")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "practice_own")
        values = await asyncio.to_thread(_read, console, visitor.id)
        return console.page(
            request, "practice.html", visitor, oncall=console.oncall, scripts=desk.playbook.to_practise(), **values
        )

    @routes.post("")
    async def start(request: Request) -> Any:
        await console.visitor(request, "practice_own")
        code = str((await request.form()).get("script", ""))
        return await act(console, request, "practice_own", lambda c, who, now: desk.start(c, who, code, now))

    return routes


def add_practice(routes: APIRouter, console: Console) -> None:
    """Ending a practice from its case."""
    desk = console.desks.practices

    @routes.post("/practice/end")
    async def end(request: Request, case_id: str) -> Any:
        return await act(console, request, "practice_own", lambda c, who, now: desk.end(c, case_id, who, now))


def practice_values(console: Console, view: CaseView) -> dict[str, Any] | None:
    """What must be known of a case behind which nobody is; nothing for a real one."""
    case = view.case
    if not case.is_drill:
        return None
    practice = console.desks.practices.practices.of_case(view.connection, case.id)
    if practice is None:
        return {
            "words": "这是演练：对面是模拟来访者。照平时那样做，但不要打 120、110，不要联系外面的人。真实来电优先。"
        }
    end = f"练习已结束（{WHY_WORDS[practice.why]}）。" if practice.why else ""
    return {
        "words": f"{end}这是练习：对面是模拟来访者“{_name(console, practice)}”，不是真人，也不给别人响铃。"
        "有真实来电请先接，练习可以随时停。",
        "may_end": practice.state == "running" and practice.counsellor_id == view.visitor.id,
    }


def _read(console: Console, who_id: str) -> dict[str, Any]:
    with console.engine.connect() as connection:
        own = console.desks.practices.practices.of(connection, who_id)
    shown = [
        {
            "case_id": one.case_id, "name": _name(console, one), "began_at": one.began_at, "ended_at": one.ended_at,
            "is_running": one.state == "running", "why": WHY_WORDS.get(one.why, ""),
        }
        for one in own
    ]  # fmt: skip
    return {
        "current": next((one for one in shown if one["is_running"]), None),
        "past": [one for one in shown if not one["is_running"]],
    }


def _name(console: Console, practice: Practice) -> str:
    script = console.desks.practices.playbook.scripts.get(practice.script)
    return script.name if script else practice.script
