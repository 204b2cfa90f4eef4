"""What the law asks of the hotline about one person: a report, a broken confidence, a notification, a complaint."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, sealed, table, text, time

matter = table(
    "matter",
    text("kind"),  # report | breach | notification | complaint
    text("case_id", nullable=True),  # a notification has none; a complaint that came by phone may have none
    text("state"),
    sa.Column("owes_notice", sa.Boolean, nullable=False, default=False),  # the person has not been told yet
    text("about"),  # JSON list: accounts that a complaint is about; they may neither edit nor close it
    sealed("form_sealed"),  # JSON as it was filled in; never changed
    text("made_by", nullable=True),  # null = the person, in the chat
    time("made_at"),
    sa.Column("is_drill", sa.Boolean, nullable=False, default=False),
    sa.Index("matter_by_case", "district_id", "case_id"),
    sa.Index("matter_by_kind", "district_id", "kind", "made_at"),
)

matter_step = table(
    "matter_step",  # what was done about it; only ever added
    text("matter_id"),
    integer("number"),  # 1, 2, ...: the order, also of what was done in one instant
    text("action"),
    text("from_state"),
    text("to_state"),
    text("by_id"),
    sealed("detail_sealed"),  # JSON
    time("at"),
    sa.UniqueConstraint("district_id", "matter_id", "number"),
)

matter_task = table(
    "matter_task",  # a clock: what is still to be done, and until when
    text("matter_id"),
    text("kind"),
    time("opened_at"),
    time("due_at"),
    integer("step"),  # how often it was called for
    time("next_at", nullable=True),  # when it is called for (again); null = done
    text("done_by", nullable=True),
    time("done_at", nullable=True),
    sa.Index("one_open_matter_task", "district_id", "matter_id", "kind", unique=True,
             sqlite_where=sa.text("done_at IS NULL"), postgresql_where=sa.text("done_at IS NULL")),
    sa.Index("matter_task_by_kind", "district_id", "kind", "due_at"),
    sa.Index("matter_task_due", "next_at", sqlite_where=sa.text("next_at IS NOT NULL"),
             postgresql_where=sa.text("next_at IS NOT NULL")),
)  # fmt: skip
