"""Articles of this deployment: drafts, decisions about them, what was published; what people thought of answers."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, table, text, time

_OPEN = sa.text("state NOT IN ('published', 'dropped')")

# Articles are public texts that no visitor wrote: they are kept in plain.
article_draft = table(
    "article_draft",
    text("article_id"),
    integer("version", 1),
    text("state"),  # draft | submitted | returned | approved | published | dropped
    text("fields"),  # JSON: field -> text as typed
    text("notes"),  # what an import could not place
    text("base_hash"),  # of the published text that it started from; empty = a new article
    time("made_at"),
    time("changed_at"),
    sa.Index("one_open_draft", "district_id", "article_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
)

article_review = table(
    "article_review",  # only ever added: who did what to a draft
    text("article_id"),
    text("draft_id"),
    integer("version", 1),  # of the draft, after it
    text("what"),
    text("by_id", nullable=True),  # null = the machine
    text("words"),
    time("at"),
    sa.Index("article_review_by_draft", "district_id", "draft_id"),
    sa.Index("article_review_by_article", "district_id", "article_id"),
)

article_version = table(
    "article_version",  # only ever added; the newest of an article is in force, an empty text means the shipped one
    text("article_id"),
    text("body"),
    text("draft_id", nullable=True),
    text("by_id"),
    text("what"),  # published | undone | withdrawn
    text("words"),  # why it was withdrawn
    time("at"),
    sa.Index("article_version_by_article", "district_id", "article_id"),
    key="seq",
)

answer_mark = table(
    "answer_mark",  # id = the message that brought it
    text("conversation_id"),
    text("article_id"),
    sa.Column("helped", sa.Boolean, nullable=False),
    time("at"),
    sa.Index("answer_mark_by_article", "district_id", "article_id"),
    sa.Index("answer_mark_by_time", "district_id", "at"),
)

unanswered = table(
    "unanswered",  # id = the message; its words stay sealed where they are
    text("conversation_id"),
    text("settled", nullable=True),  # the draft that answers it, or "dismissed"
    time("at"),
    sa.Index("unanswered_by_time", "district_id", "at"),
    sa.Index("unanswered_open", "district_id", "at", sqlite_where=sa.text("settled IS NULL"),
             postgresql_where=sa.text("settled IS NULL")),
)  # fmt: skip
