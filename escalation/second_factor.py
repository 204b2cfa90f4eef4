"""The second step of signing in: an authenticator app, or one of ten recovery codes; who must have it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import NotAllowed
from escalation.totp import fitting_step, new_secret
from records.factors import Factor, Factors
from records.staff import Counsellor, Staff

RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # no look-alikes


@dataclass(frozen=True)
class FactorPolicy:
    """Whether there is a second factor, and for whom it is a duty."""

    is_on: bool
    required_for: frozenset[str]


@dataclass(frozen=True)
class SecondFactor:
    """The factor of each account. Each method runs inside one transaction."""

    rows: Factors
    staff: Staff
    policy: FactorPolicy

    def confirmed(self, connection: sa.Connection, who: Counsellor) -> Factor | None:
        """The factor that sign-in asks for."""
        factor = self.rows.get(connection, who.id) if self.policy.is_on else None
        return factor if factor and factor.confirmed_at else None

    def must_have(self, who: Counsellor) -> bool:
        """Whether one of the account's roles may not do without."""
        return self.policy.is_on and bool(self.policy.required_for & set(who.roles))

    def is_missing(self, connection: sa.Connection, who: Counsellor) -> bool:
        """Whether it has to be set up before anything else."""
        return self.must_have(who) and self.confirmed(connection, who) is None

    def begin(self, connection: sa.Connection, who: Counsellor) -> bytes:
        """A secret for the app; nothing is asked for until a code has shown that the app has it."""
        if not self.policy.is_on:
            raise NotAllowed("这个平台没有开启两步验证")
        if self.confirmed(connection, who):
            raise NotAllowed("两步验证已经开启；换手机请先关闭，再重新设置")
        secret = new_secret()
        self.rows.begin(connection, who.id, secret)
        return secret

    def confirm(self, connection: sa.Connection, who: Counsellor, typed: str, now: datetime) -> list[str] | None:
        """The first code of the app; returns the recovery codes, to be shown once, or None when it is wrong."""
        factor = self.rows.get(connection, who.id)
        if factor is None or factor.confirmed_at:
            raise NotAllowed("请重新打开设置页")
        if not self._spend_code(connection, who, factor, typed, now):
            return None
        self.rows.confirm(connection, who.id, now)
        self.staff.audit(connection, "factor_added", now, actor_id=who.id, object_id=who.id)
        return self._fresh_codes(connection, who)

    def accepts(
        self, connection: sa.Connection, who: Counsellor, typed: str, now: datetime, *, recovery: bool
    ) -> str | None:
        """How the second step was taken: app | recovery; None when what was typed is worth nothing."""
        factor = self.confirmed(connection, who)
        if factor is None:
            return None
        if self._spend_code(connection, who, factor, typed, now):
            return "app"
        is_used = recovery and self.rows.use_code(connection, who.id, _plain(typed), now)
        return "recovery" if is_used else None

    def renew_codes(self, connection: sa.Connection, who: Counsellor, now: datetime) -> list[str]:
        """Ten new recovery codes; the old ones are worth nothing."""
        if self.confirmed(connection, who) is None:
            raise NotAllowed("请先开启两步验证")
        self.staff.audit(connection, "recovery_codes_made", now, actor_id=who.id, object_id=who.id)
        return self._fresh_codes(connection, who)

    def end(self, connection: sa.Connection, who: Counsellor, now: datetime) -> None:
        """The account's own wish; not where it is a duty."""
        if self.must_have(who):
            raise NotAllowed("您的角色必须使用两步验证；手机丢了请管理员重置")
        self.rows.remove(connection, who.id)
        self.staff.audit(connection, "factor_ended", now, actor_id=who.id, object_id=who.id)

    def _spend_code(
        self, connection: sa.Connection, who: Counsellor, factor: Factor, typed: str, now: datetime
    ) -> bool:
        step = fitting_step(factor.secret, _plain(typed), now, after=factor.last_step)
        return step is not None and self.rows.use_step(connection, who.id, step)

    def _fresh_codes(self, connection: sa.Connection, who: Counsellor) -> list[str]:
        codes = [random_letters(10) for _ in range(RECOVERY_CODES)]
        self.rows.set_codes(connection, who.id, codes)
        return [f"{code[:5]}-{code[5:]}" for code in codes]


def random_letters(count: int) -> str:
    """What people read aloud and type."""
    return "".join(secrets.choice(_LETTERS) for _ in range(count))


def _plain(typed: str) -> str:
    """People type spaces, dashes and capitals."""
    return "".join(typed.split()).replace("-", "").lower()
