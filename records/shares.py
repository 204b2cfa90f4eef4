"""Who besides its owner has to do with a case: of one district, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.columns import fixed
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

    def revealed(self, connection: sa.Connection, session_id: str) -> set[str]:
        """The cases behind whose masks this sign-in looked."""
        reveal = t.contact_reveal
        query = sa.select(reveal.c.case_id).where(
            reveal.c.district_id == self.district, reveal.c.session_id == session_id
        )
        return set(connection.execute(query).scalars())

    def taking_part(self, connection: sa.Connection, cases: Mapping[str, str], staff_id: str) -> set[str]:
        """Of these cases (id -> conversation), those that somebody served, wrote a note in, decided the level of, or
        spoke to the person in."""
        note, change, message, stint = t.note.c, t.level_change.c, t.message.c, t.stint.c
        found = (
            sa.select(note.case_id).where(
                note.district_id == self.district, note.case_id.in_(cases), note.by_id == staff_id
            ),
            sa.select(change.case_id).where(
                change.district_id == self.district, change.case_id.in_(cases),
                sa.or_(change.by_id == staff_id, change.second_id == staff_id),
            ),
            sa.select(stint.case_id).where(
                stint.district_id == self.district, stint.case_id.in_(cases), stint.counsellor_id == staff_id
            ),
        )  # fmt: skip
        spoke = sa.select(message.conversation_id).where(
            message.district_id == self.district, message.author_id == staff_id,
            message.conversation_id.in_(cases.values()),
        )  # fmt: skip
        talks = set(connection.execute(spoke.distinct()).scalars())
        own = {case_id for case_id, conversation_id in cases.items() if conversation_id in talks}
        return own.union(*(connection.execute(query).scalars() for query in found))

    def with_task(self, connection: sa.Connection, case_ids: Collection[str], staff_id: str) -> set[str]:
        """Of these cases, those that somebody is asked to take or to be the second person of its rescue, has a call to
        make in, or a partner's answer to look after."""
        transfer, call, answer, rescue = t.transfer.c, t.follow_up.c, t.referral_task.c, t.rescue.c
        found = (
            sa.select(transfer.case_id).where(
                transfer.district_id == self.district, transfer.case_id.in_(case_ids),
                transfer.state == fixed("asked"), transfer.to_id == staff_id,
            ),
            sa.select(call.case_id).where(
                call.district_id == self.district, call.case_id.in_(case_ids), call.state.in_(("todo", "doing")),
                sa.or_(call.assignee_id == staff_id, call.assignee_id.is_(None)),
            ),
            sa.select(answer.case_id).where(
                answer.district_id == self.district, answer.case_id.in_(case_ids), answer.done_at.is_(None),
                answer.for_id == staff_id,
            ),
            sa.select(rescue.case_id).where(
                rescue.district_id == self.district, rescue.case_id.in_(case_ids), rescue.asked_id == staff_id,
                rescue.second_next_at.is_not(None),
            ),
        )  # fmt: skip
        return set().union(*(connection.execute(query).scalars() for query in found))

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
