"""All rows of one deployment, by the object that reads and writes them."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature
from typing import Any, get_type_hints

import sqlalchemy as sa

from records.addresses import Addresses
from records.alerts import Alerts
from records.answer_marks import AnswerMarks
from records.articles import Articles
from records.asides import Asides
from records.attachments import Attachments
from records.audit_search import AuditSearch
from records.case_edges import CaseEdges
from records.cases import Cases
from records.channel_state import ChannelState
from records.closings import Closings
from records.consents import Consents
from records.contacts import Contacts
from records.conversations import Conversations
from records.crypto import Vault
from records.decisions import Decisions
from records.drafts import Drafts
from records.drills import Drills
from records.emergency_contacts import EmergencyContacts
from records.entries import Entries
from records.erasure import Erasure
from records.factors import Factors
from records.facts import FactRows
from records.follow_up_talks import FollowUpTalks
from records.follow_ups import FollowUps
from records.handovers import Handovers
from records.help_calls import HelpCalls
from records.institutions import Institutions
from records.law_requests import LawRequests
from records.ledger import Ledger
from records.legal_holds import LegalHolds
from records.links import Links
from records.matters import Matters
from records.minors import Minors
from records.missed import Missed
from records.notices import Notices
from records.outbox_rows import OutboxRows
from records.partner_links import PartnerLinks
from records.pointers import Pointers
from records.practices import Practices
from records.presence import PresenceRows
from records.referral_tasks import ReferralTasks
from records.referrals import Referrals
from records.reports import FrozenReports
from records.rescues import Rescues
from records.retention_runs import RetentionRuns
from records.reviews import Reviews
from records.rises import Rises
from records.roster import Roster
from records.safety_plans import SafetyPlans
from records.shares import Shares
from records.staff import Staff
from records.stints import Stints
from records.trainings import Trainings
from records.transcripts import Transcripts
from records.transfers import Transfers


@dataclass(frozen=True)
class Store:
    """The rows of one deployment and the keys that open them."""

    engine: sa.Engine
    vault: Vault
    conversations: Conversations
    contacts: Contacts
    links: Links
    decisions: Decisions
    outbox: OutboxRows
    ledger: Ledger
    attachments: Attachments
    transcripts: Transcripts
    channel_state: ChannelState
    cases: Cases
    edges: CaseEdges
    entries: Entries
    safety_plans: SafetyPlans
    closings: Closings
    alerts: Alerts
    shares: Shares
    staff: Staff
    addresses: Addresses
    notices: Notices
    rescues: Rescues
    follow_ups: FollowUps
    follow_up_talks: FollowUpTalks
    emergency_contacts: EmergencyContacts
    institutions: Institutions
    referrals: Referrals
    referral_tasks: ReferralTasks
    partner_links: PartnerLinks
    pointers: Pointers
    matters: Matters
    presence: PresenceRows
    stints: Stints
    transfers: Transfers
    help_calls: HelpCalls
    rises: Rises
    asides: Asides
    handovers: Handovers
    roster: Roster
    factors: Factors
    audit: AuditSearch
    drafts: Drafts
    articles: Articles
    answer_marks: AnswerMarks
    erasure: Erasure
    retention_runs: RetentionRuns
    holds: LegalHolds
    law_requests: LawRequests
    consents: Consents
    minors: Minors
    reviews: Reviews
    trainings: Trainings
    missed: Missed
    drills: Drills
    practices: Practices
    facts: FactRows
    reports: FrozenReports


def open_rows(engine: sa.Engine, vault: Vault, district: str) -> Store:
    """The rows of one district; nothing is read yet."""
    kinds = get_type_hints(Store)
    rows = {name: _open(kind, district, vault) for name, kind in kinds.items() if kind not in (sa.Engine, Vault)}
    return Store(engine=engine, vault=vault, **rows)


def _open(kind: type[Any], district: str, vault: Vault) -> Any:
    """Rows with sealed columns take the vault too."""
    return kind(district, vault) if "vault" in signature(kind).parameters else kind(district)
