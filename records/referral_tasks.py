"""What somebody has to do about a referral: a row until it is done, so that a restart forgets nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault


@dataclass(frozen=True)
class ReferralTask:
    """One thing to do; `for_id` None = the duty lead."""

    id: str
    referral_id: str
    case_id: str
    kind: str
    for_id: str | None
    opened_at: datetime


class ReferralTasks:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def open(
        self, connection: sa.Connection, referral_id: str, case_id: str, kind: str, for_id: str | None, now: datetime
    ) -> None:
        """Something has to be done; of each kind a referral has at most one."""
        if any(task.kind == kind for task in self.of_referral(connection, referral_id)):
            return
        connection.execute(
            t.referral_task.insert().values(
                district_id=self.district, id=new_id(), referral_id=referral_id, case_id=case_id, kind=kind,
                for_id=for_id, opened_at=now,
            )
        )  # fmt: skip

    def get(self, connection: sa.Connection, task_id: str) -> ReferralTask | None:
        """One that is still to be done; locked."""
        query = self._open_ones().where(t.referral_task.c.id == task_id).with_for_update()
        row = connection.execute(query).first()
        return _task(row) if row else None

    def of_referral(self, connection: sa.Connection, referral_id: str) -> list[ReferralTask]:
        """What is still to be done about a referral."""
        query = self._open_ones().where(t.referral_task.c.referral_id == referral_id)
        return [_task(row) for row in connection.execute(query)]

    def all_open(self, connection: sa.Connection) -> list[ReferralTask]:
        """Everything that is still to be done, oldest first."""
        return [_task(row) for row in connection.execute(self._open_ones().order_by(t.referral_task.c.opened_at))]

    def finish(
        self, connection: sa.Connection, task: ReferralTask, by_id: str | None, now: datetime, note: str = ""
    ) -> None:
        """It is done."""
        sealed = self.vault.seal(note, "referral_task.note", task.id) if note else None
        connection.execute(
            t.referral_task.update()
            .where(t.referral_task.c.district_id == self.district, t.referral_task.c.id == task.id)
            .values(done_by=by_id, done_at=now, note_sealed=sealed)
        )

    def notes(self, connection: sa.Connection, referral_id: str) -> list[tuple[str, str | None, datetime, str]]:
        """What was written when tasks were done: kind, who, when, words; oldest first."""
        query = (
            sa.select(t.referral_task)
            .where(
                t.referral_task.c.district_id == self.district,
                t.referral_task.c.referral_id == referral_id,
                t.referral_task.c.note_sealed.is_not(None),
            )
            .order_by(t.referral_task.c.done_at)
        )
        return [
            (row.kind, row.done_by, row.done_at, self.vault.open(row.note_sealed, "referral_task.note", row.id))
            for row in connection.execute(query)
        ]

    def cases(self, connection: sa.Connection, kinds: Collection[str]) -> set[str]:
        """Cases with something of these kinds still to be done."""
        query = sa.select(t.referral_task.c.case_id).where(
            t.referral_task.c.district_id == self.district,
            t.referral_task.c.done_at.is_(None),
            t.referral_task.c.kind.in_(kinds),
        )
        return set(connection.execute(query).scalars())

    def _open_ones(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.referral_task).where(
            t.referral_task.c.district_id == self.district, t.referral_task.c.done_at.is_(None)
        )


def _task(row: Any) -> ReferralTask:  # Any: SQLAlchemy rows are untyped
    return ReferralTask(row.id, row.referral_id, row.case_id, row.kind, row.for_id, row.opened_at)
