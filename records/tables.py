"""Every table, once. Each carries district_id first in its key, so that a country can be spread by district.

Columns named `*_sealed` hold AES-256-GCM text (see crypto.py); times are aware UTC; ids are random text,
never made from a clock. `event`, `level_change`, `note` and `audit` rows are only ever added.
"""

from __future__ import annotations

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


def _table(name: str, *columns: sa.schema.SchemaItem, key: str = "id") -> sa.Table:
    """A table whose key is (district_id, key)."""
    return sa.Table(
        name,
        metadata,
        sa.Column("district_id", sa.Text, primary_key=True),
        sa.Column(key, sa.BigInteger if key == "seq" else sa.Text, primary_key=True, autoincrement=False),
        *columns,
    )


def _text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=options.pop("nullable", False), **options)


def _integer(name: str, default: int = 0) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, default=default)


def _time(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, UtcTime, nullable=nullable)


def _sealed(name: str, *, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=nullable)


contact = _table(
    "contact",
    _text("channel"),
    _text("external_index"),  # keyed blind index of the platform's id
    _sealed("external_sealed"),
    _time("created_at"),
    sa.UniqueConstraint("district_id", "channel", "external_index"),
)

conversation = _table(
    "conversation",
    _text("contact_id"),
    _text("channel"),
    _integer("epoch"),  # the fence: grows with every change of owner
    _text("owner_id", nullable=True),  # the counsellor who owns it; null = the bot
    _integer("last_seq"),
    _text("memory"),  # screening memory: levels and rule ids, no text
    _integer("level"),
    _text("token_hash", nullable=True),  # web chat: what the visitor's cookie must hash to
    sa.Column("is_drill", sa.Boolean, nullable=False, default=False),
    _time("opened_at"),
    _time("last_message_at", nullable=True),
    _time("disclosed_at", nullable=True),
    _time("crisis_reply_at", nullable=True),
    sa.Index("conversation_by_token", "token_hash"),
    sa.Index("conversation_by_contact", "district_id", "contact_id"),
)

message = _table(
    "message",
    _text("conversation_id"),
    _integer("seq"),  # order inside the conversation
    _text("author"),  # visitor | bot | counsellor | system
    _text("author_id", nullable=True),
    _text("kind"),  # text | voice | image | ... | unknown
    _text("channel"),
    _text("external_id"),  # the platform's id, or our own for what we say
    _text("body_hash"),
    _sealed("body_sealed"),
    _text("extra"),  # JSON without personal text: source article, buttons
    _time("received_at"),
    _time("sent_at", nullable=True),  # when the writer says it was written
    _text("handling"),  # new | done ; only the visitor's messages begin as new
    _time("handling_until", nullable=True),
    sa.UniqueConstraint("district_id", "channel", "external_id"),
    sa.UniqueConstraint("district_id", "conversation_id", "seq"),
    sa.Index("message_to_handle", "handling_until", sqlite_where=sa.text("handling = 'new'"),
             postgresql_where=sa.text("handling = 'new'")),
)  # fmt: skip

assessment = _table(
    "assessment",
    _text("conversation_id"),
    _text("message_id"),
    _integer("level"),
    _integer("conversation_level"),
    _text("categories"),
    _text("signals"),  # JSON: rule, start, end, level, scope
    _text("version"),
    sa.Column("failed", sa.Boolean, nullable=False, default=False),
    sa.Column("score", sa.Float, nullable=True),  # the classifier's probability of level >= 3
    sa.Column("lame", sa.Text, nullable=False, server_default=""),  # what did not work while the rules did
    _time("at"),
    sa.Index("assessment_by_message", "district_id", "message_id"),
)

case_record = _table(
    "case_record",
    _text("case_no"),
    _text("conversation_id"),
    _text("contact_id"),
    _text("state"),
    _integer("machine_level"),
    _integer("level"),  # the level in force: people may lower it
    _integer("version", 1),
    _text("owner_id", nullable=True),
    _text("wish", nullable=True),  # why: risk | asked_for_person
    _time("opened_at"),
    _time("claimed_at", nullable=True),
    _time("first_word_at", nullable=True),
    _time("closed_at", nullable=True),
    _text("disposition", nullable=True),
    _sealed("summary_sealed", nullable=True),
    sa.Column("is_drill", sa.Boolean, nullable=False, default=False),
    sa.UniqueConstraint("district_id", "case_no"),
    sa.Index("one_open_case", "district_id", "conversation_id", unique=True,
             sqlite_where=sa.text("state <> 'closed'"), postgresql_where=sa.text("state <> 'closed'")),
    sa.Index("case_queue", "district_id", "state", "level"),
)  # fmt: skip

