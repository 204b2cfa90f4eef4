"""Beside a case: the clocks after its claim, a lead who assigns it or lets it climb, a call for a supervisor's help.

And the same for every page: what is overdue, who wants help, which cases became orange or red.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Request

from escalation.cases import SERVED
from escalation.console.access import CaseView, Console, Visitor, act
from escalation.record import answers
from escalation.routing import RUNG_WORDS, rung
from escalation.shift import after_claim, copying
from escalation.shift.after_claim import Clock, Promised, What
from escalation.showing import displayable
from records.help_calls import HelpCall
from records.rises import Rise
from records.staff import Counsellor
from records.stints import Live
from records.transfers import ASSIGNMENT
from triage.risk import Level

CLOCK_WORDS = {What.WORD: "还没有对来访者说话", What.ASSESSMENT: "评估还没有完成"}
_SHOWN = 5  # of the cases that became orange or red


def router(console: Console) -> APIRouter:
    """The one route that belongs to no case."""
    routes = APIRouter()

    @routes.post("/console/rises/seen")
    async def seen(request: Request) -> Any:
        await console.writing_visitor(request, "rise_seen")  # before anything of the request is read
        until = _moment(str((await request.form()).get("until", "")))

        def see(connection: sa.Connection, who: Counsellor, now: datetime) -> None:
            console.desks.shift.rises.see(connection, who.id, min(until, now), now)
            console.accounts.staff.audit(connection, "rise_seen", now, actor_id=who.id)

        return await act(console, request, "rise_seen", see)

    return routes


def add_stepping_in(routes: APIRouter, console: Console) -> None:
    """What leads and supervisors are asked for, under the routes of a case."""
    _add_dispatching(routes, console)
    _add_helping(routes, console)


def _add_dispatching(routes: APIRouter, console: Console) -> None:
    dispatching = console.desks.shift.dispatching

    @routes.post("/assign")
    async def assign(request: Request, case_id: str) -> Any:
        form = await request.form()
        to_id, note = str(form.get("to", "")), str(form.get("note", ""))
        return await act(
            console, request, "case_assign", lambda c, who, now: dispatching.assign(c, case_id, who, to_id, note, now)
        )

    @routes.post("/escalate")
    async def escalate(request: Request, case_id: str) -> Any:
        return await act(
            console, request, "case_escalate", lambda c, who, now: dispatching.escalate(c, case_id, who, now)
        )


def _add_helping(routes: APIRouter, console: Console) -> None:
    helping = console.desks.shift.helping

    @routes.post("/help")
    async def ask(request: Request, case_id: str) -> Any:
        why = str((await request.form()).get("why", ""))
        return await act(console, request, "case_help", lambda c, who, now: helping.ask(c, case_id, who, why, now))

    @routes.post("/help/withdraw")
    async def withdraw(request: Request, case_id: str) -> Any:
        return await act(console, request, "case_help", lambda c, who, now: helping.withdraw(c, case_id, who, now))

    @routes.post("/help/answer")
    async def answer(request: Request, case_id: str) -> Any:
        words = str((await request.form()).get("words", ""))
        return await act(
            console, request, "case_help_answer", lambda c, who, now: helping.answer(c, case_id, who, words, now)
        )


def stepping_in_values(console: Console, view: CaseView) -> dict[str, Any]:
    """The part of the case page."""
    shift, connection, case = console.desks.shift, view.connection, view.case
    live = next(iter(shift.floor.desk.handling.stints.live(connection, case.conversation_id)), None)
    return {
        "clocks": _case_clocks(console, view, live) if live is not None else [],
        "assign": _assign(console, view),
        "escalate": _escalate(console, view),
        "help": _help(console, view, live),
    }


def _case_clocks(console: Console, view: CaseView, live: Live) -> list[dict[str, Any]]:
    """With what the assessment still lacks, by name."""
    shown = clock_values(live, console.desks.shift.floor.rules.promised, console.now())
    record = console.desks.record
    for one in shown:
        if one["what"] == What.ASSESSMENT:
            entries = record.entries.current(view.connection, [view.case.id])
            open_fields = [key for key in answers.CORE if not answers.is_asked(entries.get(key))]
            one["words"] = f"评估还差：{'、'.join(record.form.fields[key].short for key in open_fields)}"
    return shown


def clock_values(live: Live, promised: Promised, now: datetime) -> list[dict[str, Any]]:
    """What is owed after the claim, with its times; the page counts the seconds."""
    return [
        {
            "what": clock.what.value, "start": _start(live, clock), "words": CLOCK_WORDS[clock.what],
            "since": clock.since.isoformat(), "by": clock.by.isoformat(), "is_late": clock.is_late(now),
        }
        for clock in after_claim.clocks(live, promised)
    ]  # fmt: skip


def _start(live: Live, clock: Clock) -> str:
    claimed_at = live.stint.began_at if clock.what is What.WORD else live.stint.claimed_at
    return "升级" if clock.since > claimed_at else "接手"


def _assign(console: Console, view: CaseView) -> dict[str, Any]:
    """A lead may name somebody while the case waits; everybody sees who was asked."""
    passing = console.desks.shift.passing
    request = passing.transfers.open_of(view.connection, view.case.id)
    waits = passing.waits(view.connection, view.case) and view.case.practised_by is None
    asked = request if request is not None and request.kind == ASSIGNMENT and waits else None
    return {
        "may": waits and console.may(view.visitor, "case_assign"),
        "asked": asked and {"to": view.names.get(asked.to_id, ""), "answer_by": asked.answer_by.isoformat()},
    }


def _escalate(console: Console, view: CaseView) -> str:
    """Whom the next rung calls, for those who may let it climb; else nothing."""
    alert = console.alarm.alerts.ringing(view.connection, view.case.id)
    if alert is None or alert.next_at is None or not _may(console, view, "case_escalate"):
        return ""
    return RUNG_WORDS[rung(alert.step + 1)]


def _help(console: Console, view: CaseView, live: Live | None) -> dict[str, Any]:
    """The newest call for help of who serves the case now."""
    newest = console.desks.shift.helping.help_calls.newest_of(view.connection, view.case.id)
    call = newest if live is not None and newest is not None and _is_of(newest, live) else None
    is_open = call is not None and call.state == "open"
    is_mine = view.case.state in SERVED and view.case.owner_id == view.visitor.id
    may_ask = is_mine and not is_open and view.case.practised_by is None and _may(console, view, "case_help")
    return {
        "may_ask": may_ask,
        "may_withdraw": is_mine and is_open,
        "may_answer": is_open and not is_mine and console.may(view.visitor, "case_help_answer"),
        "call": call and _call_values(call, view.names),
    }


def _is_of(call: HelpCall, live: Live) -> bool:
    return (
        call.state in ("open", "answered") and call.by_id == live.stint.counsellor_id and call.at >= live.stint.began_at
    )


def _call_values(call: HelpCall, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "by": names.get(call.by_id, ""), "why": displayable(call.why), "at": call.at.isoformat(),
        "is_open": call.state == "open", "answered_by": names.get(call.answered_by or "", ""),
        "answer": displayable(call.answer), "ended_at": call.ended_at.isoformat() if call.ended_at else "",
    }  # fmt: skip


def _may(console: Console, view: CaseView, action: str) -> bool:
    who, session = view.visitor.counsellor, view.visitor.session
    admission = console.desks.admission
    return admission.allows_on(view.connection, who, session.id, action, view.case, console.now())


def page_values(
    console: Console, connection: sa.Connection, visitor: Visitor, names: Mapping[str, str], lives: Sequence[Live],
) -> dict[str, Any]:  # fmt: skip
    """What every page of this one shows above its own: overdue clocks, calls for help, quiet notices."""
    return {
        "reminders": _reminders(console, visitor, names, lives),
        "helps": _helps(console, connection, visitor, names),
        "rises": _rises(console, connection, visitor, names),
    }


def _reminders(
    console: Console, visitor: Visitor, names: Mapping[str, str], lives: Sequence[Live]
) -> list[dict[str, Any]]:  # fmt: skip
    """Own cases whose clock ran out without a ring, and, for leads, everybody's assessments."""
    rules, now = console.desks.shift.floor.rules, console.now()
    leads = "duty_lead" in visitor.counsellor.roles
    return [
        {
            "case_id": live.stint.case_id, "case_no": live.case_no, "level": int(live.level),
            "level_label": _label(live.level), "what": clock.what.value, "words": CLOCK_WORDS[clock.what],
            "since": clock.since.isoformat(), "start": _start(live, clock), "is_drill": live.is_drill,
            "owner": "" if live.stint.counsellor_id == visitor.id else names.get(live.stint.counsellor_id, ""),
        }
        for live in lives
        for clock in after_claim.clocks(live, rules.promised)
        if clock.is_late(now) and not live.is_practice and _concerns(live, clock, visitor, console, leads=leads)
    ]  # fmt: skip


