"""Every page of the console and every public page, looked at by axe-core and for its width, in real Chromium."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import APIResponse, Browser, Page, expect

from bot.messages import Arrival
from escalation.console.case import TABS
from records import tables as t
from tests.building import CRISIS, do, new_account, open_case, rows
from tests.escalation.console.test_matrix import ENDLESS, routes_of
from tests.journeys.test_referral_journey import DANGER, enter, fill_in, institution, make_link
from tests.journeys.test_supervision_journey import account, served_and_closed, supervisor_reviews
from tests.journeys.town import Town, picture, running_town
from tests.record_samples import fill_record
from triage.risk import Level

pytestmark = pytest.mark.browser
DESK = {"width": 1366, "height": 768}
TABLETS = {"width": 1024, "height": 768}, {"width": 768, "height": 1024}
SOON = {"date": "2030-01-07", "time": "10:00", "scenario": "flood", "callers": "2"}
SHIFT = {"role": "seat", "begins": "20:00", "ends": "08:00"}
ROLES = {
    "赵督导": "supervisor", "林老师": "counsellor", "王值班长": "duty_lead", "何编辑": "editor", "周医生": "expert",
    "陈医生": "mh_officer", "沈统计": "statistician", "孙隐私": "privacy_officer", "钱管理员": "admin",
}  # fmt: skip
ELSEWHERE = {  # pages of the console that the walk leaves to another place, and why
    "/console/cases/{case_id}": "tab by tab, in a test of its own",
    "/console/cases/{case_id}/messages.json": "older messages before a number, not a page",
    "/console/events": "a stream without an end",
    "/console/files/{file_id}": "what a visitor sent, not a page",
    "/console/growth/reviews/{review_id}": "only once it is signed: in a test of its own",
    "/console/seen/{token}": "only a call outside makes a link; tests/escalation/console/test_seen.py reads the page",
    "/console/sign-in": "among the public pages",
    "/console/sign-in/code": "only between the password and the code of an account with a second factor",
}
# the watermark of a printed sheet is faint on purpose
LOOK = """async (rules) => {
  const found = await axe.run({exclude: [".a4 > .mark"]}, {resultTypes: ["violations"], ...rules});
  return found.violations.filter((one) => ["serious", "critical"].includes(one.impact))
    .flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 200)} | ${node.any[0]?.message ?? one.help}`));
}"""
UNFOLD = "document.querySelectorAll('details:not(.more-rooms)').forEach((one) => { one.open = true; })"
FITS = "document.scrollingElement.scrollWidth <= document.scrollingElement.clientWidth"
LONG = f"https://www.example.com/{'a' * 160}"  # no place to break it


@dataclass
class LivedIn:
    """A town in which every page has something to show, and somebody of each role."""

    town: Town
    seats: dict[str, Page] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    letter: tuple[str, str] = ("", "")

    def press(self, name: str, path: str, **form: str) -> APIResponse:
        """What a button of the console does."""
        page = self.seats[name]
        csrf = page.locator("meta[name=csrf]").get_attribute("content") or ""
        headers = {"X-CSRF-Token": csrf, "Origin": self.town.url}
        answer = page.request.post(f"{self.town.url}{path}", form=form, headers=headers)
        assert answer.ok, (path, answer.text())
        return answer

    def newest(self, table: sa.Table) -> str:
        return str(rows(self.town.service.store.engine, table)[-1].id)


@pytest.fixture(scope="module")
def place(browser: Browser, tmp_path_factory: pytest.TempPathFactory, index_folder: Path) -> Iterator[LivedIn]:
    folder = tmp_path_factory.mktemp("axe")
    shutil.copytree(index_folder, folder / "index")
    for town in running_town(folder):
        made = LivedIn(town)
        for name, role in ROLES.items():
            page = made.seats[name] = town.desk(browser, name, role)
            page.set_viewport_size(DESK)
            page.set_default_timeout(20_000)
            page.goto(f"{town.url}/console/account")
        cases(made)
        house(made)
        yield made


def cases(made: LivedIn) -> None:
    """One looked at again after its end, one of a minor behind the gate, one in rescue and referred, one that waits."""
    town, lin = made.town, made.seats["林老师"]
    closed = served_and_closed(town, lin)
    made.ids["review_id"] = made.newest(t.case_review)
    made.ids["closed"] = closed
    service, who = town.service, account(town, "林老师")
    young = made.ids["minor"] = open_case(service, Level.LOW, "小小")
    do(service.writer, lambda c: service.desk.claim(c, young, who, service.now()))
    made.press("林老师", f"/console/cases/{young}/minor")
    fill_record(service, young, who)
    made.press("林老师", f"/console/cases/{young}/close", disposition="mistaken", summary="是同学开玩笑，母亲在身边")
    institution(town, "演示县人民医院", green_channel="是", is_24h="是")
    made.ids["institution_id"] = made.newest(t.institution)
    town.writes(DANGER)
    lin.goto(f"{town.url}/console")
    lin.locator("#queue li.row button.claim").click()
    expect(lin.locator("#reply")).to_be_visible()
    case = made.ids["case_id"] = lin.url.rsplit("/", 1)[1].split("#")[0]
    lin.locator("#tab-referral").click()
    fill_in(lin, "演示县人民医院")
    lin.locator("#refer-form > .line button").click()
    made.letter = make_link(lin)
    made.ids["referral_id"] = made.newest(t.referral)
    of_case = f"/console/cases/{case}"
    made.press("林老师", f"{of_case}/minor")
    made.press("林老师", f"{of_case}/rescue/start", basis="act", reason="已服药，意识模糊")
    made.press("林老师", f"{of_case}/note", text="室友七点回来")
    made.press(
        "林老师", f"{of_case}/share", **{"with": account(town, "周医生").id, "days": "3", "reason": "请判断是否急诊"}
    )
    town.do(service.intake.arrive(arrival("我要投诉刚才的老师，他说我矫情", "openid-2")))
    town.do(service.intake.arrive(arrival(CRISIS, "openid-3")))


def arrival(text: str, person: str) -> Arrival:
    return Arrival("wechat", person, f"{person}-1", "text", text, nickname="小禾", scene="school-7")


def house(made: LivedIn) -> None:
    """What is no case: a drill, a shift, a handover, a draft, a frozen month."""
    lead = account(made.town, "林老师").id
    made.press("赵督导", "/console/drills/plans", **SOON)
    made.press("王值班长", "/console/roster/shifts", who=lead, date=f"{made.town.service.now():%Y-%m-%d}", **SHIFT)
    made.press(
        "王值班长", "/console/handovers/out/signature", remarks="2 号机耳机坏了，已报修", reason="刚响铃，李老师正在接"
    )
    made.ids["handover_id"] = made.newest(t.handover)
    made.ids["draft_id"] = made.press("何编辑", "/console/library/new").json()["id"]
    made.ids["article_id"] = "E001"


def arrives(page: Page) -> None:
    """The page has drawn itself."""
    page.wait_for_load_state("load")
    if page.locator("#connection").count():
        expect(page.locator("#connection")).to_contain_text("正常")
    page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


def faults(page: Page, name: str) -> list[str]:
    """What axe-core calls serious or critical, folded forms included, by day and by night; and a page that is too wide."""
    picture(page, name)
    page.evaluate(UNFOLD)
    page.evaluate(AXE_SCRIPT)  # by the debugger: the page's policy lets no script in
    found = page.evaluate(LOOK, {})
    page.emulate_media(color_scheme="dark")
    found += [f"dark {one}" for one in page.evaluate(LOOK, {"runOnly": ["color-contrast"]})]
    page.emulate_media(color_scheme="light")
    for size in (DESK, *TABLETS):
        page.set_viewport_size(size)
        if not page.evaluate(FITS):
            found.append(f"wider than {size['width']}")
    page.set_viewport_size(DESK)
    return [f"{name} {one}" for one in dict.fromkeys(found)]


def walked(place: LivedIn) -> Iterator[str]:
    for route in routes_of(place.town.app):
        if route.method == "GET" and route.path not in ELSEWHERE and route.path not in ENDLESS:
            yield route.path


def address(place: LivedIn, path: str) -> str:
    """A real one: what has a page after its end stands for the case there."""
    known = {**place.ids, "kind": "xlsx"}
    if path.startswith("/console/supervision/missed"):
        known["case_id"] = place.ids["closed"]
    if path.startswith("/console/gate"):
        known["case_id"] = place.ids["minor"]
    return re.sub(r"{(\w+)}", lambda name: known[name[1]], path)


def first_reader(place: LivedIn, where: str) -> Page | None:
    """Who may open it as a page of its own; nobody where it is a file or numbers for a script."""
    for page in place.seats.values():
        answer = page.request.get(where, max_redirects=0)
        if answer.status == 200:
            return page if "text/html" in answer.headers["content-type"] else None
    pytest.fail(f"nobody can open {where}")


def test_no_page_of_the_console_keeps_anybody_out(place: LivedIn) -> None:
    found, opened = [], 0
    for path in walked(place):
        where = f"{place.town.url}{address(place, path)}"
        if (page := first_reader(place, where)) is None:
            continue
        page.goto(where)
        arrives(page)
        found += faults(
            page, "page" + path.removeprefix("/console").replace("/", "-").replace("{", "").replace("}", "")
        )
        opened += 1
    assert found == []
    assert opened >= 35


def test_a_signed_review_keeps_nobody_out(place: LivedIn) -> None:
    supervisor_reviews(place.town, place.seats["赵督导"])
    lin = place.seats["林老师"]
    lin.goto(f"{place.town.url}/console/growth/reviews/{place.ids['review_id']}")
    arrives(lin)
    assert faults(lin, "page-growth-review") == []


def test_no_tab_of_a_case_keeps_anybody_out(place: LivedIn) -> None:
    found, lin = [], place.seats["林老师"]
    lin.goto(f"{place.town.url}/console/cases/{place.ids['case_id']}")
    arrives(lin)
    for tab in TABS:
        lin.locator(f"#tab-{tab.name}").click()
        found += faults(lin, f"case-{tab.name}")
    assert found == []


def test_on_a_tablet_the_conversation_keeps_half_of_the_screen(place: LivedIn) -> None:
    lin = place.seats["林老师"]
    for size in TABLETS:
        lin.set_viewport_size(size)
        lin.goto(f"{place.town.url}/console/cases/{place.ids['case_id']}")
        arrives(lin)
        picture(lin, f"case-tablet-{size['width']}")
        talk = lin.locator(".talk").bounding_box()
        assert talk is not None
        assert talk["width"] * talk["height"] >= size["width"] * size["height"] / 2
        for part in ("#reply button.main", "#messages > li:last-child", "#tab-respond"):
            expect(lin.locator(part)).to_be_in_viewport()
    lin.set_viewport_size(DESK)


def test_the_menu_of_the_header_opens_without_hiding_anything(place: LivedIn) -> None:
    zhao = place.seats["赵督导"]
    zhao.goto(f"{place.town.url}/console")
    arrives(zhao)
    zhao.locator(".more-rooms summary").click()
    assert faults(zhao, "menu") == []


def test_no_public_page_keeps_anybody_out(place: LivedIn, browser: Browser) -> None:
    page = browser.new_context(viewport=DESK, locale="zh-CN").new_page()
    found = []
    for name in ("", "embed", "console/sign-in", "console/nowhere"):
        page.goto(f"{place.town.url}/{name}")
        if name in ("", "embed"):
            expect(page.locator("#log")).to_contain_text("是机器人，不是真人")
        found += faults(page, f"public-{name.replace('/', '-') or 'chat'}")
    found += first_password(place, page) + partners_letter(place, page) + own_records(place, page)
    assert found == []


def own_records(place: LivedIn, page: Page) -> list[str]:
    """What a person gets who asked for their records."""
    page.goto(place.town.url)
    for text in (LONG, "我的记录"):
        page.locator("#text").fill(text)
        page.locator("button.send").click()
        expect(page.locator("#log")).to_contain_text(text)
    expect(page.locator("#log")).to_contain_text("您要一份自己的记录")
    place.press("孙隐私", f"/console/law/requests/{place.newest(t.law_request)}/answer")
    expect(page.locator("#log")).to_contain_text("/my-records/")
    token = page.locator("#log").inner_text().split("/my-records/")[1].split()[0]
    page.goto(f"{place.town.url}/my-records/{token}")
    expect(page.locator("dl")).to_contain_text(LONG)
    return faults(page, "public-my-records")


def first_password(place: LivedIn, page: Page) -> list[str]:
    once = new_account(place.town.service, "xin", "新老师")
    page.goto(f"{place.town.url}/console/sign-in")
    page.locator("input[name=login]").fill("xin")
    page.locator("input[name=password]").fill(once)
    page.get_by_role("button", name="登录").click()
    expect(page.locator("input[name=again]")).to_be_visible()
    return faults(page, "public-password")


def partners_letter(place: LivedIn, page: Page) -> list[str]:
    url, code = place.letter
    page.goto(url)
    found = faults(page, "partner-code")
    enter(page, code)
    expect(page.locator(".letter")).to_be_visible()
    found += faults(page, "partner-letter")
    page.goto(f"{place.town.url}/partner/r/{'A' * 43}")
    return found + faults(page, "partner-nothing")
