"""Referrals: what was sent to whom on what ground, each step, what falls due, and the partner's link."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, sealed, table, text, time

referral = table(
    "referral",
    text("case_id"),
    text("institution_id"),
    integer("institution_version", 1),  # what the directory said of it then
    text("kind"),
    text("urgency"),  # now | day | week | usual
    text("direction"),  # out | back
    text("method"),  # link | spoken | paper
    text("basis"),  # consent | guardian | emergency | statutory
    sealed("basis_sealed"),  # what the person said, or what the decision rests on
    sealed("letter_sealed"),  # exactly what is shared; never changed
    text("letter_hash"),
    integer("level"),  # of the case when it was made
    text("by_id"),
    text("second_id", nullable=True),
    text("state"),
    text("attended"),  # "" | yes | no | unknown
    sa.Column("is_drill", sa.Boolean, nullable=False, default=False),
    time("made_at"),
    time("sent_at", nullable=True),
    time("ack_at", nullable=True),
    time("accepted_at", nullable=True),
    time("declined_at", nullable=True),
    time("returned_at", nullable=True),
    time("due_at", nullable=True),  # when somebody must look after it; null = nothing is awaited, or it has a task
    sa.Index("referral_by_case", "district_id", "case_id"),
    sa.Index("referral_by_state", "district_id", "state", "attended"),
    sa.Index("referral_by_sent", "district_id", "sent_at"),
    sa.Index("referral_due", "district_id", "due_at", sqlite_where=sa.text("due_at IS NOT NULL"),
             postgresql_where=sa.text("due_at IS NOT NULL")),
)  # fmt: skip

referral_step = table(
    "referral_step",  # only ever added
    text("referral_id"),
    text("action"),
    text("from_state"),
    text("to_state"),
    text("by_id", nullable=True),  # null = the partner, through the link
    sealed("detail_sealed"),  # JSON: who at the partner, words, result
    time("at"),
    sa.Index("referral_step_by_referral", "district_id", "referral_id"),
)

referral_task = table(
    "referral_task",
    text("referral_id"),
    text("case_id"),
    text("kind"),  # second_person | call_partner | check_visit | choose_other | tell_person
    text("for_id", nullable=True),  # null = the duty lead
    time("opened_at"),
    text("done_by", nullable=True),  # null while done = the partner answered
    time("done_at", nullable=True),
    sealed("note_sealed", nullable=True),
    sa.Index("referral_task_by_referral", "district_id", "referral_id"),
    sa.Index("one_open_referral_task", "district_id", "referral_id", "kind", unique=True,
             sqlite_where=sa.text("done_at IS NULL"), postgresql_where=sa.text("done_at IS NULL")),
)  # fmt: skip

provision = table(
    "provision",  # what left the house, to whom, why: kept for three years (NDR art 12), only ever added
    text("referral_id"),
    text("case_id"),
    text("institution_id"),
    text("purpose"),  # the kind of referral
    text("method"),
    text("basis"),
    text("shared"),  # JSON: codes of the fields
    text("letter_hash"),
    text("by_id"),
    text("second_id", nullable=True),
    time("at"),
    time("keep_until"),
    sa.Index("provision_by_case", "district_id", "case_id"),
)

partner_link = table(
    "partner_link",  # id = hash of the token
    text("referral_id"),
    text("code_index"),  # keyed: six digits alone could be tried out
    integer("failures"),
    text("visit_hash", nullable=True),  # of the cookie of the phone that gave the right code
    time("visit_until", nullable=True),
    text("made_by"),
    time("made_at"),
    time("expires_at"),
    time("closed_at", nullable=True),
    time("locked_at", nullable=True),
    sa.Index("partner_link_by_referral", "district_id", "referral_id"),
)

information_given = table(
    "information_given",  # a number that was only named: no referral, never counted as one
    text("case_id"),
    text("institution_id", nullable=True),
    sealed("words_sealed"),
    text("by_id"),
    time("at"),
    sa.Index("information_given_by_case", "district_id", "case_id"),
    sa.Index("information_given_by_time", "district_id", "at"),
)

incoming_referral = table(
    "incoming_referral",  # somebody sends a person to us
    text("case_id", nullable=True),
    text("source"),
    sealed("words_sealed"),  # JSON: who sends, who comes, how to reach them, why
    text("by_id"),
    time("at"),
    text("done_by", nullable=True),
    time("done_at", nullable=True),
    sealed("note_sealed", nullable=True),
    sa.Index("incoming_referral_open", "district_id", "at", sqlite_where=sa.text("done_at IS NULL"),
             postgresql_where=sa.text("done_at IS NULL")),
    sa.Index("incoming_referral_by_case", "district_id", "case_id"),
    sa.Index("incoming_referral_by_time", "district_id", "at"),
)  # fmt: skip
