"""Web push without content, against a service that checks who we are; and no other place is ever called."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import Response
from hypothesis import given
from hypothesis import strategies as st

from notify.carriers import Gone, Later, Refused
from notify.push_key import BadPushKey, load_push_key
from notify.web_push import PushCarrier, is_allowed
from settings import load_settings
from tests.building import Clock
from tests.notify.certificate import trusting
from tests.notify.conftest import CALL, NEWS
from tests.notify.push_service import PushService, push_service

HOSTS = load_settings({}).push_hosts
CONTACT = "mailto:duty@hotline.test"


@pytest.fixture
async def service(clock: Clock, certificate: Path) -> AsyncIterator[PushService]:
    async with push_service(clock, certificate) as made:
        yield made


@pytest.fixture
async def carrier(service: PushService, clock: Clock, certificate: Path, tmp_path: Path) -> AsyncIterator[PushCarrier]:
    async with httpx.AsyncClient(verify=trusting(certificate), timeout=5) as http:
        key = load_push_key(tmp_path / "push_key.pem")
        yield PushCarrier(http, key, CONTACT, [service.origin.removeprefix("https://")], clock)


@pytest.mark.anyio
async def test_an_alarm_knocks_at_once_and_a_message_may_wait_a_day(carrier: PushCarrier, service: PushService) -> None:
    browser = service.subscribe(carrier.key.public)
    await carrier.send(browser, CALL)
    await carrier.send(browser, NEWS)
    urgent, calm = service.knocked(browser)
    assert (urgent["urgency"], urgent["ttl"], urgent["topic"]) == ("high", "600", "call")
    assert (calm["urgency"], calm["ttl"], calm["topic"]) == ("normal", "86400", "news")


@pytest.mark.anyio
async def test_our_token_is_good_for_this_service_for_less_than_a_day(
    carrier: PushCarrier, service: PushService, clock: Clock
) -> None:
    browser = service.subscribe(carrier.key.public)
    late = replace(carrier, now=lambda: clock() - timedelta(hours=13))
    early = replace(carrier, now=lambda: clock() + timedelta(hours=13))
    for wrong in (late, early, replace(carrier, contact="nobody")):
        with pytest.raises(Refused):
            await wrong.send(browser, CALL)
    await carrier.send(browser, CALL)
    assert len(service.knocks) == 1


@pytest.mark.anyio
async def test_a_browser_that_was_turned_off_is_gone(carrier: PushCarrier, service: PushService) -> None:
    browser = service.subscribe(carrier.key.public)
    service.keys.clear()
    with pytest.raises(Gone):
        await carrier.send(browser, CALL)


@pytest.mark.anyio
async def test_a_browser_that_is_bound_to_another_key_is_not_forgotten(
    carrier: PushCarrier, service: PushService, tmp_path: Path
) -> None:
    browser = service.subscribe(load_push_key(tmp_path / "other.pem").public)
    with pytest.raises(Refused) as caught:
        await carrier.send(browser, CALL)
    assert type(caught.value) is Refused


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "error", "wait_s"),
    [
        (Response(status_code=404), Gone, None),
        (Response(status_code=410), Gone, None),
        (Response(status_code=413), Refused, None),
        (Response(status_code=400), Refused, None),
        (Response(status_code=429, headers={"Retry-After": "30"}), Later, 30),
        (Response(status_code=503), Later, None),
        (Response(status_code=301, headers={"Location": "http://127.0.0.1:9/"}), Refused, None),
    ],
)
async def test_every_answer_has_one_meaning(
    carrier: PushCarrier, service: PushService, answer: Response, error: type[Exception], wait_s: float | None
) -> None:
    service.answers.append(answer)
    with pytest.raises(error) as caught:
        await carrier.send(service.subscribe(carrier.key.public), CALL)
    assert type(caught.value) is error
    assert getattr(caught.value, "retry_after_s", None) == wait_s


@pytest.mark.anyio
async def test_a_service_that_is_away_is_tried_later(carrier: PushCarrier) -> None:
    with pytest.raises(Later):
        await replace(carrier, hosts=["localhost:9"]).send("https://localhost:9/x", CALL)


@pytest.mark.anyio
async def test_an_address_that_is_not_on_the_list_is_never_called(carrier: PushCarrier, service: PushService) -> None:
    browser = service.subscribe(carrier.key.public)
    with pytest.raises(Gone):
        await replace(carrier, hosts=HOSTS).send(browser, CALL)
    assert service.knocks == []


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://FCM.googleapis.com:443/wp/x",
        "https://updates.push.services.mozilla.com/wpush/v2/x",
        "https://web.push.apple.com/x",
        "https://sg2p.notify.windows.com/w/?token=x%3d",
    ],
)
def test_browsers_push_services_are_allowed(endpoint: str) -> None:
    assert is_allowed(endpoint, HOSTS)


@pytest.mark.parametrize(
    "endpoint",
    [
        "", "x", "http://fcm.googleapis.com/x", "https://fcm.googleapis.com:8443/x", "https://fcm.googleapis.com.evil.cn/x",
        "https://evilfcm.googleapis.com/x", "https://push.apple.com/x", "https://xpush.apple.com/x",
        "https://127.0.0.1/x", "https://[::1]/x", "https://169.254.169.254/latest", "https://localhost/x",
        "https://a@fcm.googleapis.com/x", "https://fcm.googleapis.com@127.0.0.1/x", "https://fcm.googleapis.com\\@127.0.0.1/",
        "https://fcm.googleapis.com/x#y", "https://fcm.googleapis.com/\n", "https://fcm.googleapis.com /x", "ftp://fcm.googleapis.com/x",
        "https://fcm.googleapis.com/" + "x" * 2000, "https://ｆcm.googleapis.com/x", "https:///x", "https://fcm.googleapis.com:x/",
    ],
)  # fmt: skip
def test_every_other_place_is_refused(endpoint: str) -> None:
    assert not is_allowed(endpoint, HOSTS)


@given(st.text(max_size=60), st.text(max_size=20))
def test_whatever_is_given_only_hosts_of_the_list_pass(middle: str, end: str) -> None:
    for endpoint in (
        middle,
        f"https://{middle}/{end}",
        f"https://fcm.googleapis.com{middle}",
        f"https://{middle}.push.apple.com{end}",
    ):
        if is_allowed(endpoint, HOSTS):
            url = httpx.URL(endpoint)
            assert url.scheme == "https"
            assert url.host == "fcm.googleapis.com" or url.host.endswith(".push.apple.com")
            assert url.port is None


def test_the_key_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "push_key.pem"
    first, again = load_push_key(file), load_push_key(file)
    assert first.public == again.public
    assert len(first.public) == 87
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "key", "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_is_no_key_is_refused_in_words(tmp_path: Path, text: str) -> None:
    file = tmp_path / "push_key.pem"
    file.write_text(text)
    with pytest.raises(BadPushKey, match="push_key.pem"):
        load_push_key(file)
