"""The numbers of the shift, as this deployment has set them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from escalation.shift.after_claim import Promised
from escalation.shift.limits import Limits
from escalation.shift.silence import Patience
from escalation.shift.strain import Strain
from escalation.shift.transfer import AnswerTimes


@dataclass(frozen=True)
class ShiftRules:
    """Every clock and limit of the shift."""

    limits: Limits
    promised: Promised
    patience: Patience
    answer_times: AnswerTimes
    rest: timedelta  # the break offered after orange and red
    longest_run: timedelta  # planned hours in a row
    least_seats: int
    strain: Strain
    has_outside: bool  # the settings name somebody who is always on call
    ahead: timedelta  # what falls due so soon stands in the hand-over
