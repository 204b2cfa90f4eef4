"""What an administrator does with accounts: add, roles, disable, reset. Everything is in the audit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.accounts import OneTimePassword
from escalation.cases import NotAllowed
from records.factors import Factors
from records.staff import Counsellor, Staff

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
LONGEST_NAME = 30


@dataclass(frozen=True)
class NewAccount:
    """What the form or the command says."""

    login: str
    name: str
    roles: Sequence[str]


@dataclass(frozen=True)
class AccountOffice:
    """Changes of accounts, by the command (without `by`) or by an administrator. Each inside one transaction."""

    staff: Staff
    factors: Factors
    roles: frozenset[str]

    def add(
        self, connection: sa.Connection, new: NewAccount, once: OneTimePassword, now: datetime,
        by: Counsellor | None = None,
    ) -> None:  # fmt: skip
        """A new account with a one-time password, which must be changed at the first sign-in."""
        if not _LOGIN.fullmatch(new.login):
            raise NotAllowed("用户名用2到32个小写字母、数字、点或短横，以字母或数字开头")
        if self.staff.by_login(connection, new.login):
            raise NotAllowed(f"已经有用户名 {new.login}")
        roles = self._known(new.roles)
        staff_id = self.staff.add(connection, new.login, checked_name(new.name), roles, once.hash, now)
        self._audit(connection, "account_added", staff_id, by, now, roles=list(roles))

    def set_roles(
        self, connection: sa.Connection, who: Counsellor, roles: Sequence[str], now: datetime, by: Counsellor
    ) -> None:
        """Other roles from the next click on; nobody gives roles to themselves."""
        self._not_oneself(who, by)
        self.staff.change_roles(connection, who.id, self._known(roles))
        self._audit(connection, "account_roles", who.id, by, now, before=list(who.roles), roles=list(roles))

    def reset(
        self, connection: sa.Connection, who: Counsellor, once: OneTimePassword, now: datetime,
        by: Counsellor | None = None,
    ) -> None:  # fmt: skip
        """A fresh one-time password; every browser of the account is signed out; a closed account is open again."""
        self._not_oneself(who, by)
        self.staff.change(
            connection, who.id, password_hash=once.hash, must_change=True, failures=0, locked_until=None,
            is_active=True,
        )  # fmt: skip
        self.staff.close_sessions(connection, now, staff_id=who.id)
        self._audit(connection, "account_reset", who.id, by, now)

    def reset_factor(
        self, connection: sa.Connection, who: Counsellor, now: datetime, by: Counsellor | None = None
    ) -> None:
        """The phone is lost: sign-in goes by the password alone until a new one is set up."""
        self._not_oneself(who, by)
        self.factors.remove(connection, who.id)
        self.staff.close_sessions(connection, now, staff_id=who.id)
        self._audit(connection, "account_factor_reset", who.id, by, now)

    def disable(self, connection: sa.Connection, who: Counsellor, now: datetime, by: Counsellor | None = None) -> None:
        """Close an account and sign it out everywhere; a reset opens it again."""
        self._not_oneself(who, by)
        self.staff.change(connection, who.id, is_active=False)
        self.staff.close_sessions(connection, now, staff_id=who.id)
        self._audit(connection, "account_disabled", who.id, by, now)

    def rename(self, connection: sa.Connection, who: Counsellor, name: str, now: datetime) -> None:
        """How colleagues and visitors see somebody; everybody's own."""
        self.staff.change(connection, who.id, display_name=checked_name(name))
        self._audit(connection, "account_renamed", who.id, who, now)

    def _known(self, roles: Sequence[str]) -> Sequence[str]:
        if not roles:
            raise NotAllowed("请至少选择一个角色")
        if strange := set(roles) - self.roles:
            raise NotAllowed(f"没有这样的角色：{'、'.join(sorted(strange))}")
        return roles

    def _not_oneself(self, who: Counsellor, by: Counsellor | None) -> None:
        if by is not None and by.id == who.id:
            raise NotAllowed("自己的账号不能在这里改，请另一位管理员来改")

    def _audit(
        self, connection: sa.Connection, what: str, staff_id: str, by: Counsellor | None, now: datetime,
        **detail: list[str],
    ) -> None:  # fmt: skip
        self.staff.audit(connection, what, now, actor_id=by.id if by else None, object_id=staff_id, **detail)


def checked_name(name: str) -> str:
    """A display name without spaces around; raise NotAllowed when it cannot be shown."""
    found = name.strip()
    if not 1 <= len(found) <= LONGEST_NAME or not found.isprintable():
        raise NotAllowed(f"显示的名字要有1到{LONGEST_NAME}个字")
    return found
