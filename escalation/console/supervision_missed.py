"""Crises that screening did not see in time: the list, one case with what was said, and the export for the corpus."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.datastructures import FormData

from escalation.console.access import CaseView, Console, Visitor, act, look
from escalation.console.supervision_values import refused
from escalation.console.talk import CATEGORY_WORDS, case_values
from escalation.showing import displayable
from escalation.supervision.missed import Example, Miss
from escalation.supervision.missed_desk import NewFinding
from escalation.supervision.review import Unfit
from triage.risk import Level


def add_missed(routes: APIRouter, console: Console) -> None:
    """Routes under the page 督导."""
    desk = console.desks.supervision.missed

    @routes.get("/missed")
    async def show_list(request: Request) -> Any:
        visitor = await console.visitor(request, "missed_review")
        values = await asyncio.to_thread(_read_list, console)
        return console.page(
            request,
            "supervision_missed.html",
            visitor,
            oncall=console.oncall,
            here="missed",
            rules=desk.rules,
            **values,
        )

    @routes.get("/missed/export.jsonl")
    async def export(request: Request) -> Response:
        """Only what reviewers wrote in their own words."""
        visitor = await console.visitor(request, "missed_review")
        now = console.now()
        body = await console.writer.write(lambda c: desk.export(c, visitor.counsellor, now))
        head = {"Content-Disposition": f'attachment; filename="missed-{now:%Y%m%d}.jsonl"'}
        return Response(body, 200, head, "application/x-ndjson; charset=utf-8")

    @routes.get("/missed/{case_id}")
    async def show_case(request: Request, case_id: str) -> Any:
        visitor = await console.visitor(request, "missed_review")
        await look(console, visitor, case_id, again=True)
        values = await asyncio.to_thread(_read_case, console, case_id, visitor)
        return console.page(
            request, "supervision_missed_case.html", visitor, oncall=console.oncall, rules=desk.rules,
            levels=list(Level), categories=CATEGORY_WORDS, **values,
        )  # fmt: skip

    @routes.post("/missed/{case_id}")
    async def find(request: Request, case_id: str) -> Any:
        await console.visitor(request, "missed_review")
        form = await request.form()
        found = _typed(form)
        try:
            return await act(
                console, request, "missed_review", lambda c, who, now: desk.find(c, case_id, who, found, now)
            )
        except Unfit as error:
            return refused(error)


def _typed(form: FormData) -> NewFinding:
    """A finding as the page sends it; labels count only where a sentence is given."""
    text = {name: str(form.get(name, "")).strip() for name in ("example", "example_level", "form")}
    categories = tuple(str(one) for one in form.getlist("category"))
    example = Example(text["example"], text["example_level"], categories, text["form"]) if text["example"] else None
    return NewFinding(str(form.get("outcome", "")), str(form.get("message", "")), str(form.get("note", "")), example)


def _read_list(console: Console) -> dict[str, Any]:
    desk = console.desks.supervision.missed
    with console.engine.connect() as connection:
        found = desk.listed(connection, console.now())
        findings = desk.missed.findings(connection)
    rows = [
        {**_miss(console, miss), "outcome": desk.rules.outcomes.get(findings[miss.course.case_id].outcome, "")
         if miss.course.case_id in findings else ""}
        for miss in found
    ]  # fmt: skip
    return {
        "rows": sorted(rows, key=lambda row: bool(row["outcome"])),
        "examples": sum(bool(one.example) for one in findings.values()),
    }


def _read_case(console: Console, case_id: str, visitor: Visitor) -> dict[str, Any]:
    desk = console.desks.supervision.missed
    with console.engine.connect() as connection:
        case, miss = console.alarm.cases.get(connection, case_id), desk.of_case(connection, case_id)
        if case is None or miss is None:
            raise HTTPException(404, "没有这个页面")
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        finding = desk.missed.findings(connection, case_id).get(case_id)
        talk = case_values(console, CaseView(connection, case, names, visitor))
    said = [message for message in talk if message["author"] == "visitor"]
    return {
        "case": case, "row": _miss(console, miss), "finding": finding,
        "finder": names.get(finding.by_id, "") if finding else "",
        "note": displayable(finding.note) if finding else "",
        "messages": [{**one, "is_before": _is_before(one["at"], miss.alarm_at)} for one in said],
    }  # fmt: skip


def _is_before(at: str, alarm_at: datetime | None) -> bool:
    return alarm_at is None or datetime.fromisoformat(at) <= alarm_at


def _miss(console: Console, miss: Miss) -> dict[str, Any]:
    late_by = miss.late_by
    return {
        "id": miss.course.case_id,
        "case_no": miss.course.case_no,
        "opened_at": miss.course.opened_at,
        "found": console.desks.supervision.missed.rules.found[miss.found],
        "machine": f"{miss.machine.colour}·{miss.machine.label}",
        "machine_level": int(miss.machine),
        "human": f"{miss.human.colour}·{miss.human.label}",
        "human_level": int(miss.human),
        "alarm_at": miss.alarm_at,
        "late_min": int(late_by.total_seconds() // 60) if late_by else 0,
        "is_drill": miss.course.is_drill,
    }
