"""A hotline's shift in real browsers: colleagues at their consoles, one clock that a test can push forward."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

import server
from escalation.accounts import hash_cookie
from records.staff import StaffSession
from settings import load_settings
from tests.browsing import serving
from tests.building import compiled_screener, counsellor, do, greeted, say
from tests.journeys.conftest import FLAGS, need_chromium
from wiring import Service, utc_now

_PICTURES = os.environ.get("JOURNEY_PICTURES")  # a folder: keep screenshots there
_DESK = {"width": 1366, "height": 768}


@dataclass
class RunningClock:
    """Real time, which a test can push forward."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@dataclass
class House:
    """The whole application on a real port, and browsers that sit at it."""

    service: Service
    clock: RunningClock
    browser: Browser
    url: str

    async def seat(self, login: str, *roles: str, at: str = "/console") -> Page:
        """A colleague who signed in a moment ago."""
        who, cookie, now = (
            counsellor(self.service.store, self.service.writer, login, *roles),
            login.encode().hex(),
            self.clock(),
        )
        session = StaffSession(hash_cookie(cookie), who.id, secrets.token_urlsafe(16), now, now)
        do(self.service.writer, lambda c: self.service.store.staff.open_session(c, session))
        context = await self.browser.new_context(viewport=_DESK, locale="zh-CN")
        context.set_default_timeout(20_000)
        await context.add_cookies([{"name": "xindeng_console", "value": cookie, "url": self.url}])
        page = await context.new_page()
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        await page.goto(f"{self.url}{at}")
        await expect(page.locator("#connection")).to_contain_text("正常")
        return page

    async def on_duty(self, login: str, *roles: str) -> Page:
        page = await self.seat(login, *roles)
        await page.locator("#duty-on").click()
        await expect(page.locator("#duty-state")).to_have_text("在岗")
        return page

    async def person(self, name: str, text: str) -> str:
        """Somebody writes; the id of their conversation."""
        conversation_id = greeted(self.service, name)
        await say(self.service, conversation_id, text)
        return conversation_id


async def picture(page: Page, name: str) -> None:
    if _PICTURES:
        await page.screenshot(path=Path(_PICTURES) / f"{name}.png")


@asynccontextmanager
async def open_house(tmp_path: Path) -> AsyncIterator[House]:
    """The house while a test runs."""
    chromium, clock = need_chromium(), RunningClock()
    settings = load_settings(
        {"HOTLINE_DATA_DIR": str(tmp_path), "HOTLINE_HOTLINE_NAME": "示例县心理援助热线", "HOTLINE_SWEEP_S": "0.2"}
    )
    app = server.build_app(settings, now=clock, screener=compiled_screener())
    async with serving(app) as url, async_playwright() as playwright:
        expect.set_options(timeout=20_000)
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield House(app.state.service, clock, browser, url)
        await browser.close()


async def claim_first(page: Page) -> None:
    await page.locator("#queue li.row button.claim").first.click()
    await expect(page.locator("#owner-line")).to_contain_text("您正在服务")


async def reply(page: Page, words: str) -> None:
    await page.locator("#reply-text").fill(words)
    await page.locator("#reply button.main").click()
    await expect(page.locator("#messages .from-counsellor:not(.pending)").last).to_contain_text(words)
