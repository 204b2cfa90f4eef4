"""Until when the partner should have answered, and when we ask whether the person arrived. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from escalation.referral.states import Stage

_ZONE = ZoneInfo("Asia/Shanghai")
_FRIDAY = 4


@dataclass(frozen=True)
class Promises:
    """The deployment's clocks. Public holidays are not known here: they count as working days."""

    ack_now: timedelta  # urgency 立即
    ack_day: timedelta  # urgency 24小时内
    ack_workdays: int  # otherwise
    visit: timedelta  # so long after an answer without news of the visit, we ask

    def ack_by(self, urgency: str, since: datetime) -> datetime:
        """When the partner should have confirmed."""
        if urgency == "now":
            return since + self.ack_now
        if urgency == "day":
            return since + self.ack_day
        return workdays_after(since, self.ack_workdays)

    def due_at(self, stage: Stage, urgency: str, attended: str, now: datetime) -> datetime | None:
        """When somebody must look after a referral that came to this stage now; None when nothing is awaited."""
        if stage is Stage.SENT:
            return self.ack_by(urgency, now)
        if stage in (Stage.RECEIVED, Stage.ACCEPTED) or (stage is Stage.RETURNED and attended == "unknown"):
            return now + self.visit
        return None


def workdays_after(since: datetime, days: int) -> datetime:
    """The same hour so many working days later, as people in China count them."""
    local, left = since.astimezone(_ZONE), days
    while left:
        local += timedelta(days=1)
        left -= local.weekday() <= _FRIDAY
    return local.astimezone(since.tzinfo)


def month_start(now: datetime) -> datetime:
    """The first moment of the running month, as people in China count it."""
    first = now.astimezone(_ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first.astimezone(now.tzinfo)
