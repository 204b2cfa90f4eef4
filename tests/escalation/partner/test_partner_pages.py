"""/partner/r/{token} through the real application: one neutral page for all that is not, headers, forms, limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import server
from escalation.partner.pace import Pace
from settings import load_settings
from tests.browsing import ORIGIN, Site
from tests.building import NOW, Clock, compiled_screener
from tests.escalation.console.test_referrals_page import FORM, made

pytestmark = pytest.mark.anyio
FORGED = "A" * 43


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(tmp_path: Path, clock: Clock) -> Iterator[Site]:
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path)})
    app = server.build_app(settings, now=clock, screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def link(site: Site) -> tuple[str, str]:
    """The path and the code of a referral's link."""
    lin = site.seat("lin")
    await made(site, lin)
    told = (await lin.post(f"/console/referrals/{FORM['id']}/link")).json()
    return str(told["path"]), str(told["code"])


async def opened(site: Site) -> tuple[httpx.AsyncClient, str]:
    path, code = await link(site)
    phone = site.browser(Origin=ORIGIN)
    answer = await phone.post(path, data={"code": code})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    return phone, path


async def test_before_the_code_the_page_tells_nothing_about_anybody(site: Site) -> None:
    path, _ = await link(site)
    answer = await site.browser().get(path)
    assert answer.status_code == 200
    for secret in ("小雨甲", "想死", "演示医院", "急诊"):
        assert secret not in answer.text


async def test_all_that_is_not_looks_the_same(site: Site, clock: Clock) -> None:
    path, code = await link(site)
    phone = site.browser(Origin=ORIGIN)
    nothing = await phone.get(f"/partner/r/{FORGED}")
    assert nothing.status_code == 404

    async def tries(at: str) -> list[httpx.Response]:
        return [
            await phone.get(at), await phone.post(at, data={"code": code}),
            await phone.post(f"{at}/accept", data={"who": "李医生"}), await phone.post(f"{at}/dance"),
        ]  # fmt: skip

    clock.forward(days=30)
    for answer in [*await tries(path), *await tries(f"/partner/r/{FORGED}"), *await tries(f"/partner/r/{'x' * 2000}")]:
        assert (answer.status_code, answer.text) == (404, nothing.text)


async def test_the_letter_is_shown_answered_and_returned_without_any_script(site: Site) -> None:
    phone, path = await opened(site)
    page = (await phone.get(path)).text
    assert "说想死，有计划" in page
    assert FORM["basis_words"] not in page
    assert "<script" not in page
    answer = await phone.post(f"{path}/accept", data={"who": "急诊李医生"})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert "您已接受" in (await phone.get(path)).text
    form = {"who": "急诊李医生", "attended": "yes", "on": "2026-12-01", "words": "已到诊"}
    assert (await phone.post(f"{path}/return", data=form)).status_code == 303
    assert "您已回转信息" in (await phone.get(path)).text


async def test_a_form_that_lacks_something_comes_back_with_what_was_typed(site: Site) -> None:
    phone, path = await opened(site)
    await phone.post(f"{path}/accept", data={"who": "急诊李医生"})
    answer = await phone.post(f"{path}/return", data={"who": "急诊李医生", "words": "没说到没到"})
    assert answer.status_code == 409
    for words in ("请选择到诊了没有", "没说到没到", "急诊李医生"):
        assert words in answer.text


async def test_after_a_refusal_the_letter_is_gone(site: Site) -> None:
    phone, path = await opened(site)
    answer = await phone.post(f"{path}/decline", data={"who": "急诊李医生", "words": "没有床位"})
    assert "会另找机构" in answer.text
    assert (await phone.get(path)).status_code == 404


async def test_another_phone_has_to_know_the_code_too(site: Site) -> None:
    phone, path = await opened(site)
    assert "说想死" in (await phone.get(path)).text
    assert "请输入访问码" in (await site.browser().get(path)).text
    assert (await site.browser(Origin=ORIGIN).post(f"{path}/accept", data={"who": "某人"})).status_code == 404


async def test_five_wrong_codes_lock_the_link(site: Site) -> None:
    path, code = await link(site)
    phone = site.browser(Origin=ORIGIN)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    codes = [(await phone.post(path, data={"code": wrong})).status_code for _ in range(5)]
    assert codes == [403] * 4 + [404]
    assert (await phone.post(path, data={"code": code})).status_code == 404


async def test_the_pages_are_stored_nowhere_framed_nowhere_and_found_nowhere(site: Site) -> None:
    phone, path = await opened(site)
    for at in (path, f"/partner/r/{FORGED}"):
        headers = (await phone.get(at)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-robots-tag"] == "noindex"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "same-origin"
    cookie = next(iter(phone.cookies.jar))
    assert (cookie.path, cookie.has_nonstandard_attr("HttpOnly")) == ("/partner/", True)


async def test_a_form_of_another_site_is_refused(site: Site) -> None:
    phone, path = await opened(site)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        for at in (path, f"{path}/accept"):
            assert (await phone.post(at, data={"who": "李医生", "code": "1"}, headers=headers)).status_code == 403


async def test_a_form_too_large_is_refused_before_it_is_read(site: Site) -> None:
    answer = await site.browser().post(f"/partner/r/{FORGED}", content=b"x" * (256 * 1024 + 1))
    assert answer.status_code == 413


async def test_words_of_people_cannot_become_markup(site: Site) -> None:
    lin = site.seat("lin")
    await made(site, lin, **{"share:called": "<script>alert(1)</script>"})
    told = (await lin.post(f"/console/referrals/{FORM['id']}/link")).json()
    phone = site.browser(Origin=ORIGIN)
    await phone.post(told["path"], data={"code": told["code"]})
    page = (await phone.get(told["path"])).text
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert re.findall(r"<style|\son[a-z]+=|\sstyle=", page) == []


async def test_who_knocks_too_often_sees_nothing_and_others_go_on(site: Site, clock: Clock) -> None:
    path, _ = await link(site)
    phone = site.browser()
    answers = [await phone.get(f"/partner/r/{FORGED}") for _ in range(60)]
    assert {answer.status_code for answer in answers} == {404}
    assert (await phone.get(path)).status_code == 404
    clock.forward(minutes=1)
    assert (await phone.get(path)).status_code == 200


def test_the_pace_counts_each_key_for_itself_and_forgets() -> None:
    pace = Pace(2, timedelta(seconds=10))
    assert [pace.allows("a", NOW) for _ in range(3)] == [True, True, False]
    assert pace.allows("b", NOW)
    assert pace.allows("a", NOW + timedelta(seconds=10))


def test_the_pace_remembers_a_limited_number_of_keys() -> None:
    pace: Any = Pace(2, timedelta(seconds=10))
    for number in range(10_050):
        pace.allows(str(number), NOW)
    assert len(pace._knocks) == 10_000
