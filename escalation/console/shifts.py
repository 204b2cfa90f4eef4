"""The pages around the shift: the roster of the week, and handing one shift to the next."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Request

from escalation.cases import NotAllowed
from escalation.console.access import Console, Visitor, act
from escalation.shift import handover, roster
from escalation.shift.exposure import week_start
from escalation.shift.planning import Holes, Week
from escalation.shift.roster import ROLE_WORDS
from escalation.showing import displayable
from records.handovers import Handover
from records.roster import Planned

_ZONE = ZoneInfo("Asia/Shanghai")
_FARTHEST = timedelta(days=3660)
_DAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")


def router(console: Console) -> APIRouter:
    """Routes of both pages."""
    routes = APIRouter(prefix="/console")
    _add_roster(routes, console)
    _add_handovers(routes, console)
    return routes


def _add_roster(routes: APIRouter, console: Console) -> None:
    planning = console.desks.shift.planning

    @routes.get("/roster")
    async def show(request: Request, week: str = "") -> Any:
        visitor = await console.visitor(request, "roster_view")
        monday = _monday(week, console.now())
        values = await asyncio.to_thread(_week, console, monday)
        may_edit = _may_edit(console, visitor)
        return console.page(
            request, "roster.html", visitor, oncall=console.oncall, roles=ROLE_WORDS, may_edit=may_edit, **values
        )

    @routes.post("/roster/shifts")
    async def add(request: Request) -> Any:
        await console.visitor(request, "roster_edit")
        form = {name: str(value) for name, value in (await request.form()).items()}
        return await act(console, request, "roster_edit", lambda c, who, now: planning.add(c, who, _planned(form), now))

    @routes.get("/roster/advice.json")
    async def advise(request: Request) -> Any:
        """What to think about before the shift in the form is planned."""
        await console.visitor(request, "roster_edit")
        return {"words": await asyncio.to_thread(_advise, console, dict(request.query_params))}

    @routes.post("/roster/shifts/{row_id}/remove")
    async def remove(request: Request, row_id: str) -> Any:
        return await act(console, request, "roster_edit", lambda c, who, now: planning.remove(c, who, row_id, now))

    @routes.post("/roster/copies")
    async def copy(request: Request) -> Any:
        await console.visitor(request, "roster_edit")
        monday = _monday(str((await request.form()).get("week", "")), console.now())
        return await act(
            console, request, "roster_edit", lambda c, who, now: planning.copy_last_week(c, who, monday, now)
        )


def _add_handovers(routes: APIRouter, console: Console) -> None:
    signing = console.desks.shift.signing

    @routes.get("/handovers")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "handover_view")
        await _note_view(console, visitor, None)
        values = await asyncio.to_thread(_now_open, console)
        return console.page(
            request, "handovers.html", visitor, oncall=console.oncall, **values, may_sign=_may_sign(console, visitor)
        )

    @routes.get("/handovers/{handover_id}")
    async def read(request: Request, handover_id: str) -> Any:
        visitor = await console.visitor(request, "handover_view")
        values = await asyncio.to_thread(_read_one, console, handover_id)
        await _note_view(console, visitor, handover_id)
        may_sign = _may_sign(console, visitor) and not values["one"]["in"] and values["one"]["out_id"] != visitor.id
        return console.page(request, "handed_over.html", visitor, oncall=console.oncall, **values, may_sign=may_sign)

    @routes.post("/handovers/out/signature")
    async def sign_out(request: Request) -> Any:
        await console.visitor(request, "handover_sign")
        form = await request.form()
        remarks, reason = str(form.get("remarks", "")), str(form.get("reason", ""))
        return await act(
            console, request, "handover_sign", lambda c, who, now: signing.sign_out(c, who, remarks, reason, now)
        )

    @routes.post("/handovers/{handover_id}/in/signature")
    async def sign_in(request: Request, handover_id: str) -> Any:
        return await act(
            console, request, "handover_sign", lambda c, who, now: signing.sign_in(c, handover_id, who, now)
        )


def _may_edit(console: Console, visitor: Visitor) -> bool:
    return console.may(visitor, "roster_edit")


def _may_sign(console: Console, visitor: Visitor) -> bool:
    return console.may(visitor, "handover_sign")


async def _note_view(console: Console, visitor: Visitor, handover_id: str | None) -> None:
    """It holds words about people: who reads it is in the audit."""
    now, staff = console.now(), console.accounts.staff
    await console.writer.write(
        lambda c: staff.audit(c, "handover_view", now, actor_id=visitor.id, object_id=handover_id)
    )


def _now_open(console: Console) -> dict[str, Any]:
    shift, now = console.desks.shift, console.now()
    with console.engine.connect() as connection:
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        snapshot = shift.signing.now_open(connection, now)
        past = [_signed(one, names) for one in shift.signing.handovers.newest(connection)]
    return {
        "now_open": handover.opened(displayable(handover.frozen(snapshot))),
        "unassigned": len(handover.unassigned(snapshot.cases)), "past": past,
    }  # fmt: skip


def _read_one(console: Console, handover_id: str) -> dict[str, Any]:
    with console.engine.connect() as connection:
        found = console.desks.shift.signing.handovers.get(connection, handover_id)
        if found is None:
            raise HTTPException(404, "没有这份交接")
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
    return {
        "one": {**_signed(found, names), "digest": found.digest, "is_intact": handover.is_intact(found)},
        "snapshot_values": handover.opened(displayable(found.snapshot)),
    }


def _signed(one: Handover, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": one.id, "out_id": one.out_id, "out": names.get(one.out_id, ""), "out_at": one.out_at,
        "in": names.get(one.in_id or "", ""), "in_at": one.in_at,
    }  # fmt: skip


def _week(console: Console, monday: datetime) -> dict[str, Any]:
    with console.engine.connect() as connection:
        week = console.desks.shift.planning.week(connection, monday)
        staff = [who for who in console.accounts.staff.all(connection) if who.is_active]
    names = {who.id: who.display_name for who in staff}
    days = [monday + timedelta(days=number) for number in range(7)]
    return {
        "days": [
            {
                "name": f"{_DAYS[number]} {day:%m-%d}", "date": f"{day:%Y-%m-%d}",
                "shifts": [
                    {**_shift(one, names), "advice": [said.words for said in week.advice[one.id]]}
                    for one in week.plan
                    if _local(one.begins_at).date() == day.date()
                ],
            }
            for number, day in enumerate(days)
        ],
        "warnings": _warnings(week, names),
        "holes": hole_words(week.holes, most=len(week.holes.lead) + len(week.holes.oncall)),
        "colleagues": staff, "week": f"{monday:%Y-%m-%d}", "before": f"{monday - roster.WEEK:%Y-%m-%d}",
        "after": f"{monday + roster.WEEK:%Y-%m-%d}",
    }  # fmt: skip


def _warnings(week: Week, names: dict[str, str]) -> list[str]:
    few = [
        f"{_span(gap.begins_at, gap.ends_at)}：{f'只有 {gap.seats} 个坐席' if gap.seats else '没有人'}"
        for gap in week.gaps
    ]
    return few + [
        f"{names.get(run.counsellor_id, '')} 连续 {(run.ends_at - run.begins_at) / timedelta(hours=1):g} 小时："
        f"{_span(run.begins_at, run.ends_at)}"
        for run in week.long_runs
    ]


def hole_words(holes: Holes, most: int = 2) -> list[str]:
    """Which hours have no duty lead or nobody on call, and whom the ladder calls then; the first of many."""
    found = [(gap, "没有值班长，警报会改叫其他值班长") for gap in holes.lead]
    found += [(gap, "没有人听班，也没有设置外部值守") for gap in holes.oncall]
    found.sort(key=lambda one: one[0].begins_at)
    words = [f"{_span(gap.begins_at, gap.ends_at)} {what}" for gap, what in found[:most]]
    return words + ([f"另有 {len(found) - most} 处"] if len(found) > most else [])


def _advise(console: Console, form: dict[str, str]) -> list[str]:
    """Nothing while the form is not filled in; why not, where it cannot be planned."""
    if not form.get("who"):
        return []
    try:
        with console.engine.connect() as connection:
            found = console.desks.shift.planning.advise(connection, _planned(form))
    except NotAllowed as refused:
        return [str(refused)]
    return [one.words for one in found]


def _shift(one: Planned, names: dict[str, str]) -> dict[str, Any]:
    ends = _local(one.ends_at)
    until = "24:00" if ends.date() > _local(one.begins_at).date() and f"{ends:%H:%M}" == "00:00" else f"{ends:%H:%M}"
    return {
        "id": one.id, "name": names.get(one.counsellor_id, ""), "role": ROLE_WORDS.get(one.role, one.role),
        "hours": f"{_local(one.begins_at):%H:%M}–{until}",
    }  # fmt: skip


def _planned(form: dict[str, str]) -> Planned:
    """The form's shift; an end not after its beginning is the next day's."""
    try:
        begins_at = datetime.fromisoformat(f"{form['date']}T{form['begins']}").replace(tzinfo=_ZONE)
        ends_at = datetime.fromisoformat(f"{form['date']}T{form['ends']}").replace(tzinfo=_ZONE)
    except (KeyError, ValueError):
        raise NotAllowed("请填写日期、开始和结束的时间") from None
    if ends_at <= begins_at:
        ends_at += timedelta(days=1)
    return Planned("", form.get("who", ""), form.get("role", ""), begins_at, ends_at)


def _monday(text: str, now: datetime) -> datetime:
    """The Monday of the week that a date lies in; this week's for anything else."""
    try:
        wanted = datetime.fromisoformat(text).replace(tzinfo=_ZONE)
    except ValueError:
        wanted = now
    return week_start(wanted if abs(wanted - now) < _FARTHEST else now)


def _local(at: datetime) -> datetime:
    return at.astimezone(_ZONE)


def _span(begins_at: datetime, ends_at: datetime) -> str:
    begins, ends = _local(begins_at), _local(ends_at)
    until = "" if begins.date() == ends.date() else f"{_DAYS[ends.weekday()]} {ends:%m-%d} "
    return f"{_DAYS[begins.weekday()]} {begins:%m-%d %H:%M} 到 {until}{ends:%H:%M}"
