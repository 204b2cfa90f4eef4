"""Calls for help: who serves a case asks supervisors, one of them answers. The person never hears of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault


@dataclass(frozen=True)
class HelpCall:
    """One call. `state`: open | answered | withdrawn | void."""

    id: str
    case_id: str
    by_id: str
    state: str
    why: str
    at: datetime
    ended_at: datetime | None
    answered_by: str | None
    answer: str


class HelpCalls:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(self, connection: sa.Connection, case_id: str, by_id: str, why: str, now: datetime) -> str:
        """A new call; the database refuses a second open one for the case."""
        call_id = new_id()
        connection.execute(
            t.help_call.insert().values(
                district_id=self.district, id=call_id, case_id=case_id, by_id=by_id, state="open", at=now,
                why_sealed=self.vault.seal(why, "help_call.why", call_id),
            )
        )  # fmt: skip
        return call_id

    def end(
        self, connection: sa.Connection, call_id: str, state: str, now: datetime, *, by_id: str | None = None,
        answer: str = "",
    ) -> None:  # fmt: skip
        """What became of an open call: who answered it and how, or that nobody needs to any more."""
        sealed = self.vault.seal(answer, "help_call.answer", call_id) if answer else None
        connection.execute(
            t.help_call.update()
            .where(t.help_call.c.district_id == self.district, t.help_call.c.id == call_id)
            .where(t.help_call.c.state == "open")
            .values(state=state, ended_at=now, answered_by=by_id, answer_sealed=sealed)
        )

    def open_of(self, connection: sa.Connection, case_id: str) -> HelpCall | None:
        """The call of a case that nobody has answered."""
        return next(
            (one for one in self._found(connection, t.help_call.c.case_id == case_id) if one.state == "open"), None
        )

    def newest_of(self, connection: sa.Connection, case_id: str) -> HelpCall | None:
        """The last call of a case, whatever became of it."""
        return next(iter(self._found(connection, t.help_call.c.case_id == case_id)), None)

    def open(self, connection: sa.Connection) -> list[HelpCall]:
        """Every call that nobody has answered, the newest first."""
        return self._found(connection, t.help_call.c.state == "open")

    def _found(self, connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[HelpCall]:
        query = sa.select(t.help_call).where(t.help_call.c.district_id == self.district, which)
        return [self._call(row) for row in connection.execute(query.order_by(t.help_call.c.at.desc()))]

    def _call(self, row: Any) -> HelpCall:  # Any: SQLAlchemy rows are untyped
        answer = self.vault.open(row.answer_sealed, "help_call.answer", row.id) if row.answer_sealed else ""
        return HelpCall(
            row.id, row.case_id, row.by_id, row.state, self.vault.open(row.why_sealed, "help_call.why", row.id), row.at,
            row.ended_at, row.answered_by, answer,
        )  # fmt: skip
