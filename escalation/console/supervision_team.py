"""How the team stands: trainings and supervisions with what is due, talks that are wanted; the ledger and its file."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.datastructures import UploadFile

from escalation.console.access import Console, act
from escalation.console.supervision_values import refused, training_values
from escalation.directory.sheets import BadSheet, csv_file, read_sheet
from escalation.supervision.duty import day
from escalation.supervision.growth_desk import SESSION_KINDS, Session
from escalation.supervision.importing import COLUMNS, ImportPlan, plan
from escalation.supervision.review import Unfit
from records.staff import Counsellor

EXPOSED = timedelta(days=30)
_MOST_SHOWN = 500
_ORDER = ("broken", "new")


def add_team(routes: APIRouter, console: Console) -> None:
    """Routes under the page 督导."""
    _add_overview(routes, console)
    _add_training(routes, console)
    _add_file(routes, console)


def _add_overview(routes: APIRouter, console: Console) -> None:
    desk = console.desks.supervision.growth

    @routes.get("/team")
    async def show_team(request: Request) -> Any:
        visitor = await console.visitor(request, "supervision_team")
        values = await asyncio.to_thread(_read_team, console)
        return console.page(
            request, "supervision_team.html", visitor, oncall=console.oncall, here="team", kinds=SESSION_KINDS,
            duties=desk.duties, today=day(console.now()), **values,
        )  # fmt: skip

    @routes.post("/sessions")
    async def add_session(request: Request) -> Any:
        await console.visitor(request, "supervision_team")
        form = await request.form()
        minutes = str(form.get("minutes", ""))
        session = Session(
            str(form.get("kind", "")), _date(str(form.get("held", ""))),
            int(minutes) if minutes.isascii() and minutes.isdigit() and len(minutes) < 5 else 0,
            [str(one) for one in form.getlist("counsellor")],
        )  # fmt: skip
        try:
            return await act(
                console, request, "supervision_team", lambda c, who, now: desk.add_session(c, session, who, now)
            )
        except Unfit as error:
            return refused(error)

    @routes.post("/talks/{debrief_id}/done")
    async def talked(request: Request, debrief_id: str) -> Any:
        return await act(
            console, request, "supervision_team", lambda c, who, now: desk.finish_talk(c, debrief_id, who, now)
        )


def _add_training(routes: APIRouter, console: Console) -> None:
    desk = console.desks.supervision.growth

    @routes.get("/training")
    async def show_training(request: Request) -> Any:
        visitor = await console.visitor(request, "supervision_team")
        values = await asyncio.to_thread(_read_trainings, console)
        return console.page(
            request, "supervision_training.html", visitor, oncall=console.oncall, here="training",
            today=day(console.now()), columns=COLUMNS, **values,
        )  # fmt: skip

    @routes.post("/training")
    async def add_training(request: Request) -> Any:
        await console.visitor(request, "supervision_team")
        typed = {name: str(value) for name, value in (await request.form()).items()}
        try:
            return await act(
                console, request, "supervision_team", lambda c, who, now: desk.add_training(c, typed, who, now)
            )
        except Unfit as error:
            return refused(error)

    @routes.post("/training/{training_id}/remove")
    async def remove(request: Request, training_id: str) -> Any:
        return await act(
            console, request, "supervision_team", lambda c, who, now: desk.remove_training(c, training_id, who, now)
        )


def _add_file(routes: APIRouter, console: Console) -> None:
    desk = console.desks.supervision.growth

    @routes.post("/training/import/file")
    async def take(request: Request) -> Any:
        """Without a digest a look at what the file would add; with the digest of that look it is done."""
        visitor = await console.writing_visitor(request, "supervision_team")
        async with request.form() as form:
            file, digest = form.get("file"), str(form.get("digest", ""))
            if not isinstance(file, UploadFile):
                raise HTTPException(422, "请选择文件")
            body = await file.read()
        try:
            found = await asyncio.to_thread(_plan, console, body)
        except BadSheet as error:
            raise HTTPException(422, str(error)) from None
        if not digest:
            return _preview(found)
        if digest != found.digest:
            raise HTTPException(409, "培训记录或文件刚刚变了，请重新看一遍再确认")
        new, now = [line.training for line in found.lines if line.what == "new" and line.training], console.now()
        passed_over = await console.writer.write(lambda c: desk.take_trainings(c, new, visitor.counsellor, now))
        return {"ok": True, "stored": len(new) - passed_over, "passed_over": passed_over}

    @routes.get("/training/template.csv")
    async def template(request: Request) -> Response:
        await console.visitor(request, "supervision_team")
        head = {"Content-Disposition": 'attachment; filename="trainings-template.csv"'}
        return Response(csv_file([list(COLUMNS.values())]), 200, head, "text/csv; charset=utf-8")


def _plan(console: Console, body: bytes) -> ImportPlan:
    desk, cells = console.desks.supervision.growth, read_sheet(body)
    with console.engine.connect() as connection:
        return plan(cells, desk.trainings.all(connection), desk.staff.all(connection), day(console.now()))


def _preview(found: ImportPlan) -> dict[str, Any]:
    """The same shape as that of the directory's import, drawn by the same script."""
    lines = sorted(
        (line for line in found.lines if line.what in _ORDER), key=lambda line: (_ORDER.index(line.what), line.row)
    )
    return {
        "digest": found.digest,
        "counts": {what: found.count(what) for what in ("new", "changed", "same", "broken")},
        "ignored": found.ignored,
        "lines": [
            {"row": line.row, "what": line.what, "name": line.name, "changes": [], "errors": line.errors}
            for line in lines[:_MOST_SHOWN]
        ],
    }


def _read_team(console: Console) -> dict[str, Any]:
    desk, now = console.desks.supervision.growth, console.now()
    with console.engine.connect() as connection:
        team = desk.team(connection)
        standings = desk.standings(connection, team, now)
        heavy = desk.trainings.heavy_counts(connection, now - EXPOSED)
        names = {who.id: who.display_name for who in desk.staff.all(connection)}
        wishes = [
            {"id": wish.id, "who": names.get(wish.counsellor_id, ""), "case_no": wish.case_no, "at": wish.at,
             "why": desk.care.why[wish.why]}
            for wish in desk.trainings.wishes(connection)
        ]  # fmt: skip
    rows = [
        {"id": who.id, "name": who.display_name, "heavy": heavy.get(who.id, 0), **vars(standings[who.id])}
        for who in team
    ]
    return {"rows": sorted(rows, key=lambda row: (not row["warnings"], row["name"])), "wishes": wishes}


def _read_trainings(console: Console) -> dict[str, Any]:
    desk, now = console.desks.supervision.growth, console.now()
    with console.engine.connect() as connection:
        names = {who.id: who.display_name for who in desk.staff.all(connection)}
        trainings = [
            {**training_values(one, now), "who": names.get(one.counsellor_id, "")}
            for one in desk.trainings.all(connection)
        ]
        return {"trainings": trainings, "team": _by_name(desk.team(connection))}


def _by_name(people: list[Counsellor]) -> list[Counsellor]:
    return sorted(people, key=lambda who: who.display_name)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
