"""The web chat on a school's page, as its visitors live it: two origins, a strict policy there, no third-party cookies."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, BrowserType, Frame, FrameLocator, Page, expect

from tests.journeys.conftest import FLAGS, Deployment, deployed, need_chromium
from tests.journeys.test_crisis_journey import DESK, PHONE, picture

pytestmark = pytest.mark.browser
_PAGE = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>示例中学</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/school.css">
<script src="{widget}" async></script></head>
<body><header>示例中学</header><main><h1>{title}</h1><p>各年级家长会安排如下，请家长按时参加。</p>
<p>七年级：周六上午九点。八年级：周六下午两点。九年级：周日上午九点。</p><a href="/next">下一页</a></main></body></html>"""
_STYLE = """body { margin: 0; font: 18px/1.7 sans-serif; } header { background: #7a1f2b; color: #fff; padding: 20px 28px; }
main { padding: 12px 28px; } button { background: yellow !important; } * { letter-spacing: 1px; }"""


class Site(ThreadingHTTPServer):
    """Another organisation's site with our script line on each page."""

    hotline = ""


class Pages(BaseHTTPRequestHandler):
    """Its policy allows us its script-src and frame-src and nothing else."""

    server: Site

    def do_GET(self) -> None:
        if self.path == "/school.css":
            return self._answer("text/css", _STYLE)
        title = {"/": "家长会通知", "/next": "食堂菜单", "/left": "天气预报"}.get(self.path, "")
        return self._answer("text/html", _PAGE.format(title=title, widget=f"{self.server.hotline}/widget.js"))

    def _answer(self, kind: str, text: str) -> None:
        hotline = self.server.hotline
        policy = f"default-src 'none'; style-src 'self'; script-src {hotline}; frame-src {hotline}"
        body = text.encode()
        self.send_response(200)
        for name, value in {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body)),
                            "Content-Security-Policy": f"{policy}; require-trusted-types-for 'script'"}.items():  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Sites:
    """The hotline on 127.0.0.1 and the school on localhost: two sites for a browser."""

    hotline: Deployment
    school: str


@contextlib.contextmanager
def listening() -> Iterator[Site]:
    site = Site(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    try:
        yield site
    finally:
        site.shutdown()
        thread.join()
        site.server_close()


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    with listening() as site:
        school = f"http://localhost:{site.server_address[1]}"
        more = {"HOTLINE_WIDGET_ORIGINS": school, "HOTLINE_QUICK_LEAVE_URL": f"{school}/left"}
        for deployment in deployed(tmp_path_factory.mktemp("hotline"), **more):
            site.hotline = deployment.url
            yield Sites(deployment, school)


@contextlib.contextmanager
def person(chromium: BrowserType, profile: Path, *, is_wary: bool) -> Iterator[Page]:
    """A browser as it comes, or one whose owner blocks third-party cookies; Chromium refuses storage with them."""
    (profile / "Default").mkdir(parents=True)
    wishes = {"profile": {"block_third_party_cookies": is_wary, "cookie_controls_mode": int(is_wary)}}
    (profile / "Default" / "Preferences").write_text(json.dumps(wishes))
    context = chromium.launch_persistent_context(profile, executable_path=need_chromium(), args=FLAGS, locale="zh-CN")
    with contextlib.closing(context), watched(context) as page:
        yield page


@pytest.fixture
def page(chromium: BrowserType, tmp_path: Path) -> Iterator[Page]:
    with person(chromium, tmp_path / "wary", is_wary=True) as made:
        yield made


@pytest.fixture
def usual_page(chromium: BrowserType, tmp_path: Path) -> Iterator[Page]:
    with person(chromium, tmp_path / "usual", is_wary=False) as made:
        yield made


@contextlib.contextmanager
def watched(context: BrowserContext) -> Iterator[Page]:
    """A page on which no script fails and no policy is broken but the one that a test asks for."""
    made = context.new_page()
    made.set_viewport_size(DESK)
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(str(error)))
    made.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    yield made
    made.close()
    assert [fault for fault in faults if "frame-ancestors" not in fault] == []


def chat_of(page: Page) -> FrameLocator:
    return page.frame_locator("xindeng-widget iframe")


def say(chat: FrameLocator, text: str) -> None:
    chat.locator("#text").fill(text)
    chat.locator("button.send").click()


def open_by_keyboard(page: Page) -> FrameLocator:
    opener = page.get_by_role("button", name="心理援助")
    expect(opener).to_be_visible()
    for _ in range(3):  # the school's link, then ours
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.localName") == "xindeng-widget":
            break
    page.keyboard.press("Enter")
    chat = chat_of(page)
    expect(chat.locator("#log")).to_contain_text("是机器人，不是真人")
    return chat


def frame_of(page: Page, sites: Sites) -> Frame:
    return next(frame for frame in page.frames if frame.url == f"{sites.hotline.url}/embed")


