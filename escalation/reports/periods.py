"""Natural days, months, quarters and years in Asia/Shanghai. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
KIND_WORDS = {"day": "日", "month": "月", "quarter": "季度", "year": "年"}
_CODE = re.compile(r"(?P<year>20\d\d)(?:-(?:Q(?P<quarter>[1-4])|(?P<month>\d\d)(?:-(?P<day>\d\d))?))?")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


class BadPeriod(Exception):
    """This is no period: write 2026-11-03, 2026-11, 2026-Q4 or 2026."""


@dataclass(frozen=True)
class Period:
    """From the first day on, and before `end`."""

    kind: str
    first: date
    end: date

    @property
    def code(self) -> str:
        """The short name: 2026-11-03, 2026-11, 2026-Q4, 2026."""
        day = self.first
        return {
            "day": f"{day}",
            "month": f"{day:%Y-%m}",
            "quarter": f"{day.year}-Q{(day.month + 2) // 3}",
            "year": f"{day.year}",
        }[self.kind]

    @property
    def words(self) -> str:
        """The name on screens and paper."""
        day = self.first
        return {
            "day": f"{day.year}年{day.month}月{day.day}日",
            "month": f"{day.year}年{day.month}月",
            "quarter": f"{day.year}年第{(day.month + 2) // 3}季度",
            "year": f"{day.year}年",
        }[self.kind]

    @property
    def since(self) -> datetime:
        """Its first moment."""
        return datetime.combine(self.first, time(), ZONE)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.end, time(), ZONE)

    def holds(self, at: datetime) -> bool:
        """Whether a moment lies in it."""
        return self.since <= at < self.until

    def days(self) -> Iterator[date]:
        """Every day of it."""
        return (self.first + timedelta(days=number) for number in range((self.end - self.first).days))

    @property
    def before(self) -> Period:
        """The period before."""
        return period_of(self.kind, self.first - timedelta(days=1))

    @property
    def after(self) -> Period:
        """The period after."""
        return period_of(self.kind, self.end)


def day_of(at: datetime) -> date:
    """The local day of a moment."""
    return at.astimezone(ZONE).date()


def period_of(kind: str, day: date) -> Period:
    """The period of this kind that a day lies in."""
    if kind == "day":
        return Period(kind, day, day + timedelta(days=1))
    if kind not in _MONTHS:
        raise BadPeriod(BadPeriod.__doc__)
    long = _MONTHS[kind]
    first = date(day.year, (day.month - 1) // long * long + 1, 1)
    months = first.month - 1 + long
    return Period(kind, first, date(first.year + months // 12, months % 12 + 1, 1))


def read_period(code: str) -> Period:
    """A period by its short name; raise BadPeriod."""
    found = _CODE.fullmatch(code.strip())
    if found is None:
        raise BadPeriod(BadPeriod.__doc__)
    year, quarter, month, day = (found[name] for name in ("year", "quarter", "month", "day"))
    try:
        if quarter:
            return period_of("quarter", date(int(year), int(quarter) * 3, 1))
        kind = "day" if day else "month" if month else "year"
        return period_of(kind, date(int(year), int(month or 1), int(day or 1)))
    except ValueError as error:
        raise BadPeriod(BadPeriod.__doc__) from error
