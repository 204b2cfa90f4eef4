"""What the whole deployment shares: the event stream, and the proof that the key fits."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import sealed, table, text, time

event = table(
    "event",
    sa.Column("txid", sa.BigInteger, nullable=False, default=0),  # PostgreSQL: orders by commit, see events.py
    text("topic"),  # chat | desk
    text("kind"),
    text("conversation_id", nullable=True),
    text("case_id", nullable=True),
    text("data"),  # JSON of ids and numbers, never text of people
    time("at"),
    sa.Index("event_order", "txid", "seq"),
    sa.Index("event_by_conversation", "district_id", "conversation_id", "txid", "seq"),
    key="seq",
)

seal = table("seal", sealed("probe_sealed"))  # proves at start that the key fits this database