def test_a_pupil_writes_on_the_schools_page_and_leaves_it_in_a_hurry(sites: Sites, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(sites.school)
    expect(page.get_by_role("button", name="心理援助")).to_be_visible()
    picture(page, "widget-button")
    assert [url for url in asked if url.startswith(sites.hotline.url)] == [f"{sites.hotline.url}/widget.js"]

    chat = open_by_keyboard(page)
    expect(chat.locator("#fleeting")).to_be_visible()
    say(chat, "我想死")
    expect(chat.locator("#log")).to_contain_text("已送达")
    expect(chat.locator("#log")).to_contain_text("有这样的念头，说明你已经痛苦到很难承受了", timeout=5000)
    picture(page, "widget-fleeting")
    assert page.context.cookies() == []

    page.get_by_role("button", name="收起").click()
    expect(page.locator("xindeng-widget iframe")).to_be_hidden()
    page.get_by_role("button", name="心理援助").click()
    expect(chat.locator("#log")).to_contain_text("我想死")

    chat.locator("header .js-leave").click()
    expect(page).to_have_url(f"{sites.school}/left")
    expect(page.get_by_role("button", name="心理援助")).to_be_visible()
    expect(page.locator("xindeng-widget iframe")).to_have_count(0)
    page.get_by_role("button", name="心理援助").click()
    expect(chat.locator("#log")).to_contain_text("是机器人，不是真人")
    expect(chat.locator("#log")).not_to_contain_text("我想死")


def test_without_storage_the_schools_next_page_begins_closed(sites: Sites, page: Page) -> None:
    page.goto(sites.school)
    say(open_by_keyboard(page), "在吗")
    page.goto(f"{sites.school}/next")
    expect(page.get_by_role("button", name="心理援助")).to_be_visible()


def test_with_storage_the_conversation_goes_on_on_the_schools_next_page(sites: Sites, usual_page: Page) -> None:
    page = usual_page
    page.goto(sites.school)
    chat = open_by_keyboard(page)
    expect(chat.locator("#fleeting")).to_be_hidden()
    say(chat, "最近压力很大，很难过")
    expect(chat.locator("#log")).to_contain_text("听起来这段时间你真的很累")
    picture(page, "widget-open")
    page.goto(f"{sites.school}/next")
    expect(chat.locator("#log .row.visitor")).to_contain_text("最近压力很大")
    assert page.context.cookies() == []

    elsewhere = page.context.new_page()  # our own page in another tab has another conversation
    elsewhere.goto(sites.hotline.url)
    expect(elsewhere.locator("#log")).to_contain_text("是机器人，不是真人")
    expect(elsewhere.locator("#log")).not_to_contain_text("最近压力很大")

    chat.locator("header .js-leave").click()
    expect(page).to_have_url(f"{sites.school}/left")
    page.goto(sites.school)
    expect(open_by_keyboard(page).locator("#log")).not_to_contain_text("最近压力很大")


def test_the_frame_leaves_by_two_escapes_too(sites: Sites, page: Page) -> None:
    page.goto(sites.school)
    chat = open_by_keyboard(page)
    chat.locator("#text").focus()
    page.keyboard.press("Escape")
    expect(chat.locator("#log")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{sites.school}/left")


def test_news_of_a_closed_conversation_show_on_the_button(sites: Sites, usual_page: Page) -> None:
    page = usual_page
    page.goto(sites.school)
    chat = open_by_keyboard(page)
    say(chat, "在吗")
    expect(chat.locator("#log")).to_contain_text("已送达")
    token = frame_of(page, sites).evaluate("sessionStorage.getItem('chat.token')")
    page.get_by_role("button", name="收起").click()
    httpx.post(
        f"{sites.hotline.url}/api/chat/messages",
        headers={"Authorization": f"Bearer {token}"},
        json={"client_message_id": "other", "text": "转人工"},
    )
    expect(page.get_by_role("button", name="心理援助，有新消息")).to_be_visible()
    picture(page, "widget-news")
    page.get_by_role("button", name="心理援助，有新消息").click()
    expect(chat.locator("#log")).to_contain_text("我正在呼叫值班老师")


@contextlib.contextmanager
def away(hotline: Deployment) -> Iterator[None]:
    hotline.kill()
    try:
        yield
    finally:
        hotline.start()


def test_words_survive_a_killed_server_inside_the_frame(sites: Sites, page: Page) -> None:
    page.goto(sites.school)
    chat = open_by_keyboard(page)
    with away(sites.hotline):
        say(chat, "服务器停了的时候写的话")
        expect(chat.locator("#offline")).to_be_visible()
    expect(chat.locator("#log").get_by_text("已送达")).to_have_count(1, timeout=30_000)


def test_while_the_hotline_cannot_be_reached_the_numbers_stand_in_its_place(sites: Sites, page: Page) -> None:
    page.goto(sites.school)
    expect(page.get_by_role("button", name="心理援助")).to_be_visible()
    with away(sites.hotline):
        page.get_by_role("button", name="心理援助").click()
        for number in ("120 急救", "110 报警", "12356 心理援助热线"):
            expect(page.get_by_role("link", name=number)).to_be_visible()
        picture(page, "widget-away")
        page.get_by_role("button", name="收起").click()
        expect(page.get_by_role("button", name="心理援助")).to_be_focused()


def test_on_a_phone_in_the_dark_the_conversation_fills_the_screen(sites: Sites, usual_page: Page) -> None:
    page = usual_page
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.goto(sites.school)
    expect(page.get_by_role("button", name="心理援助")).to_be_visible()
    picture(page, "widget-phone-button")
    page.get_by_role("button", name="心理援助").click()
    expect(chat_of(page).locator("#log")).to_contain_text("是机器人，不是真人")
    box = page.locator("xindeng-widget .panel").bounding_box()
    assert box == {"x": 0, "y": 0, **PHONE}
    assert page.locator("xindeng-widget .panel").evaluate("panel => getComputedStyle(panel).animationName") == "none"
    picture(page, "widget-phone")


def test_a_site_that_is_not_listed_gets_no_conversation_but_the_numbers(sites: Sites, page: Page) -> None:
    with listening() as stranger:
        stranger.hotline = sites.hotline.url
        page.goto(f"http://localhost:{stranger.server_address[1]}")
        with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
            page.get_by_role("button", name="心理援助").click()
        expect(page.get_by_role("link", name="120 急救")).to_be_visible()
        expect(page.locator("xindeng-widget iframe")).to_be_hidden()
