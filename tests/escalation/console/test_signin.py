"""Signing in through the real pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

import server
from escalation.accounts import SignInRefused
from records import tables as t
from settings import load_settings
from tests.browsing import ORIGIN, Site, serving, sse_events
from tests.building import Clock, compiled_screener, do, new_account, rows

pytestmark = pytest.mark.anyio
NEW = "yi-tiao-xin-mima-2026"


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path_factory.mktemp("console"))})
    app = server.build_app(settings, now=Clock(), screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def sign_in(browser: httpx.AsyncClient, password: str, login: str = "lin") -> httpx.Response:
    return await browser.post("/console/sign-in", data={"login": login, "password": password})


async def csrf_of(browser: httpx.AsyncClient) -> str:
    found = re.search(r'name="csrf" (?:value|content)="([^"]+)"', (await browser.get("/console/password")).text)
    assert found is not None
    return found[1]


async def test_the_first_sign_in_leads_to_a_new_password_and_then_to_the_queue(site: Site) -> None:
    browser, once = site.browser(), new_account(site.service)
    answer = await sign_in(browser, once)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/password")
    fields = {"csrf": await csrf_of(browser), "old": once, "new": NEW, "again": NEW}
    answer = await browser.post("/console/password", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert (await browser.get("/console")).status_code == 200
    assert (await sign_in(site.browser(), once)).status_code == 200  # the page again: the old one is worth nothing
    assert (await sign_in(site.browser(), NEW)).headers["location"] == "/console"


async def test_the_cookie_is_strict_and_closed_to_scripts(site: Site) -> None:
    answer = await sign_in(site.browser(), new_account(site.service))
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


async def test_behind_tls_the_cookie_is_bound_to_this_host(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = str(tmp_path_factory.mktemp("tls"))
    app = server.build_app(
        load_settings({"HOTLINE_DATA_DIR": folder, "HOTLINE_PUBLIC_URL": "https://xin.example"}),
        now=Clock(),
        screener=compiled_screener(),
    )
    site = Site(app, app.state.service)
    cookie = (await sign_in(site.browser(), new_account(site.service))).headers["set-cookie"]
    site.service.writer.close()
    site.service.store.engine.dispose()
    assert cookie.startswith("__Host-")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


async def test_every_refusal_has_the_same_words(site: Site) -> None:
    new_account(site.service)
    for login, password in (("lin", "wrong"), ("nobody", "wrong"), ("", ""), ("lin\0", "x")):
        answer = await sign_in(site.browser(), password, login)
        assert (login, answer.status_code) == (login, 200)
        assert (SignInRefused.__doc__ or "?") in answer.text
        assert "set-cookie" not in answer.headers


async def test_after_five_wrong_passwords_the_right_one_is_refused_too(site: Site) -> None:
    once = new_account(site.service)
    for _ in range(5):
        await sign_in(site.browser(), "wrong")
    assert (await sign_in(site.browser(), once)).status_code == 200
    assert [row.action for row in rows(site.service.store.engine, t.audit, action="locked")] == ["locked"]


async def test_a_cookie_chosen_by_another_is_never_taken_up(site: Site) -> None:
    browser = site.browser()
    browser.cookies.set("xindeng_console", "chosen-by-the-attacker")
    answer = await sign_in(browser, new_account(site.service))
    assert "chosen-by-the-attacker" not in answer.headers["set-cookie"]


async def test_another_site_may_not_sign_a_browser_in(site: Site) -> None:
    once = new_account(site.service)
    answer = await site.browser(Origin="https://evil.example").post(
        "/console/sign-in", data={"login": "lin", "password": once}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [("wrong", NEW, NEW), (None, NEW, NEW + "x"), (None, "short", "short"), (None, "lin-lin-lin-12345", "lin-lin-lin-12345")],
)  # fmt: skip
async def test_a_password_that_will_not_do_is_refused_and_the_old_one_stays(
    site: Site, old: str | None, new: str, again: str
) -> None:
    browser, once = site.browser(), new_account(site.service)
    await sign_in(browser, once)
    fields = {"csrf": await csrf_of(browser), "old": old or once, "new": new, "again": again}
    answer = await browser.post("/console/password", data=fields)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert (await sign_in(site.browser(), once)).status_code == 303


async def test_signing_out_ends_the_session_on_the_server(site: Site) -> None:
    seat = site.seat()
    cookie = dict(seat.browser.cookies)
    answer = await seat.browser.post("/console/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")
    browser = site.browser()
    browser.cookies.update(cookie)
    assert (await browser.get("/console")).status_code == 401


async def test_an_open_stream_ends_when_its_session_does(tmp_path_factory: pytest.TempPathFactory) -> None:
    clock = Clock()
    app = server.build_app(
        load_settings({"HOTLINE_DATA_DIR": str(tmp_path_factory.mktemp("stream"))}),
        now=clock,
        screener=compiled_screener(),
    )
    site = Site(app, app.state.service)
    seat = site.seat()
    async with serving(app) as address, httpx.AsyncClient(base_url=address, timeout=25) as browser:
        browser.cookies.set("xindeng_console", seat.cookie)
        async with browser.stream("GET", "/console/events") as stream:
            heard = sse_events(stream)
            assert stream.status_code == 200
            do(
                site.service.writer,
                lambda c: site.service.store.staff.close_sessions(c, clock(), staff_id=seat.counsellor.id),
            )
            clock.forward(seconds=20)
            await browser.post("/api/chat/sessions", headers={"Origin": address})
            await browser.post("/api/chat/leave", headers={"Origin": address})  # any event of the desk wakes the stream
            kinds = [event.kind async for event in heard]
    assert kinds == ["signed_out"]
    assert ORIGIN not in address
