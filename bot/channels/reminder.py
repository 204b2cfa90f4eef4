"""The API by which a visitor's page turns the reminder on and off: POST and DELETE /api/chat/reminder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter, HTTPException, Request, Response

from bot.channels.body import read_body
from bot.channels.webchat import WebChat, read_json

_LONGEST_BODY = 8192


@dataclass(frozen=True)
class Reminder:
    """What the routes need. `takes_browser`: whether a push address is at a service that we call."""

    chat: WebChat
    takes_browser: Callable[[str], bool]

    def router(self) -> APIRouter:
        """Both routes; where there is no web push they answer 404, and the page offers nothing."""
        router = APIRouter(tags=["web chat"])
        router.add_api_route("/api/chat/reminder", self.turn_on, methods=["POST"], status_code=204)
        router.add_api_route("/api/chat/reminder", self.turn_off, methods=["DELETE"], status_code=204)
        return router

    async def turn_on(self, request: Request) -> Response:
        """Knock at this browser when words come after the page was closed: {"endpoint"} of its push subscription."""
        conversation_id = await self.chat.conversation_id(request)
        reminding, pipeline = self.chat.reminding, self.chat.pipeline
        if not reminding.is_on:
            raise HTTPException(404, "this service has no web push")
        body = read_json(await read_body(request, _LONGEST_BODY, "the body is too long"))
        endpoint = body.get("endpoint")
        if not isinstance(endpoint, str) or not self.takes_browser(endpoint):
            raise HTTPException(422, "endpoint must be the address of a push service that browsers use")
        now = pipeline.now()
        await pipeline.writer.write(
            lambda connection: reminding.turn_on(connection, conversation_id, endpoint, now), rings=False
        )
        return Response(status_code=204)

    async def turn_off(self, request: Request) -> Response:
        """Forget the browser."""
        conversation_id = await self.chat.conversation_id(request)
        await self.chat.pipeline.writer.write(
            lambda connection: self.chat.reminding.turn_off(connection, conversation_id), rings=False
        )
        return Response(status_code=204)
