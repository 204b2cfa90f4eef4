"""Links by which a partner without an account sees one letter. Token, code and cookie are kept as fingerprints only."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.crypto import Vault


@dataclass(frozen=True)
class PartnerLink:
    """One link; it opens until it is closed, locked or too old."""

    id: str
    referral_id: str
    code_index: str
    failures: int
    visit_hash: str | None
    visit_until: datetime | None
    made_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    locked_at: datetime | None

    def opens(self, now: datetime) -> bool:
        """Whether anything may be shown for it."""
        return self.closed_at is None and self.locked_at is None and now < self.expires_at


class PartnerLinks:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def fingerprint(self, token: str) -> str:
        """What is kept of a token of 256 random bits."""
        return hashlib.sha256(token.encode()).hexdigest()

    def code_index(self, link_id: str, code: str) -> str:
        """What is kept of a code: keyed, because six digits could be tried out."""
        return self.vault.blind_index(f"{link_id}:{code}")

    def add(
        self, connection: sa.Connection, token: str, code: str, *, referral_id: str, by_id: str, now: datetime,
        expires_at: datetime,
    ) -> None:  # fmt: skip
        """A new link; earlier ones of the referral open no more."""
        self.close(connection, referral_id, now)
        link_id = self.fingerprint(token)
        connection.execute(
            t.partner_link.insert().values(
                district_id=self.district, id=link_id, referral_id=referral_id,
                code_index=self.code_index(link_id, code), failures=0, made_by=by_id, made_at=now,
                expires_at=expires_at,
            )
        )  # fmt: skip

    def find(self, connection: sa.Connection, token: str, *, lock: bool = False) -> PartnerLink | None:
        """The link of a token."""
        query = sa.select(t.partner_link).where(
            t.partner_link.c.district_id == self.district, t.partner_link.c.id == self.fingerprint(token)
        )
        row = connection.execute(query.with_for_update() if lock else query).first()
        return _link(row) if row else None

    def newest(self, connection: sa.Connection, referral_id: str) -> PartnerLink | None:
        """The last link that was made for a referral."""
        query = (
            sa.select(t.partner_link)
            .where(t.partner_link.c.district_id == self.district, t.partner_link.c.referral_id == referral_id)
            .order_by(t.partner_link.c.closed_at.is_not(None), t.partner_link.c.made_at.desc())
            .limit(1)
        )
        row = connection.execute(query).first()
        return _link(row) if row else None

    def change(self, connection: sa.Connection, link_id: str, **values: Any) -> None:  # columns
        """Set columns of a link."""
        connection.execute(
            t.partner_link.update()
            .where(t.partner_link.c.district_id == self.district, t.partner_link.c.id == link_id)
            .values(**values)
        )

    def close(self, connection: sa.Connection, referral_id: str, now: datetime) -> None:
        """No link of this referral opens any more."""
        connection.execute(
            t.partner_link.update()
            .where(
                t.partner_link.c.district_id == self.district,
                t.partner_link.c.referral_id == referral_id,
                t.partner_link.c.closed_at.is_(None),
            )
            .values(closed_at=now)
        )


def _link(row: Any) -> PartnerLink:  # Any: SQLAlchemy rows are untyped
    return PartnerLink(
        row.id, row.referral_id, row.code_index, row.failures, row.visit_hash, row.visit_until, row.made_at,
        row.expires_at, row.closed_at, row.locked_at,
    )  # fmt: skip
