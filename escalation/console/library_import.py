"""A file that somebody already has becomes a draft."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.datastructures import UploadFile

from escalation.console.access import Console
from escalation.console.library_values import rights
from escalation.library.importing import LARGEST_FILE, BadFile, read_file


def add_import(routes: APIRouter, console: Console) -> None:
    """Routes under the library's."""
    desk = console.desks.library

    @routes.get("/import")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "library_edit")
        return console.page(
            request, "library_import.html", visitor, may=rights(console, visitor), oncall=console.oncall
        )  # fmt: skip

    @routes.post("/import/file")
    async def take(request: Request) -> Any:
        visitor = await console.writing_visitor(request, "library_edit")
        async with request.form() as form:
            file = form.get("file")
            if not isinstance(file, UploadFile) or not file.filename:
                raise HTTPException(422, "请选择文件")
            name, body = file.filename, await file.read(LARGEST_FILE + 1)
        try:
            found = await asyncio.to_thread(read_file, name, body)
        except BadFile as error:
            raise HTTPException(422, str(error)) from None
        now = console.now()
        draft_id = await console.writer.write(
            lambda c: desk.begin(c, visitor.counsellor, found.fields, now, notes=found.notes)
        )
        return {"ok": True, "id": draft_id}
