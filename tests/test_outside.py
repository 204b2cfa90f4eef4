"""Ways to people who are not at a screen: each is on when its settings are there, and half of one is refused in words."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from outside import Ways, open_ways
from settings import BadSettings, load_settings
from tests.building import Clock

MAIL = {"SMTP_URL": "smtps://duty%40x.cn:pw@smtp.x.cn:465", "MAIL_FROM": "duty@x.cn"}
SMS = {"SMS_URL": "https://sms.x.cn/send", "SMS_SECRET": "s" * 32}
ROBOT = {"WECOM_ROBOT_URL": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=x"}
PUSH = {"PUSH_CONTACT": "mailto:duty@x.cn"}
ONCALL = {"ONCALL_PHONE": "138 0000-0000", "ONCALL_MAIL": "wang@x.cn"}


def ways(folder: Path, given: dict[str, str]) -> Ways:
    settings = load_settings({f"HOTLINE_{name}": value for name, value in {"DATA_DIR": str(folder), **given}.items()})
    return open_ways(settings, httpx.AsyncClient(), Clock())


def test_without_settings_nobody_is_called_and_no_key_is_made(tmp_path: Path) -> None:
    found = ways(tmp_path, {"ONCALL_PHONE": "13800000000"})
    assert (found.carriers, found.own, found.push_key) == ({}, {}, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "carriers", "own"),
    [
        (MAIL, {"mail"}, {}),
        (MAIL | ONCALL, {"mail"}, {"oncall.mail": ("mail", "wang@x.cn")}),
        (SMS, {"sms"}, {}),
        (SMS | {"ONCALL_PHONE": "138 0000-0000"}, {"sms"}, {"oncall.sms": ("sms", "13800000000")}),
        (SMS | {"ONCALL_PHONE": "总值班室"}, {"sms"}, {}),
        (ROBOT, {"robot"}, {"robot": ("robot", ROBOT["WECOM_ROBOT_URL"])}),
        (PUSH, {"push"}, {}),
    ],
)
def test_each_way_is_on_when_its_settings_are_there(
    tmp_path: Path, given: dict[str, str], carriers: set[str], own: dict[str, tuple[str, str]]
) -> None:
    found = ways(tmp_path, given)
    assert set(found.carriers) == carriers
    assert found.own == own


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"SMTP_URL": MAIL["SMTP_URL"]}, "HOTLINE_MAIL_FROM"),
        ({"MAIL_FROM": "a@x.cn"}, "HOTLINE_SMTP_URL"),
        (MAIL | {"SMTP_URL": "smtp://x.cn"}, "HOTLINE_SMTP_URL needs smtps://"),
        (MAIL | {"MAIL_FROM": "值班"}, "HOTLINE_MAIL_FROM"),
        ({"SMS_URL": SMS["SMS_URL"]}, "HOTLINE_SMS_SECRET"),
        ({"SMS_SECRET": SMS["SMS_SECRET"]}, "HOTLINE_SMS_URL"),
        (SMS | {"SMS_SECRET": "short"}, "at least 32"),
        ({"SMS_URL": "sms.x.cn"}, "sms_url"),
        ({"WECOM_ROBOT_URL": "qyapi"}, "wecom_robot_url"),
        ({"ONCALL_MAIL": "wang@x.cn"}, "HOTLINE_SMTP_URL"),
        (MAIL | {"ONCALL_MAIL": "wang"}, "HOTLINE_ONCALL_MAIL"),
        ({"PUSH_CONTACT": "duty@x.cn"}, "push_contact"),
        (PUSH | {"PUSH_HOSTS": "https://fcm.googleapis.com"}, "push_hosts"),
        (PUSH | {"PUSH_HOSTS": "*"}, "push_hosts"),
        (PUSH | {"PUSH_KEY_FILE": "/dev/null"}, "HOTLINE_PUSH_KEY_FILE"),
    ],
)
def test_half_of_a_way_is_refused_in_words_that_say_what_to_do(
    tmp_path: Path, given: dict[str, str], named: str
) -> None:
    with pytest.raises(BadSettings, match=named):
        ways(tmp_path, given)
