"""Which days are worked in China: weekends, public holidays and the weekends worked instead. No I/O but loading."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

PATH = Path(__file__).parent / "workdays.toml"
_ZONE = ZoneInfo("Asia/Shanghai")
_SATURDAY = 5
_AHEAD = timedelta(days=45)  # the longest clock in working days, fifteen, reaches so far over New Year
_LONGEST_HOLIDAY = timedelta(days=31)


@dataclass(frozen=True)
class Workdays:
    """The years that are known; any other year knows weekends alone."""

    years: frozenset[int]
    free: frozenset[date]
    worked: frozenset[date]

    def is_worked(self, day: date) -> bool:
        """Whether the day counts."""
        return day in self.worked or (day.weekday() < _SATURDAY and day not in self.free)

    def later(self, day: date, number: int) -> date:
        """The day on which so many working days after this one are over."""
        while number:
            day += timedelta(days=1)
            number -= self.is_worked(day)
        return day

    def after(self, since: datetime, number: int) -> datetime:
        """The same hour so many working days later, as people in China count them."""
        local = since.astimezone(_ZONE)
        return (local + (self.later(local.date(), number) - local.date())).astimezone(since.tzinfo)

    def missing(self, now: datetime) -> list[int]:
        """Years that a clock started now may run through and whose holidays are not known."""
        local = now.astimezone(_ZONE)
        return sorted({local.year, (local + _AHEAD).year} - self.years)


def load_workdays(own: Path | None = None, path: Path = PATH) -> Workdays:
    """Read and check the years, a deployment's own over the shipped ones; raise ValueError for a day that cannot be."""
    years: dict[int, tuple[set[date], set[date]]] = {}
    for file in (path, own) if own else (path,):
        for name, entry in tomllib.loads(file.read_text(encoding="utf-8")).items():
            try:
                years[int(name)] = _year(int(name), entry)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{file}: year {name}: {error}") from None
    free, worked = ([days for one in years.values() for days in one[part]] for part in (0, 1))
    return Workdays(frozenset(years), frozenset(free), frozenset(worked))


def _year(year: int, entry: Mapping[str, Any]) -> tuple[set[date], set[date]]:  # Any: TOML
    free: set[date] = set()
    for first, last in entry["free"]:
        if not timedelta() <= last - first <= _LONGEST_HOLIDAY:
            raise ValueError(f"a holiday from {first} to {last}")
        free |= {first + timedelta(days=number) for number in range((last - first).days + 1)}
    worked = set(entry["worked"])
    if not entry["source"] or not entry["review"]:
        raise ValueError("needs source and review")
    if any(abs(day.year - year) > 1 for day in free | worked):  # New Year's holiday may begin in December
        raise ValueError("a day of another year")
    if free & worked or any(day.weekday() < _SATURDAY for day in worked):
        raise ValueError("a worked day is a weekend that is not free")
    return free, worked
