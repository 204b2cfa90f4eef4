"""Every call of somebody who is not looking at a screen: what waits to be sent, what became of it, who has seen it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from records import tables as t
from records.columns import among
from records.conversations import new_id
from records.crypto import Vault

CALL, TRIAL, REPLY = "call", "trial", "reply"
ACTIVE = ("pending", "failing")


@dataclass(frozen=True)
class NewNotice:
    """A call about to be made. `key` names a fixed text, rendered with `params` at the moment of sending."""

    kind: str
    key: str
    carrier: str
    address_id: str
    due_at: datetime
    params: Mapping[str, str] = field(default_factory=dict)
    occasion: str = ""  # what it calls for; the same occasion calls the same address once. Empty: each time anew
    alert_id: str | None = None
    case_id: str | None = None
    step: int = 0
    counsellor_id: str | None = None
    conversation_id: str | None = None
    message_seq: int = 0


@dataclass(frozen=True)
class Notice:
    """One call as stored."""

    id: str
    kind: str
    key: str
    params: Mapping[str, str]
    carrier: str
    address_id: str
    alert_id: str | None
    case_id: str | None
    step: int
    counsellor_id: str | None
    state: str  # pending | failing | sent | dead | withdrawn
    reason: str
    attempts: int
    made_at: datetime
    sent_at: datetime | None
    seen_at: datetime | None


class Notices:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add(self, connection: sa.Connection, news: Sequence[NewNotice], now: datetime) -> list[str]:
        """Queue calls, together for a danger must not wait for them; an occasion calls an address once. Their ids."""
        if not news:
            return []
        ids = [_fingerprint(f"{new.occasion}\0{new.address_id}") if new.occasion else new_id() for new in news]
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(
            dialect.insert(t.notice).on_conflict_do_nothing(),
            [self._values(notice_id, new, now) for notice_id, new in zip(ids, news, strict=True)],
        )
        return ids

    def _values(self, notice_id: str, new: NewNotice, now: datetime) -> dict[str, Any]:  # Any: columns
        return {
            "district_id": self.district, "id": notice_id, "kind": new.kind, "key": new.key,
            "params": json.dumps(dict(new.params), ensure_ascii=False), "carrier": new.carrier,
            "address_id": new.address_id, "alert_id": new.alert_id, "case_id": new.case_id, "step": new.step,
            "counsellor_id": new.counsellor_id, "conversation_id": new.conversation_id,
            "message_seq": new.message_seq, "state": "pending", "reason": "", "attempts": 0, "due_at": new.due_at,
            "made_at": now, "receipt": "", "token_hash": _fingerprint(self.token(notice_id)),
        }  # fmt: skip

    def token(self, notice_id: str) -> str:
        """What the link in a call carries; nobody can make one who has not been sent it."""
        return self.vault.sign("notice", notice_id)

    def has_due(self, connection: sa.Connection, carrier: str, kinds: Sequence[str], now: datetime) -> bool:
        """Whether a look with locks is worth it."""
        return connection.execute(self._due(carrier, kinds, now).limit(1)).first() is not None

    def take(
        self, connection: sa.Connection, carrier: str, kinds: Sequence[str], now: datetime, limit: int
    ) -> list[Notice]:  # fmt: skip
        """What may be sent now, oldest first; locked for this transaction."""
        query = self._due(carrier, kinds, now).order_by(t.notice.c.due_at).limit(limit)
        return [_notice(row) for row in connection.execute(query.with_for_update(skip_locked=True))]

    def lease(self, connection: sa.Connection, ids: Sequence[str], until: datetime) -> None:
        """Ours until then."""
        if ids:
            connection.execute(t.notice.update().where(self._is(t.notice.c.id.in_(ids))).values(lease_until=until))

    def drop_old(self, connection: sa.Connection, before: datetime) -> None:
        """What nobody needs any more; a call of the ladder is needed until somebody comes."""
        self._withdraw(connection, t.notice.c.kind != CALL, t.notice.c.made_at < before, reason="too old")

    def sent(self, connection: sa.Connection, notice_id: str, receipt: str, now: datetime) -> None:
        """It went out, whatever was decided meanwhile."""
        self._set(connection, notice_id, state="sent", reason="", sent_at=now, receipt=receipt, lease_until=None)

    def failed(self, connection: sa.Connection, notice: Notice, state: str, reason: str, due_at: datetime) -> bool:
        """It did not go out; False when it was withdrawn meanwhile. `state`: pending, failing or dead."""
        changed = connection.execute(
            t.notice.update()
            .where(self._is(t.notice.c.id == notice.id), t.notice.c.state.in_(ACTIVE))
            .values(state=state, reason=reason, attempts=notice.attempts + 1, due_at=due_at, lease_until=None)
        )
        return changed.rowcount == 1

    def withdraw(self, connection: sa.Connection, alert_id: str) -> None:
        """Somebody has come: whoever was not called yet need not be."""
        self._withdraw(connection, t.notice.c.alert_id == alert_id, reason="answered")

    def covers(self, connection: sa.Connection, conversation_id: str, seq: int) -> bool:
        """Whether the notice that a visitor waits for, if there is one, tells of this message too."""
        changed = connection.execute(t.notice.update().where(*self._unseen(conversation_id)).values(message_seq=seq))
        return changed.rowcount > 0

    def waits_for(self, connection: sa.Connection, conversation_id: str) -> bool:
        """Whether a visitor was told, or is about to be, and has not opened the page since."""
        query = sa.select(t.notice.c.id).where(*self._unseen(conversation_id))
        return connection.execute(query.limit(1)).first() is not None

    def shown(self, connection: sa.Connection, conversation_id: str, up_to: int, now: datetime) -> None:
        """The visitor's page is open and shows the messages up to a number."""
        unseen = self._unseen(conversation_id)
        read = t.notice.c.message_seq <= up_to
        connection.execute(
            t.notice.update()
            .where(*unseen, t.notice.c.state.in_(ACTIVE), read)
            .values(state="withdrawn", reason="read", seen_at=now, lease_until=None)
        )
        connection.execute(t.notice.update().where(*unseen, t.notice.c.state == "sent").values(seen_at=now))

    def by_token(self, connection: sa.Connection, token: str) -> Notice | None:
        """The call whose link this is."""
        query = sa.select(t.notice).where(self._is(t.notice.c.token_hash == _fingerprint(token)))
        row = connection.execute(query).first()
        return _notice(row) if row else None

    def see(self, connection: sa.Connection, notice_id: str, by_id: str, now: datetime) -> bool:
        """Somebody has seen it; False when that was known. `by_id` is empty for people without an account."""
        changed = connection.execute(
            t.notice.update()
            .where(self._is(t.notice.c.id == notice_id), t.notice.c.seen_at.is_(None))
            .values(seen_at=now, seen_by=by_id)
        )
        return changed.rowcount == 1

    def of_alerts(self, connection: sa.Connection, alert_ids: Sequence[str]) -> dict[str, list[Notice]]:
        """Alert id -> every call that was made for it and not withdrawn."""
        found: dict[str, list[Notice]] = {}
        query = sa.select(t.notice).where(
            self._is(t.notice.c.alert_id.in_(alert_ids)), t.notice.c.state != "withdrawn"
        )  # fmt: skip
        for row in connection.execute(query.order_by(t.notice.c.step, t.notice.c.made_at)) if alert_ids else ():
            found.setdefault(row.alert_id, []).append(_notice(row))
        return found

    def newest(self, connection: sa.Connection, address_id: str, kind: str | None = None) -> Notice | None:
        """The last call to an address, of one kind or of any."""
        query = sa.select(t.notice).where(self._is(t.notice.c.address_id == address_id))
        if kind is not None:
            query = query.where(t.notice.c.kind == kind)
        row = connection.execute(query.order_by(t.notice.c.made_at.desc()).limit(1)).first()
        return _notice(row) if row else None

    def _due(self, carrier: str, kinds: Sequence[str], now: datetime) -> sa.Select[Any]:  # Any: the row's columns
        return sa.select(t.notice).where(
            self._is(t.notice.c.carrier == carrier),
            t.notice.c.state.in_(among(ACTIVE)),
            t.notice.c.kind.in_(kinds),
            t.notice.c.due_at <= now,
            sa.or_(t.notice.c.lease_until.is_(None), t.notice.c.lease_until < now),
        )

    def _unseen(self, conversation_id: str) -> tuple[sa.ColumnElement[bool], ...]:
        return (
            self._is(t.notice.c.conversation_id == conversation_id),
            t.notice.c.kind == REPLY,
            t.notice.c.state.in_((*ACTIVE, "sent")),
            t.notice.c.seen_at.is_(None),
        )

    def _withdraw(self, connection: sa.Connection, *which: sa.ColumnElement[bool], reason: str) -> None:
        connection.execute(
            t.notice.update()
            .where(t.notice.c.district_id == self.district, t.notice.c.state.in_(among(ACTIVE)), *which)
            .values(state="withdrawn", reason=reason, lease_until=None)
        )

    def _set(self, connection: sa.Connection, notice_id: str, **values: Any) -> None:  # columns
        connection.execute(t.notice.update().where(self._is(t.notice.c.id == notice_id)).values(**values))

    def _is(self, which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        return sa.and_(t.notice.c.district_id == self.district, which)


def _fingerprint(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _notice(row: Any) -> Notice:  # Any: SQLAlchemy rows are untyped
    return Notice(
        row.id, row.kind, row.key, json.loads(row.params), row.carrier, row.address_id, row.alert_id, row.case_id,
        row.step, row.counsellor_id, row.state, row.reason, row.attempts, row.made_at, row.sent_at, row.seen_at,
    )  # fmt: skip
