"""Drills and practice: planned drills, their runs and synthetic callers, and counsellors who practise alone."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, sealed, table, text, time

_RUNNING = sa.text("state = 'running'")

drill_plan = table(
    "drill_plan",
    text("scenario"),
    integer("callers"),  # at most so many come in a run
    time("planned_for"),
    sa.Column("is_announced", sa.Boolean, nullable=False),
    sa.Column("calls_people", sa.Boolean, nullable=False),  # outside the screens too, in words that say it is a drill
    text("state"),  # planned | done | cancelled
    text("by_id"),
    time("made_at"),
    sealed("findings_sealed", nullable=True),  # what the team learnt
    text("findings_by", nullable=True),
    sa.Index("drill_plan_by_time", "district_id", "planned_for"),
)

drill_run = table(
    "drill_run",
    text("plan_id"),
    text("scenario"),
    integer("callers"),
    text("state"),  # running | done | stopped (by a person) | broken (its command was not heard of again)
    time("began_at"),
    time("until"),  # without a result by then it is broken
    time("ended_at", nullable=True),
    text("result"),  # JSON of seconds and levels; empty without a result
    sa.Index("one_running_drill", "district_id", unique=True, sqlite_where=_RUNNING, postgresql_where=_RUNNING),
    sa.Index("drill_run_by_plan", "district_id", "plan_id"),
)

drill_caller = table(
    "drill_caller",  # id = conversation
    text("run_id"),
    sa.Index("drill_caller_by_run", "district_id", "run_id"),
)

practice = table(
    "practice",
    text("counsellor_id"),
    text("conversation_id"),
    text("case_id"),
    text("script"),
    text("progress"),  # JSON: numbers of lines, no text
    time("due_at"),  # of the caller's next line
    time("seen_at"),  # when the counsellor last did something there
    text("state"),  # running | ended
    time("began_at"),
    time("ended_at", nullable=True),
    text("why"),  # how it ended
    sa.Index("one_practice_a_person", "district_id", "counsellor_id", unique=True, sqlite_where=_RUNNING,
             postgresql_where=_RUNNING),
    sa.Index("practice_of", "district_id", "counsellor_id", "began_at"),
    sa.Index("practice_by_case", "district_id", "case_id"),
    sa.Index("practice_running", "state", sqlite_where=_RUNNING, postgresql_where=_RUNNING),
)  # fmt: skip
