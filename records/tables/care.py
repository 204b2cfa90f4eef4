"""What is done for a person beyond the talk: rescue, calls to others, follow-ups, and cases that were opened again."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, sealed, table, text, time

reopening = table(
    "reopening",  # the person came back, or a follow-up found danger; keeps how the case had ended; only ever added
    text("case_id"),
    text("from_state"),
    text("wish"),  # why: risk | asked_for_person
    text("message_id", nullable=True),
    integer("level"),  # before
    text("disposition", nullable=True),
    sealed("summary_sealed", nullable=True),
    time("closed_at", nullable=True),
    time("at"),
    sa.Index("reopening_by_case", "district_id", "case_id"),
)

follow_up_consent = table(
    "follow_up_consent",  # what the person said to being called back, and what a supervisor decided; only ever added
    text("case_id"),
    text("answer"),  # agreed | refused | not_asked ; of a supervisor: go_on | stop
    sealed("reason_sealed", nullable=True),
    sealed("phone_sealed", nullable=True),  # the number they want to be called at
    text("by_id"),
    time("at"),
    sa.Index("follow_up_consent_by_case", "district_id", "case_id"),
)

follow_up = table(
    "follow_up",  # one task: a call to the person (safety), or what the team owes itself after a rescue (team)
    text("case_id"),
    text("kind"),  # safety | team
    text("code"),  # which: 24h, 7d, ... ; debrief, incident_review, staff_support
    integer("level"),  # of the case when it was planned
    time("window_start"),
    time("window_end"),
    text("state"),  # todo | doing | done | lost | refused | dead | cancelled
    text("assignee_id", nullable=True),
    integer("step"),  # rungs climbed after the window's end
    time("next_at", nullable=True),  # when the next rung is due; null = it does not climb any more
    text("made_by"),
    time("made_at"),
    text("ended_by", nullable=True),
    time("ended_at", nullable=True),
    sealed("reason_sealed", nullable=True),  # why it was cancelled or refused; what the team found
    sa.Index("follow_up_by_case", "district_id", "case_id"),
    sa.Index("follow_up_open", "district_id", "state", "window_end"),
    sa.Index("follow_up_late", "district_id", "case_id",
             sqlite_where=sa.text("step > 0 AND state IN ('todo','doing')"),
             postgresql_where=sa.text("step > 0 AND state IN ('todo','doing')")),
    sa.Index("follow_up_due", "district_id", "next_at", sqlite_where=sa.text("next_at IS NOT NULL"),
             postgresql_where=sa.text("next_at IS NOT NULL")),
)  # fmt: skip

follow_up_attempt = table(
    "follow_up_attempt",
    text("follow_up_id"),
    text("case_id"),
    text("way"),  # chat | phone | other
    text("result"),  # sent (no answer yet) | undelivered | reached | no_answer | someone_else | wrong_number
    text("by_id"),
    time("at"),
    text("outbox_id", nullable=True),
    time("answered_at", nullable=True),
    sealed("note_sealed", nullable=True),
    sa.Index("follow_up_attempt_by_case", "district_id", "case_id"),
    sa.Index("follow_up_attempt_by_task", "district_id", "follow_up_id"),
    sa.Index("follow_up_attempt_result", "district_id", "result"),  # few are sent and wait for an answer
)

follow_up_outcome = table(
    "follow_up_outcome",  # each answer is a value or one of four reasons why there is none; only ever added
    text("follow_up_id"),
    text("case_id"),
    text("ideas"),  # 0-100
    text("hopelessness"),  # 0-100
    text("acts"),
    text("help"),  # JSON list of codes, or a reason
    text("obstacles"),  # told (then sealed) or a reason
    sealed("obstacles_sealed", nullable=True),
    integer("level"),
    time("next_on", nullable=True),
    sealed("note_sealed", nullable=True),
    text("by_id"),
    time("at"),
    sa.Index("follow_up_outcome_by_case", "district_id", "case_id"),
)

rescue = table(
    "rescue",  # the decision to send rescuers, or not to; then arrival and outcome
    text("case_id"),
    text("decision"),  # started | not_needed
    text("basis"),  # why without or with consent; empty for not_needed
    text("asked_id", nullable=True),  # whom the starter asked to confirm it
    text("second_id", nullable=True),  # the second person: against the will two decide
    text("second_answer", nullable=True),  # agreed | refused, at the second's own console
    time("second_at", nullable=True),
    sealed("second_sealed", nullable=True),  # in their words
    sa.Column("second_step", sa.Integer, nullable=False, server_default="0"),  # how often supervisors were called
    time("second_next_at", nullable=True),  # when they are called next; null = nobody is waited for
    sealed("reason_sealed"),
    text("by_id"),
    time("at"),
    time("arrived_at", nullable=True),
    text("arrived_by", nullable=True),  # who wrote it down
    sealed("arrival_sealed", nullable=True),  # who confirmed it, and how
    text("outcome", nullable=True),  # proposed until a supervisor ends it
    sa.Column("is_serious", sa.Boolean, nullable=False, default=False),
    text("outcome_by", nullable=True),
    sealed("outcome_sealed", nullable=True),
    time("ended_at", nullable=True),
    text("ended_by", nullable=True),
    sa.Index("rescue_by_case", "district_id", "case_id"),
    sa.Index("rescue_by_time", "district_id", "at"),
    sa.Index("one_open_rescue", "district_id", "case_id", unique=True,
             sqlite_where=sa.text("decision = 'started' AND ended_at IS NULL"),
             postgresql_where=sa.text("decision = 'started' AND ended_at IS NULL")),
    sa.Index("rescue_second_due", "second_next_at", sqlite_where=sa.text("second_next_at IS NOT NULL"),
             postgresql_where=sa.text("second_next_at IS NOT NULL")),
)  # fmt: skip

rescue_quote = table(
    "rescue_quote",  # a message of the person that is read to the dispatcher under this heading
    text("case_id"),
    text("slot"),
    text("message_id"),
    text("by_id"),
    time("at"),
    sa.UniqueConstraint("district_id", "case_id", "slot", "message_id"),
)

outside_call = table(
    "outside_call",  # whom people of the hotline called about a person, and on what ground; only ever added
    text("case_id"),
    text("rescue_id", nullable=True),
    text("whom"),  # ambulance | police | family | emergency_contact | other
    text("emergency_contact_id", nullable=True),
    text("basis"),  # consent | life ; empty for 110 and 120
    sealed("reference_sealed", nullable=True),  # the dispatcher's number
    sealed("said_sealed"),
    sealed("outcome_sealed", nullable=True),
    text("by_id"),
    time("at"),
    sa.Index("outside_call_by_case", "district_id", "case_id"),
)

emergency_contact = table(
    "emergency_contact",  # whom the person would want us to call
    text("contact_id"),
    sealed("name_sealed"),
    sealed("relation_sealed"),
    sealed("phone_sealed"),
    text("basis"),  # consent | life
    text("by_id"),
    time("at"),
    time("ended_at", nullable=True),  # taken back
    text("ended_by", nullable=True),
    sa.Index("emergency_contact_by_contact", "district_id", "contact_id"),
)
