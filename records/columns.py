"""What tables are made of: a key that begins with the district, sealed bytes, instants in UTC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UtcTime(sa.types.TypeDecorator[datetime]):
    """An instant: written and read as aware UTC, kept as integer microseconds so that both databases sort alike."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without zone reached the database; pass aware UTC")
        return (value - _EPOCH) // _MICROSECOND  # whole numbers: the audit chain needs every microsecond back

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        return None if value is None else _EPOCH + value * _MICROSECOND


def table(name: str, *columns: sa.schema.SchemaItem, key: str = "id") -> sa.Table:
    """A table whose key is (district_id, key)."""
    return sa.Table(
        name,
        metadata,
        sa.Column("district_id", sa.Text, primary_key=True),
        sa.Column(key, sa.BigInteger if key == "seq" else sa.Text, primary_key=True, autoincrement=False),
        *columns,
    )


def text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=options.pop("nullable", False), **options)


def integer(name: str, default: int = 0) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, default=default)


def time(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, UtcTime, nullable=nullable)


def sealed(name: str, *, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=nullable)


def fixed(value: str | int) -> sa.BindParameter[Any]:
    """A value written into the statement: only so SQLite sees that an index of some rows holds the answer."""
    return sa.literal(value, literal_execute=True)


def among(values: Sequence[str]) -> sa.BindParameter[Any]:
    """The same for IN and NOT IN, in the order of the index's condition."""
    return sa.bindparam(None, tuple(values), expanding=True, literal_execute=True)
