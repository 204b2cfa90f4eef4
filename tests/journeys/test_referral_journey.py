"""An orange case is referred: the counsellor's tab, the partner's phone, the answer that comes back; in real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.building import counsellor, do
from tests.journeys.town import PHONE, Town, picture, running_town

pytestmark = pytest.mark.browser
SMALL_DESK = {"width": 1366, "height": 768}
DANGER = "我已经写好遗书，明天就跳楼"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    yield from running_town(tmp_path)


def seat(browser: Browser, town: Town, name: str, *roles: str) -> Page:
    page = town.seat(browser, name, *roles)
    page.set_viewport_size(SMALL_DESK)
    page.context.set_default_timeout(15_000)
    return page


def institution(town: Town, name: str, *, checked_days_ago: int | None = 0, **texts: str) -> None:
    """An entry of the directory, checked so long ago or never."""
    service = town.service
    who = counsellor(service.store, service.writer, f"编辑{name}", "supervisor")
    entry = {"name": name, "kinds": "er；clinic", "region": "演示县", "phones": "000-0000001 24小时", **texts}
    desk, at = service.desks.referrals.directory, service.now() - timedelta(days=checked_days_ago or 0)
    do(service.writer, lambda c: desk.add(c, who, entry, at, checked=checked_days_ago is not None))


def serve_orange(browser: Browser, town: Town) -> Page:
    """Lin serves somebody in danger and opens the tab."""
    lin = seat(browser, town, "林老师")
    town.writes(DANGER)
    lin.locator("#queue li.row button.claim").click()
    expect(lin.locator("#reply")).to_be_visible()
    lin.locator("#tab-referral").click()
    return lin


def fill_in(lin: Page, place: str, basis: str = "consent") -> None:
    lin.locator("#refer > summary").click()
    form = lin.locator("#refer-form")
    form.locator("[name=kind]").select_option("er")
    form.get_by_label("立即").check()
    form.get_by_label(place).check()
    form.locator("[name=reason]").fill("说明天要跳楼，写了遗书，需要急诊评估")
    form.locator(f"[name=basis][value={basis}]").check()
    form.locator("[name=basis_words]").fill("问了本人，愿意去急诊，让医院先打电话")
    for field_name, words in {
        "where": "演示县城，家里", "phone": "000-0000009，可以直接打", "danger": "说明天跳楼，写了遗书", "companion": "室友在身边",
    }.items():  # fmt: skip
        form.locator(f"[name='share:{field_name}']").fill(words)


def make_link(lin: Page) -> tuple[str, str]:
    lin.locator(".referral .link").click()
    expect(lin.locator(".made-link .code")).to_be_visible()
    return lin.locator(".made-link .url").inner_text(), lin.locator(".made-link strong.code").inner_text()


def partner(browser: Browser) -> Page:
    page = browser.new_context(viewport=PHONE, locale="zh-CN", has_touch=True).new_page()
    page.set_default_timeout(15_000)
    return page


def enter(page: Page, code: str) -> None:
    page.locator("#code").fill(code)
    page.locator("button.main").click()


def test_an_orange_case_is_referred_and_the_answer_comes_back(browser: Browser, town: Town) -> None:
    institution(town, "演示县人民医院", green_channel="是", is_24h="是")
    institution(town, "从未核实医院", checked_days_ago=None)
    institution(town, "去年核实医院", checked_days_ago=200)
    lin = serve_orange(browser, town)
    fill_in(lin, "演示县人民医院")
    expect(lin.locator("#offers .offer")).to_have_count(1)
    expect(lin.locator("#left-out")).to_contain_text("另有 2 家太久没有核实")
    expect(lin.locator("#letter-preview")).to_contain_text("室友在身边")
    expect(lin.locator("#letter-preview")).not_to_contain_text("愿意去急诊")  # the ground is not the partner's
    lin.locator("#offers").scroll_into_view_if_needed()
    picture(lin, "case-referral-form")
    lin.locator("#letter-preview").scroll_into_view_if_needed()
    picture(lin, "case-referral-preview")
    lin.locator("#refer-form > .line button").click()
    expect(lin.locator(".referral .state")).to_have_text("已发出，待对方确认")
    url, code = make_link(lin)
    picture(lin, "case-referral")
    phone = partner(browser)
    the_partner_accepts(phone, url, code)
    expect(lin.locator(".referral .state")).to_have_text("对方已接受")
    the_partner_returns(phone)
    expect(lin.locator(".referral .state")).to_have_text("已回转：已到诊")
    expect(lin.locator("#announce")).to_contain_text("合作机构回转了信息")
    lin.locator(".referral .past > summary").click()
    expect(lin.locator(".referral .history")).to_contain_text("已到诊，留观一晚")
    picture(lin, "case-referral-returned")
    lin.goto(f"{town.url}/console/referrals")
    expect(lin.locator("#summary")).to_have_text("本月转出 1 · 已确认 1 · 不能接收 0 · 到诊 1 · 已回转 1")


def the_partner_accepts(phone: Page, url: str, code: str) -> None:
    phone.goto(url)
    expect(phone.locator("h1")).to_have_text("请输入访问码")
    assert "小雨" not in phone.content()
    picture(phone, "partner-code")
    enter(phone, code)
    expect(phone.locator(".letter")).to_contain_text("说明天跳楼，写了遗书")
    picture(phone, "partner-letter")
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.locator("#who-accept").fill("急诊科李医生")
    phone.get_by_role("button", name="接受", exact=True).click()
    expect(phone.locator(".state")).to_contain_text("您已接受")


def the_partner_returns(phone: Page) -> None:
    phone.get_by_label("已到诊").check()
    phone.locator("#result").fill("已到诊，留观一晚，明早精神科会诊")
    phone.locator("#who-return").fill("急诊科李医生")
    picture(phone, "partner-return")
    phone.get_by_role("button", name="发给热线").click()
    expect(phone.locator(".state")).to_contain_text("您已回转信息")


def test_a_link_that_is_forged_expired_or_locked_looks_the_same(browser: Browser, town: Town) -> None:
    institution(town, "演示县人民医院")
    lin = serve_orange(browser, town)
    fill_in(lin, "演示县人民医院")
    lin.locator("#refer-form > .line button").click()
    url, code = make_link(lin)
    phone = partner(browser)
    phone.goto(f"{town.url}/partner/r/{'A' * 43}")
    forged = phone.locator("main").inner_text()
    assert "打不开" in forged
    picture(phone, "partner-nothing")
    phone.goto(url)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for _ in range(4):
        enter(phone, wrong)
        expect(phone.locator(".error")).to_contain_text("访问码不对")
    enter(phone, wrong)
    expect(phone.locator("h1")).to_have_text("这个链接打不开")
    assert phone.locator("main").inner_text() == forged
    expect(lin.locator("#announce")).to_contain_text("输错5次")
    url, code = make_link(lin)
    store = town.service.store
    do(town.service.writer, lambda c: store.partner_links.change(c, newest(town), expires_at=town.service.now()))
    phone.goto(url)
    assert phone.locator("main").inner_text() == forged


def newest(town: Town) -> str:
    store = town.service.store
    with store.engine.connect() as connection:
        (referral,) = store.referrals.open_ones(connection)
        link = store.partner_links.newest(connection, referral.id)
    assert link is not None
    return link.id


def test_without_consent_a_supervisor_agrees_first_and_what_is_late_is_marked(browser: Browser, town: Town) -> None:
    institution(town, "演示县人民医院")
    zhao = seat(browser, town, "赵督导", "supervisor")
    lin = serve_orange(browser, town)
    fill_in(lin, "演示县人民医院", "emergency")
    expect(lin.locator("#needs-second")).to_be_visible()
    lin.locator("#refer-form > .line button").click()
    expect(lin.locator(".referral .state")).to_have_text("待第二人同意")
    expect(lin.locator(".referral .link")).to_be_hidden()
    expect(zhao.locator("#announce")).to_contain_text("等第二人决定")
    expect(zhao.locator("#referral-count")).to_have_text("1")
    expect(zhao.locator("#queue li.row .referral")).to_be_visible()
    zhao.goto(f"{town.url}/console/referrals")
    picture(zhao, "referrals-proposed")
    zhao.locator(".decision a").click()
    zhao.locator(".referral .past > summary").click()
    expect(zhao.locator(".referral .basis")).to_contain_text("紧急情况")
    zhao.get_by_role("button", name="同意转介", exact=True).click()
    expect(lin.locator(".referral .state")).to_have_text("已发出，待对方确认")
    zhao.goto(f"{town.url}/console/referrals")
    store, past = town.service.store, town.service.now() - timedelta(minutes=40)
    with store.engine.connect() as connection:
        (referral,) = store.referrals.open_ones(connection)
    do(town.service.writer, lambda c: store.referrals.change(c, referral.id, due_at=past))
    expect(zhao.locator(".task[data-kind=call_partner]")).to_be_visible()
    picture(zhao, "referrals")
    form = zhao.locator(".task[data-kind=call_partner] form")
    form.locator("input").fill("打了急诊电话，护士说马上看链接")
    form.get_by_role("button").click()
    expect(zhao.locator(".task[data-kind=call_partner]")).to_have_count(0)


def test_the_directory_is_searched_checked_and_filled_from_a_file(browser: Browser, town: Town, tmp_path: Path) -> None:
    institution(town, "演示县人民医院", services="失眠门诊；心理评估", green_channel="是")
    institution(town, "演示中学心理中心", kinds="school", age_to="18", checked_days_ago=120)
    zhao = seat(browser, town, "赵督导", "supervisor")
    zhao.goto(f"{town.url}/console/institutions")
    expect(zhao.locator(".place")).to_have_count(2)
    picture(zhao, "institutions")
    zhao.locator("#words").fill("失眠")
    expect(zhao.locator(".place")).to_have_count(1)
    zhao.locator("#words").fill("")
    zhao.locator("[name=age]").fill("16")
    zhao.locator("[name=kind]").select_option("school")
    expect(zhao.locator(".place .checked.old")).to_have_count(1)
    zhao.locator(".place .name").focus()
    zhao.keyboard.press("j")
    zhao.locator(".place").first.focus()
    zhao.keyboard.press("v")
    expect(zhao.locator(".place .checked.old")).to_have_count(0)
    import_a_file(zhao, town, tmp_path)


def import_a_file(zhao: Page, town: Town, folder: Path) -> None:
    file = folder / "机构.csv"
    text = "名称,类型,地区,电话和时段\n演示市热线,市级热线,演示市,000-1 24小时\n演示县人民医院,er,演示县,000-2\n坏行,诊所,演示县,\n"
    file.write_bytes(text.encode("gb18030"))
    zhao.goto(f"{town.url}/console/institutions/import")
    zhao.locator("[name=file]").set_input_files(file)
    zhao.get_by_role("button", name="看看会改什么").click()
    expect(zhao.locator("#counts")).to_have_text("新的 1 行 · 有改动 1 行 · 一样的 0 行 · 有错 1 行")
    expect(zhao.locator("tr[data-what=broken]")).to_contain_text("类型：没有“诊所”")
    picture(zhao, "institution-import")
    zhao.locator("#confirm-import").click()
    expect(zhao.locator("#counts")).to_contain_text("已导入 2 行")
    zhao.goto(f"{town.url}/console/institutions")
    expect(zhao.locator(".place")).to_have_count(3)
    zhao.locator(".place .name", has_text="演示县人民医院").click()
    zhao.locator("details summary", has_text="修改").first.click()
    zhao.locator("[name=phones]").fill("打前台")
    zhao.locator("#entry button.main").click()
    expect(zhao.locator("[data-field=phones] .error")).to_contain_text("不像电话号码")
    picture(zhao, "institution")


def test_a_press_before_the_pages_script_has_come_is_done_when_it_has(browser: Browser, town: Town) -> None:
    institution(town, "演示县人民医院")
    zhao = seat(browser, town, "赵督导", "supervisor")
    waiting: list[Route] = []
    zhao.route("**/static/institution.js", lambda route: waiting.append(route))
    zhao.goto(f"{town.url}/console/institutions")
    zhao.locator(".place .name").click()
    zhao.locator("details summary", has_text="修改").first.click()
    zhao.locator("[name=phones]").fill("打前台")
    zhao.locator("#entry button.main").click()
    waiting[0].continue_()

    expect(zhao.locator("[data-field=phones] .error")).to_contain_text("不像电话号码")
    assert "phones" not in zhao.url
