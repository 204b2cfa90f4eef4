"""The monthly report: preview, freezing, frozen versions, and their files."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response

from escalation.console.access import Console, Visitor
from escalation.reports.monthly import Report, from_json
from escalation.reports.pdf import to_pdf
from escalation.reports.periods import BadPeriod, Period, day_of, period_of, read_period
from escalation.reports.reports_desk import Draft, Naming
from escalation.reports.workbook import to_xlsx
from records.reports import FrozenReport

_FORMS = {
    "pdf": (to_pdf, "application/pdf"),
    "xlsx": (to_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
_KINDS = ("month", "quarter", "year")


def add_monthly(routes: APIRouter, console: Console, turn: asyncio.Lock) -> None:
    """Routes under the statistics'; whoever counts waits for its turn."""
    desk = console.desks.reports

    @routes.get("/monthly")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "report_view")
        period = _period(request, console)
        version = _number(request.query_params.get("version", ""))
        async with turn:
            values = await asyncio.to_thread(_read, console, visitor, period, version)
        return console.page(
            request, "reports_monthly.html", visitor, oncall=console.oncall, period=period,
            **values,
        )  # fmt: skip

    @routes.post("/freeze")
    async def freeze(request: Request) -> Any:
        visitor = await console.writing_visitor(request, "report_freeze")
        form, period = await request.form(), _period(request, console)
        reason, seen = str(form.get("reason", "")), _number(str(form.get("next", "")))
        draft = await asyncio.to_thread(
            _draft, console, period, reason
        )  # counted beside the writer, which must not wait
        if seen is not None and seen != draft.version:
            raise HTTPException(409, "刚才别人也冻结了一版，请刷新后再看")
        now = console.now()
        version = await console.writer.write(lambda c: desk.freeze(c, visitor.counsellor, draft, now))
        return {"ok": True, "version": version}

    @routes.post("/export")
    async def export(request: Request) -> Response:
        visitor = await console.writing_visitor(request, "report_export")
        form = request.query_params.get("form", "")
        kept = await asyncio.to_thread(_kept, console, _period(request, console), request)
        if form not in _FORMS or kept is None:
            raise HTTPException(404, "没有这份报表")
        if not kept.is_whole:
            raise HTTPException(409, "这份冻结的报表和它的校验码对不上：请马上报告，不要外传")
        now, (make, media_type) = console.now(), _FORMS[form]
        report, hashed = _for(console, visitor, kept)
        body = await asyncio.to_thread(make, report, hashed)
        await console.writer.write(lambda c: desk.handed_out(c, visitor.counsellor, kept, form, now))
        name = f"report-{kept.period}-v{kept.version}.{form}"
        return Response(
            body, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )  # fmt: skip


def _period(request: Request, console: Console) -> Period:
    """What the address names; else the month before this one."""
    try:
        found = read_period(request.query_params.get("period", ""))
    except BadPeriod:
        found = period_of("month", day_of(console.now())).before
    return found if found.kind in _KINDS else period_of("month", found.first)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


def sees_inside(console: Console, visitor: Visitor) -> bool:
    """Whether small numbers are shown."""
    return console.may(visitor, "report_inside")


def _for(console: Console, visitor: Visitor, kept: FrozenReport) -> tuple[Report, str]:
    """A frozen report as somebody may see it, with the hash of that text."""
    if sees_inside(console, visitor):
        return from_json(kept.inside), kept.inside_hash
    return from_json(kept.outside), kept.outside_hash


def titles(console: Console) -> dict[str, str]:
    """Articles by their titles."""
    return {key: article.title for key, article in console.articles.knowledge.library.articles.items()}


def _draft(console: Console, period: Period, reason: str) -> Draft:
    with console.engine.connect() as connection:
        naming = Naming(console.hotline_name, titles(console))
        return console.desks.reports.draft(connection, period, naming, console.now(), reason)


def _kept(console: Console, period: Period, request: Request) -> FrozenReport | None:
    version = _number(request.query_params.get("version", ""))
    with console.engine.connect() as connection:
        return console.desks.reports.kept(connection, period, version) if version else None


def _read(console: Console, visitor: Visitor, period: Period, version: int | None) -> dict[str, Any]:
    with console.engine.connect() as connection:
        versions = console.desks.reports.frozen.of(connection, period.kind, period.code)
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
    kept = next((one for one in versions if one.version == version), None)
    if version is not None and kept is None:
        raise HTTPException(404, "没有这一版")
    if kept is not None:
        report, hashed = _for(console, visitor, kept)
    else:
        draft = _draft(console, period, "")
        report, hashed = draft.inside if sees_inside(console, visitor) else draft.outside, ""
    return {
        "report": report, "hash": hashed, "kept": kept, "is_whole": kept is None or kept.is_whole,
        "versions": versions, "names": names, "next": len(versions) + 1, "is_over": console.now() >= period.until,
        "before": period.before, "after": period.after, "may_freeze": console.may(visitor, "report_freeze"),
    }  # fmt: skip
