"""The administrator's page: accounts and nothing else, every change with proof and in the audit."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import server
from escalation.accounts import hash_password, password_fits
from records import tables as t
from records.staff import Counsellor
from settings import load_settings
from tests.browsing import Seat, Site
from tests.building import EMERGENCY, Clock, compiled_screener, do, rows

pytestmark = pytest.mark.anyio
PASSWORD = "the-password-of-root"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One application for all: every test brings its own people."""
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path_factory.mktemp("accounts"))})
    app = server.build_app(settings, now=Clock(), screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


@pytest.fixture(scope="module")
def kept() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def root(site: Site, kept: str) -> Seat:
    made, staff = site.seat("root", "admin"), site.service.store.staff
    do(site.service.writer, lambda c: staff.change(c, made.counsellor.id, password_hash=kept))
    return made


def get(site: Site, login: str) -> Counsellor | None:
    with site.service.store.engine.connect() as connection:
        return site.service.store.staff.by_login(connection, login)


def once_of(page: str) -> str:
    found = re.search(r'id="once">([a-z0-9-]{19})<', page)
    assert found is not None
    return found[1]


async def test_an_account_is_added_and_its_password_shown_once(site: Site, root: Seat) -> None:
    fields = {"login": "xiaowang", "name": "王老师", "role": "volunteer", "proof": PASSWORD}
    once = once_of((await root.post("/console/accounts", **fields)).text)
    who = get(site, "xiaowang")
    assert who is not None
    assert (who.display_name, who.roles, who.must_change) == ("王老师", ("volunteer",), True)
    assert password_fits(who, once)
    assert once not in (await root.browser.get("/console/accounts")).text


@pytest.mark.parametrize("proof", ["", "wrong"])
async def test_without_proof_nothing_changes_and_what_was_typed_stays(site: Site, root: Seat, proof: str) -> None:
    lin = site.seat("lin")
    fields = {"login": "nobody", "name": "王老师", "role": "volunteer", "proof": proof}
    page = (await root.post("/console/accounts", **fields)).text
    assert 'value="王老师"' in page
    assert 'value="volunteer" checked' in page
    assert get(site, "nobody") is None
    before = rows(site.service.store.engine, t.counsellor, id=lin.counsellor.id)
    for change in ("roles", "reset", "disable", "reset-factor"):
        page = (await root.post(f"/console/accounts/{lin.counsellor.id}/{change}", role="admin", proof=proof)).text
        assert "密码或验证码不对" in page
        assert 'id="once"' not in page
    assert rows(site.service.store.engine, t.counsellor, id=lin.counsellor.id) == before


async def test_roles_change_a_reset_and_a_closed_account_take_effect_at_once(site: Site, root: Seat) -> None:
    lin = site.seat("lin")
    url = f"/console/accounts/{lin.counsellor.id}"
    await root.browser.post(f"{url}/roles", data={"role": ["volunteer", "expert"], "proof": PASSWORD})
    who = get(site, lin.counsellor.login)
    assert who is not None
    assert who.roles == ("volunteer", "expert")
    once = once_of((await root.post(f"{url}/reset", proof=PASSWORD)).text)
    who = get(site, lin.counsellor.login)
    assert password_fits(who, once)
    assert (await lin.browser.get("/console")).status_code == 401
    await root.post(f"{url}/disable", proof=PASSWORD)
    who = get(site, lin.counsellor.login)
    assert who is not None
    assert not who.is_active


async def test_an_administrator_cannot_make_themselves_a_supervisor(site: Site, root: Seat) -> None:
    page = (await root.post(f"/console/accounts/{root.counsellor.id}/roles", role="supervisor", proof=PASSWORD)).text
    assert "另一位管理员" in page
    who = get(site, root.counsellor.login)
    assert who is not None
    assert who.roles == ("admin",)


async def test_an_account_that_is_not_there_is_a_404(root: Seat) -> None:
    assert (await root.post(f"/console/accounts/{'0' * 32}/reset", proof=PASSWORD)).status_code == 404


async def test_the_page_shows_accounts_and_no_content_and_leads_to_none(site: Site, root: Seat) -> None:
    person = await site.visitor()
    await person.post(EMERGENCY, "m1")
    page = (await root.browser.get("/console/accounts")).text
    assert EMERGENCY not in page
    assert "argon2" not in page
    assert 'href="/console/undelivered"' not in page
    assert 'class="brand" href="/console/accounts"' in page
