"""Where a person fetches the copy of their records: by the link that came into their conversation, while it is good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, HTTPException, Response

from escalation.law.own_copy import PATH, as_page
from escalation.law.rights_desk import RightsDesk
from records.writer import Writer

_GONE = "这个链接已经失效。需要的话，请在原来的对话里再发一次“我的记录”。"
_PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


def router(desk: RightsDesk, writer: Writer, now: Callable[[], datetime]) -> APIRouter:
    """The readable page, and the same as a file for other programs."""
    routes = APIRouter()

    async def copy_of(token: str) -> str:
        found = await writer.write(lambda connection: desk.requests.take_copy(connection, token, now()), rings=False)
        if found is None:
            raise HTTPException(404, _GONE)
        return found

    @routes.get(f"{PATH}/{{token}}", include_in_schema=False)
    async def show_copy(token: str) -> Response:
        names = {purpose.id: purpose.name for purpose in desk.rights.purposes.values()}
        return Response(as_page(await copy_of(token), names), media_type="text/html", headers=_PRIVATE)

    @routes.get(f"{PATH}/{{token}}/data", include_in_schema=False)
    async def download_copy(token: str) -> Response:
        headers = {**_PRIVATE, "Content-Disposition": 'attachment; filename="my-records.json"'}
        return Response(await copy_of(token), media_type="application/json", headers=headers)

    return routes
