"""A closed case is looked at by two, in real browsers: drawn, remarked, signed, answered; a warning; a missed crisis."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from escalation.supervision.importing import COLUMNS
from records.staff import Counsellor
from tests.building import do, greeted, inbound
from tests.journeys.town import Town, running_town
from tests.record_samples import fill_record
from triage.risk import Level

pytestmark = pytest.mark.browser
DESK = {"width": 1366, "height": 768}
HIDDEN = "阳台的花你记得替我浇"
TALK = (
    ("最近老是睡不着，也不想跟人说话", "听起来这段时间您真的很累。您有没有过不想活下去的念头？"),
    (HIDDEN, "谢谢您告诉我。您是想离开吗？我想直接问清楚，因为我在意您。"),
    ("嗯。现在有点乱", "我在这里陪您。身边有人吗？我们先把今晚怎么过说好。"),
    ("谢谢你，说出来好一点了", "我也谢谢您肯说。我们一起写下今晚的安排，好吗？"),
)
_PICTURES = os.environ.get("JOURNEY_PICTURES")  # a folder: keep screenshots there


def picture(page: Page, name: str) -> None:
    if _PICTURES:
        page.screenshot(path=Path(_PICTURES) / f"{name}.png")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    yield from running_town(tmp_path)


def desk(town: Town, browser: Browser, name: str, *roles: str) -> Page:
    page = town.desk(browser, name, *roles)
    page.set_viewport_size(DESK)
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    return page


def opened(page: Page, town: Town, path: str) -> None:
    """A page whose forms are alive."""
    page.goto(f"{town.url}{path}")
    alive(page)


def alive(page: Page) -> None:
    expect(page.locator("body[data-ready=yes]")).to_be_attached()


def account(town: Town, login: str) -> Counsellor:
    with town.service.store.engine.connect() as connection:
        found = town.service.store.staff.by_login(connection, login)
    assert found is not None
    return found


def test_a_closed_case_is_reviewed_by_two_and_a_missed_crisis_is_found(browser: Browser, town: Town) -> None:
    lin, chief = desk(town, browser, "林老师"), desk(town, browser, "赵督导", "supervisor")
    staff, long_ago = town.service.store.staff, town.service.now() - timedelta(days=800)
    do(town.service.writer, lambda c: staff.change(c, account(town, "林老师").id, created_at=long_ago))
    case_id = served_and_closed(town, lin)
    supervisor_reviews(town, chief)
    counsellor_answers(town, lin)
    opened(chief, town, "/console/supervision?show=done")
    expect(chief.locator(".review-line")).to_contain_text("两人都签了")
    trainings_and_their_warning(town, chief, lin)
    wish_to_talk(town, lin, chief)
    missed_crisis(town, chief, case_id)


def served_and_closed(town: Town, lin: Page) -> str:
    """The machine heard little; the counsellor asked and found more."""
    service, chat = town.service, greeted(town.service, "小雨")
    town.do(service.pipeline.receive(inbound(chat, "转人工", "m0")))
    lin.goto(f"{town.url}/console")
    expect(lin.locator("#connection")).to_contain_text("正常")
    lin.locator("#queue li.row button.claim").first.click()
    expect(lin.locator("#owner-line")).to_contain_text("您正在服务")
    for number, (said, answer) in enumerate(TALK, 1):
        town.do(service.pipeline.receive(inbound(chat, said, f"m{number}")))
        lin.locator("#reply-text").fill(answer)
        lin.locator("#reply button.main").click()
        expect(lin.locator("#messages .from-counsellor:not(.pending)")).to_have_count(number)
    case_id = lin.url.rsplit("/", 1)[-1].split("#")[0]
    who, chief = account(town, "林老师"), account(town, "赵督导")
    do(service.writer, lambda c: service.desk.set_level(c, case_id, who, Level.HIGH, "问出了念头和计划", service.now()))
    fill_record(service, case_id, who)
    do(
        service.writer,
        lambda c: service.desk.close(c, case_id, chief, "companion", "姐姐到了，约明天电话", service.now()),
    )
    sweep, later = service.desks.supervision.reviews.sweep, service.now() + timedelta(minutes=11)
    do(service.writer, lambda c: sweep(c, later))
    return case_id


def supervisor_reviews(town: Town, chief: Page) -> None:
    opened(chief, town, "/console/supervision")
    line = chief.locator(".review-line")
    expect(line).to_contain_text("林老师")
    expect(line).to_contain_text("橙色、红色都复盘")
    picture(chief, "supervision-list")
    line.locator("a").click()
    alive(chief)
    hidden = chief.locator(".said li", has_text=HIDDEN)
    hidden.locator("summary").click()
    hidden.locator("textarea").fill("这句很轻，您听出来了，接着就直接问，很好。")
    hidden.get_by_role("button", name="放上去").click()
    expect(hidden.locator(".remark")).to_contain_text("您听出来了")
    form = chief.locator("#review-form")
    form.locator("[name=strengths]").fill("听出了话里的告别，马上直接问；没有讲道理。")
    for name, words in (("rapport", "很好"), ("assessment", "还不稳"), ("safety_plan", "可以"), ("limits", "稳"),
                        ("record", "稳")):  # fmt: skip
        form.locator(f"[data-field={name}]").get_by_text(words, exact=True).click()
    form.get_by_role("button", name="签名").click()
    expect(form.locator("[data-field=risk_asked] .error")).to_have_text("请选一个")
    chief.reload()  # what was typed is still there
    alive(chief)
    expect(form.locator("[name=strengths]")).to_have_value("听出了话里的告别，马上直接问；没有讲道理。")
    form.locator("[data-field=risk_asked]").get_by_text("问了", exact=True).click()
    form.locator("[name=goals]").fill("问过念头以后，接着问计划、方法、什么时候。")
    form.locator("[name=actions]").fill("周四一起练一次完整的评估，十五分钟。")
    form.locator("[name=strengths]").focus()
    picture(chief, "supervision")
    form.get_by_role("button", name="签名").click()
    expect(chief.locator(".growth-head")).to_contain_text("等老师看过、签名")


def counsellor_answers(town: Town, lin: Page) -> None:
    opened(lin, town, "/console/growth")
    lin.locator(".waiting a.button").click()
    alive(lin)
    expect(lin.locator(".answers")).to_contain_text("听出了话里的告别")
    expect(lin.locator(".said .remark")).to_contain_text("您听出来了")
    lin.locator("[name=comment]").fill("当时心里很慌，没敢往下问。周四我在。")
    picture(lin, "growth-review")
    lin.get_by_role("button", name="我看过了，签名").click()
    expect(lin.locator(".growth-head")).to_contain_text("两人都签了")


def trainings_and_their_warning(town: Town, chief: Page, lin: Page) -> None:
    soon, today = (town.service.now() + timedelta(days=12)).date(), town.service.now().date()
    lines = [",".join(COLUMNS.values()), f"林老师,自杀风险评估,6,2025-03-08,92,{soon}", f"林老师,哀伤陪伴,3,{today},,",
             "没有的人,伦理,3,2025-03-08,,"]  # fmt: skip
    opened(chief, town, "/console/supervision/training")
    file = {"name": "培训.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode("utf-8-sig")}
    chief.locator("#import input[type=file]").set_input_files(file)
    chief.get_by_role("button", name="看看会加什么").click()
    expect(chief.locator("#counts")).to_contain_text("新的 2 行")
    expect(chief.locator("#lines")).to_contain_text("没有这个用户名的老师")
    picture(chief, "supervision-import")
    chief.locator("#confirm-import").click()
    expect(chief.locator("#counts")).to_contain_text("已导入 2 行")
    opened(chief, town, "/console/supervision/team")
    expect(chief.locator(".people .ahead")).to_contain_text("自杀风险评估")
    opened(lin, town, "/console/growth")
    expect(lin.locator(".warning")).to_contain_text("请安排复训")
    expect(lin.locator(".offer")).to_contain_text("要不要和督导聊一聊")
    picture(lin, "growth")


def wish_to_talk(town: Town, lin: Page, chief: Page) -> None:
    lin.get_by_role("button", name="想聊", exact=True).click()
    expect(lin.locator(".offer")).to_have_count(0)
    alive(lin)
    lin.get_by_role("link", name="照顾自己").click()
    expect(lin.get_by_role("heading", name="可以找谁说")).to_be_visible()
    picture(lin, "growth-care")
    opened(chief, town, "/console/supervision/team")
    expect(chief.locator(".wishes")).to_contain_text("林老师")
    picture(chief, "supervision-team")
    chief.get_by_role("button", name="聊过了").click()
    expect(chief.locator(".wishes")).to_have_count(0)


def missed_crisis(town: Town, chief: Page, case_id: str) -> None:
    opened(chief, town, "/console/supervision/missed")
    expect(chief.locator(f".people a[href$='{case_id}']")).to_be_visible()
    picture(chief, "supervision-missed-list")
    chief.locator(f".people a[href$='{case_id}']").click()
    alive(chief)
    chief.locator(".pick", has_text=HIDDEN).click()
    chief.get_by_text("补充语料", exact=True).click()
    chief.locator("[name=note]").fill("托人照看花，是告别；规则和模型都没有这种说法。")
    chief.locator("[name=example]").fill(HIDDEN)
    chief.get_by_label("自杀", exact=True).check()
    chief.get_by_role("button", name="记下").click()
    expect(chief.locator("[data-field=example] .error")).to_contain_text("和原话太像了")
    picture(chief, "supervision-missed")
    chief.locator("[name=example]").fill("家里那只猫以后就归你养了，粮在柜子第二层")
    chief.get_by_role("button", name="记下").click()
    expect(chief.locator(".notice")).to_contain_text("补充语料")
    opened(chief, town, "/console/supervision/missed")
    with chief.expect_download() as download:
        chief.get_by_role("link", name="导出改写的例句").click()
    taken = Path(download.value.path()).read_text(encoding="utf-8")
    assert "那只猫" in taken
    assert HIDDEN not in taken
