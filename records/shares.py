"""Who besides its owner has to do with a case: of one district, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault


@dataclass(frozen=True)
class Share:
    """One person's invitation to one case."""

    id: str
    case_id: str
    with_id: str
    by_id: str
    reason: str
    shows_contact: bool
    at: datetime
    until: datetime
    ended_at: datetime | None


class Shares:
    """Invitations, looks behind the masks, and who took part."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(self, connection: sa.Connection, reason: str, **values: Any) -> str:  # columns
        """Invite somebody to a case; returns the invitation's id."""
        share_id = new_id()
        connection.execute(
            t.case_share.insert().values(
                district_id=self.district, id=share_id,
                reason_sealed=self.vault.seal(reason, "case_share.reason", share_id), **values,
            )
        )  # fmt: skip
        return share_id

    def end(self, connection: sa.Connection, share_id: str, by_id: str, now: datetime) -> None:
        """Nobody sees anything by this invitation from here on."""
        connection.execute(
            t.case_share.update()
            .where(t.case_share.c.district_id == self.district, t.case_share.c.id == share_id)
            .values(ended_at=now, ended_by=by_id)
        )

    def of_case(self, connection: sa.Connection, case_id: str) -> list[Share]:
        """All invitations to a case, newest first."""
        return self._all(connection, t.case_share.c.case_id == case_id)

    def open_with(
        self, connection: sa.Connection, staff_id: str, now: datetime, case_id: str | None = None
    ) -> list[Share]:
        """What somebody may see now by invitation, newest first; of one case or of all."""
        which = sa.and_(
            t.case_share.c.with_id == staff_id, t.case_share.c.ended_at.is_(None), t.case_share.c.until > now
        )
        return self._all(connection, which if case_id is None else sa.and_(which, t.case_share.c.case_id == case_id))

    def add_reveal(
        self, connection: sa.Connection, case_id: str, session_id: str, by_id: str, why: str, now: datetime
    ) -> None:  # fmt: skip
        """Somebody wants to see who this is."""
        connection.execute(
            t.contact_reveal.insert().values(
                district_id=self.district, id=new_id(), case_id=case_id, session_id=session_id, by_id=by_id,
                why=why, at=now,
            )
        )  # fmt: skip

    def has_revealed(self, connection: sa.Connection, case_id: str, session_id: str) -> bool:
        """Whether this sign-in looked behind the masks of this case."""
        reveal = t.contact_reveal
        query = sa.select(reveal.c.id).where(
            reveal.c.district_id == self.district, reveal.c.session_id == session_id, reveal.c.case_id == case_id
        )
        return connection.execute(query.limit(1)).first() is not None

    def takes_part(self, connection: sa.Connection, case_id: str, conversation_id: str, staff_id: str) -> bool:
        """Whether somebody served this case, wrote a note, decided about the level, or spoke to the person."""
        note, change, message, stint = t.note, t.level_change, t.message, t.stint
        found = (
            sa.select(note.c.id).where(
                note.c.district_id == self.district, note.c.case_id == case_id, note.c.by_id == staff_id
            ),
            sa.select(change.c.id).where(
                change.c.district_id == self.district, change.c.case_id == case_id,
                sa.or_(change.c.by_id == staff_id, change.c.second_id == staff_id),
            ),
            sa.select(message.c.id).where(
                message.c.district_id == self.district, message.c.conversation_id == conversation_id,
                message.c.author_id == staff_id,
            ),
            sa.select(stint.c.id).where(
                stint.c.district_id == self.district, stint.c.case_id == case_id, stint.c.counsellor_id == staff_id
            ),
        )  # fmt: skip
        return _any_of(connection, found)

    def has_task(self, connection: sa.Connection, case_id: str, staff_id: str) -> bool:
        """Whether somebody is asked to take this case, or has a call to make or a partner's answer to look after."""
        transfer, call, answer = t.transfer, t.follow_up, t.referral_task
        found = (
            sa.select(transfer.c.id).where(
                transfer.c.district_id == self.district, transfer.c.case_id == case_id, transfer.c.state == "asked",
                transfer.c.to_id == staff_id,
            ),
            sa.select(call.c.id).where(
                call.c.district_id == self.district, call.c.case_id == case_id, call.c.state.in_(("todo", "doing")),
                sa.or_(call.c.assignee_id == staff_id, call.c.assignee_id.is_(None)),
            ),
            sa.select(answer.c.id).where(
                answer.c.district_id == self.district, answer.c.case_id == case_id, answer.c.done_at.is_(None),
                answer.c.for_id == staff_id,
            ),
        )  # fmt: skip
        return _any_of(connection, found)

    def _all(self, connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[Share]:
        query = (
            sa.select(t.case_share)
            .where(t.case_share.c.district_id == self.district, which)
            .order_by(t.case_share.c.at.desc(), t.case_share.c.id)
        )
        return [
            Share(
                row.id, row.case_id, row.with_id, row.by_id,
                self.vault.open(row.reason_sealed, "case_share.reason", row.id), row.shows_contact, row.at,
                row.until, row.ended_at,
            )
            for row in connection.execute(query)
        ]  # fmt: skip


def _any_of(connection: sa.Connection, found: Iterable[sa.Select[Any]]) -> bool:  # Any: SQLAlchemy rows are untyped
    return bool(connection.execute(sa.select(sa.or_(*(sa.exists(query) for query in found)))).scalar_one())
