"""Codes of an authenticator app, against the vectors of RFC 6238 and RFC 4226."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.totp import app_address, code_at, fitting_step, key_text, new_secret, step_of
from tests.building import NOW

RFC_SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [  # RFC 6238, appendix B, SHA-1
        (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
        (2000000000, "69279037"), (20000000000, "65353130"),
    ],
)  # fmt: skip
def test_the_codes_of_rfc_6238(seconds: int, code: str) -> None:
    step = step_of(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
    assert code_at(RFC_SECRET, step, digits=8) == code
    assert code_at(RFC_SECRET, step) == code[2:]


@pytest.mark.parametrize(
    ("step", "code"),
    list(
        enumerate(["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"])
    ),
)
def test_the_codes_of_rfc_4226(step: int, code: str) -> None:
    assert code_at(RFC_SECRET, step) == code


@pytest.mark.parametrize(("seconds", "fits"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_one_step_off_and_no_more(seconds: int, fits: bool) -> None:
    typed = code_at(RFC_SECRET, step_of(NOW + timedelta(seconds=seconds)))
    assert (fitting_step(RFC_SECRET, typed, NOW, after=0) is not None) == fits


def test_a_step_that_was_spent_fits_no_more_and_an_earlier_one_neither() -> None:
    now = step_of(NOW)
    assert fitting_step(RFC_SECRET, code_at(RFC_SECRET, now), NOW, after=now) is None
    assert fitting_step(RFC_SECRET, code_at(RFC_SECRET, now - 1), NOW, after=now) is None
    assert fitting_step(RFC_SECRET, code_at(RFC_SECRET, now + 1), NOW, after=now) == now + 1


@given(st.text(max_size=40))
def test_nothing_else_that_is_typed_fits_or_fails(typed: str) -> None:
    codes = {code_at(RFC_SECRET, step_of(NOW) + off) for off in (-1, 0, 1)}
    assert (fitting_step(RFC_SECRET, typed, NOW, after=0) is not None) == (typed in codes)


def test_the_address_for_the_app_holds_secret_and_names() -> None:
    address = urlsplit(app_address(RFC_SECRET, "lin", "示例县心理援助热线 & 12356"))
    query = parse_qs(address.query)
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert unquote(address.path) == "/示例县心理援助热线 & 12356:lin"
    assert base64.b32decode(query["secret"][0]) == RFC_SECRET
    assert query["issuer"] == ["示例县心理援助热线 & 12356"]


def test_the_key_can_be_typed_by_hand() -> None:
    assert key_text(RFC_SECRET).split() == ["GEZD", "GNBV", "GY3T", "QOJQ", "GEZD", "GNBV", "GY3T", "QOJQ"]
    assert len(new_secret()) == 20
    assert new_secret() != new_secret()
