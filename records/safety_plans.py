"""Safety plans as they were given to people: each version kept, the newest one theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault


@dataclass(frozen=True)
class SafetyPlan:
    """One version, as the person got it: part -> their own words."""

    parts: Mapping[str, str]
    by_id: str
    case_id: str
    at: datetime


class SafetyPlans:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(self, connection: sa.Connection, contact_id: str, plan: SafetyPlan) -> None:
        """Keep a version."""
        plan_id = new_id()
        body = json.dumps(dict(plan.parts), ensure_ascii=False)
        connection.execute(
            t.safety_plan.insert().values(
                district_id=self.district, id=plan_id, contact_id=contact_id, case_id=plan.case_id,
                body_sealed=self.vault.seal(body, "safety_plan.body", plan_id), by_id=plan.by_id, at=plan.at,
            )
        )  # fmt: skip

    def of(self, connection: sa.Connection, contact_ids: Sequence[str]) -> list[SafetyPlan]:
        """The versions of a person's contacts, newest first."""
        return self._read(connection, contact_ids, None)

    def newest(self, connection: sa.Connection, contact_ids: Sequence[str]) -> SafetyPlan | None:
        """The plan that the person has; None when they have none."""
        return next(iter(self._read(connection, contact_ids, 1)), None)

    def _read(self, connection: sa.Connection, contact_ids: Sequence[str], limit: int | None) -> list[SafetyPlan]:
        query = (
            sa.select(t.safety_plan)
            .where(t.safety_plan.c.district_id == self.district, t.safety_plan.c.contact_id.in_(contact_ids))
            .order_by(t.safety_plan.c.at.desc())
            .limit(limit)
        )
        return [self._plan(row) for row in connection.execute(query)]

    def _plan(self, row: Any) -> SafetyPlan:  # Any: SQLAlchemy rows are untyped
        body = self.vault.open(row.body_sealed, "safety_plan.body", row.id)
        return SafetyPlan(json.loads(body), row.by_id, row.case_id, row.at)
