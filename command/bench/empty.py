"""The empty FastAPI service that our own is held against. It imports nothing of ours: its memory is the framework's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse


def serve(port: int) -> None:
    """Run it with the server options of `hotline serve`."""
    uvicorn.run(make_app(), host="127.0.0.1", port=port, access_log=False, log_level="warning", server_header=False)


def make_app() -> FastAPI:
    """One route that does nothing, and one that hands what it gets to a stream of server-sent events."""
    app = FastAPI()
    listeners: dict[str, asyncio.Queue[str]] = {}

    @app.api_route("/empty", methods=["GET", "POST"])
    async def empty() -> dict[str, str]:
        return {}

    @app.post("/echo/{name}")
    async def echo(name: str, request: Request) -> dict[str, str]:
        listeners[name].put_nowait((await request.body()).decode())
        return {}

    @app.get("/events/{name}")
    async def events(name: str) -> StreamingResponse:
        listeners[name] = asyncio.Queue()
        return StreamingResponse(_stream(listeners[name]), media_type="text/event-stream")

    return app


async def _stream(waiting: asyncio.Queue[str]) -> AsyncIterator[str]:
    yield ": ready\n\n"
    while True:
        yield f"data: {await waiting.get()}\n\n"
