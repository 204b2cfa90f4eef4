"""What statistics are counted from: facts of one district in one span of time. SQL of reports stands here only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from records.crypto import Vault
from records.facts import aftercare, cases, duties, talks
from records.facts.kinds import Facts
from records.facts.span import Span


@dataclass(frozen=True)
class Wanted:
    """Which facts."""

    since: datetime
    until: datetime
    fields: Collection[str]  # of the record
    pause: timedelta  # after which somebody who writes comes anew
    before: timedelta  # how much earlier sessions and openings begin
    margin: timedelta  # how much earlier and later calls are looked at
    late: timedelta  # a message that needed longer came late
    ahead: timedelta  # a sender's clock that is further ahead is wrong
    year: datetime  # the first moment of the year: trainings are owed by the year


class FactRows:
    """Reads of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def gather(self, connection: sa.Connection, wanted: Wanted) -> Facts:
        """Everything of a span; sessions are read as they are counted, within the same transaction."""
        own = connection, self.district
        span = Span(wanted.since, wanted.until)
        around = Span(wanted.since - wanted.margin, wanted.until + wanted.margin)
        return Facts(
            sessions=talks.sessions(*own, Span(wanted.since - wanted.before, wanted.until), wanted.pause),
            messages=talks.messages(*own, span, wanted.late, wanted.ahead),
            calls=talks.calls(*own, around),
            starts=talks.starts(*own, around),
            openings=talks.openings(*own, Span(wanted.since - wanted.before, wanted.until)),
            stretches=talks.stretches(*own, around),
            cases=list(cases.cases(*own, span, self.vault, wanted.fields)),
            follow_ups=aftercare.follow_ups(*own, span),
            referrals=aftercare.referrals(*own, span),
            rescues=aftercare.rescues(*own, span),
            complaints=duties.complaints(*own, wanted.since, wanted.pause),
            notifications=duties.notifications(*own, span),
            drills=duties.drills(*own, span),
            colleagues=duties.colleagues(*own, Span(wanted.year, wanted.until)),
            answered=aftercare.answered(*own, span),
            house=aftercare.house(*own, span),
        )