def _concerns(live: Live, clock: Clock, visitor: Visitor, console: Console, *, leads: bool) -> bool:
    if live.stint.counsellor_id == visitor.id:
        return clock.what is What.ASSESSMENT or live.level not in console.desks.shift.floor.rules.patience.unanswered
    return leads and clock.what is What.ASSESSMENT


def _helps(
    console: Console, connection: sa.Connection, visitor: Visitor, names: Mapping[str, str]
) -> list[dict[str, Any]]:  # fmt: skip
    if not console.may(visitor, "case_help_answer"):
        return []
    found = []
    for call in console.desks.shift.helping.help_calls.open(connection):
        case = console.alarm.cases.get(connection, call.case_id)
        if case is not None and call.by_id != visitor.id:
            found.append({
                **_call_values(call, names), "id": call.id, "case_id": case.id, "case_no": case.case_no,
                "level": int(case.level), "level_label": _label(case.level), "is_drill": case.is_drill,
            })  # fmt: skip
    return found


def _rises(
    console: Console, connection: sa.Connection, visitor: Visitor, names: Mapping[str, str]
) -> dict[str, Any] | None:
    """Cases that became orange or red since this one last put the notice away; nothing where there is none."""
    if not console.may(visitor, "rise_seen"):
        return None
    rows, now = console.desks.shift.rises, console.now()
    since = copying.since(rows.seen_until(connection, visitor.id), now)
    found = copying.concerning(rows.since(connection, since, copying.MOST), visitor.id, visitor.counsellor.roles)
    if not found:
        return None
    return {
        "until": max(rise.at for rise in found).isoformat(), "more": max(0, len(found) - _SHOWN),
        "lines": [_rise(rise, names) for rise in found[:_SHOWN]],
    }  # fmt: skip


def _rise(rise: Rise, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "case_id": rise.case_id, "case_no": rise.case_no, "level": int(rise.level), "level_label": _label(rise.level),
        "at": rise.at.isoformat(), "is_drill": rise.is_drill,
        "served_by": names.get(rise.served_by, "") if rise.served_by else "",
    }  # fmt: skip


def _label(level: Level) -> str:
    return f"{level.colour}·{level.label}"


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise HTTPException(422, "until must be a time") from None
    if found.tzinfo is None:
        raise HTTPException(422, "until needs a zone")
    return found
