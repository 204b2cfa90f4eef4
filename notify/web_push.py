"""Web push (RFC 8030) without content: the push service learns that something is there, never what.

A browser's address comes from outside: only https on hosts that the settings list is ever called, so that nobody can
make us call an address inside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx

from notify.carriers import Gone, Later, Letter, Refused, retry_after_s
from notify.push_key import PushKey

LONGEST_ENDPOINT = 2000
_WAIT_S = 10.0
_URGENT_TTL_S, _CALM_TTL_S = 600, 24 * 3600  # an alarm that comes an hour late only frightens
_GONE = frozenset({404, 410})


def is_allowed(endpoint: str, hosts: Sequence[str]) -> bool:
    """Whether this may be the address of a browser; `hosts` as in the settings: name, name:port or *.name."""
    if len(endpoint) > LONGEST_ENDPOINT or not endpoint.isascii() or not endpoint.isprintable():
        return False
    try:
        url = httpx.URL(endpoint)
    except httpx.InvalidURL:
        return False
    if url.scheme != "https" or url.userinfo or url.fragment or not url.host:
        return False
    place = url.host if url.port is None else f"{url.host}:{url.port}"
    return any(place == host or (host.startswith("*.") and place.endswith(host[1:])) for host in hosts)


@dataclass(frozen=True)
class PushCarrier:
    """Knocks at one browser; its service worker asks us what to show."""

    http: httpx.AsyncClient
    key: PushKey
    contact: str
    hosts: Sequence[str]
    now: Callable[[], datetime]
    per_second: float | None = None

    async def send(self, address: str, letter: Letter) -> str:
        """One push; a newer one of the same kind takes the place of one that waits."""
        if not is_allowed(address, self.hosts):
            raise Gone(Gone.__doc__)
        url = httpx.URL(address)
        headers = {
            "Authorization": self.key.authorization(f"https://{url.netloc.decode('ascii')}", self.contact, self.now()),
            "TTL": str(_URGENT_TTL_S if letter.is_urgent else _CALM_TTL_S),
            "Urgency": "high" if letter.is_urgent else "normal",
            "Topic": "call" if letter.is_urgent else "news",
        }
        try:
            answer = await self.http.post(url, headers=headers, follow_redirects=False)
        except httpx.HTTPError:
            raise Later from None
        if answer.status_code in _GONE:
            raise Gone(Gone.__doc__)
        if answer.status_code == 429:
            raise Later(retry_after_s(answer.headers.get("retry-after", ""), _WAIT_S))
        if answer.is_server_error:
            raise Later
        if not answer.is_success:
            raise Refused(Refused.__doc__)
        return ""
