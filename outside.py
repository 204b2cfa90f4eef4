"""Which ways this deployment has to people who are not looking at a screen: each is on when its settings are there."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx

from notify.carriers import Carrier
from notify.mail import MailCarrier, read_server
from notify.push_key import BadPushKey, PushKey, load_push_key
from notify.sms import SmsCarrier
from notify.web_push import PushCarrier
from notify.wecom_robot import RobotCarrier
from records.addresses import mail_of, phone_of
from settings import PREFIX, BadSettings, Settings

_LEAST_SECRET = 32


@dataclass(frozen=True)
class Ways:
    """The carriers by name, and the addresses that stand in the settings: name -> (carrier, address)."""

    carriers: Mapping[str, Carrier]
    own: Mapping[str, tuple[str, str]]
    push_key: PushKey | None


def open_ways(settings: Settings, http: httpx.AsyncClient, now: Callable[[], datetime]) -> Ways:
    """Every carrier that has its settings; raise BadSettings for half of one."""
    carriers: dict[str, Carrier] = {}
    key = None
    if _together(settings, "smtp_url", "mail_from"):
        carriers["mail"] = _open_mail(settings, now)
    if _together(settings, "sms_url", "sms_secret"):
        carriers["sms"] = _open_sms(settings, http, now)
    if settings.wecom_robot_url:
        carriers["robot"] = RobotCarrier(http, settings.wecom_robot_url)
    if settings.push_contact:
        key = _load_key(settings)
        carriers["push"] = PushCarrier(http, key, settings.push_contact, settings.push_hosts, now)
    return Ways(carriers, _own(settings, carriers), key)


def _own(settings: Settings, carriers: Mapping[str, Carrier]) -> dict[str, tuple[str, str]]:
    if settings.oncall_mail and "mail" not in carriers:
        raise BadSettings(f"{PREFIX}ONCALL_MAIL is set: set {PREFIX}SMTP_URL and {PREFIX}MAIL_FROM too")
    if settings.oncall_mail and not mail_of(settings.oncall_mail):
        raise BadSettings(f"{PREFIX}ONCALL_MAIL must be one mail address")
    own = {
        "oncall.sms": ("sms", phone_of(settings.oncall_phone)),
        "oncall.mail": ("mail", settings.oncall_mail),
        "robot": ("robot", settings.wecom_robot_url),
    }
    return {name: (carrier, address) for name, (carrier, address) in own.items() if carrier in carriers and address}


def _together(settings: Settings, *names: str) -> bool:
    """Whether these settings are all there; raise BadSettings when only some are."""
    missing = [f"{PREFIX}{name}".upper() for name in names if not getattr(settings, name)]
    if missing and len(missing) < len(names):
        raise BadSettings(f"set {' and '.join(missing)} too: alone, its other half calls nobody")
    return not missing


def _load_key(settings: Settings) -> PushKey:
    try:
        return load_push_key(settings.push_key)
    except (BadPushKey, OSError) as error:
        raise BadSettings(f"{PREFIX}PUSH_KEY_FILE: {error}") from None


def _open_mail(settings: Settings, now: Callable[[], datetime]) -> MailCarrier:
    try:
        server = read_server(settings.smtp_url)
    except ValueError as error:
        raise BadSettings(f"{PREFIX}SMTP_URL {error}") from None
    if not mail_of(settings.mail_from):
        raise BadSettings(f"{PREFIX}MAIL_FROM must be one mail address")
    return MailCarrier(server, settings.mail_from, now, ssl.create_default_context())


def _open_sms(settings: Settings, http: httpx.AsyncClient, now: Callable[[], datetime]) -> SmsCarrier:
    if len(settings.sms_secret) < _LEAST_SECRET:
        raise BadSettings(f"{PREFIX}SMS_SECRET must have at least {_LEAST_SECRET} characters")
    return SmsCarrier(http, settings.sms_url, settings.sms_secret, now)
