"""What people write down of a case: the record form, field by field, and the person's own safety plan."""

from __future__ import annotations

import sqlalchemy as sa

from records.columns import integer, sealed, table, text, time

record_entry = table(
    "record_entry",  # one change of one field; only ever added, emptied by a redaction alone
    text("subject_id"),  # the case, or for the safety plan the contact: a plan goes on in the next case
    text("case_id"),  # where it was written
    text("field"),
    integer("version"),  # counts up within subject and field: what a change was based on
    text("missing"),  # "" = answered; not_asked | refused | not_applicable | unknown; redacted
    sealed("value_sealed"),  # the answer, or why there is none
    text("by_id"),
    text("message_id", nullable=True),  # the person's own words that it was taken from
    time("at"),
    sa.UniqueConstraint("district_id", "subject_id", "field", "version"),
    sa.Index("record_entry_by_case", "district_id", "case_id"),
)

safety_plan = table(
    "safety_plan",  # the plan as it was given to the person; only ever added
    text("contact_id"),
    text("case_id"),
    sealed("body_sealed"),
    text("by_id"),
    time("at"),
    sa.Index("safety_plan_by_contact", "district_id", "contact_id"),
    sa.Index("safety_plan_by_case", "district_id", "case_id"),
)
