"""The link of a call and the browser that was knocked at: no sign-in, nothing of anybody, and only a hand counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import server
from records import tables as t
from records.addresses import PUSH, STAFF
from settings import load_settings
from tests.browsing import ORIGIN, Site
from tests.building import EMERGENCY, Clock, compiled_screener, do, open_case, rows
from tests.escalation.guard import MADE, STEPS
from tests.notify.calling import FakeCarrier, round_of
from triage.risk import Level

pytestmark = pytest.mark.anyio
BROWSER = "https://fcm.googleapis.com/fcm/send/abc"


@pytest.fixture
def site(tmp_path: Path, clock: Clock) -> Iterator[Site]:
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path), "HOTLINE_PUSH_CONTACT": "mailto:duty@x.cn"})
    app = server.build_app(settings, now=clock, screener=compiled_screener())
    app.state.service.sending.carriers = {"push": FakeCarrier()}
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def ring(site: Site) -> tuple[Any, str]:
    """Danger calls a counsellor's browser; (the notice, the case)."""
    service = site.service
    lin = site.seat()
    do(service.writer, lambda c: service.store.addresses.add(c, STAFF, lin.counsellor.id, PUSH, BROWSER, service.now()))
    person = await site.visitor()
    await person.post(EMERGENCY, "m1")
    await site.settle()
    await round_of(service.sending)
    (notice,) = rows(service.store.engine, t.notice)
    return notice, site.case_of(person.conversation_id)


def link(site: Site, notice: Any) -> str:
    return f"/console/seen/{site.service.store.notices.token(notice.id)}"


def seen(site: Site) -> list[bool]:
    return [row.seen_at is not None for row in rows(site.service.store.engine, t.notice)]


async def test_opening_the_link_keeps_nothing_and_pressing_the_button_does(site: Site) -> None:
    notice, case_id = await ring(site)
    phone = site.browser()
    page = await phone.get(link(site, notice))
    assert (page.status_code, seen(site)) == (200, [False])
    done = await phone.post(link(site, notice))
    assert ("已记下：您看到了" in done.text, seen(site)) == (True, [True])
    for text in (page.text, done.text):
        assert not any(word in text for word in (case_id, EMERGENCY, "lin-", "紧急"))


async def test_the_press_says_that_the_alarm_is_still_open_and_what_to_do(site: Site, clock: Clock) -> None:
    notice, case_id = await ring(site)
    phone = site.browser()
    early = (await phone.post(link(site, notice))).text
    assert "警报还开着" in early
    assert "超过规定的时间" not in early
    clock.forward(minutes=10)
    late = (await phone.post(link(site, notice))).text
    assert "警报还开着，已经超过规定的时间" in late
    assert "打电话给值班长" in late
    await site.seat("wang").act(case_id, "claim")
    taken = (await phone.get(link(site, notice))).text
    assert "已经有人接手" in taken
    assert "还开着" not in taken


async def test_of_a_late_duty_it_says_that_it_is_not_done_until_it_is(site: Site) -> None:
    service, zhao = site.service, site.seat("zhao", "supervisor")
    do(
        service.writer,
        lambda c: service.store.addresses.add(c, STAFF, zhao.counsellor.id, PUSH, BROWSER, service.now()),
    )
    case_id = open_case(service, Level.LOW, "小雨")
    await zhao.act(case_id, "claim")
    assert (await zhao.act(case_id, "safeguarding/harm", **MADE["report"])).status_code == 200
    (task,) = rows(service.store.engine, t.matter_task)
    do(service.writer, lambda c: service.alarm.calls.remind(c, task.id, 1, service.now()))
    (notice,) = rows(service.store.engine, t.notice, key="call.overdue")
    pressed = (await site.browser().post(link(site, notice))).text
    assert "还没有办，已经超时" in pressed
    assert "接手" not in pressed
    step = {"matter": task.matter_id, "action": "report", **STEPS["report"]}
    assert (await zhao.post(f"/console/cases/{case_id}/safeguarding/step", **step)).status_code == 200
    assert "已经有人办了" in (await site.browser().get(link(site, notice))).text


async def test_a_second_press_says_the_same_and_changes_nothing(site: Site, clock: Clock) -> None:
    notice, _ = await ring(site)
    for _ in range(2):
        assert "已记下" in (await site.browser().post(link(site, notice))).text
        clock.forward(seconds=60)
    assert len(rows(site.service.store.engine, t.event, kind="call_seen")) == 1
    assert "已记下" in (await site.browser().get(link(site, notice))).text


@pytest.mark.parametrize("token", ["x", "0" * 32, "..%2f..", "a" * 5000, "%00"])
async def test_a_made_up_link_is_nothing(site: Site, token: str) -> None:
    await ring(site)
    for method in ("GET", "POST"):
        assert (await site.browser().request(method, f"/console/seen/{token}")).status_code == 404
    assert seen(site) == [False]


async def test_another_sites_page_cannot_say_that_it_was_seen(site: Site) -> None:
    notice, _ = await ring(site)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        browser = site.browser(**headers)
        for path in (link(site, notice), "/console/knock", "/console/knock/seen"):
            assert (await browser.post(path, data={"endpoint": BROWSER})).status_code == 403
    assert seen(site) == [False]


async def test_the_browser_that_was_knocked_at_asks_what_to_show_and_says_when_it_was_pressed(site: Site) -> None:
    await ring(site)
    browser = site.browser(Origin=ORIGIN)
    words = (await browser.post("/console/knock", data={"endpoint": BROWSER})).json()
    assert words == {
        "title": "【值班提醒】新的警报", "text": "【值班提醒】有新的红色警报，请立即打开值班台", "kind": "call",
    }  # fmt: skip
    assert seen(site) == [False]
    assert (await browser.post("/console/knock/seen", data={"endpoint": BROWSER})).status_code == 204
    assert seen(site) == [True]


async def test_after_the_claim_it_shows_that_somebody_has_come(site: Site) -> None:
    _, case_id = await ring(site)
    await site.seat("wang").act(case_id, "claim")
    words = (await site.browser().post("/console/knock", data={"endpoint": BROWSER})).json()
    assert words["text"] == "这个警报已经有人接手。"


@pytest.mark.parametrize("endpoint", ["", "https://fcm.googleapis.com/other"])
async def test_an_unknown_browser_learns_nothing(site: Site, endpoint: str) -> None:
    await ring(site)
    assert (await site.browser().post("/console/knock", data={"endpoint": endpoint})).status_code == 404
    assert (await site.browser().post("/console/knock/seen", data={"endpoint": endpoint})).status_code == 204
    assert seen(site) == [False]
