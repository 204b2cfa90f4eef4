"""Sign-in of counsellors: argon2id, a second factor, server-side sessions, lock-out, everything in the audit."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from escalation.second_factor import SecondFactor, random_letters
from records.staff import Counsellor, Staff, StaffSession

_CODE_WITHIN = timedelta(minutes=5)  # after the password
SHORTEST_PASSWORD = 12
_HASHER = PasswordHash((Argon2Hasher(),))
_NOBODY = _HASHER.hash(secrets.token_hex(16))  # an unknown name costs the same time as a wrong password


class SignInRefused(Exception):
    """用户名或密码不对，或账号已暂时锁定。请稍后再试，或请管理员重置。"""


class WeakPassword(Exception):
    """The new password is not good enough."""


@dataclass(frozen=True)
class SessionRules:
    """Clocks of sign-in."""

    idle: timedelta
    longest: timedelta
    lock_failures: int
    lock: timedelta


@dataclass(frozen=True)
class OneTimePassword:
    """Shown once, and what is kept of it."""

    text: str
    hash: str


@dataclass(frozen=True)
class Accounts:
    """Accounts and their sessions; methods that take a connection run inside one transaction."""

    staff: Staff
    rules: SessionRules
    factor: SecondFactor

    def sign_in(
        self, connection: sa.Connection, login: str, *, password_fits: bool, cookie: str, now: datetime, agent: str = ""
    ) -> tuple[Counsellor, StaffSession] | None:
        """Open a session for the cookie, at stage `code` where a second factor is due; None when refused (counted)."""
        who = self.staff.by_login(connection, login)
        if who is None or not who.is_active or is_locked(who, now):
            self.staff.audit(connection, "sign_in_refused", now, object_id=who.id if who else None)
            return None
        if not password_fits:
            self._count_failure(connection, who, now)
            return None
        stage = "code" if self.factor.confirmed(connection, who) else "open"
        session = StaffSession(hash_cookie(cookie), who.id, new_csrf(), now, now, stage, agent)
        self.staff.open_session(connection, session)
        if stage == "open":
            self._signed_in(connection, who, "password", now)
        return who, session

    def enter_code(
        self, connection: sa.Connection, cookie: str, typed: str, fresh_cookie: str, now: datetime
    ) -> Counsellor | None:
        """The second step: the waiting session ends and a new one begins; None for a wrong code (counted).

        Raises SignInRefused when it is too late or too often: then the password is asked for again.
        """
        waiting = self.awaits_code(connection, cookie, now)
        who = self.staff.get(connection, waiting.counsellor_id) if waiting else None
        if waiting is None or who is None or not who.is_active or is_locked(who, now):
            raise SignInRefused(SignInRefused.__doc__)
        way = self.factor.accepts(connection, who, typed, now, recovery=True)
        if way is None:
            self._count_failure(connection, who, now)
            return None
        self.staff.close_sessions(connection, now, session_id=waiting.id)
        session = StaffSession(hash_cookie(fresh_cookie), who.id, new_csrf(), now, now, agent=waiting.agent)
        self.staff.open_session(connection, session)
        self._signed_in(connection, who, way, now)
        return who

    def awaits_code(self, connection: sa.Connection, cookie: str, now: datetime) -> StaffSession | None:
        """The session that waits for the second step."""
        waiting = self.staff.session(connection, hash_cookie(cookie), "code") if cookie else None
        return waiting if waiting and now - waiting.opened_at <= _CODE_WITHIN else None

    def proves(self, connection: sa.Connection, who_id: str, typed: str, now: datetime, *, password_fits: bool) -> bool:
        """Whether it is really they at the keyboard: the password, or a code of the app; wrong ones are counted."""
        who = self.staff.get(connection, who_id)
        if who is None or is_locked(who, now):
            return False
        if password_fits or self.factor.accepts(connection, who, typed, now, recovery=False):
            return True
        self._count_failure(connection, who, now)
        return False

    def _signed_in(self, connection: sa.Connection, who: Counsellor, way: str, now: datetime) -> None:
        self.staff.change(connection, who.id, failures=0, locked_until=None, last_sign_in_at=now)
        self.staff.audit(connection, "signed_in", now, actor_id=who.id, way=way)

    def _count_failure(self, connection: sa.Connection, who: Counsellor, now: datetime) -> None:
        failures = who.failures + 1
        locks = failures >= self.rules.lock_failures
        self.staff.change(
            connection, who.id, failures=0 if locks else failures, locked_until=now + self.rules.lock if locks else None
        )  # fmt: skip
        self.staff.audit(connection, "locked" if locks else "sign_in_wrong", now, object_id=who.id)

    def sign_out(self, connection: sa.Connection, session: StaffSession, now: datetime) -> None:
        """Close one browser's session."""
        self.staff.close_sessions(connection, now, session_id=session.id)
        self.staff.audit(connection, "signed_out", now, actor_id=session.counsellor_id)

    def change_password(
        self, connection: sa.Connection, who: Counsellor, new_hash: str, keep: StaffSession, cookie: str, now: datetime
    ) -> None:  # fmt: skip
        """Set a new password; all sessions end, and this browser goes on with a new one."""
        self.staff.change(connection, who.id, password_hash=new_hash, must_change=False)
        self.staff.close_sessions(connection, now, staff_id=who.id)
        self.renew(connection, keep, cookie, now)
        self.staff.audit(connection, "password_changed", now, actor_id=who.id)

    def renew(self, connection: sa.Connection, old: StaffSession, cookie: str, now: datetime) -> None:
        """The same sign-in under a new cookie: what it may do has just grown."""
        self.staff.close_sessions(connection, now, session_id=old.id)
        fresh = StaffSession(hash_cookie(cookie), old.counsellor_id, new_csrf(), old.opened_at, now, agent=old.agent)
        self.staff.open_session(connection, fresh)

    def sessions(self, connection: sa.Connection, who: Counsellor, now: datetime) -> list[StaffSession]:
        """The browsers in which an account is signed in now."""
        used = self.staff.sessions_of(connection, who.id, now - self.rules.idle)
        return [session for session in used if now - session.opened_at <= self.rules.longest]

    def sign_out_elsewhere(self, connection: sa.Connection, keep: StaffSession, now: datetime) -> None:
        """Close every other browser of the account."""
        self.staff.close_sessions(connection, now, staff_id=keep.counsellor_id, but=keep.id)
        self.staff.audit(connection, "signed_out_elsewhere", now, actor_id=keep.counsellor_id)

    def who(self, connection: sa.Connection, cookie: str, now: datetime) -> tuple[Counsellor, StaffSession] | None:
        """Who a cookie belongs to, if its session is still good."""
        session = self.staff.session(connection, hash_cookie(cookie)) if cookie else None
        if session is None:
            return None
        if now - session.seen_at > self.rules.idle or now - session.opened_at > self.rules.longest:
            return None
        who = self.staff.get(connection, session.counsellor_id)
        return (who, session) if who and who.is_active else None


