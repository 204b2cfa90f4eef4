"""The counsellor's own shift in every page's header: presence, who is here, what waits for an answer of theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Request

from escalation.console.access import Console, Visitor, act
from escalation.console.shifts import hole_words
from escalation.console.stepping_in import page_values
from escalation.practice.drill_desk import EVENT as DRILL
from escalation.shift import silence, volunteers
from escalation.shift.exposure import Exposure
from escalation.shift.floor import PRESENCE
from escalation.shift.presence import WORDS, Person, State, nobody_yet, summary
from escalation.showing import displayable
from records.stints import Live

EVENTS = frozenset({PRESENCE, DRILL, "handover_out", "handover_in"})  # of no case: every screen asks again
TOUCH_EVERY = timedelta(seconds=20)
_ACTIONS = frozenset({"begin", "away", "back", "end"})
_KEPT = ("id", "level", "level_code", "level_label", "state", "state_label", "opened_at", "raised_at", "what",
         "is_late", "is_drill", "is_practice", "in_queue", "has_ended")  # fmt: skip


def router(console: Console) -> APIRouter:
    """Routes of the own shift."""
    routes = APIRouter()
    shift = console.desks.shift

    @routes.get("/console/duty.json")
    async def duty_json(request: Request) -> Any:
        visitor = await console.visitor(request, "duty_own", by_itself=True)
        return await asyncio.to_thread(_read, console, visitor)

    @routes.post("/console/duty/{action}")
    async def change(request: Request, action: str) -> Any:
        await console.visitor(request, "duty_own")  # before anything of the request is read
        reason = str((await request.form()).get("reason", ""))[:500]
        if action not in _ACTIONS:
            await console.writing_visitor(request, "duty_own")
            raise HTTPException(404, "没有这个页面")
        return await act(
            console, request, "duty_own", lambda c, who, now: shift.floor.change(c, who, action, now, reason)
        )

    @routes.post("/console/rests/{stint_id}")
    async def rest(request: Request, stint_id: str) -> Any:
        await console.visitor(request, "duty_own")
        take = (await request.form()).get("take") == "yes"
        return await act(
            console, request, "duty_own", lambda c, who, now: shift.floor.rest(c, who, stint_id, now, take=take)
        )

    @routes.post("/console/transfers/{transfer_id}/accept")
    async def accept(request: Request, transfer_id: str) -> Any:
        return await act(
            console, request, "case_transfer", lambda c, who, now: shift.passing.accept(c, transfer_id, who, now)
        )

    @routes.post("/console/transfers/{transfer_id}/decline")
    async def decline(request: Request, transfer_id: str) -> Any:
        await console.visitor(request, "case_transfer")
        reason = str((await request.form()).get("reason", ""))
        return await act(
            console, request, "case_transfer",
            lambda c, who, now: shift.passing.decline(c, transfer_id, who, reason, now),
        )  # fmt: skip

    return routes


async def touch(console: Console, visitor: Visitor) -> None:
    """This counsellor's console is open."""
    now = console.now()
    floor = console.desks.shift.floor
    await console.writer.write(lambda c: floor.touch(c, visitor.id, now))


def reliefs(console: Console, connection: sa.Connection, conversation_id: str | None = None) -> dict[str, str]:
    """Case -> why it rings although somebody serves it: the owner is silent, or must not stay alone with it."""
    stints = console.desks.shift.floor.desk.handling.stints
    return {one.stint.case_id: _relief(one) for one in stints.live(connection, conversation_id)}


def colour_only(visitor: Visitor, row: dict[str, Any], *, may_claim: bool) -> dict[str, Any]:
    """What a volunteer sees of a case that is not for them: how urgent it is and since when it waits."""
    kept = {name: row.get(name, "") for name in _KEPT}
    blank = dict.fromkeys(("case_no", "wish", "owner", "rung", "called", "not_called", "relief"), "")
    was_theirs = row.get("data", {}).get("former") == visitor.id  # they are thanked
    return {
        **kept, **blank, "owner_id": None, "ringing": False, "step": 0, "has_lost_words": False,
        "has_referral_task": False, "care": None, "hidden": True, "may_open": False, "may_claim": may_claim,
        "data": {"former": visitor.id} if was_theirs else {},
    }  # fmt: skip


