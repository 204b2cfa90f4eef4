"""What the carriers' tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from notify.carriers import Letter
from notify.sending import Sending
from tests.notify.calling import PHONE, FakeCarrier
from tests.notify.certificate import make_certificate
from wiring import Service

CALL = Letter(
    "n1", "【值班提醒】警报无人接手", "【值班提醒】有红色警报 60 秒无人接手，请立即打开值班台 https://x.test/s/1", True
)
NEWS = Letter("n2", "您有一条新消息", "您有一条新消息", False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For localhost."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def sms() -> FakeCarrier:
    return FakeCarrier()


@pytest.fixture
def sending(service: Service, sms: FakeCarrier) -> Sending:
    service.sending.carriers = {"sms": sms, "mail": FakeCarrier()}
    service.sending.own = {"oncall.sms": PHONE, "oncall.mail": "oncall@county.test"}
    service.sending.spread = lambda: 0.0
    return service.sending
