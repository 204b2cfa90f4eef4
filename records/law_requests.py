"""What people ask of their own records, and the copies that were made for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.aging import is_under_way
from records.conversations import new_id
from records.crypto import Vault


@dataclass(frozen=True)
class Request:
    """One wish of one person. `answer` is the correction note, or why it was refused."""

    id: str
    contact_id: str
    conversation_id: str
    kind: str
    state: str
    outcome: str
    asked_at: datetime
    due_at: datetime
    answered_at: datetime | None
    answered_by: str | None
    carry_out_at: datetime | None
    done_at: datetime | None
    answer: str


class LawRequests:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(
        self, connection: sa.Connection, contact_id: str, conversation_id: str, kind: str, now: datetime,
        due_at: datetime,
    ) -> str:  # fmt: skip
        """A new wish, said in the conversation itself."""
        request_id = new_id()
        connection.execute(
            t.law_request.insert().values(
                district_id=self.district, id=request_id, contact_id=contact_id, conversation_id=conversation_id,
                kind=kind, state="open", source="chat", asked_at=now, due_at=due_at,
            )
        )  # fmt: skip
        return request_id

    def get(self, connection: sa.Connection, request_id: str, *, lock: bool = False) -> Request | None:
        """One wish."""
        query = self._select().where(t.law_request.c.id == request_id)
        row = connection.execute(query.with_for_update() if lock else query).first()
        return self._request(row) if row else None

    def in_state(self, connection: sa.Connection, state: str, limit: int = 200) -> list[Request]:
        """Those in a state, the most urgent first."""
        query = self._select().where(t.law_request.c.state == state).order_by(t.law_request.c.due_at).limit(limit)
        return [self._request(row) for row in connection.execute(query)]

    def of(self, connection: sa.Connection, contact_id: str) -> list[Request]:
        """All wishes of a contact, newest first."""
        query = self._select().where(t.law_request.c.contact_id == contact_id)
        return [self._request(row) for row in connection.execute(query.order_by(t.law_request.c.asked_at.desc()))]

    def to_carry_out(self, connection: sa.Connection, now: datetime, limit: int = 5) -> list[Request]:
        """Answered deletions whose time has come; locked for this transaction."""
        query = (
            self._select()
            .where(t.law_request.c.state == "answered", t.law_request.c.carry_out_at <= now)
            .order_by(t.law_request.c.carry_out_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [self._request(row) for row in connection.execute(query)]

    def change(self, connection: sa.Connection, request_id: str, **values: Any) -> None:  # columns
        """Set columns; `answer` is sealed."""
        if "answer" in values:
            values["answer_sealed"] = self.vault.seal(values.pop("answer"), "law_request.answer", request_id)
        connection.execute(
            t.law_request.update()
            .where(t.law_request.c.district_id == self.district, t.law_request.c.id == request_id)
            .values(**values)
        )

    def conversations_of(self, connection: sa.Connection, contact_id: str) -> Sequence[str]:
        """The contact's conversations, oldest first."""
        query = (
            sa.select(t.conversation.c.id)
            .where(t.conversation.c.district_id == self.district, t.conversation.c.contact_id == contact_id)
            .order_by(t.conversation.c.opened_at)
        )
        return connection.execute(query).scalars().all()

    def cases_of(self, connection: sa.Connection, contact_id: str) -> list[tuple[str, bool, datetime | None]]:
        """(number, whether something of it is still under way, closed at) of the contact's cases."""
        query = (
            sa.select(t.case_record.c.case_no, is_under_way(self.district).label("is_open"), t.case_record.c.closed_at)
            .where(t.case_record.c.district_id == self.district, t.case_record.c.contact_id == contact_id)
            .order_by(t.case_record.c.opened_at)
        )
        return [(row.case_no, bool(row.is_open), row.closed_at) for row in connection.execute(query)]

    def put_copy(
        self, connection: sa.Connection, request: Request, token: str, text: str, now: datetime, until: datetime
    ) -> None:
        """Keep a copy for whoever has the token; a new one of the same person takes the place of the old."""
        copies = t.record_copy
        connection.execute(
            copies.delete().where(copies.c.district_id == self.district, copies.c.contact_id == request.contact_id)
        )
        key = self.vault.blind_index(token)
        connection.execute(
            copies.insert().values(
                district_id=self.district, id=key, request_id=request.id, contact_id=request.contact_id,
                made_at=now, until=until, body_sealed=self.vault.seal(text, "record_copy.body", key),
            )
        )  # fmt: skip

    def take_copy(self, connection: sa.Connection, token: str, now: datetime) -> str | None:
        """The copy that the token opens, while it is good; notes the first time."""
        copies, key = t.record_copy, self.vault.blind_index(token)
        which = (copies.c.district_id == self.district, copies.c.id == key)
        row = connection.execute(sa.select(copies).where(*which, copies.c.until > now)).first()
        if row is None:
            return None
        if row.fetched_at is None:
            connection.execute(copies.update().where(*which).values(fetched_at=now))
        return self.vault.open(row.body_sealed, "record_copy.body", key)

    def forget_copies(self, connection: sa.Connection, now: datetime) -> None:
        """Copies whose time is over go."""
        connection.execute(
            t.record_copy.delete().where(t.record_copy.c.district_id == self.district, t.record_copy.c.until <= now)
        )

    def _select(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.law_request).where(t.law_request.c.district_id == self.district)

    def _request(self, row: Any) -> Request:  # Any: SQLAlchemy rows are untyped
        answer = row.answer_sealed and self.vault.open(row.answer_sealed, "law_request.answer", row.id)
        return Request(
            row.id, row.contact_id, row.conversation_id, row.kind, row.state, row.outcome, row.asked_at, row.due_at,
            row.answered_at, row.answered_by, row.carry_out_at, row.done_at, answer or "",
        )  # fmt: skip
