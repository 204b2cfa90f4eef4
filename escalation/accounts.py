"""Sign-in of counsellors: argon2id, server-side sessions, lock-out after wrong passwords, everything in the audit."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from records.staff import Counsellor, Staff, StaffSession

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
class Accounts:
    """Accounts and their sessions; methods that take a connection run inside one transaction."""

    staff: Staff
    rules: SessionRules

    def add(self, connection: sa.Connection, login: str, name: str, roles: Sequence[str], now: datetime) -> str:
        """A new account; returns the one-time password, which must be changed at the first sign-in."""
        password = one_time_password()
        staff_id = self.staff.add(connection, login, name, roles, hash_password(password), now)
        self.staff.audit(connection, "account_added", now, object_id=staff_id, roles=list(roles))
        return password

    def reset(self, connection: sa.Connection, who: Counsellor, now: datetime) -> str:
        """A fresh one-time password; every browser of the account is signed out."""
        password = one_time_password()
        self.staff.change(
            connection, who.id, password_hash=hash_password(password), must_change=True, failures=0,
            locked_until=None, is_active=True,
        )  # fmt: skip
        self.staff.close_sessions(connection, now, staff_id=who.id)
        self.staff.audit(connection, "account_reset", now, object_id=who.id)
        return password

    def disable(self, connection: sa.Connection, who: Counsellor, now: datetime) -> None:
        """Close an account and sign it out everywhere."""
        self.staff.change(connection, who.id, is_active=False)
        self.staff.close_sessions(connection, now, staff_id=who.id)
        self.staff.audit(connection, "account_disabled", now, object_id=who.id)

    def sign_in(
        self, connection: sa.Connection, login: str, *, password_fits: bool, cookie: str, now: datetime
    ) -> Counsellor | None:
        """Open a session for the cookie; None when refused (counted towards the lock)."""
        who = self.staff.by_login(connection, login)
        if who is None or not who.is_active or (who.locked_until and who.locked_until > now):
            self.staff.audit(connection, "sign_in_refused", now, object_id=who.id if who else None)
            return None
        if not password_fits:
            self._count_failure(connection, who, now)
            return None
        session = StaffSession(hash_cookie(cookie), who.id, secrets.token_urlsafe(24), now, now)
        self.staff.open_session(connection, session)
        self.staff.change(connection, who.id, failures=0, locked_until=None, last_sign_in_at=now)
        self.staff.audit(connection, "signed_in", now, actor_id=who.id)
        return who

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
        fresh = StaffSession(hash_cookie(cookie), who.id, secrets.token_urlsafe(24), keep.opened_at, now)
        self.staff.open_session(connection, fresh)
        self.staff.audit(connection, "password_changed", now, actor_id=who.id)

    def who(self, connection: sa.Connection, cookie: str, now: datetime) -> tuple[Counsellor, StaffSession] | None:
        """Who a cookie belongs to, if its session is still good."""
        session = self.staff.session(connection, hash_cookie(cookie)) if cookie else None
        if session is None:
            return None
        if now - session.seen_at > self.rules.idle or now - session.opened_at > self.rules.longest:
            return None
        who = self.staff.get(connection, session.counsellor_id)
        return (who, session) if who and who.is_active else None


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


def one_time_password() -> str:
    """Easy to read aloud: no look-alikes, four groups."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def hash_cookie(cookie: str) -> str:
    """What the database keeps of a console cookie."""
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()
