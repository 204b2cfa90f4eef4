"""Everything about referrals made from the rows, with this deployment's clocks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from escalation.directory.directory_desk import DirectoryDesk
from escalation.directory.fields import load_directory
from escalation.handling import Handling
from escalation.permissions import Permissions
from escalation.record.form import load_form
from escalation.referral.clocks import Promises
from escalation.referral.partner_door import PartnerDoor
from escalation.referral.pointer_desk import PointerDesk
from escalation.referral.referral_desk import ReferralDesk
from escalation.referral.reminders import Reminders
from escalation.referral.terms import load_terms
from records.store import Store


@dataclass(frozen=True)
class ReferralRules:
    """What a deployment sets."""

    promises: Promises
    fresh_for: timedelta  # how long an entry of the directory counts as checked
    link_lasts: timedelta
    sender: str  # how a letter names the hotline
    call_back: str  # the number that a letter proposes


@dataclass(frozen=True)
class ReferralOffice:
    """One field a desk."""

    directory: DirectoryDesk
    desk: ReferralDesk
    door: PartnerDoor
    pointers: PointerDesk
    rules: ReferralRules


def open_referrals(
    store: Store, handling: Handling, permissions: Permissions, rules: ReferralRules
) -> ReferralOffice:  # fmt: skip
    """Read the directory's fields and the words of referrals, and make the desks."""
    fields = load_directory()
    directory = DirectoryDesk(store.institutions, store.staff, fields, rules.fresh_for)
    desk = ReferralDesk(
        handling=handling, permissions=permissions, directory=directory, referrals=store.referrals,
        tasks=store.referral_tasks, links=store.partner_links, terms=load_terms(fields, load_form()),
        sender=rules.sender, reminders=Reminders(handling.alarm, store.referrals, store.referral_tasks, rules.promises),
    )  # fmt: skip
    door = PartnerDoor(desk, store.partner_links, rules.link_lasts)
    return ReferralOffice(directory, desk, door, PointerDesk(handling, directory, store.pointers), rules)