def is_locked(who: Counsellor, now: datetime) -> bool:
    """Whether wrong passwords or codes closed the account for a while."""
    return who.locked_until is not None and who.locked_until > now


def new_csrf() -> str:
    """A token that only pages of this session know."""
    return secrets.token_urlsafe(24)


def password_fits(who: Counsellor | None, password: str) -> bool:
    """Slow on purpose (argon2id): call it outside transactions and the event loop."""
    return _HASHER.verify(password[:1024], who.password_hash if who else _NOBODY) and who is not None


def hash_password(password: str) -> str:
    """The argon2id hash to keep."""
    return _HASHER.hash(password)


def check_new_password(password: str, login: str, old: str) -> None:
    """Raise WeakPassword in words for the counsellor."""
    if len(password) < SHORTEST_PASSWORD:
        raise WeakPassword(f"新密码至少{SHORTEST_PASSWORD}位")
    if len(password) > 128:
        raise WeakPassword("新密码最多128位")
    if password == old:
        raise WeakPassword("新密码不能和旧密码一样")
    if login.lower() in password.lower() or len(set(password)) < 5:
        raise WeakPassword("新密码太容易猜：不要包含用户名，也不要重复同几个字")


def one_time_password() -> OneTimePassword:
    """Easy to read aloud: no look-alikes, four groups. Slow like every hash: call it outside transactions."""
    text = "-".join(random_letters(4) for _ in range(4))
    return OneTimePassword(text, hash_password(text))


def hash_cookie(cookie: str) -> str:
    """What the database keeps of a console cookie."""
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()
