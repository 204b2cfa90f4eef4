"""SMS by a generic signed HTTP gateway: a few lines beside any provider's own API. docs/calling.md is its contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import httpx

from notify.carriers import Later, Letter, Refused, retry_after_s
from records.crypto import sign_body

_WAIT_S = 10.0
_TAKEN_BEFORE = 409
_REFUSED = frozenset({400, 404, 410, 413, 422})  # this number or this text, not this moment
_LONGEST_RECEIPT = 100


@dataclass(frozen=True)
class SmsCarrier:
    """POSTs {"id", "to", "text"}, signed like our calls of partners."""

    http: httpx.AsyncClient
    url: str
    secret: str
    now: Callable[[], datetime]
    per_second: float | None = None

    async def send(self, address: str, letter: Letter) -> str:
        """One text message; the gateway's own id for it is the receipt."""
        body = json.dumps({"id": letter.id, "to": address, "text": letter.text}, ensure_ascii=False).encode()
        timestamp = str(int(self.now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "X-Hotline-Timestamp": timestamp,
            "X-Hotline-Signature": sign_body(self.secret, timestamp, body),
        }
        try:
            answer = await self.http.post(self.url, content=body, headers=headers, follow_redirects=False)
        except httpx.HTTPError:
            raise Later from None
        if answer.status_code in _REFUSED:
            raise Refused(Refused.__doc__)
        if answer.status_code == 429:
            raise Later(retry_after_s(answer.headers.get("retry-after", ""), _WAIT_S))
        if not answer.is_success and answer.status_code != _TAKEN_BEFORE:
            raise Later
        return _receipt(answer)


def _receipt(answer: httpx.Response) -> str:
    try:
        found = answer.json()
    except ValueError:
        return ""
    own = found.get("id") if isinstance(found, dict) else None
    return str(own)[:_LONGEST_RECEIPT] if isinstance(own, str | int) else ""
