"""The page 演练: planned drills, how each is begun, what it showed, and how many planned ones were carried out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request

from escalation.cases import NotAllowed
from escalation.console.access import Console, Visitor, act
from escalation.practice import plans, results
from escalation.practice.plans import Wanted
from escalation.showing import displayable
from records.drills import Plan, Run

_ZONE = ZoneInfo("Asia/Shanghai")


def router(console: Console) -> APIRouter:
    """Routes of the page."""
    routes = APIRouter(prefix="/console/drills")
    desk = console.desks.drills

    @routes.get("")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "drill_plan")
        values = await asyncio.to_thread(_read, console, visitor)
        return console.page(
            request, "drills.html", visitor, oncall=console.oncall, playbook=desk.playbook,
            address=str(request.base_url).rstrip("/"), may_hide=_may_hide(console, visitor), **values,
        )  # fmt: skip

    @routes.post("/plans")
    async def plan(request: Request) -> Any:
        visitor = await console.visitor(request, "drill_plan")
        form = {name: str(value) for name, value in (await request.form()).items()}
        may_hide = _may_hide(console, visitor)
        return await act(
            console, request, "drill_plan", lambda c, who, now: desk.plan(c, who, _wanted(form), now, may_hide=may_hide)
        )

    @routes.post("/plans/{plan_id}/cancel")
    async def cancel(request: Request, plan_id: str) -> Any:
        return await act(console, request, "drill_plan", lambda c, who, now: desk.cancel(c, plan_id, who, now))

    @routes.post("/plans/{plan_id}/findings")
    async def conclude(request: Request, plan_id: str) -> Any:
        await console.visitor(request, "drill_plan")
        words = str((await request.form()).get("words", ""))
        return await act(console, request, "drill_plan", lambda c, who, now: desk.conclude(c, plan_id, who, words, now))

    @routes.post("/stop")
    async def stop(request: Request) -> Any:
        return await act(console, request, "drill_plan", lambda c, who, now: desk.stop(c, who, now))

    return routes


def _may_hide(console: Console, visitor: Visitor) -> bool:
    """Whether somebody may plan drills that surprise the house."""
    return console.may(visitor, "drill_hide")


def _wanted(form: Mapping[str, str]) -> Wanted:
    try:
        at = datetime.fromisoformat(f"{form['date']}T{form['time']}").replace(tzinfo=_ZONE)
        callers = int(form["callers"])
    except (KeyError, ValueError):
        raise NotAllowed("请填写日期、时间和模拟来访者的数量") from None
    return Wanted(
        form.get("scenario", ""), callers, at, form.get("announced") != "no", form.get("calls_people") == "yes"
    )


def _read(console: Console, visitor: Visitor) -> dict[str, Any]:
    """This year's drills; one that is to surprise the house is seen by those who may plan such, until it begins."""
    desk, now, may_hide = console.desks.drills, console.now(), _may_hide(console, visitor)
    january = now.astimezone(_ZONE).replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    with console.engine.connect() as connection:
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        found = desk.drills.plans(connection, january)
        runs: dict[str, list[Run]] = {}
        for run in desk.drills.runs(connection, [plan.id for plan in found]):
            runs.setdefault(run.plan_id, []).append(run)
        took_part = desk.drills.took_part(connection, [run.id for some in runs.values() for run in some])
    seen = [plan for plan in found if may_hide or plan.id in runs or not _is_secret(console, plan)]
    shown = [_plan(console, plan, runs.get(plan.id, []), names, took_part) for plan in seen]
    running = next((one for one in shown if one["is_running"]), None)
    return {
        "coming": [one for one in reversed(shown) if one["state"] == plans.PLANNED and not one["runs"]],
        "past": [one for one in shown if one["state"] != plans.PLANNED or one["runs"]],
        "running": running, "rate": plans.completion(found, desk.playbook.rules, now).words,
        "today": now.astimezone(_ZONE),
    }  # fmt: skip


def _is_secret(console: Console, plan: Plan) -> bool:
    state = plans.stands(plan, console.desks.drills.playbook.rules, console.now())
    return not plan.is_announced and state == plans.PLANNED


def _plan(
    console: Console, plan: Plan, runs: Sequence[Run], names: Mapping[str, str], took_part: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    desk, now = console.desks.drills, console.now()
    state = plans.stands(plan, desk.playbook.rules, now)
    return {
        "id": plan.id, "state": state, "state_words": plans.STATE_WORDS[state],
        "scenario": _scenario(console, plan.scenario),
        "callers": plan.callers, "at": plan.planned_for, "by": names.get(plan.by_id, ""),
        "is_announced": plan.is_announced, "calls_people": plan.calls_people, "token": desk.token(plan.id),
        "may_cancel": now < plan.planned_for, "findings": displayable(plan.findings),
        "findings_by": names.get(plan.findings_by or "", ""), "may_conclude": plan.state == plans.DONE,
        "is_running": any(run.state == "running" for run in runs),
        "runs": [_run(console, run, [names.get(one, "") for one in took_part.get(run.id, ())]) for run in runs],
    }  # fmt: skip


def _run(console: Console, run: Run, people: Sequence[str]) -> dict[str, Any]:
    found = results.from_json(run.result)
    return {
        "began_at": run.began_at, "ended_at": run.ended_at, "state_words": plans.STATE_WORDS[run.state],
        "scenario": _scenario(console, run.scenario), "callers": run.callers, "people": people,
        "sums": results.summed_up(found) if found else [], "faults": sum(bool(one.fault) for one in found),
    }  # fmt: skip


def _scenario(console: Console, code: str) -> str:
    found = console.desks.drills.playbook.scenarios.get(code)
    return found.words if found else code
