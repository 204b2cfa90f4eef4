"""The page 我的通知: what is mine, added, paused, tried out and removed; its words when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import server
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site
from tests.building import Clock, compiled_screener, rows
from tests.notify.calling import FakeCarrier, round_of

pytestmark = pytest.mark.anyio
BROWSER = "https://fcm.googleapis.com/fcm/send/abc"


@pytest.fixture
def site(tmp_path: Path, clock: Clock) -> Iterator[Site]:
    settings = load_settings(
        {
            "HOTLINE_DATA_DIR": str(tmp_path), "HOTLINE_SMS_URL": "http://127.0.0.1:9/", "HOTLINE_SMS_SECRET": "s" * 32,
            "HOTLINE_PUSH_CONTACT": "mailto:duty@x.cn",
        }
    )  # fmt: skip
    app = server.build_app(settings, now=clock, screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def mine(seat: Seat) -> list[dict[str, Any]]:
    answer = await seat.browser.get("/console/notices.json")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["addresses"])


async def test_the_page_offers_what_is_switched_on_and_nothing_else(site: Site) -> None:
    page = await site.seat().browser.get("/console/notices")
    assert page.status_code == 200
    assert 'data-carrier="sms"' in page.text
    assert 'data-carrier="mail"' not in page.text
    key = site.service.ways.push_key
    assert key is not None
    assert key.public in page.text


async def test_without_any_way_it_says_whom_to_ask(tmp_path: Path, clock: Clock) -> None:
    app = server.build_app(load_settings({"HOTLINE_DATA_DIR": str(tmp_path)}), now=clock, screener=compiled_screener())
    seat = Site(app, app.state.service).seat()
    page = await seat.browser.get("/console/notices")
    refused = await seat.post("/console/notices/add", carrier="sms", address="13800000000")
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()
    assert "请联系管理员" in page.text
    assert (refused.status_code, refused.json()["detail"]) == (409, "还没有开通短信")


async def test_an_address_is_added_paused_taken_up_again_and_removed(site: Site) -> None:
    lin = site.seat()
    assert (await lin.post("/console/notices/add", carrier="sms", address="138 0000 0000")).json()["ok"] is True
    (shown,) = await mine(lin)
    assert (shown["address"], shown["is_on"], shown["is_confirmed"]) == ("13800000000", True, False)
    url = f"/console/notices/{shown['id']}"
    states = []
    for action in ("off", "on", "remove"):
        assert (await lin.post(f"{url}/{action}")).json()["ok"] is True
        states.append([one["is_on"] for one in await mine(lin)])
    assert states == [[False], [True], []]
    assert (await lin.post(f"{url}/on")).status_code == 409


async def test_what_is_no_number_is_refused_in_words(site: Site) -> None:
    refused = await site.seat().post("/console/notices/add", carrier="sms", address="我的手机")
    assert (refused.status_code, refused.json()["detail"]) == (409, "这不像手机号，请只填数字")


async def test_a_browser_of_another_service_is_refused(site: Site) -> None:
    lin = site.seat()
    refused = await lin.post("/console/notices/add", carrier="push", address="https://10.0.0.1/x")
    assert refused.status_code == 409
    assert (await lin.post("/console/notices/add", carrier="push", address=BROWSER)).json()["ok"] is True


async def test_everybody_sees_only_the_own_addresses(site: Site) -> None:
    lin, wang = site.seat("lin"), site.seat("wang")
    await lin.post("/console/notices/add", carrier="sms", address="13800000000")
    assert await mine(wang) == []
    assert "13800000000" not in (await wang.browser.get("/console/notices")).text


async def test_the_result_of_a_trial_is_told_as_it_comes(site: Site, clock: Clock) -> None:
    lin, sms = site.seat(), FakeCarrier()
    site.service.sending.carriers = {"sms": sms}
    await lin.post("/console/notices/add", carrier="sms", address="13800000000")
    (shown,) = await mine(lin)
    told = [shown["trial"]]
    await lin.post(f"/console/notices/{shown['id']}/trial")
    told.append((await mine(lin))[0]["trial"])
    await round_of(site.service.sending)
    told.append((await mine(lin))[0]["trial"])
    (notice,) = rows(site.service.store.engine, t.notice)
    await site.browser().post(f"/console/seen/{site.service.store.notices.token(notice.id)}")
    (shown,) = await mine(lin)
    told.append(shown["trial"])
    assert told == ["", "正在试发…", "试发已发出，收到请点开它", "已确认收到"]
    assert (shown["is_confirmed"], shown["is_trying"]) == (True, False)
    ((_, letter),) = sms.taken
    assert "这是试发，没有警报" in letter.text
    assert (await lin.post(f"/console/notices/{shown['id']}/trial")).json()["detail"] == "刚刚试过，请等一分钟再试"
