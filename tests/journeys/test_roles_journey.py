"""Accounts, the second factor, a volunteer, an expert and the privacy officer, in real browsers on a real server."""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from escalation.totp import code_at, step_of
from tests.journeys.conftest import NEW_PASSWORD, Deployment

pytestmark = pytest.mark.browser
DESK = {"width": 1366, "height": 768}
_PICTURES = os.environ.get("JOURNEY_PICTURES")  # a folder: keep screenshots there


def picture(page: Page, name: str) -> None:
    if _PICTURES:
        page.screenshot(path=Path(_PICTURES) / f"{name}.png")


def seat(browser: Browser, deployment: Deployment, login: str) -> Page:
    """The first sign-in of an account, up to its first page."""
    page = browser.new_context(viewport=DESK, locale="zh-CN").new_page()
    type_password(page, deployment, login, deployment.one_time[login])
    page.locator("input[name=old]").fill(deployment.one_time[login])
    page.locator("input[name=new]").fill(NEW_PASSWORD)
    page.locator("input[name=again]").fill(NEW_PASSWORD)
    page.get_by_role("button", name="保存新密码").click()
    expect(page.locator(".who-name")).to_be_visible()
    return page


def type_password(page: Page, deployment: Deployment, login: str, password: str = NEW_PASSWORD) -> None:
    page.goto(f"{deployment.url}/console/sign-in")
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill(password)
    page.get_by_role("button", name="登录").click()


def type_code(page: Page, code: str) -> None:
    page.locator("input[name=code]").fill(code)
    page.get_by_role("button", name="进入值班台").click()


def code(secret: bytes, steps: int = 0) -> str:
    return code_at(secret, step_of(datetime.now(UTC)) + steps)


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="退出", exact=True).click()
    expect(page.locator("input[name=password]")).to_be_visible()


def test_a_phone_as_second_factor_and_accounts_of_others(browser: Browser, deployment: Deployment) -> None:
    deployment.add_user("root", "钱管理员", "admin")
    root = seat(browser, deployment, "root")
    root.set_default_timeout(20_000)
    secret, codes = set_up_the_factor(root)
    sign_out(root)
    type_password(root, deployment, "root")
    picture(root, "sign-in-code")
    type_code(root, code(secret, 1))  # the one of this half minute was spent by setting up
    expect(root.get_by_role("heading", name="账号", exact=True)).to_be_visible()
    for works in (True, False):
        sign_out(root)
        type_password(root, deployment, "root")
        type_code(root, codes[0])
        if works:
            expect(root.get_by_role("heading", name="账号", exact=True)).to_be_visible()
            add_a_volunteer(root, deployment)
        else:
            expect(root.get_by_role("alert")).to_contain_text("验证码不对")
    volunteer_sees_green_and_blue(browser, deployment)


def set_up_the_factor(root: Page) -> tuple[bytes, list[str]]:
    root.locator(".who-name").click()
    picture(root, "my-account")
    root.get_by_role("link", name="开启两步验证").click()
    root.locator("input[name=proof]").fill(NEW_PASSWORD)
    root.get_by_role("button", name="开始设置").click()
    expect(root.get_by_role("img", name="两步验证的二维码")).to_be_visible()
    assert root.locator("img.qr").evaluate("image => image.naturalWidth") > 0  # the policy of the page lets it in
    picture(root, "second-factor")
    secret = base64.b32decode(root.locator("#factor-key").inner_text().replace(" ", ""))
    root.locator("input[name=code]").fill(code(secret))
    root.get_by_role("button", name="确认开启").click()
    expect(root.locator(".codes li")).to_have_count(10)
    picture(root, "recovery-codes")
    codes = root.locator(".codes li").all_inner_texts()
    root.get_by_role("link", name="抄好了").click()
    return secret, codes


def add_a_volunteer(root: Page, deployment: Deployment) -> None:
    root.get_by_text("添加账号", exact=True).click()
    form = root.locator("#add")
    form.locator("input[name=login]").fill("xu")
    form.locator("input[name=name]").fill("徐志愿")
    form.get_by_label("志愿者").check()
    form.locator("input[name=proof]").fill("not the password")
    form.get_by_role("button", name="添加").click()
    expect(root.get_by_role("alert")).to_contain_text("密码或验证码不对")
    expect(form.locator("input[name=name]")).to_have_value("徐志愿")  # what was typed stays
    form.locator("input[name=proof]").fill(NEW_PASSWORD)
    form.get_by_role("button", name="添加").click()
    deployment.one_time["xu"] = root.locator("#once").inner_text()
    picture(root, "accounts")


def volunteer_sees_green_and_blue(browser: Browser, deployment: Deployment) -> None:
    somebody_writes(deployment, "我刚刚吞了一瓶安眠药")
    somebody_writes(deployment, "转人工")
    xu = seat(browser, deployment, "xu")
    expect(xu.locator("#queue li.row[data-level='4'] button.claim")).to_be_hidden()
    picture(xu, "queue-volunteer")
    claim(xu)
    xu.locator("#reply-text").fill("您好，我在，慢慢说")
    xu.locator("#reply button.main").click()
    expect(xu.locator("#messages .from-counsellor:not(.pending)")).to_have_count(1)
    volunteer_closes(xu)


