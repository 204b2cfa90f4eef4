"""The tab 救援 of a case: decision, what to tell 110 and 120, calls, arrival, outcome, emergency contacts."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from escalation.care.rescue import hinted, second_words
from escalation.care.rescue_desk import Call, Start
from escalation.cases import TRANSITIONS, State
from escalation.console.access import CaseView, Console, act
from escalation.console.talk import newest_messages
from escalation.showing import displayable
from records.conversations import Message
from records.emergency_contacts import EmergencyContact
from records.rescues import Rescue


def add_rescue(routes: APIRouter, console: Console) -> None:
    """What may be done in a rescue, under the routes of a case."""
    desk = console.desks.rescue
    _add_calls(routes, console)

    @routes.post("/rescue/start")
    async def start(request: Request, case_id: str) -> Any:
        form = await _fields(request)
        given = Start(form("basis"), form("reason"), form("asked_id"))
        return await act(console, request, "rescue", lambda c, who, now: desk.start(c, case_id, who, given, now))

    @routes.post("/rescue/second")
    async def confirm(request: Request, case_id: str) -> Any:
        form = await _fields(request)
        answer, words = form("answer"), form("words")
        return await act(
            console, request, "rescue_second", lambda c, who, now: desk.confirm(c, case_id, who, answer, words, now)
        )

    @routes.post("/rescue/decline")
    async def decline(request: Request, case_id: str) -> Any:
        reason = (await _fields(request))("reason")
        return await act(console, request, "rescue", lambda c, who, now: desk.decline(c, case_id, who, reason, now))

    @routes.post("/rescue/arrive")
    async def arrive(request: Request, case_id: str) -> Any:
        how = (await _fields(request))("how")
        return await act(console, request, "rescue", lambda c, who, now: desk.arrive(c, case_id, who, how, now))

    @routes.post("/rescue/end")
    async def end(request: Request, case_id: str) -> Any:
        form = await _fields(request)
        outcome, note, serious = form("outcome"), form("note"), form("is_serious") == "yes"
        return await act(
            console, request, "rescue",
            lambda c, who, now: desk.end(c, case_id, who, outcome, note, now, is_serious=serious),
        )  # fmt: skip


def _add_calls(routes: APIRouter, console: Console) -> None:
    desk = console.desks.rescue

    @routes.post("/rescue/quote")
    async def quote(request: Request, case_id: str) -> Any:
        form = await _fields(request)
        slot, message = form("slot"), form("message")
        return await act(
            console, request, "rescue", lambda c, who, now: desk.quote(c, case_id, who, slot, message, now)
        )

    @routes.post("/rescue/call")
    async def call(request: Request, case_id: str) -> Any:
        form = await _fields(request)
        given = Call(
            form("whom"), form("said"), form("basis"), form("reference"), form("outcome"), form("emergency_contact_id")
        )
        return await act(console, request, "rescue", lambda c, who, now: desk.log_call(c, case_id, who, given, now))

    @routes.post("/rescue/contact")
    async def add_near(request: Request, case_id: str) -> Any:
        form = await _fields(request)
        name, relation, phone, basis = form("name"), form("relation"), form("phone"), form("basis")
        return await act(
            console, request, "rescue",
            lambda c, who, now: desk.add_near(
                c, case_id, who, EmergencyContact("", name, relation, phone, basis, who.id, now), now
            ),
        )  # fmt: skip

    @routes.post("/rescue/contact/remove")
    async def end_near(request: Request, case_id: str) -> Any:
        near_id = (await _fields(request))("contact")
        return await act(console, request, "rescue", lambda c, who, now: desk.end_near(c, case_id, who, near_id, now))


async def _fields(request: Request) -> Any:  # a reader of one field
    form = await request.form()
    return lambda name: str(form.get(name, ""))


def rescue_values(console: Console, view: CaseView) -> dict[str, Any]:
    """The tab as values; every text is somebody's own and must be shown as text."""
    desk, connection, case = console.desks.rescue, view.connection, view.case
    found = desk.rescues.of(connection, case.id)
    current = next((one for one in found if one.is_open), None)
    since = desk.rescues.undecided(connection, case.id).get(case.id)
    waits = next((one for one in found if one.waits_for_second), None)
    may = console.may(view.visitor, "rescue")  # a volunteer has no part in a rescue
    return {
        "open": current and _rescue(console, view, current),
        "past": [_rescue(console, view, one) for one in found if not one.is_open],
        "second": waits and _second(console, view, waits),
        "may_start": (State(case.state), "rescue") in TRANSITIONS,
        "decide_since": since.isoformat() if since else "",
        "decide_by": (since + desk.rules.decide_within).isoformat() if since else "",
        "lines": _lines(console, view) if may else [],
        "calls": [
            {
                "whom": desk.rules.whom[call.whom],
                "basis": desk.rules.grounds.get(call.basis, ""),
                "reference": displayable(call.reference),
                "said": displayable(call.said),
                "outcome": displayable(call.outcome),
                "by": view.names.get(call.by_id, ""),
                "at": call.at.isoformat(),
            }
            for call in (desk.rescues.calls(connection, case.id) if may else ())
        ],
        "near": [
            {
                "id": one.id,
                "name": displayable(one.name),
                "relation": displayable(one.relation),
                "phone": displayable(one.phone),
                "basis": desk.rules.grounds[one.basis],
                "by": view.names.get(one.by_id, ""),
            }
            for one in (desk.near_of(connection, case) if may else ())
        ],
        "options": _options(console, view),
    }


