"""The directory as a file: taken away, and brought in after a look at what it would change."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.datastructures import UploadFile

from escalation.console.access import Console, Visitor
from escalation.directory.fields import Field, shown
from escalation.directory.importing import ID_COLUMN, NOT_READ, ImportPlan, Known, Line, plan
from escalation.directory.sheets import BadSheet, csv_file, read_sheet, xlsx_file
from records.staff import Counsellor

_AT_ONCE = 50  # rows in one transaction: messages of people go on in between
_MOST_SHOWN = 500  # lines of the preview
_ORDER = ("broken", "changed", "new")
_FILES = {
    "csv": (csv_file, "text/csv; charset=utf-8"),
    "xlsx": (xlsx_file, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
_SEES_CONTACTS, _TAKES_CONTACTS = "institution_contact", "institution_take_contacts"  # more columns, not a way in


def add_files(routes: APIRouter, console: Console) -> None:
    """Routes under the directory's."""
    desk = console.desks.referrals.directory

    @routes.get("/import")
    async def show_import(request: Request) -> Any:
        visitor = await console.visitor(request, "institution_edit")
        fields = _columns(console, visitor, _SEES_CONTACTS)
        return console.page(request, "institution_import.html", visitor, fields=fields, oncall=console.oncall)

    @routes.post("/import/file")
    async def take(request: Request) -> Any:
        """Without a digest a look at what the file would change; with the digest of that look it is done."""
        visitor = await console.writing_visitor(request, "institution_edit")
        async with request.form() as form:
            file, digest = form.get("file"), str(form.get("digest", ""))
            if not isinstance(file, UploadFile):
                raise HTTPException(422, "请选择文件")
            body = await file.read()
        try:
            found = await asyncio.to_thread(_plan, console, visitor, body)
        except BadSheet as error:
            raise HTTPException(422, str(error)) from None
        if not digest:
            return _preview(found)
        if digest != found.digest:
            raise HTTPException(409, "名录或文件刚刚变了，请重新看一遍再确认")
        return await _store(console, visitor.counsellor, found)

    @routes.get("/export.{kind}")
    async def export(request: Request, kind: str) -> Response:
        visitor = await console.visitor(request, "institution_view")
        fields = _columns(console, visitor, _TAKES_CONTACTS)
        with_contacts = any(field.secret for field in fields)
        known, names = await asyncio.to_thread(_known, console)
        now = console.now()
        await console.writer.write(
            lambda c: desk.note_export(c, visitor.counsellor, len(known), contacts=with_contacts, now=now)
        )
        return await _file(kind, f"institutions-{now:%Y%m%d}", list(_rows(fields, known, names)))

    @routes.get("/template.{kind}")
    async def template(request: Request, kind: str) -> Response:
        visitor = await console.visitor(request, "institution_edit")
        fields = _columns(console, visitor, _SEES_CONTACTS)
        return await _file(kind, "institutions-template", [[ID_COLUMN, *(field.words for field in fields)]])


def _columns(console: Console, visitor: Visitor, action: str) -> tuple[Field, ...]:
    """The fields that this visitor's files have."""
    directory = console.desks.referrals.directory.directory
    may = console.desks.desk.permissions.allows(visitor.counsellor.roles, action)
    return directory.fields if may else directory.public


def _plan(console: Console, visitor: Visitor, body: bytes) -> ImportPlan:
    desk = console.desks.referrals.directory
    cells = read_sheet(body)
    with console.engine.connect() as connection:
        known = desk.known(connection)
    with_contacts = len(_columns(console, visitor, _SEES_CONTACTS)) == len(desk.directory.fields)
    return plan(cells, known, desk.directory, with_contacts=with_contacts)


def _preview(found: ImportPlan) -> dict[str, Any]:
    lines = sorted(found.lines, key=lambda line: (_ORDER.index(line.what) if line.what in _ORDER else 9, line.row))
    shown_lines = [line for line in lines if line.what in _ORDER][:_MOST_SHOWN]
    return {
        "digest": found.digest,
        "counts": {what: found.count(what) for what in ("new", "changed", "same", "broken")},
        "ignored": [words for words in found.ignored if words not in NOT_READ],
        "lines": [_line(line) for line in shown_lines],
    }


def _line(line: Line) -> dict[str, Any]:
    return {"row": line.row, "what": line.what, "name": line.name, "changes": line.changes, "errors": line.errors}


async def _store(console: Console, who: Counsellor, found: ImportPlan) -> dict[str, Any]:
    desk, now = console.desks.referrals.directory, console.now()
    lines = [line for line in found.lines if line.what in ("new", "changed")]
    passed_over = 0
    for start in range(0, len(lines), _AT_ONCE):
        work = functools.partial(desk.take_lines, lines=lines[start : start + _AT_ONCE], who=who, now=now)
        passed_over += await console.writer.write(work)
    await console.writer.write(lambda c: desk.note_import(c, who, found.count("new"), found.count("changed"), now))
    return {"ok": True, "stored": len(lines) - passed_over, "passed_over": passed_over}


def _known(console: Console) -> tuple[list[Known], dict[str, str]]:
    with console.engine.connect() as connection:
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        return console.desks.referrals.directory.known(connection), names


def _rows(fields: Sequence[Field], known: Sequence[Known], names: dict[str, str]) -> Iterator[list[str]]:
    yield [ID_COLUMN, *(field.words for field in fields), *NOT_READ]
    for one in known:
        if one.institution.is_drill:
            continue  # invented ones stay in the house
        values = {**one.institution.fields, **one.contact}
        checked_at = one.institution.verified_at
        yield [
            one.institution.id,
            *(shown(field, values.get(field.code)) for field in fields),
            f"{checked_at:%Y-%m-%d}" if checked_at else "",
            names.get(one.institution.verified_by or "", ""),
        ]


async def _file(kind: str, name: str, rows: list[list[str]]) -> Response:
    if kind not in _FILES:
        raise HTTPException(404, "没有这个页面")
    write, media_type = _FILES[kind]
    body = await asyncio.to_thread(write, rows)
    return Response(body, 200, {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}, media_type)
