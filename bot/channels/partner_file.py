"""Partner systems that join by signed HTTP: one [[partner]] each in a TOML file, checked at start."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from bot.channels import SendRules
from bot.channels.addresses import is_forbidden

_NAME = re.compile(r"[a-z0-9]{2,16}")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?")
_SHORTEST_SECRET = 32
_SAMPLE = "change-me"  # how the secret of docs/http-channel.md begins
_USUAL_PER_SECOND = 20.0  # without a rate of its own a channel could not heed "429, wait"
_TYPES: Mapping[str, tuple[type, ...]] = {
    "name": (str,), "secret": (str,), "secrets": (list,), "callback_url": (str,), "allow_http": (bool,),
    "per_second": (int, float), "window_h": (int, float), "messages": (int,), "media_hosts": (list,),
}  # fmt: skip


class BadPartners(Exception):
    """The file of partner systems cannot be used."""


@dataclass(frozen=True)
class Partner:
    """One system that joins by signed HTTP."""

    name: str
    secrets: tuple[str, ...] = field(repr=False)  # the first one signs, each is accepted
    callback_url: httpx.URL
    rules: SendRules
    media_hosts: frozenset[str]

    @property
    def channel(self) -> str:
        """The name of its channel."""
        return f"http.{self.name}"


def load_partners(path: Path) -> tuple[Partner, ...]:
    """Read the file; raise BadPartners in words that say what to do."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadPartners(f"{path}: cannot be read as TOML ({error})") from error
    entries = raw.get("partner")
    if set(raw) != {"partner"} or not isinstance(entries, list):
        raise BadPartners(f"{path}: needs [[partner]] tables and nothing else")
    found: list[Partner] = []
    for number, entry in enumerate(entries, 1):
        try:
            found.append(_partner(entry))
        except ValueError as error:
            raise BadPartners(f"{path}: partner {number}: {error}") from None
    for what, values in (("name", [p.name for p in found]), ("secret", [s for p in found for s in p.secrets])):
        if len(set(values)) < len(values):
            raise BadPartners(f"{path}: two partners have the same {what}; each needs one of its own")
    return tuple(found)


def _partner(entry: Any) -> Partner:  # Any: TOML; raises ValueError in words
    if not isinstance(entry, dict):
        raise ValueError("is not a table")
    for key, value in entry.items():
        if key not in _TYPES:
            raise ValueError(f"unknown key {key!r}; known are {', '.join(_TYPES)}")
        if type(value) not in _TYPES[key]:
            raise ValueError(f"{key} must be {' or '.join(kind.__name__ for kind in _TYPES[key])}")
    name = entry.get("name", "")
    if not _NAME.fullmatch(name):
        raise ValueError("name must be 2 to 16 of a-z and 0-9")
    return Partner(name, _secrets(entry), _callback(entry), _rules(entry), _media_hosts(entry))


def _secrets(entry: Mapping[str, Any]) -> tuple[str, ...]:
    if ("secret" in entry) == ("secrets" in entry):
        raise ValueError("needs either secret or secrets = [new, old]")
    secrets = entry.get("secrets", [entry.get("secret")])
    if not 1 <= len(secrets) <= 2 or not all(isinstance(s, str) and len(s) >= _SHORTEST_SECRET for s in secrets):
        raise ValueError(f"a secret needs at least {_SHORTEST_SECRET} characters; secrets = [new, old] has at most two")
    if any(secret.startswith(_SAMPLE) for secret in secrets):
        raise ValueError("this is the published sample secret; make one with: openssl rand -hex 32")
    return tuple(secrets)


def _callback(entry: Mapping[str, Any]) -> httpx.URL:
    try:
        url = httpx.URL(entry.get("callback_url", ""))
    except httpx.InvalidURL as error:
        raise ValueError(f"callback_url: {error}") from None
    if not url.host or url.userinfo or url.fragment or (url.port or 0) > 65535:
        raise ValueError("callback_url must be such as https://partner.example/hotline, without user name and #")
    if url.scheme != "https" and not (url.scheme == "http" and entry.get("allow_http")):
        raise ValueError(
            "callback_url must be https; http to this machine or a private network needs allow_http = true"
        )
    if _is_address(url.host) and is_forbidden(url.host, only_inside=url.scheme == "http"):
        raise ValueError("callback_url is at an address that we do not call")
    return url


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _rules(entry: Mapping[str, Any]) -> SendRules:
    per_second = _number(entry, "per_second", 1, 1000) or _USUAL_PER_SECOND
    window_h, messages = _number(entry, "window_h", 0.1, 8760), _number(entry, "messages", 1, 1000)
    if window_h is None and messages is None:
        return SendRules(per_second=per_second)
    if window_h is None or messages is None:
        raise ValueError("window_h and messages belong together: so many messages within so many hours")
    return SendRules(
        per_second=per_second, window=timedelta(hours=window_h), messages=int(messages),
        kept_for_people=int(messages) // 2, merges=True,
    )  # fmt: skip


def _number(entry: Mapping[str, Any], key: str, least: float, most: float) -> float | None:
    value = entry.get(key)
    if value is not None and not least <= value <= most:
        raise ValueError(f"{key} must be {least} to {most}")
    return None if value is None else float(value)


def _media_hosts(entry: Mapping[str, Any]) -> frozenset[str]:
    hosts = entry.get("media_hosts", [])
    if not all(isinstance(host, str) and _HOST.fullmatch(host) for host in hosts):
        raise ValueError("media_hosts must be host names such as files.partner.example or files.partner.example:8443")
    return frozenset(hosts)