def _relief(live: Live | None) -> str:
    if live is None or live.stint.called_at is None:
        return ""
    return "老师没有回应" if silence.may_keep(live) else "志愿者在陪，需要接线员"


def _read(console: Console, visitor: Visitor) -> dict[str, Any]:
    shift, now = console.desks.shift, console.now()
    with console.engine.connect() as connection:
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        people = shift.floor.people(connection, now)
        mine = shift.floor.presence.get(connection, visitor.id) or nobody_yet(visitor.id, now)
        rest = shift.floor.offered_rest(connection, visitor.id, now)
        own = shift.floor.week(connection, now, visitor.id).get(visitor.id, Exposure(0, 0))
        lives = shift.floor.desk.handling.stints.live(connection)
        return {
            "state": mine.state,
            "state_words": WORDS[State(mine.state)],
            "until": mine.until.isoformat() if mine.until else "",
            "people": [person_values(person) for person in people],
            "summary": summary(people),
            "invitations": _invitations(console, connection, visitor, names),
            "warnings": _warnings(console, visitor, lives, now),
            **page_values(console, connection, visitor, names, lives),
            "rest": rest and {
                "id": rest.id, "colour": rest.peak.colour, "minutes": shift.floor.rules.rest // timedelta(minutes=1),
            },
            "exposure": own.words,
            "drill": console.desks.drills.banner(connection, now),
            "holes": hole_words(shift.planning.soon_missing(connection, now)),
            "unsigned": [
                {"id": handover_id, "by": names.get(out_id, ""), "is_mine": out_id == visitor.id, "at": at.isoformat()}
                for handover_id, out_id, at in shift.floor.handovers.unsigned(connection)
            ] if console.desks.desk.permissions.allows(visitor.counsellor.roles, "handover_view") else [],
        }  # fmt: skip


def person_values(person: Person) -> dict[str, Any]:
    """A colleague as every screen shows them."""
    return {
        "id": person.id, "name": person.name, "state": person.state.value, "state_words": WORDS[person.state],
        "load": person.load, "levels": [int(level) for level in person.levels],
        "is_volunteer": volunteers.is_volunteer(person.roles),
    }  # fmt: skip


def _invitations(
    console: Console, connection: sa.Connection, visitor: Visitor, names: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Cases that colleagues ask this one to take, each with its summary."""
    found, passing = [], console.desks.shift.passing
    for request in passing.transfers.asked_of(connection, visitor.id):
        case = console.alarm.cases.get(connection, request.case_id)
        if case is None or not passing.stands(connection, request, case):
            continue
        found.append({
            "id": request.id, "kind": request.kind, "case_id": case.id, "case_no": case.case_no,
            "level": int(case.level), "level_label": f"{case.level.colour}·{case.level.label}",
            "by": names.get(request.from_id, ""),
            "answer_by": request.answer_by.isoformat(), "said": displayable(request.summary.said),
            "promised": displayable(request.summary.promised), "next": displayable(request.summary.next),
        })  # fmt: skip
    return found


def _warnings(console: Console, visitor: Visitor, lives: list[Live], now: datetime) -> list[dict[str, Any]]:
    """Own cases that are about to ring for everybody, or ring already."""
    patience = console.desks.shift.floor.rules.patience
    return [
        {
            "case_id": live.stint.case_id, "case_no": live.case_no, "level": int(live.level),
            "level_label": f"{live.level.colour}·{live.level.label}", "relief": _relief(live),
            "since": (live.unanswered_since or now).isoformat(),
            "call_at": silence.due(live, patience).at.isoformat(), "has_spoken": live.stint.greeted_at is not None,
        }
        for live in lives
        if live.stint.counsellor_id == visitor.id and (live.stint.warned_at or live.stint.called_at)
    ]  # fmt: skip
