"""Until when the partner should have answered, and when we ask whether the person arrived. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from escalation.referral.states import Stage
from escalation.workdays import Workdays

_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Promises:
    """The deployment's clocks."""

    ack_now: timedelta  # urgency 立即
    ack_day: timedelta  # urgency 24小时内
    ack_workdays: int  # otherwise
    visit: timedelta  # so long after an answer without news of the visit, we ask
    workdays: Workdays

    def ack_by(self, urgency: str, since: datetime) -> datetime:
        """When the partner should have confirmed."""
        if urgency == "now":
            return since + self.ack_now
        if urgency == "day":
            return since + self.ack_day
        return self.workdays.after(since, self.ack_workdays)

    def due_at(self, stage: Stage, urgency: str, attended: str, now: datetime) -> datetime | None:
        """When somebody must look after a referral that came to this stage now; None when nothing is awaited."""
        if stage is Stage.SENT:
            return self.ack_by(urgency, now)
        if stage in (Stage.RECEIVED, Stage.ACCEPTED) or (stage is Stage.RETURNED and attended == "unknown"):
            return now + self.visit
        return None


def month_start(now: datetime) -> datetime:
    """The first moment of the running month, as people in China count it."""
    first = now.astimezone(_ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first.astimezone(now.tzinfo)
