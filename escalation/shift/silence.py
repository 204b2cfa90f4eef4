"""When an owner has fallen silent: first a warning, then the case rings again. No I/O; `now` is passed in.

At orange and red it is silence when a message waits too long for an answer, when whoever took the case has not said a
first word in the promised time, or when the owner's console is gone; below, only a console gone for long. The clock of
an answer runs from the first unanswered message: somebody who writes every minute to nobody is not answered. A call
always comes after a warning, so that a restart of the service, after which all consoles look gone for a moment, takes
nobody's case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from escalation.shift import after_claim
from escalation.shift.after_claim import Promised
from escalation.shift.volunteers import may_take
from records.stints import Live
from triage.risk import Level


class Step(Enum):
    """What to do about one conversation now."""

    REST = "rest"
    WARN = "warn"  # tell the owner
    CALL = "call"  # ring for everybody
    CALM = "calm"  # the owner is there again


@dataclass(frozen=True)
class Patience:
    """The clocks of this deployment."""

    unanswered: Mapping[Level, timedelta]  # for the levels whose messages must be answered in time
    gone: timedelta  # a console not heard of for so long is closed
    gone_below: timedelta  # the same where nobody is in danger
    warning: timedelta  # how long before the call the owner is warned
    promised: Promised  # the first word after a claim


@dataclass(frozen=True)
class Due:
    """When the case rings if the owner stays silent, and how long before that they are warned."""

    at: datetime
    warning: timedelta


def due(live: Live, patience: Patience) -> Due:
    """The first of the clocks that run; a clock too short for the usual warning gives half its time to it."""
    began_at = live.stint.began_at
    seen_at = max(live.seen_at or began_at, began_at)
    in_danger = live.level in patience.unanswered
    clocks = [Due(seen_at + (patience.gone + patience.warning if in_danger else patience.gone_below), patience.warning)]
    if in_danger and live.unanswered_since is not None:
        clocks.append(Due(live.unanswered_since + patience.unanswered[live.level], patience.warning))
    word = after_claim.word(live, patience.promised)
    if in_danger and word is not None:
        clocks.append(Due(word.by, min(patience.warning, (word.by - word.since) / 2)))
    return min(clocks, key=lambda clock: clock.at)


def may_keep(live: Live) -> bool:
    """Whether the owner may have a case at this level at all."""
    return may_take(live.owner_roles, live.level)


def next_step(live: Live, patience: Patience, now: datetime) -> Step:
    """What is due for one served conversation."""
    stint, first = live.stint, due(live, patience)
    is_called = stint.called_at is not None and live.is_ringing
    if not may_keep(live):
        return Step.REST if is_called else Step.CALL
    if now < first.at - first.warning:
        return Step.REST if stint.warned_at is None and stint.called_at is None else Step.CALM
    if stint.called_at is not None:
        return Step.REST if is_called else Step.CALL
    if stint.warned_at is None:
        return Step.WARN
    return Step.CALL if now >= max(first.at, stint.warned_at + first.warning) else Step.REST
