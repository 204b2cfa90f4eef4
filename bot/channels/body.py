"""Reads what a platform or a page sends us, and stops where it is too long to be true."""

from __future__ import annotations

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

LONGEST = 1 << 20  # bytes; platforms send far less


async def read_body(request: Request, longest: int = LONGEST, words: str = "a call may have at most 1 MiB") -> bytes:
    """The whole body; refuse one that is too long (413) or breaks off (400)."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > longest:
                raise HTTPException(413, words)
    except ClientDisconnect:
        raise HTTPException(400, "the call broke off") from None
    return bytes(body)
