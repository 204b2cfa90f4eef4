"""Statistics of a period: key figures, charts with their tables, unusual days. Without small numbers for outside."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request

from escalation.console.access import Console
from escalation.console.reports_monthly import add_monthly, sees_inside, titles
from escalation.reports import charts
from escalation.reports.anomalies import unlike
from escalation.reports.indicators import View
from escalation.reports.labels import Labels
from escalation.reports.periods import BadPeriod, Period, day_of, period_of, read_period

_KEY_COUNTS = (("sessions", "会话"), ("people", "来访者"), ("requests", "请求人工"), ("cases_high", "高危个案"))
_KEY_FIGURES = ("answered", "first_call", "follow_up", "referral_accepted")
_SLA = ("sla_emergency", "sla_high", "sla_medium", "sla_low")
_CARE = ("cared", "arrived", "first_call", "follow_up", "lost")
_PARTNERS = ("referral_accepted", "referral_attended", "referral_returned", "eased", "records")
_SEEN = (("seen_sessions", "会话"), ("seen_cases", "新开个案"), ("seen_high_cases", "橙色、红色个案"))
_OFFERED = {"month": 13, "quarter": 5, "year": 3}
_BY_DAY = ("month", "quarter")


def router(console: Console) -> APIRouter:
    """Routes of the statistics and the monthly report."""
    routes = APIRouter(prefix="/console/reports")
    turn = asyncio.Lock()  # one count at a time: a large year is seconds of computing beside people's messages

    @routes.get("")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "report_view")
        sees = sees_inside(console, visitor)
        period = asked_period(request, console.now(), with_days=sees)
        async with turn:
            values = await asyncio.to_thread(_read, console, period, sees)
        return console.page(
            request, "reports.html", visitor, oncall=console.oncall, period=period, offered=offered(console.now()),
            sees_inside=sees, **values,
        )  # fmt: skip

    add_monthly(routes, console, turn)
    return routes


def asked_period(request: Request, now: datetime, *, with_days: bool) -> Period:
    """What the address names; else the running month. Single days would give small numbers away outside."""
    asked = request.query_params.get("day", "") if with_days else ""
    try:
        found = read_period(asked or request.query_params.get("period", ""))
    except BadPeriod:
        found = period_of("month", day_of(now))
    return found if with_days or found.kind != "day" else period_of("month", found.first)


def offered(now: datetime) -> dict[str, list[Period]]:
    """The newest periods of each kind."""
    found: dict[str, list[Period]] = {}
    for kind, many in _OFFERED.items():
        period = period_of(kind, day_of(now))
        found[kind] = [period]
        for _ in range(many - 1):
            found[kind].append(found[kind][-1].before)
    return found


def _read(console: Console, period: Period, sees: bool) -> dict[str, Any]:
    desk, now = console.desks.reports, console.now()
    with console.engine.connect() as connection:
        tally = desk.tally(connection, period, now)
    view, labels = desk.view(tally, sees_inside=sees), desk.labels(titles(console))
    unusual = _unusual(view, period, now)
    return {
        "counts": [(words, charts.shown(view.count(name))) for name, words in _KEY_COUNTS],
        "figures": [view.figure(name) for name in _KEY_FIGURES],
        "wait": view.figure("wait"),
        "unusual": unusual,
        "charts": _charts(view, labels, period, frozenset(day for day, _, _ in unusual)),
        "all": [view.figure(each.id) for each in desk.definitions.indicators],
        "is_running": now < period.until,
        "least": desk.definitions.numbers.least_shown,
        "unusual_rules": desk.definitions.unusual,
        "before": period.before,
        "after": period.after if period.end <= day_of(now) else None,
    }


def _charts(view: View, labels: Labels, period: Period, unusual: frozenset[str]) -> list[charts.Chart]:
    made = [] if view.is_outside else [charts.week(view, "会话：星期和时段")]
    if view.is_outside:
        made += [charts.columns(view, labels, "sessions_by_hour", "会话：时段"),
                 charts.bars(view, labels, "sessions_by_weekday", "会话：星期")]  # fmt: skip
    if period.kind in _BY_DAY:
        made.append(charts.columns(view, labels, "sessions_by_day", "会话：每天", unusual))
    return [
        *made,
        charts.waits(view, "等待人工：中位和P90"),
        charts.shares([view.figure(name) for name in _SLA], "警报按时接起率"),
        charts.bars(view, labels, "cases_by_level", "新开个案：等级", levels=True),
        charts.bars(view, labels, "sessions_by_channel", "会话：渠道"),
        charts.bars(view, labels, "cases_by_problem", "新开个案：问题类型（可多项）", leave_out_zero=True),
        charts.shares([view.figure(name) for name in _CARE], "高危干预和随访"),
        charts.shares([view.figure(name) for name in _PARTNERS], "转介、效果和记录"),
    ]


def _unusual(view: View, period: Period, now: datetime) -> list[tuple[str, str, str]]:
    """(day, series, words) of days that are over; outside only what is shown there anyway."""
    rules, least = view.definitions.unusual, view.definitions.numbers.least_shown
    end = min(period.end, day_of(now))
    found = []
    for name, words in _SEEN:
        for one in unlike(view.tally.splits[name], period.first, end, rules):
            day = str(one.day)
            if not view.is_outside:
                found.append((day, words, one.words()))
            elif name == "seen_sessions" and view.cell("sessions_by_day", day):
                found.append((day, words, one.words(least_shown=least)))
    return sorted(found)
