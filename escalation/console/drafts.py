"""What somebody typed and has not sent, kept for them alone: a lost browser loses nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import JSONResponse

from escalation.console.access import Console

_LONGEST_PLACE, _LONGEST_TEXT = 300, 200_000  # characters; the second is a long form with every field full


def router(console: Console) -> APIRouter:
    """Read by each first page of a browser, written while typing."""
    routes = APIRouter()

    @routes.get("/console/account/drafts.json")
    async def own(request: Request) -> Any:
        visitor = await console.visitor(request, "account_own")
        found = await asyncio.to_thread(_read, console, visitor.id)
        return JSONResponse({"drafts": found}, headers={"Cache-Control": "no-store"})

    @routes.post("/console/account/drafts")
    async def keep(request: Request) -> Any:
        visitor = await console.writing_visitor(request, "account_own")
        form, now = await request.form(max_part_size=_LONGEST_TEXT * 4), console.now()
        place, text, case_id = (str(form.get(name, "")) for name in ("place", "text", "case"))
        if not place or len(place) > _LONGEST_PLACE or len(case_id) > _LONGEST_PLACE:
            raise HTTPException(422, "没有说明是哪里的草稿")
        if len(text) > _LONGEST_TEXT:
            raise HTTPException(413, "草稿太长，请先分段发送")
        await console.writer.write(
            lambda connection: console.drafts.keep(connection, visitor.id, place, text, now, case_id), rings=False
        )
        return {"ok": True}

    return routes


def _read(console: Console, owner_id: str) -> dict[str, str]:
    with console.engine.connect() as connection:
        return console.drafts.of(connection, owner_id)
