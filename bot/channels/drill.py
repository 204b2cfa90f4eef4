"""The API of `hotline drill` under /api/drill: begin a planned run, hear of its callers' cases, bring the results.

The callers themselves come through the web chat, like everybody. Who holds no token of a plan gets nothing here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import StreamingResponse

from bot.channels.body import read_body
from bot.channels.webchat import read_json
from bot.pipeline import Pipeline
from escalation.practice.drill_desk import Asked, DrillDesk
from records.feed import HEARTBEAT, Feed, sse

_LONGEST_BODY = 256 * 1024


@dataclass(frozen=True)
class DrillDoor:
    """What the routes need."""

    pipeline: Pipeline
    feed: Feed
    desk: DrillDesk

    def router(self) -> APIRouter:
        """The routes of a run."""
        router = APIRouter(tags=["drill"])
        router.add_api_route("/api/drill/runs", self.begin, methods=["POST"], status_code=201)
        router.add_api_route("/api/drill/events", self.events, methods=["GET"])
        router.add_api_route("/api/drill/results", self.finish, methods=["POST"])
        return router

    async def begin(self, request: Request) -> dict[str, Any]:
        """Begin a run with a plan's token: {"scenario"?, "callers"?}. Answers the proof that its callers show."""
        token, body = _bearer(request), read_json(await read_body(request, _LONGEST_BODY, "the body is too long"))
        scenario, callers = body.get("scenario"), body.get("callers")
        if not isinstance(scenario, str | None) or not isinstance(callers, int | None) or isinstance(callers, bool):
            raise HTTPException(422, "scenario must be a text and callers a number")
        now, asked = self.pipeline.now(), Asked(scenario, callers)
        run = await self.pipeline.writer.write(lambda connection: self.desk.begin(connection, token, asked, now))
        return {"proof": self.desk.proof(run.id), "scenario": run.scenario, "callers": run.callers}

    async def events(self, request: Request) -> StreamingResponse:
        """Server-sent events of this run's cases, from the feed that the screens of the console listen to."""
        proof = _bearer(request)
        run_id = await asyncio.to_thread(self._run_id, proof)
        return StreamingResponse(
            self._stream(run_id), media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )  # fmt: skip

    async def finish(self, request: Request) -> dict[str, bool]:
        """End the run: {"whole", "callers": [{"script", "seconds": {...}, "is_danger", "fault"}]}."""
        proof, body = _bearer(request), read_json(await read_body(request, _LONGEST_BODY, "the body is too long"))
        results, is_whole, now = body.get("callers"), body.get("whole") is True, self.pipeline.now()
        await self.pipeline.writer.write(
            lambda connection: self.desk.finish(connection, proof, results, now, is_whole=is_whole)
        )
        return {"ok": True}

    def _run_id(self, proof: str) -> str:
        with self.pipeline.engine.connect() as connection:
            return self.desk.run_of_proof(connection, proof).id

    async def _stream(self, run_id: str) -> AsyncIterator[str]:
        yield "retry: 1000\n: ready\n\n"
        ours: dict[str, bool] = {}
        async for item in self.feed.listen("desk", None, None):
            if item is None:
                yield HEARTBEAT
                continue
            talk = item.conversation_id
            if talk is None:
                continue
            if talk not in ours:
                ours[talk] = await asyncio.to_thread(self._is_ours, talk, run_id)
            if ours[talk]:
                yield sse(item, json.dumps({"session": talk, "kind": item.kind}))

    def _is_ours(self, conversation_id: str, run_id: str) -> bool:
        with self.pipeline.engine.connect() as connection:
            return self.desk.drills.run_of(connection, conversation_id) == run_id


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or len(token) > 200:
        raise HTTPException(401, "the token of a planned drill is missing")
    return token
