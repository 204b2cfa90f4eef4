"""The web chat on other sites' pages: widget.js puts a button there, which opens our page in a frame of our origin.

Only sites that the settings list may frame it (refusals.py says so to the browser); nothing else of ours may be framed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.templating import Jinja2Templates

from bot.channels.webchat import FOLDER

EMBED_PATH = "/embed"


@dataclass(frozen=True)
class Widget:
    """What the routes need."""

    page: Mapping[str, Any]  # the same as the chat page's
    is_on: bool  # some site may embed it
    templates: Jinja2Templates = Jinja2Templates(FOLDER)

    def router(self) -> APIRouter:
        """The script for other sites, and the page inside the frame."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/widget.js", self.script, methods=["GET"])
        router.add_api_route(EMBED_PATH, self.embed, methods=["GET"])
        return router

    async def script(self, request: Request) -> Response:
        """The one script that a site includes; asked for anew each time, so that a changed number is right at once."""
        if not self.is_on:
            raise HTTPException(404)
        headers = {"Cache-Control": "no-cache", "Cross-Origin-Resource-Policy": "cross-origin"}
        return self.templates.TemplateResponse(
            request, "widget.js", {"dials": dials(self.page["numbers"])}, media_type="text/javascript", headers=headers
        )

    async def embed(self, request: Request) -> Response:
        """The chat page, which keeps its token itself: inside a frame there may be no cookie."""
        return self.templates.TemplateResponse(request, "chat.html", {**self.page, "embedded": True})


def dials(numbers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Numbers to call and whose they are, each once: without a local line the national one stands in its place."""
    named = {
        numbers["ambulance"]: "急救",
        numbers["police"]: "报警",
        numbers["local_24h"]: "本地24小时心理热线",
        numbers["national_hotline"]: "心理援助热线",
    }
    return list(named.items())
