"""Looking back at the work: reviews of cases, trainings, talks after hard cases, crises that were found too late."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, sealed, table, text, time


def _is_drill() -> sa.Column[bool]:
    return sa.Column("is_drill", sa.Boolean, nullable=False, default=False)


case_review = table(
    "case_review",  # one counsellor's part in one case, drawn to be looked at with a supervisor
    text("case_id"),
    text("counsellor_id"),
    integer("level"),  # the highest while it was served
    text("why"),  # all | share | monthly | chosen
    text("state"),  # due | signed (by the supervisor) | done (by both) | set_aside
    time("served_until"),  # the end of the work that is looked at; a case that opens again is drawn again
    time("drawn_at"),
    text("drawn_by", nullable=True),  # who chose it; null = drawn by the rules
    time("due_by"),
    time("signed_at", nullable=True),
    text("signed_by", nullable=True),
    time("done_at", nullable=True),
    _is_drill(),
    sa.UniqueConstraint("district_id", "case_id", "served_until"),
    sa.Index("case_review_by_counsellor", "district_id", "counsellor_id", "state"),
    sa.Index("case_review_open", "district_id", "state", "due_by"),
    sa.Index("case_review_by_end", "district_id", "served_until"),
)

review_entry = table(
    "review_entry",  # what the two wrote and signed; only ever added
    text("review_id"),
    text("case_id"),
    text("what"),  # written | agreed | set_aside
    text("by_id"),
    sealed("body_sealed"),
    text("digest"),  # over words, writer and time; the counsellor's covers the supervisor's
    time("at"),
    sa.Index("review_entry_by_review", "district_id", "review_id"),
)

message_remark = table(
    "message_remark",  # a supervisor's words about one message; only ever added
    text("review_id"),
    text("case_id"),
    text("message_id"),
    text("by_id"),
    sealed("body_sealed"),
    time("at"),
    sa.Index("message_remark_by_review", "district_id", "review_id"),
)

supervision_session = table(
    "supervision_session",  # one supervision that one counsellor had: what the monthly duty counts
    text("counsellor_id"),
    text("kind"),  # individual | group | case_review
    text("review_id", nullable=True),
    integer("minutes"),  # 0 = a case review, which nobody times
    time("held_at"),
    text("by_id"),
    time("at"),
    _is_drill(),
    sa.Index("supervision_session_of", "district_id", "counsellor_id", "held_at"),
    sa.Index("supervision_session_by_time", "district_id", "held_at"),
)

training = table(
    "training",
    text("counsellor_id"),
    text("topic"),
    integer("minutes"),
    time("held_at"),  # the day's first moment in Shanghai
    sa.Column("score", sa.Integer, nullable=True),
    time("expires_at", nullable=True),  # the last day's first moment
    text("by_id"),
    time("at"),
    time("removed_at", nullable=True),  # written down by mistake
    text("removed_by", nullable=True),
    sa.Index("training_by_counsellor", "district_id", "counsellor_id", "held_at"),
)

debrief = table(
    "debrief",  # what a counsellor answered to the offer of a talk after a hard case
    text("counsellor_id"),
    text("case_id"),
    text("why"),  # heavy | serious
    text("answer"),  # wanted | declined
    time("at"),
    time("done_at", nullable=True),
    text("done_by", nullable=True),
    _is_drill(),
    sa.UniqueConstraint("district_id", "counsellor_id", "case_id"),
    sa.Index("debrief_wanted", "district_id", sqlite_where=sa.text("answer = 'wanted' AND done_at IS NULL"),
             postgresql_where=sa.text("answer = 'wanted' AND done_at IS NULL")),
)  # fmt: skip

missed_review = table(
    "missed_review",  # why screening did not see a danger in time; only ever added, the newest of a case counts
    text("case_id"),
    text("found"),  # raised (by people) | late | named (by hand)
    text("outcome"),  # rule | corpus | label | other
    text("message_id", nullable=True),  # the first that was dangerous
    text("version"),  # of the screening that judged it
    integer("machine_level"),
    integer("human_level"),
    time("first_at", nullable=True),
    time("alarm_at", nullable=True),
    sealed("note_sealed"),
    sealed("example_sealed", nullable=True),  # a sentence in the reviewer's own words
    text("example_label"),  # JSON: level, categories, form
    text("by_id"),
    time("at"),
    _is_drill(),
    sa.Index("missed_review_by_case", "district_id", "case_id"),
    sa.Index("missed_review_by_time", "district_id", "at"),
)

sampling_clock = table("sampling_clock", time("next_at"))  # one row: when cases are drawn again
