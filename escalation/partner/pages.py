"""/partner/r/{token}: a code is asked for, then the letter is shown and can be answered. Nothing else is here.

A forged, expired, closed or locked link, and one that was never made, get the same page with the same status.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.templating import Jinja2Templates

from escalation.cases import NotAllowed
from escalation.console.access import refuse_foreign
from escalation.partner.pace import Pace
from escalation.referral.partner_door import Opened, PartnerDoor
from escalation.referral.states import ATTENDED_WORDS, PARTNER_ACTIONS, PARTNER_STAGE_WORDS, TRANSITIONS, Stage
from escalation.showing import displayable
from records.writer import Writer

FOLDER = Path(__file__).parent
_KNOCKS, _WINDOW = 60, timedelta(minutes=1)  # of one link and of one address; a person needs a few
_LONGEST_TOKEN = 100
_HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


@dataclass(frozen=True)
class PartnerPages:
    """Needs no more than the door, the database and a name."""

    door: PartnerDoor
    engine: sa.Engine
    writer: Writer
    now: Callable[[], datetime]
    hotline_name: str
    secure_cookie: bool
    templates: Jinja2Templates
    pace: Pace

    def router(self) -> APIRouter:
        """The three routes."""
        routes = APIRouter(prefix="/partner/r/{token}", include_in_schema=False)
        routes.add_api_route("", self.show, methods=["GET"])
        routes.add_api_route("", self.enter, methods=["POST"])
        routes.add_api_route("/{action}", self.answer, methods=["POST"])
        return routes

    async def show(self, request: Request, token: str) -> Response:
        """The letter for the phone that gave the code, otherwise the question for it."""
        if not await self._may_knock(request, token):
            return self._nothing(request)
        opened = await self._look(request, token)
        return self._letter(request, opened) if opened is not None else self._page(request, "code.html")

    async def enter(self, request: Request, token: str) -> Response:
        """The code that was told on the phone."""
        refuse_foreign(request)
        if not await self._may_knock(request, token):
            return self._nothing(request)
        code, now = str((await request.form()).get("code", ""))[:20], self.now()
        cookie = await self.writer.write(lambda c: self.door.enter(c, token, code, now))
        if cookie is None:
            return self._nothing(request)
        if not cookie:
            return self._page(request, "code.html", 403, wrong=True)
        response = RedirectResponse(request.url.path, 303, _HEADERS)
        response.set_cookie(
            _cookie_name(token), cookie, httponly=True, secure=self.secure_cookie, samesite="strict", path="/partner/"
        )
        return response

    async def answer(self, request: Request, token: str, action: str) -> Response:
        """A button of the letter."""
        refuse_foreign(request)
        if not await self._may_knock(request, token):
            return self._nothing(request)
        form = {name: str(value) for name, value in (await request.form()).items()}
        cookie, now = request.cookies.get(_cookie_name(token), ""), self.now()
        try:
            done = await self.writer.write(lambda c: self.door.answer(c, token, cookie, action, form, now))
        except NotAllowed as error:
            opened = await self._look(request, token)
            return self._letter(request, opened, form, str(error), action) if opened else self._nothing(request)
        if not done:
            return self._nothing(request)
        if action == "decline":  # after a refusal the letter is seen no more
            return self._page(request, "thanks.html")
        return RedirectResponse(request.url.path.removesuffix(f"/{action}"), 303, _HEADERS)

    async def _look(self, request: Request, token: str) -> Opened | None:
        cookie, now = request.cookies.get(_cookie_name(token), ""), self.now()
        return await self.writer.write(lambda c: self.door.look(c, token, cookie, now), rings=False) if cookie else None

    async def _may_knock(self, request: Request, token: str) -> bool:
        """Whether there is a door at all; found out by reading, so that guessers never keep the writer busy."""
        address, now = request.client.host if request.client else "", self.now()
        is_calm = self.pace.allows(f"link:{token[:_LONGEST_TOKEN]}", now) and self.pace.allows(f"from:{address}", now)
        return is_calm and len(token) <= _LONGEST_TOKEN and await asyncio.to_thread(self._opens, token, now)

    def _opens(self, token: str, now: datetime) -> bool:
        with self.engine.connect() as connection:
            return self.door.opens(connection, token, now)

    def _letter(
        self, request: Request, opened: Opened, form: Mapping[str, str] | None = None, error: str = "", tried: str = ""
    ) -> Response:
        stage = Stage(opened.referral.state)
        may = {action for at, action in TRANSITIONS if at is stage and action in PARTNER_ACTIONS}
        return self._page(
            request, "letter.html", 409 if error else 200, letter=opened.letter, referral=opened.referral,
            state=PARTNER_STAGE_WORDS[stage], may=may, is_answered=stage is not Stage.SENT, attended=ATTENDED_WORDS,
            typed=form or {}, error=error, tried=tried, path=request.url.path.removesuffix(f"/{tried}"),
        )  # fmt: skip

    def _nothing(self, request: Request) -> Response:
        return self._page(request, "nothing.html", 404)

    def _page(self, request: Request, name: str, status: int = 200, **values: Any) -> Response:
        shown = {"hotline_name": self.hotline_name, **values}
        return self.templates.TemplateResponse(request, name, shown, status, _HEADERS)


def make_templates() -> Jinja2Templates:
    """Templates of their own: nothing of the console can be shown here by mistake."""
    templates = Jinja2Templates(FOLDER / "templates")
    templates.env.filters["displayable"] = displayable
    return templates


def make_pace() -> Pace:
    """The limit of the door."""
    return Pace(_KNOCKS, _WINDOW)


def _cookie_name(token: str) -> str:
    """One cookie a link, so that two letters may be open on one phone."""
    return f"xindeng_partner_{hashlib.sha256(token.encode()).hexdigest()[:12]}"
