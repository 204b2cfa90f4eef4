"""What people decided about a contact and why, and how the team answers somebody who comes very often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault


@dataclass(frozen=True)
class Plan:
    """How the team answers this person; an empty text ends it."""

    text: str
    by_id: str
    at: datetime


@dataclass(frozen=True)
class Decision:
    """One decision. `kind`: blocked | unblocked | reached."""

    kind: str
    reason: str
    by_id: str
    at: datetime


class Decisions:
    """Reads and writes of one district, inside the caller's transaction; nothing is ever changed or removed."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(
        self, connection: sa.Connection, contact_id: str, kind: str, by_id: str, reason: str, now: datetime
    ) -> None:
        """Keep a decision with its reason."""
        decision_id = new_id()
        connection.execute(
            t.contact_decision.insert().values(
                district_id=self.district, id=decision_id, contact_id=contact_id, kind=kind, by_id=by_id, at=now,
                reason_sealed=self.vault.seal(reason, "contact_decision.reason", decision_id),
            )
        )  # fmt: skip

    def of(self, connection: sa.Connection, contact_id: str) -> list[Decision]:
        """The decisions about a contact, newest first."""
        query = (
            sa.select(t.contact_decision)
            .where(t.contact_decision.c.district_id == self.district, t.contact_decision.c.contact_id == contact_id)
            .order_by(t.contact_decision.c.at.desc())
        )
        return [
            Decision(
                row.kind, self.vault.open(row.reason_sealed, "contact_decision.reason", row.id), row.by_id, row.at
            )
            for row in connection.execute(query)
        ]  # fmt: skip

    def add_plan(self, connection: sa.Connection, contact_id: str, by_id: str, text: str, now: datetime) -> None:
        """The plan from now on."""
        plan_id = new_id()
        connection.execute(
            t.contact_plan.insert().values(
                district_id=self.district, id=plan_id, contact_id=contact_id, by_id=by_id, at=now,
                body_sealed=self.vault.seal(text, "contact_plan.body", plan_id),
            )
        )  # fmt: skip

    def plan(self, connection: sa.Connection, contact_ids: Sequence[str]) -> Plan | None:
        """The newest plan for any contact of a person; None when there is none or the newest ended it."""
        query = (
            sa.select(t.contact_plan)
            .where(t.contact_plan.c.district_id == self.district, t.contact_plan.c.contact_id.in_(contact_ids))
            .order_by(t.contact_plan.c.at.desc())
            .limit(1)
        )
        row = connection.execute(query).first()
        text = self.vault.open(row.body_sealed, "contact_plan.body", row.id) if row else ""
        return Plan(text, row.by_id, row.at) if row and text else None
