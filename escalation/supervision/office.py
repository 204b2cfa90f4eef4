"""Every desk that looks back at the work, made from the same rows."""

from __future__ import annotations

from dataclasses import dataclass

from escalation.handling import Handling
from escalation.supervision.duty import Duties
from escalation.supervision.form import load_review_form
from escalation.supervision.growth_desk import GrowthDesk
from escalation.supervision.missed import load_missed
from escalation.supervision.missed_desk import MissedDesk
from escalation.supervision.review_desk import ReviewDesk
from escalation.supervision.sampling import load_sampling
from escalation.supervision.self_care import load_self_care
from records.store import Store


@dataclass(frozen=True)
class GrowthRules:
    """What a deployment sets."""

    duties: Duties
    support: str  # whom counsellors may talk to about themselves


@dataclass(frozen=True)
class SupervisionOffice:
    """One field a desk."""

    reviews: ReviewDesk
    growth: GrowthDesk
    missed: MissedDesk
    rules: GrowthRules


def open_supervision(store: Store, handling: Handling, rules: GrowthRules) -> SupervisionOffice:
    """Read the reviewed data, checked before anything runs, and make the desks."""
    return SupervisionOffice(
        ReviewDesk(handling, store.reviews, store.trainings, load_sampling(), load_review_form()),
        GrowthDesk(store.trainings, store.staff, rules.duties, load_self_care()),
        MissedDesk(handling, store.missed, load_missed()),
        rules,
    )
