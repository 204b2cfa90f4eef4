"""What a channel must remember between processes and restarts: access tokens, cursors, offsets. Sealed."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from records import tables as t
from records.crypto import Vault


class ChannelState:
    """Values by name, such as `telegram.offset`, of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def get(self, connection: sa.Connection, name: str, now: datetime) -> str | None:
        """The value, unless it expired."""
        row = connection.execute(sa.select(t.channel_state).where(self._is(name))).first()
        if row is None or (row.expires_at is not None and row.expires_at <= now):
            return None
        return self.vault.open(row.value_sealed, "channel_state.value", name)

    def names(self, connection: sa.Connection, prefix: str) -> list[str]:
        """The names that begin so, without the prefix; those of expired values too."""
        query = sa.select(t.channel_state.c.id).where(
            t.channel_state.c.district_id == self.district, t.channel_state.c.id.startswith(prefix, autoescape=True)
        )
        return [
            name.removeprefix(prefix) for name in connection.execute(query.order_by(t.channel_state.c.id)).scalars()
        ]

    def put(self, connection: sa.Connection, name: str, value: str, expires_at: datetime | None = None) -> None:
        """Keep a value."""
        sealed = self.vault.seal(value, "channel_state.value", name)
        values = {"value_sealed": sealed, "expires_at": expires_at}
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(
            dialect.insert(t.channel_state)
            .values(district_id=self.district, id=name, **values)
            .on_conflict_do_update(index_elements=["district_id", "id"], set_=values)
        )

    def forget(self, connection: sa.Connection, name: str, value: str) -> bool:
        """Remove this very value; False when another process has put a newer one meanwhile."""
        row = connection.execute(sa.select(t.channel_state).where(self._is(name)).with_for_update()).first()
        if row is None or self.vault.open(row.value_sealed, "channel_state.value", name) != value:
            return False
        connection.execute(t.channel_state.delete().where(self._is(name)))
        return True

    def _is(self, name: str) -> sa.ColumnElement[bool]:
        return sa.and_(t.channel_state.c.district_id == self.district, t.channel_state.c.id == name)
