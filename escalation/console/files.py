"""Voices, pictures and files of a case: what the page shows of each, and the one route that gives their bytes."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response

from escalation.console.access import Console, Visitor
from escalation.console.gate import pass_gate
from records.attachments import Attachment

STATE_WORDS = {"waiting": "还在下载", "gone": "平台已无法取回", "too_large": "文件太大", "stored": ""}
# media type -> how a browser shows it and what its file is called; everything else is offered as a download only
_SHOWN = {
    "image/jpeg": ("image", "jpg"),
    "image/png": ("image", "png"),
    "image/gif": ("image", "gif"),
    "image/webp": ("image", "webp"),
    "audio/mpeg": ("audio", "mp3"),
    "audio/mp4": ("audio", "m4a"),
    "audio/aac": ("audio", "aac"),
    "audio/ogg": ("audio", "ogg"),
    "audio/wav": ("audio", "wav"),
    "video/mp4": ("video", "mp4"),
    "video/webm": ("video", "webm"),
    "video/quicktime": ("video", "mov"),
}
_SUFFIXES = {"audio/amr": "amr", "audio/silk": "silk", "image/heic": "heic", "application/pdf": "pdf"}
_NOTES = {
    "audio/amr": "浏览器放不了这种语音，请下载后听",
    "audio/silk": "浏览器放不了这种语音，请下载后听",
    "image/heic": "浏览器显示不了这种图片，请下载后看",
}
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def file_values(item: Attachment) -> dict[str, Any]:
    """One file as the case page shows it; nothing in it was named by the person or the platform."""
    shown, _ = _SHOWN.get(item.media_type, ("download", ""))
    return {
        "id": item.id,
        "kind": item.kind,
        "state": item.state,
        "state_words": STATE_WORDS.get(item.state, item.state),
        "shown": "audio" if shown == "video" and item.kind == "voice" else shown,  # a voice in a video's container
        "note": _NOTES.get(item.media_type, ""),
        "name": _name(item),
        "size": item.size,
    }


def router(console: Console) -> APIRouter:
    """The route of a file's bytes."""
    routes = APIRouter()

    @routes.get("/console/files/{file_id}")
    async def show_file(request: Request, file_id: str) -> Response:
        """Readable by whoever may read its case; each file once a sign-in is in the audit."""
        await console.visitor(request, "account_own")  # before anything is looked up
        item, case_id = await asyncio.to_thread(_find, console, file_id)
        visitor = await console.case_visitor(request, "case_view", case_id)
        await pass_gate(console, visitor, case_id)
        body = await asyncio.to_thread(_read, console, item)
        await _note_view(console, visitor, item, case_id)
        return _answer(item, body, request.headers.get("range", ""))

    return routes


def _find(console: Console, file_id: str) -> tuple[Attachment, str]:
    with console.engine.connect() as connection:
        item = console.attachments.get(connection, file_id)
        case_id = console.attachments.case_of(connection, item) if item else None
    if item is None or case_id is None or item.state != "stored":
        raise HTTPException(404, "没有这个页面")  # the same words as for a forbidden one
    return item, case_id


def _read(console: Console, item: Attachment) -> bytes:
    with console.engine.connect() as connection:
        return console.attachments.read(connection, item.id)


async def _note_view(console: Console, visitor: Visitor, item: Attachment, case_id: str) -> None:
    key = (visitor.session.id, item.id)
    if key not in console.viewed:
        now = console.now()
        await console.writer.write(
            lambda connection: console.accounts.staff.audit(
                connection, "file_view", now, actor_id=visitor.id, object_id=item.id, case=case_id
            )
        )
        console.viewed.add(key)


def _answer(item: Attachment, body: bytes, wanted: str) -> Response:
    """The bytes or a part of them; players jump about by parts."""
    is_shown = item.media_type in _SHOWN
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'{"inline" if is_shown else "attachment"}; filename="{_name(item)}"',
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    media_type = item.media_type if is_shown else "application/octet-stream"
    found = _RANGE.fullmatch(wanted)
    if found is None or found[0] == "bytes=-":
        return Response(body, 200, headers, media_type)
    start, end = _bounds(found[1], found[2], len(body))
    if start > end:
        return Response(b"", 416, {**headers, "Content-Range": f"bytes */{len(body)}"}, media_type)
    headers["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
    return Response(body[start : end + 1], 206, headers, media_type)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """First and last byte of a part; the first lies behind the last where there is no such part."""
    if not first:
        return max(size - int(last), 0), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1


def _name(item: Attachment) -> str:
    """Ours alone: a name that somebody else chose never reaches a header or a disk."""
    _, suffix = _SHOWN.get(item.media_type, ("", ""))
    return f"{item.kind}-{item.id[:8]}.{suffix or _SUFFIXES.get(item.media_type, 'bin')}"
