"""My account through the real pages: second factor, sessions, name."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import httpx
import pytest

import server
from escalation.totp import code_at, step_of
from records import tables as t
from settings import load_settings
from tests.browsing import ORIGIN, Seat, Site
from tests.building import Clock, compiled_screener, do, new_account, rows

pytestmark = pytest.mark.anyio
PASSWORD = "yi-tiao-xin-mima-2026"
FACTOR = "/console/account/second-factor"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Site]:
    settings = load_settings(
        {"HOTLINE_DATA_DIR": str(tmp_path_factory.mktemp("account")), "HOTLINE_SECOND_FACTOR": "supervisor"}
    )
    app = server.build_app(settings, now=clock, screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def ready(site: Site, login: str, *roles: str) -> httpx.AsyncClient:
    """An account with its own password, signed in."""
    once = new_account(site.service, login, "林老师", *roles)
    browser = site.browser(Origin=ORIGIN)
    await browser.post("/console/sign-in", data={"login": login, "password": once})
    fields = {"csrf": await csrf_of(browser, "/console/password"), "old": once, "new": PASSWORD, "again": PASSWORD}
    assert (await browser.post("/console/password", data=fields)).status_code == 303
    browser.headers["X-CSRF-Token"] = await csrf_of(browser, "/console/password")
    return browser


async def csrf_of(browser: httpx.AsyncClient, path: str) -> str:
    found = re.search(r'name="csrf" content="([^"]+)"', (await browser.get(path)).text)
    assert found is not None
    return found[1]


async def enrol(browser: httpx.AsyncClient, clock: Clock) -> tuple[bytes, list[str]]:
    """Set the factor up through the pages; (secret, recovery codes)."""
    page = (await browser.post(f"{FACTOR}/begin", data={"proof": PASSWORD})).text
    secret = secret_of(page)
    assert 'src="data:image/svg+xml' in page
    done = await browser.post(f"{FACTOR}/confirm", data={"code": code_at(secret, step_of(clock()))})
    codes = re.findall(r"<li>([a-z0-9]{5}-[a-z0-9]{5})</li>", done.text)
    browser.headers["X-CSRF-Token"] = await csrf_of(browser, "/console/account")
    clock.forward(seconds=30)
    return secret, codes


def secret_of(page: str) -> bytes:
    found = re.search(r'id="factor-key">([A-Z2-7 ]+)<', page)
    assert found is not None
    return base64.b32decode(found[1].replace(" ", ""))


async def password_step(site: Site, login: str) -> httpx.AsyncClient:
    browser = site.browser(Origin=ORIGIN)
    answer = await browser.post("/console/sign-in", data={"login": login, "password": PASSWORD})
    assert answer.headers["location"] == "/console/sign-in/code"
    return browser


async def test_enrolment_asks_for_the_password_and_shows_ten_codes_once(site: Site, clock: Clock) -> None:
    browser = await ready(site, "lin")
    refused = await browser.post(f"{FACTOR}/begin", data={"proof": "wrong"})
    assert "factor-key" not in refused.text
    assert 'role="alert"' in refused.text
    before = browser.cookies["xindeng_console"]
    _, codes = await enrol(browser, clock)
    assert len(codes) == 10
    assert browser.cookies["xindeng_console"] != before  # the session changed its name
    again = (await browser.get(FACTOR)).text
    assert not any(code in again for code in codes)
    assert "factor-key" not in again


async def test_a_wrong_first_code_shows_the_same_key_again(site: Site) -> None:
    browser = await ready(site, "lin")
    first = (await browser.post(f"{FACTOR}/begin", data={"proof": PASSWORD})).text
    second = (await browser.post(f"{FACTOR}/confirm", data={"code": "000000"})).text
    assert secret_of(first) == secret_of(second)
    assert "验证码不对" in second


async def test_signing_in_with_the_code_and_with_a_recovery_code_once(site: Site, clock: Clock) -> None:
    secret, codes = await enrol(await ready(site, "lin"), clock)
    browser = await password_step(site, "lin")
    waiting = browser.cookies["xindeng_console"]
    assert (await browser.get("/console")).status_code == 401
    wrong = await browser.post("/console/sign-in/code", data={"code": "000000"})
    assert 'role="alert"' in wrong.text
    right = await browser.post("/console/sign-in/code", data={"code": code_at(secret, step_of(clock()))})
    assert (right.status_code, right.headers["location"]) == (303, "/console")
    assert browser.cookies["xindeng_console"] != waiting
    assert (await browser.get("/console")).status_code == 200
    for works in (True, False):
        browser = await password_step(site, "lin")
        answer = await browser.post("/console/sign-in/code", data={"code": codes[0]})
        assert (answer.status_code == 303) == works


async def test_the_page_of_the_code_is_for_who_gave_the_password(site: Site, clock: Clock) -> None:
    secret, _ = await enrol(await ready(site, "lin"), clock)
    browser = site.browser(Origin=ORIGIN)
    assert (await browser.get("/console/sign-in/code")).headers["location"] == "/console/sign-in"
    answer = await browser.post("/console/sign-in/code", data={"code": code_at(secret, step_of(clock()))})
    assert "set-cookie" not in answer.headers
    answer = await browser.post("/console/sign-in/code", data={"code": "1"}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


async def test_a_role_that_needs_the_factor_gets_nowhere_without(site: Site, clock: Clock) -> None:
    browser = await ready(site, "zhao", "supervisor")
    answer = await browser.get("/console", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, FACTOR)
    assert (await browser.get("/console/queue.json")).status_code == 401
    await enrol(browser, clock)
    assert (await browser.get("/console")).status_code == 200
    answer = await browser.post(f"{FACTOR}/end", data={"proof": PASSWORD})
    assert "必须使用两步验证" in answer.text


async def test_the_factor_is_ended_and_codes_are_renewed_with_proof_only(site: Site, clock: Clock) -> None:
    browser = await ready(site, "lin")
    secret, codes = await enrol(browser, clock)
    for path in ("codes", "end"):
        assert "密码或验证码不对" in (await browser.post(f"{FACTOR}/{path}", data={"proof": "wrong"})).text
    proof = code_at(secret, step_of(clock()))
    fresh = (await browser.post(f"{FACTOR}/codes", data={"proof": proof})).text
    assert len(re.findall(r"<li>[a-z0-9]{5}-[a-z0-9]{5}</li>", fresh)) == 10
    assert codes[0] not in fresh
    assert (await browser.post(f"{FACTOR}/end", data={"proof": PASSWORD})).status_code == 303
    assert rows(site.service.store.engine, t.second_factor) == []


async def test_wrong_proofs_lock_the_account_without_throwing_anybody_out(site: Site) -> None:
    browser = await ready(site, "lin")
    for _ in range(5):
        await browser.post(f"{FACTOR}/begin", data={"proof": "wrong"})
    assert "factor-key" not in (await browser.post(f"{FACTOR}/begin", data={"proof": PASSWORD})).text
    assert (await browser.get("/console")).status_code == 200  # somebody may be in the middle of a conversation


async def test_the_newest_sign_in_is_shown_so_that_a_strange_one_is_noticed(site: Site) -> None:
    lin = await ready(site, "seen-lin", "counsellor")
    assert "最近一次登录：12月01日 10:00；不是您本人，请马上改密码。" in (await lin.get("/console/account")).text


async def test_other_browsers_are_listed_and_signed_out(site: Site) -> None:
    here = await ready(site, "lin")
    there = site.browser(**{"Origin": ORIGIN, "User-Agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537"})
    await there.post("/console/sign-in", data={"login": "lin", "password": PASSWORD})
    page = (await here.get("/console/account")).text
    assert "Chrome · Windows" in page
    assert page.count("（这里）") == 1
    assert (await here.post("/console/account/sign-out-elsewhere")).status_code == 303
    assert (await here.get("/console")).status_code == 200
    assert (await there.get("/console")).status_code == 401


async def test_the_name_is_changed_and_a_bad_one_is_kept_in_its_field(site: Site) -> None:
    seat: Seat = site.seat("lin")
    assert (await seat.post("/console/account/name", name="林小雨")).status_code == 303
    assert "林小雨" in (await seat.browser.get("/console/account")).text
    refused = (await seat.post("/console/account/name", name="林" * 31)).text
    assert "林" * 31 in refused
    assert "1到30个字" in refused


async def test_a_role_taken_away_ends_what_it_allowed_at_the_next_click(site: Site) -> None:
    seat, staff = site.seat("lin"), site.service.store.staff
    assert (await seat.browser.get("/console")).status_code == 200
    do(site.service.writer, lambda c: staff.change_roles(c, seat.counsellor.id, ["statistician"]))
    assert (await seat.browser.get("/console")).status_code == 404
    assert (await seat.browser.get("/console/account")).status_code == 200
