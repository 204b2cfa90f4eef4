"""Being called away from the screen, in real browsers. Chromium reaches no push service here: what it would give us is
constructed, and the knock is delivered to the real service worker by the browser's own tools."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

import server
from records import tables as t
from settings import load_settings
from tests.building import WAIT_S, FakeChannel, compiled_screener, connect, rows
from tests.journeys.test_identity_journey import PHONE, Town, picture
from tests.notify.calling import FakeCarrier

pytestmark = pytest.mark.browser
ENDPOINT = "https://fcm.googleapis.com/fcm/send/from-the-journey"
SUBSCRIPTION = f"""
  const mine = {{ endpoint: "{ENDPOINT}", unsubscribe: async () => {{ sessionStorage.setItem("unsubscribed", "yes"); }} }};
  PushManager.prototype.subscribe = async () => {{ sessionStorage.setItem("subscribed", "yes"); return mine; }};
  PushManager.prototype.getSubscription = async () => sessionStorage.getItem("subscribed") ? mine : null;
"""
_SHOWN = """async path => {
  const registration = await navigator.serviceWorker.getRegistration(path);
  for (let tries = 0; tries < 1500; tries += 1) {
    const [note] = await registration.getNotifications();
    if (note) return { title: note.title, body: note.body, tag: note.tag };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("nothing was shown");
}"""
_PRESS = """async () => {
  const [notification] = await self.registration.getNotifications();
  try { self.dispatchEvent(new NotificationEvent("notificationclick", { notification })); } catch {}
}"""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    settings = load_settings(
        {
            "HOTLINE_DATA_DIR": str(tmp_path), "HOTLINE_HOTLINE_NAME": "示例县心理援助热线",
            "HOTLINE_PUSH_CONTACT": "mailto:duty@x.cn", "HOTLINE_SMS_URL": "http://127.0.0.1:9/",
            "HOTLINE_SMS_SECRET": "s" * 32, "HOTLINE_QUICK_LEAVE_URL": "/healthz",
        }
    )  # fmt: skip
    app = server.build_app(settings, screener=compiled_screener())
    app.state.service.sending.carriers = {"push": FakeCarrier(), "sms": FakeCarrier()}
    wechat = FakeChannel("wechat")
    connect(app.state.service, wechat)
    made = Town(app.state.service, wechat, app)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    made.wait()
    yield made
    made.stop()
    thread.join(WAIT_S)


def allowed(context: BrowserContext, town: Town, script: str = "") -> BrowserContext:
    """A browser whose owner lets this site notify."""
    context.grant_permissions(["notifications"], origin=town.url)
    if script:
        context.add_init_script(script)
    context.set_default_timeout(15_000)
    return context


@pytest.fixture
def person(browser: Browser, town: Town) -> Iterator[Callable[[str], Page]]:
    contexts: list[BrowserContext] = []

    def open_chat(script: str) -> Page:
        context = allowed(browser.new_context(viewport=PHONE, locale="zh-CN", has_touch=True), town, script)
        contexts.append(context)
        page = context.new_page()
        page.goto(town.url)
        expect(page.locator("#log")).to_contain_text("是机器人，不是真人")
        return page

    yield open_chat
    for context in contexts:
        context.close()


def say(page: Page, text: str) -> None:
    page.locator("#text").fill(text)
    page.locator("button.send").click()
    expect(page.locator("#log")).to_contain_text("已送达")


def knock(page: Page, town: Town, worker: str) -> dict[str, Any]:
    """The browser wakes the page's real service worker as a push service would; what it shows."""
    session = page.context.new_cdp_session(page)
    registrations: list[dict[str, Any]] = []
    session.on("ServiceWorker.workerRegistrationUpdated", lambda event: registrations.extend(event["registrations"]))
    session.send("ServiceWorker.enable")
    page.evaluate("path => navigator.serviceWorker.getRegistration(path)", worker)  # by then the browser has told us
    mine = {"origin": town.url, "registrationId": registrations[-1]["registrationId"]}
    session.send("ServiceWorker.deliverPushMessage", {**mine, "data": ""})
    return dict(page.evaluate(_SHOWN, worker))


def addresses(town: Town) -> int:
    return len(rows(town.service.store.engine, t.notice_address))


def test_a_visitor_turns_the_reminder_on_and_off_by_one_tap(person: Callable[[str], Page], town: Town) -> None:
    page = person(SUBSCRIPTION)
    expect(page.locator("#reminder")).to_be_hidden()  # who only looks is not asked
    say(page, "最近总是睡不好")
    expect(page.locator("#reminder-what")).to_have_text("只显示“您有一条新消息”，不显示内容；共用电脑请不要打开。")
    picture(page, "chat-reminder")
    page.locator("#reminder-switch").click()
    expect(page.locator("#reminder-switch")).to_have_text("关掉提醒")
    assert addresses(town) == 1
    page.reload()
    expect(page.locator("#reminder-switch")).to_have_text("关掉提醒")
    with page.expect_response("**/api/chat/reminder"):
        page.locator("#reminder-switch").click()
    expect(page.locator("#reminder-switch")).to_have_text("关掉页面后，有回复时提醒我")
    assert addresses(town) == 0
    assert page.evaluate("sessionStorage.getItem('unsubscribed')") == "yes"


def test_quick_leave_takes_the_reminder_along(person: Callable[[str], Page], town: Town) -> None:
    page = person(SUBSCRIPTION)
    say(page, "最近总是睡不好")
    page.locator("#reminder-switch").click()
    expect(page.locator("#reminder-switch")).to_have_text("关掉提醒")
    page.locator("header .js-leave").click()
    page.wait_for_url("**/healthz")
    page.wait_for_function("async () => !(await navigator.serviceWorker.getRegistration('/chat/knock.js'))")
    assert page.evaluate("sessionStorage.getItem('unsubscribed')") == "yes"
    assert page.evaluate("localStorage.getItem('chat.reminder')") is None
    assert addresses(town) == 0


def test_where_no_push_service_can_be_had_the_person_is_told_and_the_talk_goes_on(
    person: Callable[[str], Page], town: Town
) -> None:
    page = person("")
    say(page, "最近总是睡不好")
    page.locator("#reminder-switch").click()
    expect(page.locator("#reminder-problem")).to_contain_text("不影响对话", timeout=30_000)
    expect(page.locator("#reminder-switch")).to_have_text("关掉页面后，有回复时提醒我")
    assert addresses(town) == 0
    say(page, "还在吗")


def test_a_knock_shows_one_neutral_line_and_nothing_while_the_page_is_seen(
    person: Callable[[str], Page], town: Town
) -> None:
    page = person(SUBSCRIPTION)
    say(page, "最近总是睡不好")
    page.locator("#reminder-switch").click()
    expect(page.locator("#reminder-switch")).to_have_text("关掉提醒")
    page.goto(f"{town.url}/healthz")  # the chat is closed; the worker stays
    assert knock(page, town, "/chat/knock.js") == {"title": "您有一条新消息", "body": "", "tag": "news"}


def test_a_counsellor_adds_a_phone_and_this_device_and_tries_both(browser: Browser, town: Town) -> None:
    page = town.seat(browser, "林老师")
    allowed(page.context, town, SUBSCRIPTION)
    page.goto(f"{town.url}/console/notices")
    expect(page.locator("#none")).to_be_visible()
    page.locator("form[data-carrier=sms] input").fill("我的手机")
    page.locator("form[data-carrier=sms] button").click()
    expect(page.locator("form[data-carrier=sms] .error")).to_contain_text("不像手机号")
    expect(page.locator("form[data-carrier=sms] input")).to_have_value("我的手机")
    page.locator("form[data-carrier=sms] input").fill("138 0000 0000")
    page.locator("form[data-carrier=sms] button").click()
    phone = page.locator(".address", has_text="13800000000")
    expect(phone.locator(".confirmed")).to_have_text("还没有确认能收到")
    phone.locator(".trial").click()
    expect(phone.locator(".result")).to_contain_text("试发已发出")
    follow_the_link(browser, town)
    expect(phone.locator(".confirmed")).to_have_text("✓ 确认能收到")
    expect(phone.locator(".result")).to_contain_text("已确认收到")
    page.locator("#device").click()
    device = page.locator(".address", has=page.locator(".here:visible"))
    expect(device).to_contain_text("浏览器")
    expect(page.locator("#device")).to_have_text("在这台设备上关闭")
    picture(page, "notices")
    phone.locator(".switch").click()
    expect(phone.locator(".off")).to_be_visible()
    phone.locator(".remove").click()
    expect(phone).to_have_count(0)
    page.locator("#device").click()
    expect(page.locator("#none")).to_be_visible()
    assert addresses(town) == 0


def follow_the_link(browser: Browser, town: Town) -> None:
    """On the phone, without any sign-in."""
    sms: Any = town.service.sending.carriers["sms"]
    ((number, letter),) = sms.taken
    assert number == "13800000000"
    phone = browser.new_context(viewport=PHONE, locale="zh-CN").new_page()
    phone.goto(f"{town.url}/console/seen/{letter.text.rpartition('/')[2]}")
    picture(phone, "seen-ask")
    phone.get_by_role("button", name="我看到了").click()
    expect(phone.locator("h1")).to_have_text("已记下：您看到了")
    phone.context.close()


def test_a_knock_at_a_counsellors_browser_says_what_it_is_and_the_queue_shows_who_was_called(
    browser: Browser, town: Town
) -> None:
    page = town.seat(browser, "林老师")
    allowed(page.context, town, SUBSCRIPTION)
    page.goto(f"{town.url}/console/notices")
    page.locator("#device").click()
    expect(page.locator("#device")).to_have_text("在这台设备上关闭")
    town.writes("我刚刚吞了一瓶安眠药")
    page.goto(f"{town.url}/console")
    row = page.locator("#queue li.row")
    expect(row.locator(".called")).to_have_text("已通知全体坐席 1 人，还没有人看到")
    (worker,) = page.context.service_workers
    worker.evaluate(f"PushManager.prototype.getSubscription = async () => ({{ endpoint: '{ENDPOINT}' }})")
    note = knock(page, town, "/console/static/knock.js")
    assert note == {
        "title": "【值班提醒】新的警报",
        "body": "【值班提醒】有新的红色警报，请立即打开值班台",
        "tag": "call",
    }
    worker.evaluate(_PRESS)
    expect(row.locator(".called")).to_have_text("已通知全体坐席 1 人，1 人已看到")
    picture(page, "queue-called")


def test_a_worker_that_cannot_ask_what_it_is_shows_the_alarm(browser: Browser, town: Town) -> None:
    page = town.seat(browser, "林老师")
    allowed(page.context, town)
    page.evaluate("navigator.serviceWorker.register('/console/static/knock.js').then(() => null)")
    assert knock(page, town, "/console/static/knock.js")["title"] == "【值班提醒】"
