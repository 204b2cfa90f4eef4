"""The headers that protect a page: on every route, whoever asks, also where it is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import server
from settings import load_settings
from tests.browsing import Site
from tests.building import Clock, compiled_screener, open_case
from tests.escalation.console.test_access import console_routes
from triage.risk import Level

pytestmark = pytest.mark.anyio
POLICY = {"default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "object-src 'none'"}
ROLES = ("counsellor", "supervisor", "admin", "privacy_officer", "expert")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = load_settings(
        {"HOTLINE_DATA_DIR": str(tmp_path_factory.mktemp("headers")), "HOTLINE_PUBLIC_URL": "https://xin.example"}
    )
    app = server.build_app(settings, now=Clock(), screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def test_every_console_answer_is_protected_whoever_asks(site: Site) -> None:
    case_id = open_case(site.service, Level.HIGH, "one")
    seat = site.seat("all", *ROLES)
    seat.browser.cookies.set("__Host-xindeng", seat.cookie)
    for method, path in [*console_routes(site), ("GET", "/console/sign-in"), ("GET", "/console/nothing")]:
        if path == "/console/events" or method != "GET":
            continue
        for browser in (seat.browser, site.browser()):
            headers = (await browser.get(path.replace("{case_id}", case_id))).headers
            assert set(headers["content-security-policy"].split("; ")) >= POLICY, path
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert headers["referrer-policy"] == "same-origin"
            assert headers["cross-origin-opener-policy"] == "same-origin"
            assert headers["cache-control"] == "no-store"
            assert headers["strict-transport-security"]
            assert {"camera=()", "microphone=()", "geolocation=()"} <= set(headers["permissions-policy"].split(", "))
            assert "server" not in headers


async def test_no_page_carries_a_script_or_style_of_its_own(site: Site) -> None:
    case_id = open_case(site.service, Level.HIGH, "two")
    seat = site.seat("all", *ROLES)
    seat.browser.cookies.set("__Host-xindeng", seat.cookie)
    pages = 0
    for method, path in [*console_routes(site), ("GET", "/"), ("GET", "/console/sign-in")]:
        if method != "GET" or path == "/console/events":
            continue
        answer = await seat.browser.get(path.replace("{case_id}", case_id))
        if "text/html" in answer.headers.get("content-type", ""):  # a page that leads elsewhere has none
            pages += 1
            assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>\s*[^<\s]", answer.text) == []
            assert re.findall(r"<style|\son[a-z]+=|\sstyle=|javascript:", answer.text) == []
    assert pages >= 8


async def test_without_tls_no_browser_is_told_to_insist_on_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path_factory.mktemp("plain"))})
    app = server.build_app(settings, now=Clock(), screener=compiled_screener())
    answer = await Site(app, app.state.service).browser().get("/console/sign-in")
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()
    assert "strict-transport-security" not in answer.headers
