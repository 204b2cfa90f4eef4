"""A counsellor looks at a case with a picture and a voice: real Chromium against the whole application.

The platform is a fake inside the same process, so the browser is driven from the application's own event loop.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

import server
from settings import load_settings
from tests.browsing import Site, serving
from tests.building import FakeChannel, compiled_screener, connect, do, send_file
from tests.journeys.conftest import FLAGS, need_chromium
from tests.media_samples import SAMPLES, picture, voice
from wiring import Service

pytestmark = [pytest.mark.browser, pytest.mark.anyio]
_PICTURES = os.environ.get("JOURNEY_PICTURES")  # a folder: keep screenshots there
_DESK = {"width": 1366, "height": 768}
_SAID = "我刚刚吞了一瓶安眠药"
_CANARY = '<img src=x onerror="window.hacked=1">.pdf'


@dataclass
class Ear:
    """A recogniser that hears this."""

    name: str = "whisper-1"
    says: str = "我一个人在家，门锁着。药我已经吞下去了，头很晕。"

    async def hear(self, _body: bytes, _media_type: str) -> str:
        return self.says


@dataclass
class Desk:
    """A signed-in counsellor's page, and the platform from which files come."""

    page: Page
    service: Service
    platform: FakeChannel
    url: str
    site: Site
    ear: Ear

    async def send(self, number: int, kind: str, body: object, **more: object) -> str:
        chat, _ = await send_file(self.service, self.platform, kind, body, number, **more)  # type: ignore[arg-type]
        return chat


async def picture_of(page: Page, name: str) -> None:
    if _PICTURES:
        await page.screenshot(path=Path(_PICTURES) / f"{name}.png")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    need_chromium()
    settings = {
        "HOTLINE_DATA_DIR": str(tmp_path),
        "HOTLINE_RECOGNISER_URL": "http://ear.test",
        "HOTLINE_SWEEP_S": "0.1",
    }
    app = server.build_app(
        load_settings(settings | {"HOTLINE_HOTLINE_NAME": "示例县心理援助热线"}), screener=compiled_screener()
    )
    service: Service = app.state.service
    assert service.media.hearing is not None
    service.media.hearing.recogniser = ear = Ear()
    platform = FakeChannel()
    connect(service, platform)
    site = Site(app, service)
    seat = site.seat("lin")
    do(service.writer, lambda c: service.store.staff.change(c, seat.counsellor.id, display_name="林老师"))
    async with serving(app) as url, async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=need_chromium(), args=FLAGS)
        context = await chromium.new_context(viewport=_DESK, locale="zh-CN")
        await context.add_cookies([{"name": "xindeng_console", "value": seat.cookie, "url": url}])
        yield Desk(await context.new_page(), service, platform, url, site, ear)
        await chromium.close()


async def test_a_counsellor_sees_hears_and_reads_what_a_person_sent(desk: Desk) -> None:
    page = desk.page
    chat = await desk.send(1, "text", None, text=_SAID, files=())
    await page.goto(f"{desk.url}/console/cases/{desk.site.case_of(chat)}")
    await expect(page.locator("#messages")).to_contain_text(_SAID)

    await desk.send(2, "voice", voice(3))
    heard = page.locator(".heard")
    await expect(heard).to_contain_text("机器转写，可能有误")
    await expect(heard.locator("mark")).to_contain_text("吞下去了")
    sound = page.locator("audio")
    assert await sound.evaluate("async (a) => { await a.play(); return a.duration; }") == pytest.approx(3, abs=0.1)

    await desk.send(3, "image", picture())
    veiled = page.locator(".picture.veiled")
    await expect(veiled).to_contain_text("可能有刺激性内容，点击查看")
    await expect(page.locator(".message", has=veiled)).to_contain_text("机器读不了，请人工查看")
    assert "blur" in await veiled.locator("img").evaluate("(i) => getComputedStyle(i).filter")
    assert not await sound.evaluate("(a) => a.paused"), "a new message must not stop what is being played"
    await sound.evaluate("(a) => a.pause()")
    await sound.evaluate("(a) => a.closest('li').scrollIntoView()")
    await picture_of(page, "case-files")

    await veiled.click()
    shown = page.locator(".picture img")
    assert "blur" not in await shown.evaluate("(i) => getComputedStyle(i).filter")
    await shown.click()
    await expect(page.locator("dialog.large-picture")).to_be_visible()
    await picture_of(page, "case-picture")
    await page.keyboard.press("Escape")

    await desk.send(4, "file", SAMPLES["pdf"], text=_CANARY)
    desk.ear.says = _CANARY
    await desk.send(5, "voice", SAMPLES["amr"])
    await expect(page.locator("#messages")).to_contain_text("下载文件")
    await expect(page.locator("#messages")).to_contain_text("浏览器放不了这种语音")
    await expect(heard.last).to_contain_text(_CANARY)  # words, never markup
    async with page.expect_download() as coming:
        await page.locator("a", has_text="下载文件").click()
    assert (await coming.value).suggested_filename.startswith("file-")
    assert await page.evaluate("window.hacked") is None
    assert await page.locator("#messages img[src=x]").count() == 0


async def test_the_states_of_a_file_change_on_the_open_page(desk: Desk) -> None:
    page = desk.page
    chat = await desk.send(1, "text", None, text=_SAID, files=())
    desk.service.media.longest_bytes = 100_000
    desk.platform.files["late"] = TimeoutError()
    await desk.send(2, "image", None, files=("late",))
    await desk.send(3, "video", bytes(100_001))
    await page.goto(f"{desk.url}/console/cases/{desk.site.case_of(chat)}")
    await expect(page.locator("#messages")).to_contain_text("图片：还在下载")
    await expect(page.locator("#messages")).to_contain_text("视频：文件太大")
    desk.platform.files["late"] = picture(64, 64)
    await expect(page.locator(".picture.veiled")).to_be_visible(timeout=15_000)
