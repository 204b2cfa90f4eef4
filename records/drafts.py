"""Words that a colleague typed and has not sent: sealed, for nobody else, gone when they are sent or grow old."""

from __future__ import annotations

import hashlib
from datetime import datetime

import sqlalchemy as sa

from records import tables as t
from records.crypto import Vault

_MOST = 200  # drafts of one person; the oldest make room


class Drafts:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def keep(
        self, connection: sa.Connection, owner_id: str, place: str, text: str, now: datetime, case_id: str = ""
    ) -> None:  # fmt: skip
        """The newest words typed at a place; empty ones end the draft."""
        row_id = hashlib.sha256(f"{owner_id}\n{place}".encode()).hexdigest()[:32]
        own = sa.and_(t.draft.c.district_id == self.district, t.draft.c.id == row_id)
        connection.execute(t.draft.delete().where(own))
        if not text:
            return
        older = (
            sa.select(t.draft.c.id)
            .where(*self._of(owner_id))
            .order_by(t.draft.c.at.desc(), t.draft.c.id)
            .offset(_MOST - 1)
        )
        gone = list(connection.execute(older).scalars())
        connection.execute(t.draft.delete().where(t.draft.c.district_id == self.district, t.draft.c.id.in_(gone)))
        connection.execute(
            t.draft.insert().values(
                district_id=self.district, id=row_id, owner_id=owner_id, case_id=case_id or None, at=now,
                place_sealed=self.vault.seal(place, "draft.place", row_id),
                text_sealed=self.vault.seal(text, "draft.text", row_id),
            )
        )  # fmt: skip

    def of(self, connection: sa.Connection, owner_id: str) -> dict[str, str]:
        """Place -> words of everything this colleague has not sent."""
        found = connection.execute(sa.select(t.draft).where(*self._of(owner_id)))
        return {
            self.vault.open(row.place_sealed, "draft.place", row.id): self.vault.open(
                row.text_sealed, "draft.text", row.id
            )
            for row in found
        }

    def _of(self, owner_id: str) -> tuple[sa.ColumnElement[bool], ...]:
        return t.draft.c.district_id == self.district, t.draft.c.owner_id == owner_id