level_change = _table(
    "level_change",
    _text("case_id"),
    _integer("from_level"),
    _integer("to_level"),
    _text("source"),  # machine | counsellor | supervisor
    _text("by_id", nullable=True),
    _text("second_id", nullable=True),  # the second person, for lowering orange or red
    _text("state"),  # in_force | proposed | confirmed | refused
    _text("evidence"),  # JSON: message ids and rule ids
    _sealed("reason_sealed", nullable=True),
    _time("at"),
    sa.Index("level_change_by_case", "district_id", "case_id"),
)

alert = _table(
    "alert",
    _text("case_id"),
    _text("conversation_id"),
    _integer("level"),
    _integer("step"),  # 0 all seats, then one for each rung climbed
    _integer("waiting_notes"),  # honest waiting messages already sent
    _text("state"),  # ringing | answered
    _time("raised_at"),
    _time("next_at", nullable=True),
    _time("next_note_at", nullable=True),
    _time("answered_at", nullable=True),
    _text("answered_by", nullable=True),
    sa.Index("one_ringing_alert", "district_id", "case_id", unique=True,
             sqlite_where=sa.text("state = 'ringing'"), postgresql_where=sa.text("state = 'ringing'")),
    sa.Index("alert_due", "state", "next_at"),
)  # fmt: skip

note = _table(
    "note",
    _text("case_id"),
    _text("by_id"),
    _sealed("body_sealed"),
    _time("at"),
    sa.Index("note_by_case", "district_id", "case_id"),
)

outbox = _table(
    "outbox",
    _integer("seq"),
    _text("conversation_id"),
    _text("channel"),
    _integer("lane"),  # 0 crisis, 1 replies, 2 follow-up, 3 campaign
    _text("origin"),  # bot | counsellor | system
    _text("origin_id", nullable=True),
    _integer("epoch"),  # ownership number when it was made
    _text("key"),  # a fixed text's key, or "plain" for the sealed body
    _sealed("body_sealed"),  # the plain text, or JSON of the key's parameters
    _text("extra"),
    _text("state"),  # pending | sending | sent | dropped | dead
    _integer("attempts"),
    _time("due_at"),
    _time("lease_until", nullable=True),
    _time("made_at"),
    _time("finished_at", nullable=True),
    sa.Index("outbox_due", "lane", "due_at", sqlite_where=sa.text("state IN ('pending','sending')"),
             postgresql_where=sa.text("state IN ('pending','sending')")),
    sa.Index("outbox_by_conversation", "district_id", "conversation_id"),
)  # fmt: skip

event = _table(
    "event",
    sa.Column("txid", sa.BigInteger, nullable=False, default=0),  # PostgreSQL: orders by commit, see events.py
    _text("topic"),  # chat | desk
    _text("kind"),
    _text("conversation_id", nullable=True),
    _text("case_id", nullable=True),
    _text("data"),  # JSON of ids and numbers, never text of people
    _time("at"),
    sa.Index("event_order", "txid", "seq"),
    sa.Index("event_by_conversation", "district_id", "conversation_id", "txid", "seq"),
    key="seq",
)

counsellor = _table(
    "counsellor",
    _text("login"),
    _text("display_name"),
    _text("roles"),  # JSON list
    _text("password_hash"),
    sa.Column("must_change", sa.Boolean, nullable=False, default=True),
    _integer("failures"),
    _time("locked_until", nullable=True),
    sa.Column("is_active", sa.Boolean, nullable=False, default=True),
    _time("created_at"),
    _time("last_sign_in_at", nullable=True),
    sa.UniqueConstraint("district_id", "login"),
)

staff_session = _table(
    "staff_session",  # id = hash of the cookie
    _text("counsellor_id"),
    _text("csrf"),
    _time("opened_at"),
    _time("seen_at"),
    _time("closed_at", nullable=True),
)

audit = _table(
    "audit",
    _text("actor_id", nullable=True),
    _text("action"),
    _text("object_id", nullable=True),
    _text("detail"),
    _text("previous_hash"),
    _text("hash"),
    _time("at"),
    key="seq",
)

seal = _table("seal", _sealed("probe_sealed"))  # proves at start that the key fits this database
