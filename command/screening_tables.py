"""How `hotline eval screening` shows its measures: one column a screening, shares with 95% intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from rich.table import Table

from triage.comparison import Comparison
from triage.measure import Report, Share, TurnReport

T = TypeVar("T")
_IDS_SHOWN = 40


def message_tables(reports: dict[str, Report]) -> list[Table]:
    """All measures of messages, then recall and false alarms by category and by form."""
    made = [_rows("messages", reports, _MESSAGES)]
    for title in ("by_category", "by_form"):
        heads = [f"{name}: {what}" for name in reports for what in ("found", "false")]
        table = Table(title.replace("_", " "), *heads)
        for rows in zip(*(getattr(each, title) for each in reports.values()), strict=True):
            table.add_row(rows[0][0], *(plain(share) for row in rows for share in row[1:]))
        made.append(table)
    return made


def turn_tables(reports: dict[str, TurnReport]) -> list[Table]:
    """All measures of conversations."""
    return [_rows("conversations", reports, _TURNS)]


def comparison_table(found: Comparison) -> Table:
    """Two screenings side by side, with the ids that tell them apart."""
    table = Table("old against new", "difference", "by chance?", "only the old was right", "only the new is right")
    for name, paired in (
        ("level >= 3 found", found.found),
        ("level 0-1 left quiet", found.quiet),
        ("exact level", found.exact),
    ):
        low, high = paired.interval
        difference = f"{paired.difference:+.1%} [{low:+.1%}, {high:+.1%}] of {paired.whole}"
        table.add_row(name, difference, f"p = {paired.chance:.3f}", _ids(paired.only_old), _ids(paired.only_new))
    return table


def _ids(ids: tuple[str, ...]) -> str:
    rest = f" and {len(ids) - _IDS_SHOWN} more" if len(ids) > _IDS_SHOWN else ""
    return f"{len(ids)}: {' '.join(ids[:_IDS_SHOWN])}{rest}" if ids else "0"


def plain(share: Share) -> str:
    """A share and its counts."""
    return f"{share.value:.1%} ({share.part}/{share.whole})" if share.whole else "-"


def spread(share: Share) -> str:
    """A share, its 95% interval and its counts."""
    if not share.whole:
        return "-"
    low, high = share.interval
    return f"{share.value:.1%} [{low:.1%}, {high:.1%}] {share.part}/{share.whole}"


def _rows(title: str, reports: dict[str, T], rows: dict[str, Callable[[T], str]]) -> Table:
    table = Table(title, *reports)
    for name, read in rows.items():
        table.add_row(name, *(read(each) for each in reports.values()))
    return table


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


_MESSAGES: dict[str, Callable[[Report], str]] = {
    "level >= 3 found (called >= 3)": lambda r: spread(r.recall_high),
    "level 4 found (called >= 3)": lambda r: spread(r.recall_emergency),
    "level 0-1 called >= 3": lambda r: spread(r.false_high),
    "level 0 called >= 2": lambda r: spread(r.false_medium),
    "two levels or more too low": lambda r: spread(r.under_by_two),
    "exact level": lambda r: spread(r.exact),
    "quadratic kappa": lambda r: _number(r.kappa),
    "p50 ms": lambda r: _number(r.p50_ms),
    "p99 ms": lambda r: _number(r.p99_ms),
}
_TURNS: dict[str, Callable[[TurnReport], str]] = {
    "turns at level >= 3 that count as such": lambda r: spread(r.reached),
    "conversations found at the turn that reaches 3, or before": lambda r: spread(r.reached_in_time),
    "turns at level 0-1 that count as >= 3": lambda r: spread(r.alarmed),
    "conversations never above 1 that alarm": lambda r: spread(r.disturbed),
    "quadratic kappa": lambda r: _number(r.kappa),
}
