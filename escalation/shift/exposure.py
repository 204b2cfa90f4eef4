"""How much orange and red somebody carried this week: to care for them, never to judge them. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from records.stints import Stint
from triage.risk import Level

_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Exposure:
    """Cases at orange or red, and the minutes spent with them."""

    number: int
    minutes: int

    @property
    def words(self) -> str:
        """For the person concerned; empty in a calm week."""
        if not self.number:
            return ""
        spent = f"，一共 {spell(self.minutes)}" if self.minutes else ""
        return f"这一周您陪了 {self.number} 个橙色、红色个案{spent}，累了随时按“暂离”"


def spell(minutes: int) -> str:
    """Minutes as people say them."""
    hours, rest = divmod(minutes, 60)
    return f"{hours} 小时 {rest} 分钟" if hours else f"{rest} 分钟"


def week_start(now: datetime) -> datetime:
    """Monday, 00:00 in Shanghai."""
    local = now.astimezone(_ZONE)
    return (local - timedelta(days=local.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)


def exposure(stints: Iterable[Stint], since: datetime, now: datetime) -> Exposure:
    """What these stints of one person add up to between two moments."""
    heavy = [stint for stint in stints if stint.peak >= Level.HIGH]
    inside = [stint for stint in heavy if (stint.ended_at or now) >= since and stint.began_at <= now]
    spent = sum((min(s.ended_at or now, now) - max(s.began_at, since) for s in inside), timedelta())
    return Exposure(len({stint.case_id for stint in inside}), int(spent / timedelta(minutes=1)))


def needs_rest(stint: Stint, now: datetime, offered_for: timedelta) -> bool:
    """Whether a break is still offered after this stint."""
    if stint.ended_at is None or stint.rest or stint.peak < Level.HIGH:
        return False
    return now - stint.ended_at <= offered_for
