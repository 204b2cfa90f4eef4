"""The supervisor's page 现场: every live conversation, who serves it, who waits for whom, how much each carries."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from escalation.console.access import Console
from escalation.console.duty import person_values
from escalation.console.stepping_in import clock_values
from escalation.shift import silence
from escalation.shift.exposure import Exposure, spell
from records.stints import Live


def router(console: Console) -> APIRouter:
    """Routes of the page."""
    routes = APIRouter(prefix="/console/floor")

    @routes.get("")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "floor_view")
        values = await asyncio.to_thread(_read, console)
        return console.page(request, "floor.html", visitor, oncall=console.oncall, floor=values)

    @routes.get(".json")
    async def show_json(request: Request) -> Any:
        await console.visitor(request, "floor_view", by_itself=True)
        return await asyncio.to_thread(_read, console)

    return routes


def _read(console: Console) -> dict[str, Any]:
    """No words of people: levels, times and names of colleagues."""
    shift, now = console.desks.shift, console.now()
    handling = shift.watch.handling
    with console.engine.connect() as connection:
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        people = shift.floor.people(connection, now)
        states = {person.id: person_values(person) for person in people}
        week = shift.floor.week(connection, now)
        lives = handling.stints.live(connection)
        return {
            "lives": [
                {
                    **_live(live), "clocks": clock_values(live, shift.floor.rules.promised, now),
                    "owner": names.get(live.stint.counsellor_id, ""),
                    "owner_state": states.get(live.stint.counsellor_id, {}).get("state_words", ""),
                    "companions": [
                        names.get(one, "") for one in handling.asides.companions(connection, live.stint.conversation_id)
                    ],
                }
                for live in lives
            ],
            "people": [
                {**states[person.id], **_carried(week.get(person.id, Exposure(0, 0)))}
                for person in people
                if person.state.value != "off" or person.levels or person.id in week
            ],
        }  # fmt: skip


def _live(live: Live) -> dict[str, Any]:
    stint = live.stint
    why = "老师没有回应，已重新响铃" if silence.may_keep(live) else "志愿者在陪，需要接线员"
    return {
        "case_id": stint.case_id, "case_no": live.case_no, "level": int(live.level),
        "level_label": f"{live.level.colour}·{live.level.label}", "is_drill": live.is_drill,
        "began_at": stint.began_at.isoformat(),
        "wrote_at": live.wrote_at.isoformat() if live.wrote_at else "",
        "spoke_at": stint.spoke_at.isoformat() if stint.spoke_at else "",
        "unanswered_since": live.unanswered_since.isoformat() if live.unanswered_since else "",
        "relief": why if stint.called_at is not None else "",
        "warned": "已提醒老师回复" if stint.warned_at is not None else "",
    }  # fmt: skip


def _carried(week: Exposure) -> dict[str, Any]:
    """What somebody carried this week: for care, not for appraisal."""
    words = f"本周 {week.number} 个橙红个案，{spell(week.minutes)}" if week.number else "本周没有橙红个案"
    return {"week": words, "is_much": week.number > 0}
