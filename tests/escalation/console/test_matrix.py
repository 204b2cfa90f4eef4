"""Every role at every route, and every route from another district: what is allowed is computed from roles.toml.

The walk reads which action a route asks for from the route itself, so that a new route joins by itself.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from types import CodeType
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

import server
from escalation.accounts import hash_password
from escalation.cases import State
from escalation.permissions import CaseFacts
from escalation.roles import load_permissions
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site
from tests.building import NOW, Clock, compiled_screener, counsellor, do, open_case, rows
from triage.risk import Level

pytestmark = pytest.mark.anyio
PERMISSIONS = load_permissions()
OPEN = {
    "/console/sign-in", "/console/sign-in/code",
    "/console/seen/{token}", "/console/knock", "/console/knock/seen",  # whoever holds the link, or was knocked at
}  # fmt: skip
ENDLESS = {"/console/events"}  # a stream: only its refusals are read here
LAST = {"/console/sign-out"}  # ends the session that asks
CANARY = "只有本区的人可以看到的话"
FIELDS = {
    "text": "写给同事的话", "reason": "一个足够长的理由", "level": "medium", "agree": "yes", "reply_id": "a" * 32,
    "disposition": "information", "summary": "说了什么、做了什么", "why": "contact", "days": "3", "how": "打了家属电话",
    "name": "林老师", "login": "xinren", "role": "expert", "code": "000000", "proof": "wrong",
}  # fmt: skip


@dataclass(frozen=True)
class Route:
    """One method of one path, and the actions that it asks for."""

    method: str
    path: str
    actions: frozenset[str]

    @property
    def is_of_a_case(self) -> bool:
        return "{case_id}" in self.path

    @property
    def wants_other_ids(self) -> bool:
        return "{" in self.path.replace("{case_id}", "")

    def at(self, **ids: str) -> str:
        return re.sub(r"{(\w+)}", lambda name: ids.get(name[1], "0" * 32), self.path)


def routes_of(router: Any) -> Iterator[Route]:
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes_of(inner)
        elif route.path.startswith("/console") and route.path not in OPEN and hasattr(route, "methods"):
            actions = {word for word in literals(route.endpoint) if word in PERMISSIONS.actions}
            if route.path.startswith("/console/cases/") and not route.path.endswith("/claim"):
                actions.add("case_view")  # asked for before the route is entered
            yield from (Route(method, route.path, frozenset(actions)) for method in sorted(route.methods - {"HEAD"}))


def literals(function: Any) -> Iterator[str]:
    """The strings of a function, of those inside it, and of the functions that it closes over."""
    yield from strings(function.__code__)
    for cell in function.__closure__ or ():
        if hasattr(cell.cell_contents, "__code__"):
            yield from literals(cell.cell_contents)


def strings(code: CodeType) -> Iterator[str]:
    for const in code.co_consts:
        if isinstance(const, str):
            yield const
        elif isinstance(const, CodeType):
            yield from strings(const)


@dataclass
class Town:
    """Two districts on one database."""

    here: Site
    there: Site
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def case(self, level: Level, owner_id: str) -> str:
        """A case of this district that somebody serves."""
        service = self.here.service
        case_id = open_case(service, level, f"v{next(self.numbers)}")

        def work(connection: sa.Connection) -> None:
            owner = service.store.staff.get(connection, owner_id)
            assert owner is not None
            service.desk.claim(connection, case_id, owner, NOW)
            service.desk.note(connection, case_id, owner, CANARY, NOW)

        do(service.writer, work)
        return case_id

    def share(self, case_id: str, with_id: str) -> None:
        shares, until = self.here.service.store.shares, NOW + timedelta(days=1)
        values = {"with_id": with_id, "by_id": "x", "shows_contact": True, "at": NOW, "until": until}
        do(self.here.service.writer, lambda c: shares.add(c, "请看一下", case_id=case_id, **values))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = str(tmp_path_factory.mktemp("matrix"))
    sites = []
    for district in ("here", "there"):
        settings = load_settings({"HOTLINE_DATA_DIR": folder, "HOTLINE_DISTRICT": district})
        app = server.build_app(settings, now=Clock(), screener=compiled_screener())
        sites.append(Site(app, app.state.service))
    yield Town(*sites)
    for site in sites:
        site.service.writer.close()
        site.service.store.engine.dispose()


@pytest.fixture(scope="module")
def real_hash() -> str:
    return hash_password("a-password-nobody-types")


def seat(site: Site, real_hash: str, *roles: str) -> Seat:
    made = site.seat(roles[0], *roles)
    staff = site.service.store.staff
    do(site.service.writer, lambda c: staff.change(c, made.counsellor.id, password_hash=real_hash))
    return made


async def ask(seat: Seat, route: Route, **ids: str) -> httpx.Response:
    if route.method == "GET":
        return await seat.browser.get(route.at(**ids))
    return await seat.browser.request(route.method, route.at(**ids), data=FIELDS)


def test_every_console_route_names_the_action_that_it_needs(town: Town) -> None:
    walked = list(routes_of(town.here.app))
    assert len(walked) >= 40, "the walk no longer finds the routes"
    assert [route for route in walked if not route.actions] == []


@pytest.mark.parametrize("role", PERMISSIONS.names)
async def test_a_role_gets_what_the_table_allows_and_a_404_for_the_rest(town: Town, real_hash: str, role: str) -> None:
    me = seat(town.here, real_hash, role)
    other = counsellor(town.here.service.store, town.here.service.writer, f"other-of-{role}")
    until = NOW + timedelta(days=1)
    mine = CaseFacts(me.counsellor.id, NOW, State.IN_SERVICE, Level.LOW, me.counsellor.id, shared_until=until)
    theirs = CaseFacts(me.counsellor.id, NOW, State.IN_SERVICE, Level.HIGH, other.id)
    kept = town.case(Level.HIGH, other.id)
    wrong: list[tuple[Route, bool, str, int]] = []  # all of them, so that one run shows the whole gap
    before = rows(town.here.service.store.engine, t.case_record, id=kept)
    for route in sorted(routes_of(town.here.app), key=lambda route: (route.path in LAST, route.path)):
        for facts in (mine, theirs) if route.is_of_a_case else (None,):
            is_allowed = all(PERMISSIONS.allows([role], action, facts) for action in route.actions)
            if not is_allowed:
                case_id = town.case(Level.LOW, me.counsellor.id) if facts is mine else kept
                answer = await ask(me, route, case_id=case_id)
                if answer.status_code != 404:
                    wrong.append((route, facts is mine, "forbidden", answer.status_code))
            elif route.path not in ENDLESS and not route.wants_other_ids:
                case_id = town.case(facts.level, facts.owner_id) if facts and facts.owner_id else ""
                if facts is mine:
                    town.share(case_id, me.counsellor.id)
                answer = await ask(me, route, case_id=case_id)
                assert answer.status_code < 500
                if answer.status_code in (401, 403) or "没有这个页面" in answer.text:
                    wrong.append((route, facts is mine, "allowed", answer.status_code))
    assert wrong == []
    assert rows(town.here.service.store.engine, t.case_record, id=kept) == before


async def test_another_district_finds_nothing_changes_nothing_and_learns_nothing(town: Town, real_hash: str) -> None:
    owner = counsellor(town.here.service.store, town.here.service.writer, "owner")
    case_id = town.case(Level.EMERGENCY, owner.id)
    town.share(case_id, owner.id)
    (case,) = rows(town.here.service.store.engine, t.case_record, id=case_id)
    (share,) = rows(town.here.service.store.engine, t.case_share, case_id=case_id)
    ids = {"case_id": case_id, "staff_id": owner.id, "share_id": share.id}
    stranger = seat(town.there, real_hash, *PERMISSIONS.names)
    before, wrong = everything(town, "here"), []
    for route in sorted(routes_of(town.there.app), key=lambda route: (route.path in LAST, route.path)):
        if route.path in ENDLESS:
            continue
        answer = await ask(stranger, route, **ids)
        if "{" in route.path:
            invented = await ask(stranger, route)
            assert (route, answer.status_code, answer.text) == (route, invented.status_code, invented.text)
        if (route.is_of_a_case or "{staff_id}" in route.path) and answer.status_code != 404:
            wrong.append((route, answer.status_code))
        assert not any(word in answer.text for word in (case.case_no, case_id, owner.id, CANARY)), route
    assert wrong == []
    assert everything(town, "here") == before


async def test_a_session_of_one_district_opens_nothing_in_the_other(town: Town, real_hash: str) -> None:
    browser = town.there.browser()
    browser.cookies.set("xindeng_console", seat(town.here, real_hash, "supervisor").cookie)
    assert (await browser.get("/console")).status_code == 401


def everything(town: Town, district: str) -> dict[str, list[Any]]:
    engine = town.here.service.store.engine
    return {name: rows(engine, table, district_id=district) for name, table in t.metadata.tables.items()}
