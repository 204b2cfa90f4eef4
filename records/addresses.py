"""Where people can be called who are not looking at a screen: counsellors' own numbers, visitors' browsers. Sealed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault
from records.notices import ACTIVE

STAFF, VISITOR = "staff", "visitor"
MAIL, SMS, PUSH = "mail", "sms", "push"
_PHONE = re.compile(r"\+?[0-9]{5,15}")
_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True)
class Address:
    """One place to call; `owner_id` is a counsellor or a visitor's conversation."""

    id: str
    owner: str
    owner_id: str
    carrier: str
    text: str
    is_on: bool
    added_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True)
class Way:
    """How somebody can be called; the address stays sealed, or in the settings (`counsellor_id` is then None)."""

    address_id: str
    carrier: str
    counsellor_id: str | None = None
    roles: tuple[str, ...] = ()


class Addresses:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(
        self, connection: sa.Connection, owner: str, owner_id: str, carrier: str, text: str, now: datetime
    ) -> str:  # fmt: skip
        """Keep an address, once; a browser belongs to the last who turned it on there. Returns its id."""
        index = self._index(carrier, text)
        found = self._select(connection, t.notice_address.c.address_index == index)
        for other in found:
            if other.owner_id == owner_id:
                self.change(connection, other.id, is_on=True)
                return other.id
        if carrier == PUSH:
            self.remove(connection, [other.id for other in found])
        address_id = new_id()
        connection.execute(
            t.notice_address.insert().values(
                district_id=self.district, id=address_id, owner=owner, owner_id=owner_id, carrier=carrier,
                address_index=index, is_on=True, added_at=now,
                address_sealed=self.vault.seal(text, "notice_address.address", address_id),
            )
        )  # fmt: skip
        return address_id

    def get(self, connection: sa.Connection, address_id: str) -> Address | None:
        """One address."""
        return next(iter(self._select(connection, t.notice_address.c.id == address_id)), None)

    def of(self, connection: sa.Connection, owner_id: str) -> list[Address]:
        """A person's own, oldest first."""
        return self._select(connection, t.notice_address.c.owner_id == owner_id)

    def of_browser(self, connection: sa.Connection, endpoint: str) -> Address | None:
        """Whose browser has this push address."""
        index = self._index(PUSH, endpoint)
        return next(iter(self._select(connection, t.notice_address.c.address_index == index)), None)

    def staff_ways(self, connection: sa.Connection) -> list[Way]:
        """Every address that is switched on, of everybody who works here now."""
        address, who = t.notice_address, t.counsellor
        query = (
            sa.select(address.c.id, address.c.carrier, address.c.owner_id, who.c.roles)
            .join(who, sa.and_(who.c.district_id == address.c.district_id, who.c.id == address.c.owner_id))
            .where(
                address.c.district_id == self.district, address.c.owner == STAFF, address.c.is_on.is_(True),
                who.c.is_active.is_(True),
            )
            .order_by(address.c.added_at, address.c.id)
        )  # fmt: skip
        return [
            Way(row.id, row.carrier, row.owner_id, tuple(json.loads(row.roles))) for row in connection.execute(query)
        ]

    def change(self, connection: sa.Connection, address_id: str, **values: Any) -> None:  # columns
        """Set columns of an address."""
        connection.execute(t.notice_address.update().where(self._is([address_id])).values(**values))

    def remove(self, connection: sa.Connection, ids: Sequence[str]) -> None:
        """Forget addresses, and whatever still waits to be sent there."""
        if not ids:
            return
        connection.execute(
            t.notice.update()
            .where(
                t.notice.c.district_id == self.district, t.notice.c.address_id.in_(ids), t.notice.c.state.in_(ACTIVE)
            )
            .values(state="withdrawn", reason="address removed", lease_until=None)
        )  # fmt: skip
        connection.execute(t.notice_address.delete().where(self._is(ids)))

    def _select(self, connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[Address]:
        query = (
            sa.select(t.notice_address)
            .where(t.notice_address.c.district_id == self.district, which)
            .order_by(t.notice_address.c.added_at, t.notice_address.c.id)
        )
        return [
            Address(
                row.id, row.owner, row.owner_id, row.carrier,
                self.vault.open(row.address_sealed, "notice_address.address", row.id), row.is_on, row.added_at,
                row.confirmed_at,
            )
            for row in connection.execute(query)
        ]  # fmt: skip

    def _index(self, carrier: str, text: str) -> str:
        return self.vault.blind_index(f"{carrier}\0{text}")

    def _is(self, ids: Sequence[str]) -> sa.ColumnElement[bool]:
        return sa.and_(t.notice_address.c.district_id == self.district, t.notice_address.c.id.in_(ids))


def phone_of(text: str) -> str:
    """A telephone number without the marks between its digits; empty when it is none."""
    number = re.sub(r"[\s()\-]", "", text)
    return number if number.isascii() and _PHONE.fullmatch(number) else ""


def mail_of(text: str) -> str:
    """A mail address; empty when it is none."""
    address = text.strip()
    return address if _MAIL_ADDRESS.fullmatch(address) and len(address) <= 254 else ""
