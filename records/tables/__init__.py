"""Every table, once. Each carries district_id first in its key, so that a country can be spread by district.

Columns named `*_sealed` hold AES-256-GCM text (see crypto.py); times are aware UTC; ids are random text,
never made from a clock. `event`, `level_change`, `note` and `audit` rows are only ever added.

One module an area; code names them from here (`from records import tables as t`).
"""

from __future__ import annotations

from records.columns import UtcTime, metadata
from records.tables.care import (
    emergency_contact,
    follow_up,
    follow_up_attempt,
    follow_up_consent,
    follow_up_outcome,
    outside_call,
    reopening,
    rescue,
    rescue_quote,
)
from records.tables.cases import alert, case_record, closing, level_change, note
from records.tables.directory import institution, institution_version
from records.tables.house import event, seal
from records.tables.law import (
    access_grant,
    case_flag,
    consent,
    law_request,
    legal_hold,
    lookup_count,
    minor_access,
    record_copy,
    retention,
)
from records.tables.library import answer_mark, article_draft, article_review, article_version, unanswered
from records.tables.notices import notice, notice_address
from records.tables.people import contact, contact_decision, contact_plan, link_code
from records.tables.practice import drill_caller, drill_plan, drill_run, practice
from records.tables.record import record_entry, safety_plan
from records.tables.referrals import (
    incoming_referral,
    information_given,
    partner_link,
    provision,
    referral,
    referral_step,
    referral_task,
)
from records.tables.reports import frozen_report
from records.tables.safeguarding import matter, matter_step, matter_task
from records.tables.sending import allowance, channel_state, outbox, rate
from records.tables.shares import case_share, contact_reveal
from records.tables.shift import (
    companion,
    handover,
    help_call,
    presence,
    promise,
    rise_seen,
    roster,
    stint,
    transfer,
    whisper,
)
from records.tables.staff import audit, counsellor, draft, recovery_code, second_factor, staff_session
from records.tables.supervision import (
    case_review,
    debrief,
    message_remark,
    missed_review,
    review_entry,
    sampling_clock,
    supervision_session,
    training,
)
from records.tables.talk import assessment, attachment, conversation, message, transcript

__all__ = [
    "UtcTime",
    "access_grant",
    "alert",
    "allowance",
    "answer_mark",
    "article_draft",
    "article_review",
    "article_version",
    "assessment",
    "attachment",
    "audit",
    "case_flag",
    "case_record",
    "case_review",
    "case_share",
    "channel_state",
    "closing",
    "companion",
    "consent",
    "contact",
    "contact_decision",
    "contact_plan",
    "contact_reveal",
    "conversation",
    "counsellor",
    "debrief",
    "draft",
    "drill_caller",
    "drill_plan",
    "drill_run",
    "emergency_contact",
    "event",
    "follow_up",
    "follow_up_attempt",
    "follow_up_consent",
    "follow_up_outcome",
    "frozen_report",
    "incoming_referral",
    "information_given",
    "institution",
    "institution_version",
    "handover",
    "help_call",
    "law_request",
    "legal_hold",
    "level_change",
    "link_code",
    "lookup_count",
    "matter",
    "matter_step",
    "matter_task",
    "message",
    "message_remark",
    "metadata",
    "minor_access",
    "missed_review",
    "note",
    "notice",
    "notice_address",
    "outbox",
    "outside_call",
    "partner_link",
    "practice",
    "provision",
    "presence",
    "promise",
    "rate",
    "record_entry",
    "safety_plan",
    "reopening",
    "rescue",
    "rescue_quote",
    "referral",
    "referral_step",
    "referral_task",
    "roster",
    "review_entry",
    "rise_seen",
    "recovery_code",
    "record_copy",
    "retention",
    "seal",
    "sampling_clock",
    "second_factor",
    "staff_session",
    "stint",
    "supervision_session",
    "training",
    "transcript",
    "transfer",
    "whisper",
    "unanswered",
]
