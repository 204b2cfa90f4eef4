"""What a platform still lets us send, counted for all processes: messages to a person, tokens of a channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from records import tables as t


@dataclass(frozen=True)
class Allowance:
    """How many messages may still go to one conversation, until when, and how many of the last only people may use."""

    left: int
    until: datetime
    kept: int = 0

    def widened(self, new: Allowance) -> Allowance:
        """This and what the person's last act allows: the more and the longer of both.

        People keep what they had. But where the act alone allows as many as are left, the bot may answer it with one,
        if that is not people's last: who presses "urgent help" in the menu must hear something.
        """
        left, kept = max(self.left, new.left), min(self.left, self.kept)
        if new.left >= self.left:
            kept = min(kept, max(left - 1, 1))
        return Allowance(left, max(self.until, new.until), max(kept, new.kept))


class Ledger:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str):
        self.district = district

    def refill(self, connection: sa.Connection, conversation_id: str, new: Allowance, now: datetime) -> None:
        """The person did something: the platform's count begins anew; what is open is never shrunk."""
        open_now = self.allowances(connection, [conversation_id]).get(conversation_id)
        if open_now is not None and open_now.until > now:
            new = open_now.widened(new)
        values = {"left": new.left, "until": new.until, "kept": new.kept}
        self._put(connection, t.allowance, conversation_id, values)

    def spend(self, connection: sa.Connection, conversation_id: str) -> None:
        """One message went out that counts."""
        connection.execute(
            t.allowance.update()
            .where(self._is(t.allowance, conversation_id), t.allowance.c.left > 0)
            .values(left=t.allowance.c.left - 1)
        )

    def empty(self, connection: sa.Connection, conversation_id: str) -> None:
        """The platform says that nothing is left."""
        connection.execute(t.allowance.update().where(self._is(t.allowance, conversation_id)).values(left=0))

    def allowances(self, connection: sa.Connection, conversation_ids: Sequence[str]) -> dict[str, Allowance]:
        """What is left for these conversations; those that never wrote are missing."""
        query = sa.select(t.allowance).where(
            t.allowance.c.district_id == self.district, t.allowance.c.id.in_(conversation_ids)
        )
        return {row.id: Allowance(row.left, row.until, row.kept) for row in connection.execute(query)}

    def take(
        self,
        connection: sa.Connection,
        channel: str,
        wanted: int,
        per_second: float | None,
        now: datetime,
        burst: float = 1.0,
    ) -> int:
        """Take up to `wanted` of the channel's tokens; they grow by `per_second`, to `burst` seconds' worth at most.

        Without a rate all are granted, unless the platform told us to wait.
        """
        query = sa.select(t.rate).where(self._is(t.rate, channel))
        row = connection.execute(query.with_for_update()).first()
        if row is not None and row.paused_until is not None and row.paused_until > now:
            return 0
        if per_second is None:
            return wanted
        most = per_second * burst
        grown = (now - row.at) / timedelta(seconds=1) * per_second if row is not None else most
        tokens = min((row.tokens if row is not None else 0.0) + max(grown, 0.0), most)
        granted = min(wanted, int(tokens))
        self._put(connection, t.rate, channel, {"tokens": tokens - granted, "at": now, "paused_until": None})
        return granted

    def pause(self, connection: sa.Connection, channel: str, until: datetime, now: datetime) -> None:
        """The platform told us to wait: nothing goes out on this channel before then."""
        self._put(connection, t.rate, channel, {"tokens": 0.0, "at": now, "paused_until": until})

    def _is(self, table: sa.Table, row_id: str) -> sa.ColumnElement[bool]:
        return sa.and_(table.c.district_id == self.district, table.c.id == row_id)

    def _put(self, connection: sa.Connection, table: sa.Table, row_id: str, values: dict[str, object]) -> None:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(
            dialect.insert(table)
            .values(district_id=self.district, id=row_id, **values)
            .on_conflict_do_update(index_elements=["district_id", "id"], set_=values)
        )