def _rescue(console: Console, view: CaseView, rescue: Rescue) -> dict[str, Any]:
    rules, names = console.desks.rescue.rules, view.names
    basis = rules.bases.get(rescue.basis)
    outcome = rules.outcomes.get(rescue.outcome or "")
    return {
        "decision": "启动救援" if rescue.decision == "started" else "决定现在不启动救援",
        "basis": basis.words if basis else "",
        "second": displayable(second_words(rescue, rules, names)),
        "reason": displayable(rescue.reason),
        "by": names.get(rescue.by_id, ""),
        "at": rescue.at.isoformat(),
        "arrived_at": rescue.arrived_at.isoformat() if rescue.arrived_at else "",
        "arrival": displayable(rescue.arrival),
        "outcome": outcome.words if outcome else "",
        "outcome_by": names.get(rescue.outcome_by or "", ""),
        "outcome_note": displayable(rescue.outcome_note),
        "ended_at": rescue.ended_at.isoformat() if rescue.ended_at else "",
        "ended_by": names.get(rescue.ended_by or "", ""),
        "is_serious": rescue.is_serious,
    }


def _second(console: Console, view: CaseView, rescue: Rescue) -> dict[str, Any]:
    """What a second person is asked, and whether this visitor may be it."""
    rules = console.desks.rescue.rules
    return {
        "by": view.names.get(rescue.by_id, ""),
        "at": rescue.at.isoformat(),
        "due_at": (rescue.at + rules.second_within).isoformat(),
        "basis": rules.bases[rescue.basis].words,
        "reason": displayable(rescue.reason),
        "asked": view.names.get(rescue.asked_id or "", ""),
        "may": rescue.by_id != view.visitor.id and console.may(view.visitor, "rescue_second"),
    }


def _lines(console: Console, view: CaseView) -> list[dict[str, Any]]:
    """What the dispatcher is told, with the person's own words; the newest that may answer come first."""
    desk = console.desks.rescue
    spoken = newest_messages(console, view.connection, view.case.conversation_id)
    said = {message.id: message for message in spoken if message.author == "visitor" and message.body}
    hints = hinted(desk.rules, {key: message.body for key, message in said.items()})
    quotes = desk.rescues.quotes(view.connection, view.case.id)
    for key in {key for keys in quotes.values() for key in keys} - set(said):  # picked from further back
        if older := console.alarm.conversations.message(view.connection, key):
            said[key] = older
    me = view.visitor.counsellor.display_name
    return [
        {
            "title": line.title,
            "say": line.say.replace("{name}", me),
            "slot": line.slot,
            "quotes": [_quote(said[key]) for key in quotes.get(line.slot, ()) if key in said],
            "hints": hints.get(line.slot, [])[::-1],
        }
        for line in desk.rules.lines
    ]


def _quote(message: Message) -> dict[str, str]:
    return {"id": message.id, "text": displayable(message.body), "at": message.received_at.isoformat()}


def _options(console: Console, view: CaseView) -> dict[str, Any]:
    rules, permissions = console.desks.rescue.rules, console.desks.desk.permissions
    others = [
        {"id": who.id, "name": who.display_name}
        for who in console.accounts.staff.all(view.connection)
        if who.is_active and who.id != view.visitor.id and permissions.allows(who.roles, "rescue_second")
    ]
    return {
        "bases": [
            {"code": one.code, "words": one.words, "needs_second": one.needs_second} for one in rules.bases.values()
        ],
        "outcomes": [{"code": one.code, "words": one.words} for one in rules.outcomes.values()],
        "whom": rules.whom,
        "grounds": rules.grounds,
        "slots": rules.slots(),
        "others": others,
        "second_minutes": round(rules.second_within.total_seconds() / 60),
        "may_end": permissions.allows(view.visitor.counsellor.roles, "rescue_end"),
    }
