"""All rows of one deployment, by the object that reads and writes them."""

from __future__ import annotations

from dataclasses import dataclass

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
from records.consents import Consents
from records.contacts import Contacts
from records.conversations import Conversations
from records.crypto import Vault
from records.decisions import Decisions
from records.emergency_contacts import EmergencyContacts
from records.entries import Entries
from records.erasure import Erasure
from records.factors import Factors
from records.follow_up_talks import FollowUpTalks
from records.follow_ups import FollowUps
from records.handovers import Handovers
from records.institutions import Institutions
from records.law_requests import LawRequests
from records.ledger import Ledger
from records.legal_holds import LegalHolds
from records.links import Links
from records.matters import Matters
from records.minors import Minors
from records.notices import Notices
from records.outbox_rows import OutboxRows
from records.partner_links import PartnerLinks
from records.pointers import Pointers
from records.presence import PresenceRows
from records.referral_tasks import ReferralTasks
from records.referrals import Referrals
from records.rescues import Rescues
from records.retention_runs import RetentionRuns
from records.roster import Roster
from records.safety_plans import SafetyPlans
from records.shares import Shares
from records.staff import Staff
from records.stints import Stints
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
    asides: Asides
    handovers: Handovers
    roster: Roster
    factors: Factors
    audit: AuditSearch
    articles: Articles
    answer_marks: AnswerMarks
    erasure: Erasure
    retention_runs: RetentionRuns
    holds: LegalHolds
    law_requests: LawRequests
    consents: Consents
    minors: Minors


def open_rows(engine: sa.Engine, vault: Vault, district: str) -> Store:
    """The rows of one district; nothing is read yet."""
    return Store(
        engine=engine,
        vault=vault,
        conversations=Conversations(district, vault),
        contacts=Contacts(district, vault),
        links=Links(district, vault),
        decisions=Decisions(district, vault),
        outbox=OutboxRows(district, vault),
        ledger=Ledger(district),
        attachments=Attachments(district, vault),
        transcripts=Transcripts(district, vault),
        channel_state=ChannelState(district, vault),
        cases=Cases(district, vault),
        edges=CaseEdges(district, vault),
        entries=Entries(district, vault),
        safety_plans=SafetyPlans(district, vault),
        alerts=Alerts(district),
        shares=Shares(district, vault),
        staff=Staff(district),
        addresses=Addresses(district, vault),
        notices=Notices(district, vault),
        rescues=Rescues(district, vault),
        follow_ups=FollowUps(district, vault),
        follow_up_talks=FollowUpTalks(district, vault),
        emergency_contacts=EmergencyContacts(district, vault),
        institutions=Institutions(district, vault),
        referrals=Referrals(district, vault),
        referral_tasks=ReferralTasks(district, vault),
        partner_links=PartnerLinks(district, vault),
        pointers=Pointers(district, vault),
        matters=Matters(district, vault),
        presence=PresenceRows(district),
        stints=Stints(district),
        transfers=Transfers(district, vault),
        asides=Asides(district, vault),
        handovers=Handovers(district, vault),
        roster=Roster(district),
        factors=Factors(district, vault),
        audit=AuditSearch(district),
        articles=Articles(district),
        answer_marks=AnswerMarks(district, vault),
        erasure=Erasure(district, vault),
        retention_runs=RetentionRuns(district),
        holds=LegalHolds(district, vault),
        law_requests=LawRequests(district, vault),
        consents=Consents(district),
        minors=Minors(district, vault),
    )
