"""Somebody in danger writes by WeChat or Telegram; a counsellor answers in the console; the words reach the phone.

Real Chromium at the console, the platform as a local server that speaks its protocol, our whole service between them.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from tests.bot.channels.rig import Rig, until
from tests.bot.channels.telegram_rig import telegram_rig
from tests.bot.channels.wechat_rig import wechat_rig
from tests.building import do
from tests.journeys.conftest import FLAGS, need_chromium

pytestmark = [pytest.mark.browser, pytest.mark.anyio]
_PICTURES = os.environ.get("JOURNEY_PICTURES")  # a folder: keep screenshots there
_DESK = {"width": 1366, "height": 768}
_SAID, _ANSWER = "我已经写好遗书，今晚就跳楼", "我是林老师，我在这里。你现在在哪里？"
_RIGS = {"wechat": wechat_rig, "telegram": partial(telegram_rig, polls=True)}


@pytest.mark.parametrize("name", sorted(_RIGS))
async def test_a_person_on_a_platform_and_a_counsellor_in_the_console_talk(name: str, tmp_path: Path) -> None:
    async with _RIGS[name](tmp_path) as rig, async_playwright() as playwright:
        seat = rig.site.seat("lin")
        service = rig.site.service
        do(service.writer, lambda c: service.store.staff.change(c, seat.counsellor.id, display_name="林老师"))
        chromium = await playwright.chromium.launch(executable_path=need_chromium(), args=FLAGS)
        context = await chromium.new_context(viewport=_DESK, locale="zh-CN")
        url = rig.url
        await context.add_cookies([{"name": "xindeng_console", "value": seat.cookie, "url": url}])
        page = await context.new_page()
        await page.goto(f"{url}/console")

        await rig.post("xiaoyu", 1, _SAID)
        await expect(page.locator("body")).to_contain_text("无人接手")
        await until(lambda: any("不要一个人待着" in text for text in rig.seen("xiaoyu")))

        await page.goto(f"{url}/console/cases/{_case_of(rig, 'xiaoyu')}")
        await expect(page.locator("#messages")).to_contain_text(_SAID)
        await page.keyboard.press("c")
        await expect(page.locator("body")).to_contain_text("机器人已停止说话")
        await page.locator("#reply-text").fill(_ANSWER)
        await page.keyboard.press("Control+Enter")
        await until(lambda: any(_ANSWER in text for text in rig.seen("xiaoyu")))

        await rig.post("xiaoyu", 2, "我在天台，风很大")
        await expect(page.locator("#messages")).to_contain_text("我在天台，风很大")
        if _PICTURES:
            await page.screenshot(path=Path(_PICTURES) / f"case-{name}.png")
        await chromium.close()
        assert not any("机器人" in text for text in rig.seen("xiaoyu")[-1:])


def _case_of(rig: Rig, person: str) -> str:
    store = rig.site.service.store
    with store.engine.connect() as connection:
        contact = store.contacts.find(connection, rig.name, rig.address(person))
        assert contact is not None
        _, chat, _ = store.contacts.enter(connection, rig.name, rig.address(person), rig.site.service.now())
    return rig.site.case_of(chat)
