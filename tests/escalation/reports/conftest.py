"""Facts made by hand, and how they are counted with the shipped definitions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import desk_rules
from escalation.reports.counting import tally_of
from escalation.reports.indicators import Definitions, load_definitions, load_numbers
from escalation.reports.periods import ZONE, Period, read_period
from escalation.reports.tally import Tally
from records.facts.kinds import Facts
from settings import load_settings

NUMBERS = load_numbers()
SETTINGS = load_settings({})
CLOCKS = desk_rules.make_clocks(SETTINGS)
RULES = desk_rules.make_house_rules(SETTINGS)
NOVEMBER = read_period("2026-11")
LATER = datetime(2026, 12, 20, tzinfo=ZONE)  # every promise of November has run out
NOON = datetime(2026, 11, 10, 12, tzinfo=ZONE)


def counted(facts: Facts, period: Period = NOVEMBER, now: datetime = LATER) -> Tally:
    """The tally of these facts."""
    return tally_of(facts, period, now, NUMBERS, RULES)


def definitions() -> Definitions:
    """The shipped ones, checked."""
    return load_definitions(counted(Facts()))


def at(**parts: float) -> datetime:
    """So long after noon of a day in November."""
    return NOON + timedelta(**parts)


def facts(**some: Any) -> Facts:
    """Facts of which only these are there."""
    return Facts(**some)
