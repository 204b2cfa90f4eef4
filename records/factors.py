"""The second factor of accounts: sealed secrets and recovery codes, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from records import tables as t
from records.crypto import Vault


@dataclass(frozen=True)
class Factor:
    """The shared secret of an account and its phone; asked for once it is confirmed."""

    secret: bytes
    confirmed_at: datetime | None
    last_step: int


class Factors:
    """Rows of one district."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def get(self, connection: sa.Connection, staff_id: str) -> Factor | None:
        """The factor of an account, confirmed or begun."""
        row = connection.execute(sa.select(t.second_factor).where(*self._of(staff_id))).first()
        if row is None:
            return None
        secret = bytes.fromhex(self.vault.open(row.secret_sealed, "second_factor.secret", staff_id))
        return Factor(secret, row.confirmed_at, row.last_step)

    def confirmed(self, connection: sa.Connection) -> set[str]:
        """The accounts that have one."""
        query = sa.select(t.second_factor.c.id).where(
            t.second_factor.c.district_id == self.district, t.second_factor.c.confirmed_at.is_not(None)
        )
        return set(connection.execute(query).scalars())

    def begin(self, connection: sa.Connection, staff_id: str, secret: bytes) -> None:
        """A new secret that is not asked for yet, in place of any other."""
        self.remove(connection, staff_id)
        sealed = self.vault.seal(secret.hex(), "second_factor.secret", staff_id)
        connection.execute(
            t.second_factor.insert().values(district_id=self.district, id=staff_id, secret_sealed=sealed, last_step=0)
        )

    def confirm(self, connection: sa.Connection, staff_id: str, now: datetime) -> None:
        """From here on it is asked for."""
        connection.execute(t.second_factor.update().where(*self._of(staff_id)).values(confirmed_at=now))

    def use_step(self, connection: sa.Connection, staff_id: str, step: int) -> bool:
        """Spend the code of a step; False when it or a later one was spent already."""
        done = connection.execute(
            t.second_factor.update()
            .where(*self._of(staff_id), t.second_factor.c.last_step < step)
            .values(last_step=step)
        )
        return done.rowcount == 1

    def remove(self, connection: sa.Connection, staff_id: str) -> None:
        """The factor and its recovery codes are gone."""
        connection.execute(t.second_factor.delete().where(*self._of(staff_id)))
        self.set_codes(connection, staff_id, ())

    def set_codes(self, connection: sa.Connection, staff_id: str, codes: Iterable[str]) -> None:
        """These recovery codes in place of any others; kept as keyed fingerprints only."""
        code = t.recovery_code
        connection.execute(code.delete().where(code.c.district_id == self.district, code.c.counsellor_id == staff_id))
        for each in codes:
            connection.execute(
                code.insert().values(district_id=self.district, id=self._index(staff_id, each), counsellor_id=staff_id)
            )

    def use_code(self, connection: sa.Connection, staff_id: str, typed: str, now: datetime) -> bool:
        """Spend a recovery code; False when there is no such code or it was spent."""
        code = t.recovery_code
        done = connection.execute(
            code.update()
            .where(
                code.c.district_id == self.district, code.c.id == self._index(staff_id, typed),
                code.c.used_at.is_(None),
            )
            .values(used_at=now)
        )  # fmt: skip
        return done.rowcount == 1

    def codes_left(self, connection: sa.Connection, staff_id: str) -> int:
        """How many recovery codes can still be used."""
        code = t.recovery_code
        query = (
            sa.select(sa.func.count())
            .select_from(code)
            .where(code.c.district_id == self.district, code.c.counsellor_id == staff_id, code.c.used_at.is_(None))
        )
        return connection.execute(query).scalar_one()

    def _index(self, staff_id: str, code: str) -> str:
        return self.vault.blind_index(f"recovery:{staff_id}:{code}")

    def _of(self, staff_id: str) -> tuple[sa.ColumnElement[bool], ...]:
        return t.second_factor.c.district_id == self.district, t.second_factor.c.id == staff_id
