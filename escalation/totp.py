"""Codes of an authenticator app (RFC 6238 over RFC 4226, SHA-1, six digits, thirty seconds: what every app speaks).

Thirty lines of our own instead of a library: tested against the vectors of the RFC.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

STEP_S = 30
DIGITS = 6
_STEPS_OFF = 1  # a phone's clock may be one step behind or before ours
_SECRET_BYTES = 20


def new_secret() -> bytes:
    """160 random bits, as RFC 4226 asks."""
    return secrets.token_bytes(_SECRET_BYTES)


def step_of(now: datetime) -> int:
    """The number of the half minute."""
    return int(now.timestamp()) // STEP_S


def code_at(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of a half minute."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def fitting_step(secret: bytes, typed: str, now: datetime, *, after: int) -> int | None:
    """The half minute whose code was typed; None when none fits or it is not after the one spent last."""
    found = None
    for step in range(step_of(now) - _STEPS_OFF, step_of(now) + _STEPS_OFF + 1):
        fits = hmac.compare_digest(code_at(secret, step).encode(), typed.encode("utf-8", "replace"))
        if fits and step > after:  # all are compared, whichever fits
            found = step
    return found


def key_text(secret: bytes) -> str:
    """The secret in groups of four, for typing into an app."""
    text = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(text[place : place + 4] for place in range(0, len(text), 4))


def app_address(secret: bytes, login: str, issuer: str) -> str:
    """What the QR code says."""
    query = urlencode({"secret": base64.b32encode(secret).decode().rstrip("="), "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer)}:{quote(login)}?{query}"
