"""The whole application on a real port, in one process with the test: journeys that need a hand on its rows."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

import server
from bot.channels import SendRules
from bot.messages import Arrival
from escalation.accounts import hash_cookie
from records.staff import StaffSession
from settings import load_settings
from tests.browsing import serving
from tests.building import WAIT_S, FakeChannel, compiled_screener, connect, counsellor, do
from wiring import Service

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1366, "height": 900}
_PICTURES = os.environ.get("JOURNEY_PICTURES")  # a folder: keep screenshots there


def picture(page: Page, name: str) -> None:
    if _PICTURES:
        page.screenshot(path=Path(_PICTURES) / f"{name}.png", full_page=page.viewport_size == PHONE)


@dataclass
class Town:
    """The whole application on a real port, in a thread; a platform that it sends to stands beside it."""

    service: Service
    wechat: FakeChannel
    app: Any
    url: str = ""
    _up: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with serving(self.app) as self.url:
            self._up.set()
            await self._end.wait()

    def wait(self) -> None:
        assert self._up.wait(WAIT_S)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Something that happens on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)

    def writes(self, text: str, nickname: str = "小雨") -> None:
        """The person writes on the platform."""
        arrival = Arrival("wechat", "openid-1", secrets.token_hex(8), "text", text, nickname=nickname, scene="school-7")
        self.do(self.service.intake.arrive(arrival))

    def seat(self, browser: Browser, name: str, *roles: str) -> Page:
        """A counsellor who signed in a moment ago."""
        page = self.desk(browser, name, *roles)
        page.goto(f"{self.url}/console")
        expect(page.locator("#connection")).to_contain_text("正常")
        return page

    def desk(self, browser: Browser, name: str, *roles: str) -> Page:
        """The browser of somebody who signed in a moment ago and opened nothing yet."""
        with self.service.store.engine.connect() as connection:
            known = {one.login: one for one in self.service.store.staff.all(connection)}
        who = known.get(name) or counsellor(self.service.store, self.service.writer, name, *roles)
        cookie, now = secrets.token_urlsafe(16), self.service.now()
        session = StaffSession(hash_cookie(cookie), who.id, secrets.token_urlsafe(16), now, now)
        do(self.service.writer, lambda c: self.service.store.staff.open_session(c, session))
        context = browser.new_context(viewport=DESK, locale="zh-CN")
        context.add_cookies([{"name": "xindeng_console", "value": cookie, "url": self.url}])
        return context.new_page()


def running_town(folder: Path, rules: SendRules | None = None) -> Iterator[Town]:
    """An application that runs until the test is over."""
    app = server.build_app(
        load_settings({"HOTLINE_DATA_DIR": str(folder), "HOTLINE_HOTLINE_NAME": "示例县心理援助热线"}),
        screener=compiled_screener(),
    )
    wechat = FakeChannel("wechat", rules=rules or SendRules())
    connect(app.state.service, wechat)
    made = Town(app.state.service, wechat, app)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    made.wait()
    yield made
    made.stop()
    thread.join(WAIT_S)