def volunteer_closes(xu: Page) -> None:
    """A volunteer writes the record of her case without the fields of a rescue, and closes it."""
    expect(xu.get_by_role("tab", name="救援")).to_be_hidden()
    xu.get_by_role("tab", name="记录单").click()
    expect(xu.locator("#f-location")).to_have_count(0)
    xu.locator("#g-problem > summary").click()
    xu.locator("#f-problems label.pick").first.click()
    expect(xu.locator("#f-problems .field-state")).to_contain_text("已保存", timeout=20_000)
    picture(xu, "volunteer-record")
    xu.get_by_role("tab", name="应对").click()
    xu.locator("#finish > summary").click()
    xu.locator("#close select").select_option("calmed")
    xu.locator("#close textarea").fill("说了考试的压力，愿意周末去找同学")
    xu.locator("#close-button").click()
    xu.locator("#confirm button[value=yes]").click()
    expect(xu.locator("#state")).to_have_text("已结案", timeout=20_000)
    picture(xu, "volunteer-closed")


def claim(page: Page) -> None:
    """Take the only case of the queue that may be taken, once the page has come alive."""
    expect(page.locator("#connection")).to_contain_text("正常", timeout=20_000)
    page.locator("#queue li.row button.claim:visible").click()
    expect(page.locator("#owner-line")).to_contain_text("您正在服务这个个案", timeout=20_000)


def somebody_writes(deployment: Deployment, text: str) -> None:
    with httpx.Client(base_url=deployment.url) as phone:
        phone.post("/api/chat/sessions").raise_for_status()
        phone.post("/api/chat/messages", json={"client_message_id": "m1", "text": text}).raise_for_status()


def test_an_expert_is_asked_and_the_privacy_officer_sees_who_looked(browser: Browser, deployment: Deployment) -> None:
    for login, name, role in (
        ("lin", "林老师", "counsellor"), ("zhou", "周医生", "expert"), ("li", "李隐私", "privacy_officer"),
        ("zhao", "赵督导", "supervisor"),
    ):  # fmt: skip
        deployment.add_user(login, name, role)
    somebody_writes(deployment, "我听见有人叫我跳下去，我的电话是13812345678")
    lin = seat(browser, deployment, "lin")
    lin.set_default_timeout(20_000)
    claim(lin)
    lin.get_by_role("tab", name="共享").click()
    lin.locator("#share-form select[name=with]").select_option(label="周医生（专家）")
    lin.locator("#share-form textarea").fill("疑似首次出现命令性幻听，请判断是否需要今天急诊")
    picture(lin, "case-share")
    lin.get_by_role("button", name="共享", exact=True).click()
    expect(lin.locator("#shares li .state")).to_have_text("正在共享")
    the_expert_answers(browser, deployment)
    lin.get_by_role("tab", name="应对").click()
    expect(lin.locator("#notes")).to_contain_text("【专家意见】周医生")
    lin.get_by_role("tab", name="共享").click()
    lin.get_by_role("button", name="结束共享").click()
    expect(lin.locator("#shares li .state")).to_have_text("已结束")
    a_supervisor_says_why(browser, deployment)
    who_looked(browser, deployment)


def the_expert_answers(browser: Browser, deployment: Deployment) -> None:
    zhou = seat(browser, deployment, "zhou")
    expect(zhou.get_by_role("heading", name="请我看的个案")).to_be_visible()
    zhou.locator("tbody a").click()
    expect(zhou.locator(".said").first).to_contain_text("听见有人叫我跳下去")
    expect(zhou.locator("main")).not_to_contain_text("13812345678")
    zhou.locator("textarea[name=text]").fill("像命令性幻听，建议今天由家属陪同急诊。")
    picture(zhou, "case-invited")
    zhou.get_by_role("button", name="提交意见").click()
    expect(zhou.locator("form .said")).to_contain_text("建议今天由家属陪同急诊")


def a_supervisor_says_why(browser: Browser, deployment: Deployment) -> None:
    zhao = seat(browser, deployment, "zhao")
    zhao.locator("#queue li.row a.open").click()
    zhao.locator("#reveal > summary").click()
    zhao.locator("#reveal select").select_option(label="督导或复核")
    picture(zhao, "case-masked")
    zhao.get_by_role("button", name="显示", exact=True).click()
    expect(zhao.locator("#reveal")).to_be_hidden()


def who_looked(browser: Browser, deployment: Deployment) -> None:
    li = seat(browser, deployment, "li")
    expect(li.get_by_role("heading", name="合规", exact=True)).to_be_visible()
    li.goto(f"{deployment.url}/console/audit")
    expect(li.locator("#lines")).to_contain_text("周医生")
    expect(li.locator("#lines")).to_contain_text("督导或复核")
    expect(li.locator("main")).not_to_contain_text("幻听")
    li.get_by_role("button", name="核对整条记录").click()
    expect(li.locator("#chain")).to_contain_text("完整，共")
    picture(li, "audit")
    with li.expect_download() as download:
        li.get_by_role("button", name="导出这些行").click()
    assert "周医生" in Path(download.value.path()).read_text(encoding="utf-8-sig")
