"""The partner's side: a link with a code, the letter behind it, the partner's answers. No account, nothing else to see.

Whoever has no right to anything gets None, whatever the reason: forged, expired, closed, locked look the same.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from escalation.cases import NotAllowed
from escalation.referral.letter import Letter, read_letter
from escalation.referral.referral_desk import Detail, ReferralDesk
from escalation.referral.states import PARTNER_ACTIONS, READABLE, Stage
from records.partner_links import PartnerLink, PartnerLinks
from records.referrals import Referral
from records.staff import Counsellor

WRONG_CODES = 5  # then the link is locked
VISIT = timedelta(minutes=30)  # so long the code needs not be typed again
_CODE_DIGITS = 6
_SAID = {"receive": Stage.RECEIVED, "accept": Stage.ACCEPTED}  # a button that was pressed already


class MadeLink(NamedTuple):
    """What only the counsellor who asked for it sees, once."""

    token: str
    code: str
    expires_at: datetime


class Opened(NamedTuple):
    """What stands behind a link."""

    referral: Referral
    letter: Letter


@dataclass(frozen=True)
class PartnerDoor:
    """Each method runs inside one transaction."""

    desk: ReferralDesk
    links: PartnerLinks
    link_lasts: timedelta

    def make_link(self, connection: sa.Connection, referral_id: str, who: Counsellor, now: datetime) -> MadeLink:
        """A new link and its code; an earlier link opens no more."""
        referral, case = self.desk.mine(connection, referral_id, who)
        if Stage(referral.state) not in READABLE:
            raise NotAllowed("这个转介现在不能发链接")
        made = MadeLink(secrets.token_urlsafe(32), _code(), now + self.link_lasts)
        self.links.add(
            connection, made.token, made.code, referral_id=referral.id, by_id=who.id, now=now,
            expires_at=made.expires_at,
        )  # fmt: skip
        if referral.method != "link":  # it was meant to go another way: this is a provision of its own
            self.desk.provide(connection, referral, case, who.id, now, method="link")
        self.desk.handling.done(connection, case, who, "referral_link_made", now, referral=referral.id)
        return made

    def opens(self, connection: sa.Connection, token: str, now: datetime) -> bool:
        """Whether the code may be asked for."""
        return self._link(connection, token, now, lock=False) is not None

    def enter(self, connection: sa.Connection, token: str, code: str, now: datetime) -> str | None:
        """A cookie for the right code, an empty text for a wrong one, None where nothing is; five wrong ones lock."""
        link = self._link(connection, token, now, lock=True)
        if link is None:
            return None
        given = self.links.code_index(link.id, "".join(code.split()))
        if not secrets.compare_digest(given, link.code_index):
            return self._wrong_code(connection, link, now)
        cookie = secrets.token_urlsafe(32)
        self.links.change(
            connection, link.id, failures=0, visit_hash=self.links.fingerprint(cookie), visit_until=now + VISIT
        )
        self._audit(connection, "referral_code_right", link, now)
        return cookie

    def look(self, connection: sa.Connection, token: str, cookie: str, now: datetime) -> Opened | None:
        """The letter, for the phone that gave the code; every opening is in the audit."""
        link = self._visited(connection, token, cookie, now)
        if link is None:
            return None
        opened = self._open(connection, link)
        self._audit(connection, "referral_opened", link, now)
        return opened

    def answer(
        self, connection: sa.Connection, token: str, cookie: str, action: str, detail: Detail, now: datetime
    ) -> bool:
        """The partner presses a button; False where nothing is. A button pressed twice counts once."""
        link = self._visited(connection, token, cookie, now)
        if link is None or action not in PARTNER_ACTIONS:
            return False
        referral = self._open(connection, link).referral
        if len(detail.get("who", "").strip()) < 2:
            raise NotAllowed("请写您的姓名或科室")
        case = self.desk.handling.alarm.cases.get(connection, referral.case_id)
        if case is None:
            return False
        if _SAID.get(action) == referral.state:
            return True
        self.desk.take(connection, referral, case, action, detail, None, now)
        self.desk.handling.alarm.tell(connection, case, f"referral_{action}", now, referral=referral.id)
        self._audit(connection, f"referral_{action}", link, now)
        return True

    def _wrong_code(self, connection: sa.Connection, link: PartnerLink, now: datetime) -> str | None:
        failures = link.failures + 1
        is_locked = failures >= WRONG_CODES
        self.links.change(connection, link.id, failures=failures, locked_at=now if is_locked else None)
        self._audit(connection, "referral_link_locked" if is_locked else "referral_code_wrong", link, now)
        if not is_locked:
            return ""
        referral = self.desk.referrals.get(connection, link.referral_id)
        case = self.desk.handling.alarm.cases.get(connection, referral.case_id) if referral else None
        if case is not None:
            self.desk.handling.alarm.tell(connection, case, "referral_link_locked", now, referral=link.referral_id)
        return None

    def _visited(self, connection: sa.Connection, token: str, cookie: str, now: datetime) -> PartnerLink | None:
        link = self._link(connection, token, now, lock=True)
        if link is None or link.visit_hash is None or link.visit_until is None or now >= link.visit_until:
            return None
        return link if secrets.compare_digest(self.links.fingerprint(cookie), link.visit_hash) else None

    def _link(self, connection: sa.Connection, token: str, now: datetime, *, lock: bool) -> PartnerLink | None:
        link = self.links.find(connection, token, lock=lock)
        if link is None or not link.opens(now):
            return None
        referral = self.desk.referrals.get(connection, link.referral_id)
        return link if referral is not None and Stage(referral.state) in READABLE else None

    def _open(self, connection: sa.Connection, link: PartnerLink) -> Opened:
        referral = self.desk.referrals.get(connection, link.referral_id, lock=True)
        if referral is None:
            raise LookupError("a referral vanished behind its link")
        return Opened(referral, read_letter(self.desk.referrals.letter(connection, referral.id), referral.letter_hash))

    def _audit(self, connection: sa.Connection, what: str, link: PartnerLink, now: datetime) -> None:
        self.desk.handling.staff.audit(connection, what, now, object_id=link.referral_id, link=link.id[:12])


def _code() -> str:
    return f"{secrets.randbelow(10**_CODE_DIGITS):0{_CODE_DIGITS}d}"
