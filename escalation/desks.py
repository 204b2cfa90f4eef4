"""All the desks that people work at, made from the rows: the console acts through them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from escalation.account_office import AccountOffice
from escalation.admission import Admission
from escalation.alarm import Alarm
from escalation.care.follow_up_desk import FollowUpDesk
from escalation.care.plan import CareRules
from escalation.care.planning import Planning
from escalation.care.rescue import RescueRules
from escalation.care.rescue_desk import RescueDesk
from escalation.care.watch import FollowUpWatch
from escalation.closing_desk import ClosingClocks, ClosingDesk
from escalation.contact_desk import ContactDesk
from escalation.desk import Desk
from escalation.handling import Handling
from escalation.law.minors import GateClocks
from escalation.law.minors_desk import MinorsDesk
from escalation.law.retention import Schedule
from escalation.law.retention_desk import RetentionDesk
from escalation.law.rights import Rights
from escalation.law.rights_desk import RightsDesk
from escalation.library.library_desk import LibraryDesk
from escalation.library.masking import load_masking
from escalation.permissions import Permissions
from escalation.practice.drill_desk import DrillDesk
from escalation.practice.practice_desk import PracticeDesk
from escalation.practice.scripts import load_playbook
from escalation.record.form import load_form
from escalation.record.merge_desk import MergeDesk
from escalation.record.plan import load_parts
from escalation.record.proposals import check_facts
from escalation.record.record_desk import RecordDesk
from escalation.referral.office import ReferralOffice, ReferralRules, open_referrals
from escalation.reports.house_counts import HouseRules
from escalation.reports.reports_desk import ReportsDesk, open_reports
from escalation.safeguarding.clocks import Clocks
from escalation.safeguarding.safeguarding_desk import SafeguardingDesk
from escalation.safeguarding.terms import Terms
from escalation.sharing_desk import SharingDesk
from escalation.shift.house import Shift, open_shift
from escalation.shift.rules import ShiftRules
from escalation.supervision.office import GrowthRules, SupervisionOffice, open_supervision
from escalation.undelivered import Undelivered
from records.store import Store
from triage.facts import load_facts

Sweep = Callable[..., object]  # (connection, now)


@dataclass(frozen=True)
class Desks:
    """One field a desk."""

    desk: Desk
    closing: ClosingDesk
    people: ContactDesk
    undelivered: Undelivered
    record: RecordDesk
    merging: MergeDesk
    rescue: RescueDesk
    follow_ups: FollowUpDesk
    watch: FollowUpWatch
    referrals: ReferralOffice
    safeguarding: SafeguardingDesk
    shift: Shift
    admission: Admission
    sharing: SharingDesk
    accounts: AccountOffice
    library: LibraryDesk
    retention: RetentionDesk
    rights: RightsDesk
    minors: MinorsDesk
    supervision: SupervisionOffice
    drills: DrillDesk
    practices: PracticeDesk
    reports: ReportsDesk

    @property
    def sweeps(self) -> tuple[Sweep, ...]:
        """What looks for things that are due."""
        return (
            self.watch.sweep,
            self.rescue.sweep,
            self.closing.sweep,
            self.referrals.desk.reminders.sweep,
            self.safeguarding.watch.sweep,
            self.shift.watch.sweep,
            self.shift.passing.sweep,
            self.shift.helping.sweep,
            self.retention.sweep,
            self.rights.sweep,
            self.supervision.reviews.sweep,
            self.drills.sweep,
        )


@dataclass(frozen=True)
class LawRules:
    """What the law's desks decide by; `link` makes the address at which a person fetches their copy."""

    schedule: Schedule
    rights: Rights
    gate: GateClocks
    link: Callable[[str], str]


@dataclass(frozen=True)
class Rules:
    """The reviewed data that desks decide by."""

    care: CareRules
    rescue: RescueRules
    referral: ReferralRules
    safeguarding: Terms
    shift: ShiftRules
    law: LawRules
    growth: GrowthRules
    closing: ClosingClocks


def open_desks(store: Store, alarm: Alarm, permissions: Permissions, rules: Rules) -> Desks:
    """Every desk over the same rows."""
    handling = Handling(alarm, store.staff, store.stints, store.asides)
    people = ContactDesk(store.cases, store.contacts, store.links, store.decisions, store.ledger, store.staff)
    record = open_record(store, handling, people)
    planning = Planning(handling, store.follow_ups, store.follow_up_talks, rules.care)
    playbook = load_playbook()
    house = HouseRules(record.form, alarm.clocks.claim_by, rules.growth.duties, playbook.rules, rules.shift.promised)
    desk = Desk(handling, permissions, planning, (record.check_closing,))
    shift = open_shift(store, desk, rules.shift, rules.rescue)
    return Desks(
        desk=desk,
        closing=ClosingDesk(desk, shift.floor, store.closings, rules.closing),
        people=people,
        undelivered=Undelivered(alarm, people),
        record=record,
        merging=MergeDesk(handling, record),
        rescue=RescueDesk(
            handling, store.rescues, store.emergency_contacts, people, planning, permissions, rules.rescue
        ),
        follow_ups=FollowUpDesk(planning, desk, people, rules.rescue),
        watch=FollowUpWatch(alarm, store.follow_ups, store.follow_up_talks, rules.care),
        referrals=open_referrals(store, handling, permissions, rules.referral),
        safeguarding=SafeguardingDesk(handling, Clocks(store.matters, rules.safeguarding, alarm.calls), store.pointers),
        shift=shift,
        admission=Admission(permissions, store.cases, store.alerts, store.shares),
        sharing=SharingDesk(handling, store.shares),
        accounts=make_office(store, permissions),
        library=LibraryDesk(store.articles, store.answer_marks, store.staff, load_masking()),
        retention=RetentionDesk(rules.law.schedule, store.erasure, store.retention_runs, store.staff),
        rights=open_rights(store, handling, people, rules.law),
        minors=MinorsDesk(store.minors, store.shares, people, handling, permissions, rules.law.gate),
        supervision=open_supervision(store, handling, rules.growth),
        drills=DrillDesk(handling, store.drills, store.rescues, playbook, store.vault.sign),
        practices=PracticeDesk(handling, store.practices, store.rescues, playbook),
        reports=open_reports(store, house),
    )


def open_rights(store: Store, handling: Handling, people: ContactDesk, rules: LawRules) -> RightsDesk:
    """What people ask of their own records; the address of a copy cannot be guessed."""
    return RightsDesk(
        rules.rights, store.law_requests, store.consents, store.follow_up_talks, store.holds, store.erasure,
        store.conversations, people, store.outbox, handling, draw=lambda: secrets.token_urlsafe(24),
        link=rules.link,
    )  # fmt: skip


def open_record(store: Store, handling: Handling, people: ContactDesk) -> RecordDesk:
    """The record desk with its reviewed data, checked before anything runs."""
    form, facts = load_form(), load_facts()
    check_facts(form, facts)
    return RecordDesk(
        handling, people, store.entries, store.edges, store.safety_plans, form, facts, load_parts()
    )  # fmt: skip


def make_office(store: Store, permissions: Permissions) -> AccountOffice:
    """Accounts are changed by the command too, without any other desk."""
    return AccountOffice(store.staff, store.factors, frozenset(permissions.names))
