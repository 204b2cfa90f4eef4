"""The recogniser's side: a real HTTP server that speaks the protocol, and misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from tests.building import SMALL_TALK

KEY = "sk-of-the-test"
Answer = Callable[[], Awaitable[Response]]


def says(text: Any) -> Answer:
    async def answer() -> Response:
        return JSONResponse({"text": text})

    return answer


def status(code: int) -> Answer:
    async def answer() -> Response:
        return JSONResponse({"error": {"message": "no"}}, code)

    return answer


def body(content: bytes, media_type: str = "application/json") -> Answer:
    async def answer() -> Response:
        return Response(content, media_type=media_type)

    return answer


async def never() -> Response:
    await asyncio.Event().wait()
    raise AssertionError


async def drips() -> Response:
    async def drops() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.05)

    return StreamingResponse(drops())


async def endless() -> Response:
    async def flood() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 65536

    return StreamingResponse(flood())


async def breaks_off() -> Response:
    return Response(b'{"text": "', headers={"Content-Length": "100"})


FAILS: dict[str, Answer] = {
    "server error": status(500),
    "bad gateway": status(502),
    "wrong key": status(401),
    "no such model": status(404),
    "throttled": status(429),
    "a page": body(b"<html>Welcome to nginx!</html>", "text/html"),
    "nothing": body(b""),
    "a list": body(b'["text"]'),
    "a number": body(b"7"),
    "no text": body(b'{"words": "x"}'),
    "text that is a number": says(7),
    "text that is a list": says(["我", "想"]),
    "bytes that are no UTF-8": body(b'{"text": "\xff\xfe"}'),
    "deep nesting": body(b"[" * 100_000),
    "text without measure": says("我" * 30_000),
    "an endless answer": endless,
    "an answer in drips": drips,
    "no answer": never,
    "half an answer": breaks_off,
}


@dataclass
class Ear:
    """The recogniser's side: checks what it is sent as strictly as the real ones, and answers in turn."""

    answers: list[Answer] = field(default_factory=list)
    heard: list[tuple[str, str, bytes]] = field(default_factory=list)
    always: Answer = field(default_factory=lambda: says(SMALL_TALK))
    url: str = ""

    def app(self) -> FastAPI:
        made = FastAPI()

        @made.post("/v1/audio/transcriptions")
        async def transcriptions(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {KEY}":
                return JSONResponse({"error": {"message": "Incorrect API key"}}, 401)
            async with request.form() as form:
                file = form.get("file")
                if file is None or isinstance(file, str) or form.get("model") != "whisper-1":
                    return JSONResponse({"error": {"message": "file and model are required"}}, 400)
                self.heard.append((file.filename or "", file.content_type or "", await file.read()))
            return await (self.answers.pop(0) if self.answers else self.always)()

        return made
