"""The queue page and the one event stream of a console screen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from escalation.alarm import overdue_s
from escalation.calling import Called, told
from escalation.cases import ENDED, STATE_WORDS, State
from escalation.console.access import Console, Visitor
from escalation.console.care_marks import care_marks, care_row
from escalation.console.duty import EVENTS as OF_THE_SHIFT
from escalation.console.duty import TOUCH_EVERY, colour_only, reliefs, touch
from escalation.referral.states import QUEUE_TASKS
from escalation.routing import RUNG_WORDS, rung
from escalation.undelivered import EVENTS as LOST_WORDS
from records.alerts import Alert
from records.cases import Case
from records.events import Cursor, Event
from records.feed import BEHIND, sse

_BEAT = "event: beat\ndata: {}\n\n"  # an event, not a comment: the page must be able to notice its absence
_CHECK_EVERY = timedelta(seconds=4)  # a session that ended sees nothing five seconds later
_MOST_ROWS = 5000  # a flood is counted whole
_DRAWN_AT_FIRST = 60  # the page asks for the others


def router(console: Console) -> APIRouter:
    """Queue routes."""
    routes = APIRouter()

    @routes.get("/console")
    async def show_queue(request: Request) -> Any:
        visitor = await console.visitor(request, "queue_view")
        rows, cursor, _ = await asyncio.to_thread(_read_queue, console, visitor)
        return console.page(
            request, "queue.html", visitor, rows=rows[:_DRAWN_AT_FIRST], total=len(rows), cursor=str(cursor),
            oncall=console.oncall,
        )  # fmt: skip

    @routes.get("/console/queue.json")
    async def queue_json(request: Request) -> Any:
        visitor = await console.visitor(request, "queue_view")
        rows, cursor, lost = await asyncio.to_thread(_read_queue, console, visitor)
        return {"rows": rows, "cursor": str(cursor), "undelivered": lost}

    @routes.get("/console/events")
    async def stream(request: Request, after: str = "") -> StreamingResponse:
        visitor = await console.visitor(request, "queue_view")
        # from this moment at the latest: what happens while the stream opens is not in the page that asks
        last = Cursor.parse(request.headers.get("last-event-id", "") or after) or console.feed.cursor
        return StreamingResponse(
            _stream(console, visitor, request.cookies.get(console.cookie_name, ""), last),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return routes


async def _stream(console: Console, visitor: Visitor, cookie: str, after: Cursor | None) -> AsyncIterator[str]:
    """Each event carries the fresh row of its case; a session that ended ends the stream within a heartbeat."""
    yield "retry: 1000\n: ready\n\n"
    await touch(console, visitor)
    checked_at = touched_at = console.now()
    async for item in console.feed.listen("desk", None, after, beat_s=_CHECK_EVERY.total_seconds()):
        if item is None or console.now() - checked_at >= _CHECK_EVERY:  # a busy stream is checked too
            if not await asyncio.to_thread(_still_in, console, cookie):
                yield "event: signed_out\ndata: {}\n\n"
                return
            checked_at = console.now()
            yield _BEAT
        if console.now() - touched_at >= TOUCH_EVERY:
            touched_at = console.now()
            await touch(console, visitor)
        row = await asyncio.to_thread(_row_of_event, console, visitor, item) if item else None
        if item and row:
            # one SSE event name for every kind, so that a screen never misses a kind it has not heard of
            yield sse(replace(item, kind="row"), json.dumps(row))
        if item and item.kind == BEHIND:
            yield sse(item, "{}")
        if item and item.kind in OF_THE_SHIFT:
            yield sse(replace(item, kind="people"), "{}")
        if item and item.kind in LOST_WORDS:  # also where there is no case
            lost = await asyncio.to_thread(_count_lost, console)
            yield sse(replace(item, kind="undelivered"), json.dumps({"undelivered": lost}))


def _still_in(console: Console, cookie: str) -> bool:
    """Signed in, and still allowed to listen: roles may have changed meanwhile."""
    with console.engine.connect() as connection:
        found = console.accounts.who(connection, cookie, console.now())
    return found is not None and console.desks.admission.permissions.allows(found[0].roles, "queue_view")


def _count_lost(console: Console) -> int:
    with console.engine.connect() as connection:
        return console.alarm.outbox.count_dead(connection)


def _read_queue(console: Console, visitor: Visitor) -> tuple[list[dict[str, Any]], Cursor, int]:
    cursor = console.feed.cursor  # taken before the rows: an event in between is only told twice
    alarm = console.alarm
    with console.engine.connect() as connection:
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        ringing = alarm.alerts.all_ringing(connection)
        called = called_for(console, connection, *ringing.values())
        lost = alarm.outbox.dead_in(connection)
        marks = care_marks(console, connection)
        referred = console.desks.referrals.desk.tasks.cases(connection, QUEUE_TASKS)
        relief = reliefs(console, connection)
        assigned = console.desks.shift.passing.transfers.assigned(connection)
        now = console.now()
        cases = alarm.cases.queue(connection, also=list(marks), limit=_MOST_ROWS)
        sight = _sight(console, connection, visitor, cases, ringing, now)
        rows = [
            _seen(
                visitor, case, sight,
                case_row(
                    console, case, ringing.get(case.id), names, now, has_lost_words=case.conversation_id in lost,
                    called=called.get(case.id), has_referral_task=case.id in referred,
                ) | care_row(case, marks) | {
                    "relief": relief.get(case.id, ""), "asked": _asked(names, assigned.get(case.id)),
                },
            )
            for case in cases
            if case.practised_by in (None, visitor.id)
        ]  # fmt: skip
        return rows, cursor, alarm.outbox.count_dead(connection)


def _row_of_event(console: Console, visitor: Visitor, item: Event) -> dict[str, Any] | None:
    """The row of an event's case, as this visitor sees it."""
    alarm, now = console.alarm, console.now()
    with console.engine.connect() as connection:
        case = _case_of(console, connection, item)
        if case is None or case.practised_by not in (None, visitor.id):  # nobody else is called to a practice
            return None
        alert = alarm.alerts.ringing(connection, case.id)
        owner = console.accounts.staff.get(connection, case.owner_id) if case.owner_id else None
        names = {owner.id: owner.display_name} if owner else {}
        called = called_for(console, connection, alert).get(case.id)
        lost = alarm.outbox.dead_in(connection, case.conversation_id)
        referred = case.id in console.desks.referrals.desk.tasks.cases(connection, QUEUE_TASKS)
        row = case_row(
            console, case, alert, names, now, has_lost_words=bool(lost), called=called, has_referral_task=referred
        )
        row |= care_row(case, care_marks(console, connection, case.id))
        row["relief"] = reliefs(console, connection, case.conversation_id).get(case.id, "")
        to_id = console.desks.shift.passing.transfers.assigned(connection, case.id).get(case.id)
        asked = console.accounts.staff.get(connection, to_id) if to_id else None
        row["asked"] = _asked({asked.id: asked.display_name} if asked else {}, to_id)
        row |= {"what": item.kind, "data": dict(item.data)}
        sight = _sight(console, connection, visitor, [case], {case.id: alert} if alert else {}, now)
        shown = _seen(visitor, case, sight, row)
    return {**shown, "mine": case.owner_id == visitor.id}


