"""Who may see and do what in the console: walked over every route of the real application."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

import server
from records import tables as t
from settings import load_settings
from tests.browsing import ORIGIN, Seat, Site, Visitor
from tests.building import EMERGENCY, Clock, compiled_screener, rows
from tests.record_samples import fill_record

pytestmark = pytest.mark.anyio

_OPEN = {
    *((method, path) for method in ("GET", "POST") for path in ("/console/sign-in", "/console/sign-in/code")),
    # whoever holds the link of a call, or is the browser that was knocked at: see test_seen.py
    ("GET", "/console/seen/{token}"), ("POST", "/console/seen/{token}"),
    ("POST", "/console/knock"), ("POST", "/console/knock/seen"),
}  # fmt: skip
_SIGNING_IN = ("/console/password", "/console/sign-out", "/console/account/second-factor",
               "/console/account/second-factor/begin", "/console/account/second-factor/confirm")  # fmt: skip
_CONTENT_ROLES = ("counsellor", "duty_lead", "supervisor")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One application for all: every test brings its own person, case and counsellors."""
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path_factory.mktemp("console"))})
    app = server.build_app(settings, now=Clock(), screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


def routes_of(router: Any) -> Iterator[tuple[str, str]]:
    """Every (method, path), also those of included routers."""
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes_of(inner)
        else:
            yield from ((method, route.path) for method in sorted(getattr(route, "methods", None) or ()))


def console_routes(site: Site) -> list[tuple[str, str]]:
    found = [(m, path) for m, path in routes_of(site.app) if path.startswith("/console") and m != "HEAD"]
    assert len(found) >= 15, "the walk no longer finds the routes"
    return [route for route in found if route not in _OPEN]


async def person_with_case(site: Site) -> tuple[Visitor, str]:
    person = await site.visitor()
    await person.post(EMERGENCY, "m1")
    await site.settle()
    return person, site.case_of(person.conversation_id)


async def test_without_a_session_no_console_route_tells_or_does_anything(site: Site) -> None:
    _, case_id = await person_with_case(site)
    before = len(rows(site.service.store.engine, t.event)), len(rows(site.service.store.engine, t.audit))
    for method, path in console_routes(site):
        for headers in ({}, {"Accept": "text/html"}, {"Cookie": "xindeng_console=forged"}):
            answer = await site.browser(**headers).request(method, path.replace("{case_id}", case_id))
            assert (path, answer.status_code) in ((path, 303), (path, 401), (path, 404))
            assert EMERGENCY not in answer.text
    assert (len(rows(site.service.store.engine, t.event)), len(rows(site.service.store.engine, t.audit))) == before


async def test_a_browser_without_a_session_is_led_to_the_sign_in_page(site: Site) -> None:
    answer = await site.browser(Accept="text/html").get("/console")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")


async def test_the_system_administrator_gets_a_404_wherever_people_are(site: Site) -> None:
    _, case_id = await person_with_case(site)
    admin = site.seat("root", "admin")
    for method, path in console_routes(site):
        if path.startswith(("/console/account", "/console/password", "/console/sign-out")):
            continue
        answer = await admin.browser.request(method, path.replace("{case_id}", case_id))
        assert (path, answer.status_code) == (path, 404)
        assert EMERGENCY not in answer.text


async def test_an_unknown_case_and_a_forbidden_one_look_the_same(site: Site) -> None:
    _, case_id = await person_with_case(site)
    lin, admin = site.seat("lin"), site.seat("root", "admin")
    unknown = await lin.browser.get("/console/cases/" + "0" * 32)
    forbidden = await admin.browser.get(f"/console/cases/{case_id}")
    assert unknown.status_code == forbidden.status_code == 404


async def test_a_browser_that_finds_nothing_gets_a_page_and_learns_nothing(site: Site) -> None:
    _, case_id = await person_with_case(site)
    admin, pages = site.seat("root", "admin"), []
    for path in (f"/console/cases/{case_id}", "/console/cases/" + "0" * 32, "/console/nothing"):
        answer = await admin.browser.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 404
        pages.append(answer.text)
    assert len(set(pages)) == 1
    assert "没有这个页面" in pages[0]


async def test_only_a_lead_or_supervisor_may_be_the_second_person(site: Site) -> None:
    _, case_id = await person_with_case(site)
    lin, wang, lead = site.seat("lin"), site.seat("wang"), site.seat("lead", "duty_lead")
    asked = await lin.act(case_id, "level", level="low", reason="120已接手")
    assert asked.json() == {"ok": True, "in_force": False}
    assert (await wang.act(case_id, "level/decision", agree="yes")).status_code == 404
    assert (await lead.act(case_id, "level/decision", agree="yes")).json()["ok"] is True


async def test_everybody_who_serves_sees_queue_and_case(site: Site) -> None:
    _, case_id = await person_with_case(site)
    case = f"/console/cases/{case_id}"
    for role, path in product(_CONTENT_ROLES, ("/console", "/console/queue.json", case, f"{case}/state.json")):
        seat = site.seat(f"{role}{path}", role)
        assert (role, path, (await seat.browser.get(path)).status_code) == (role, path, 200)


async def test_the_queue_carries_no_words_of_the_person(site: Site) -> None:
    await person_with_case(site)
    seat = site.seat()
    for path in ("/console", "/console/queue.json"):
        assert EMERGENCY not in (await seat.browser.get(path)).text


async def test_a_one_time_password_opens_the_password_page_only(site: Site) -> None:
    _, case_id = await person_with_case(site)
    seat = site.seat()
    site.service.writer.submit(
        lambda c: site.service.store.staff.change(c, seat.counsellor.id, must_change=True)
    ).result(20)
    for method, path in console_routes(site):
        if path in _SIGNING_IN:
            continue
        answer = await seat.browser.request(method, path.replace("{case_id}", case_id))
        assert (path, answer.status_code) == (path, 401)
        assert answer.json()["location"] == "/console/password"
    assert (await seat.browser.get("/console/password")).status_code == 200


_FORGED = (
    {"X-CSRF-Token": ""},
    {"X-CSRF-Token": "wrong"},
    {"X-CSRF-Token": "\u00e9"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": f"{ORIGIN}.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)


_OF_ITS_OWNER = (
    "/console/cases/{case_id}/help",
    "/console/cases/{case_id}/help/withdraw",
)  # this seat serves nobody, and nobody invited it


async def test_a_forged_change_of_state_is_refused_on_every_route(site: Site) -> None:
    _, case_id = await person_with_case(site)
    seat = site.seat("lin", "counsellor", "supervisor", "duty_lead", "admin", "privacy_officer", "expert", "editor")
    before = rows(site.service.store.engine, t.case_record)
    fields = {"reply_id": "a" * 32, "text": "x", "level": "low", "reason": "x"}
    for headers, (method, path) in product(_FORGED, console_routes(site)):
        if method == "POST":
            forged = {name: value.encode("latin-1") for name, value in headers.items()}
            answer = await seat.browser.post(path.replace("{case_id}", case_id), data=fields, headers=forged)
            refused = 404 if path in _OF_ITS_OWNER or path.startswith("/console/invited/") else 403
            assert answer.status_code == refused, f"{path} {answer.status_code} {headers}"
    assert rows(site.service.store.engine, t.case_record) == before
    assert (await seat.browser.get("/console")).status_code == 200  # still signed in


async def test_a_state_is_never_changed_by_reading(site: Site) -> None:
    _, case_id = await person_with_case(site)
    seat = site.seat()
    routes = console_routes(site)
    for method, path in routes:
        if method == "POST" and ("GET", path) not in routes:
            assert (await seat.browser.get(path.replace("{case_id}", case_id))).status_code == 405


async def test_the_token_of_one_session_does_not_serve_another(site: Site) -> None:
    _, case_id = await person_with_case(site)
    lin, wang = site.seat("lin"), site.seat("wang")
    answer = await lin.browser.post(
        f"/console/cases/{case_id}/claim", headers={"X-CSRF-Token": wang.browser.headers["X-CSRF-Token"]}
    )
    assert answer.status_code == 403


async def test_every_page_has_the_headers_that_protect_it(site: Site) -> None:
    _, case_id = await person_with_case(site)
    seat = site.seat()
    paths = ["/", "/console", "/console/sign-in", "/console/password", f"/console/cases/{case_id}", "/api/chat/messages",
             "/console/nothing", "/healthz", "/chat/wire.js", "/console/static/http.js"]  # fmt: skip
    for path in paths:
        headers = (await seat.browser.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"
        if path.startswith(("/console", "/api")) and "static" not in path:
            assert headers["cache-control"] == "no-store"


async def test_words_of_a_person_cannot_become_markup(site: Site) -> None:
    person, case_id = await person_with_case(site)
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>'\"</textarea>{{7*7}}"
    await person.post(attack, "m2")
    lin = site.seat()
    await lin.act(case_id, "note", text=attack)
    page = (await lin.browser.get(f"/console/cases/{case_id}")).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert attack in [
        m["text"] for m in (await lin.browser.get(f"/console/cases/{case_id}/state.json")).json()["messages"]
    ]


async def test_every_opened_case_is_in_the_audit_with_who_and_when(site: Site) -> None:
    _, case_id = await person_with_case(site)
    for login in ("lin", "wang"):
        await site.seat(login).browser.get(f"/console/cases/{case_id}")
    audit = rows(site.service.store.engine, t.audit, action="case_view", object_id=case_id)
    assert len(audit) == 2
    assert len({row.actor_id for row in audit}) == 2


async def test_fifty_browsers_claim_one_case_and_one_gets_it(site: Site) -> None:
    person, case_id = await person_with_case(site)
    seats = [site.seat(f"c{number}") for number in range(50)]
    answers = await asyncio.gather(*(seat.act(case_id, "claim") for seat in seats))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200] + [409] * 49
    await site.settle()
    joined = [m for m in await person.messages() if "已接入" in m["text"]]
    assert len(joined) == 1


async def test_a_case_goes_its_way_through_the_console(site: Site) -> None:
    person, case_id = await person_with_case(site)
    seat: Seat = site.seat("lin", "counsellor", "supervisor")
    fill_record(site.service, case_id, seat.counsellor)
    for action, fields in (
        ("claim", {}),
        ("reply", {"reply_id": "a" * 32, "text": "我是林老师，我在"}),
        ("note", {"text": "母亲在身边"}),
        ("close", {"disposition": "rescue", "summary": "120已到场接手"}),
    ):
        answer = await seat.act(case_id, action, **fields)
        assert (action, answer.json()) == (action, {"ok": True, "in_force": True})
    await site.settle()
    texts = [message["text"] for message in await person.messages()]
    assert "我是林老师，我在" in texts
    assert not any("母亲" in text or "120已到场" in text for text in texts)


async def test_a_reply_without_a_good_id_is_refused(site: Site) -> None:
    _, case_id = await person_with_case(site)
    seat = site.seat()
    for reply_id in ("", "short", "x" * 41, "a-b" * 8, "a" * 15):
        answer = await seat.act(case_id, "reply", reply_id=reply_id, text="我在")
        assert (reply_id, answer.status_code) == (reply_id, 422)


async def test_a_level_that_is_none_is_refused(site: Site) -> None:
    _, case_id = await person_with_case(site)
    answer = await site.seat().act(case_id, "level", level="purple", reason="理由")
    assert answer.status_code == 422


async def test_reading_a_case_by_its_live_data_alone_is_in_the_audit_too(site: Site) -> None:
    _, case_id = await person_with_case(site)
    seat = site.seat("lin", "counsellor")
    for _ in range(2):
        assert (await seat.browser.get(f"/console/cases/{case_id}/state.json?after=1")).status_code == 200
    with site.service.store.engine.connect() as connection:
        rows = list(site.service.store.staff.audit_rows(connection))
    assert [row.action for row in rows if row.object_id == case_id and row.actor_id == seat.counsellor.id] == [
        "case_view"
    ]


async def test_a_form_too_large_for_the_console_is_refused_before_it_is_read(site: Site) -> None:
    seat = site.seat("lin", "counsellor")
    refused = await seat.browser.post("/console/sign-in", content=b"x" * (256 * 1024 + 1))
    assert refused.status_code == 413