def _asked(names: Mapping[str, str], to_id: str | None) -> str:
    return f"已指派{names.get(to_id, '同事')}，等答复" if to_id else ""


@dataclass(frozen=True)
class Sight:
    """Of some cases, what one visitor may do with each."""

    listed: set[str]
    openable: set[str]
    claimable: set[str]


def _sight(
    console: Console, connection: sa.Connection, visitor: Visitor, cases: Sequence[Case],
    ringing: Mapping[str, Alert], now: datetime,
) -> Sight:  # fmt: skip
    admission, who, session_id = console.desks.admission, visitor.counsellor, visitor.session.id
    listed = [case for case in cases if admission.lists(who, case, ringing.get(case.id), now)]
    ids = {case.id for case in listed}
    free = [case for case in cases if case.id not in ids and case.state in (State.NEW, State.WAITING_USER)]
    return Sight(
        ids, admission.allowed(connection, who, session_id, "case_view", listed, now),
        admission.allowed(connection, who, session_id, "case_claim", free, now),
    )  # fmt: skip


def _seen(visitor: Visitor, case: Case, sight: Sight, row: dict[str, Any]) -> dict[str, Any]:
    """The row as this visitor sees it; a row that would only lead to a 404 offers no way there."""
    if case.id not in sight.listed:
        return colour_only(visitor, row, may_claim=case.id in sight.claimable)
    return {**row, "may_open": case.id in sight.openable}


def called_for(console: Console, connection: sa.Connection, *alerts: Alert | None) -> dict[str, Called]:
    """Case id -> who was called outside the screens while it rings."""
    ringing = {alert.id: alert.case_id for alert in alerts if alert is not None}
    found = console.alarm.calls.notices.of_alerts(connection, list(ringing))
    return {ringing[alert_id]: told(notices) for alert_id, notices in found.items()}


def _case_of(console: Console, connection: sa.Connection, item: Event) -> Case | None:
    cases = console.alarm.cases
    if item.case_id:
        return cases.get(connection, item.case_id)
    return cases.open_case_of(connection, item.conversation_id) if item.conversation_id else None


def case_row(
    console: Console, case: Case, alert: Alert | None, names: Mapping[str, str], now: datetime,
    *, has_lost_words: bool, called: Called | None, has_referral_task: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """One row of the queue as values; no words of the visitor. A case that rings although somebody serves it has
    words that did not arrive."""
    clocks = console.alarm.clocks
    return {
        "id": case.id,
        "case_no": case.case_no,
        "level": int(case.level),
        "level_code": case.level.code,
        "level_label": f"{case.level.colour}·{case.level.label}",
        "state": case.state,
        "state_label": STATE_WORDS[State(case.state)],
        "has_ended": case.state in ENDED,
        "wish": "来访者请求真人" if case.wish == "asked_for_person" else "",
        "owner_id": case.owner_id,
        "owner": names.get(case.owner_id or "", ""),
        "opened_at": case.opened_at.isoformat(),
        "ringing": alert is not None,
        "raised_at": alert.raised_at.isoformat() if alert else "",
        "rung": RUNG_WORDS[rung(alert.step)] if alert else "",
        "step": alert.step if alert else 0,
        "is_late": bool(alert and overdue_s(alert, clocks, now) > 0),
        "is_drill": case.is_drill,
        "is_practice": case.practised_by is not None,
        "has_lost_words": has_lost_words,
        "called": called.words if called else "",
        "not_called": called.failed if called else "",
        "has_referral_task": has_referral_task,
    }
