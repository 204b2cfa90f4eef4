"""Pictures of numbers as geometry: bars, columns, shares with their interval, waits, the week. Templates draw them.

A hidden number has no bar and no length to be measured: its row says that it is not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from escalation.reports.indicators import HIDDEN, NO_DATA, Figure, View
from escalation.reports.labels import Labels, level_words
from escalation.reports.talks import HOURS, RINGING, WEEKDAYS

WIDTH = 300.0  # of the part that is drawn, in SVG units
TALL = 120.0  # of columns
_SHADES = 5
_WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True)
class Bar:
    """One line: its words, its length, and the number beside it. `low`, `high`: whisker; `mark`: a second point."""

    label: str
    text: str
    length: float = 0.0
    low: float | None = None
    high: float | None = None
    mark: float | None = None
    kind: str = ""  # a level's code colours it


@dataclass(frozen=True)
class Column:
    """One upright bar."""

    label: str
    text: str
    x: float
    width: float
    height: float
    is_hidden: bool = False
    is_marked: bool = False


@dataclass(frozen=True)
class Square:
    """One hour of one weekday."""

    row: int
    column: int
    count: int
    shade: int  # 0 = nothing, then lightest to darkest
    title: str


@dataclass(frozen=True)
class Chart:
    """One picture and the table that says the same. `kind`: bars | columns | heat."""

    kind: str
    title: str
    summary: str  # for who does not see it
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    bars: tuple[Bar, ...] = ()
    upright: tuple[Column, ...] = ()
    squares: tuple[Square, ...] = ()


def bars(
    view: View, labels: Labels, split: str, title: str, *, levels: bool = False, leave_out_zero: bool = False
) -> Chart:
    """The parts of a split as lines."""
    cells = [(key, view.cell(split, key)) for key in view.tally.splits[split]]
    cells = [(key, count) for key, count in cells if count != 0 or not leave_out_zero]
    most = max((count for _, count in cells if count is not None), default=0) or 1
    made = tuple(
        Bar(labels.words(split, key), shown(count), WIDTH * (count or 0) / most, kind=key if levels else "")
        for key, count in cells
    )
    return Chart("bars", title, _most_words(made), ("类别", "数"), tuple((bar.label, bar.text) for bar in made), made)


def columns(view: View, labels: Labels, split: str, title: str, marked: frozenset[str] = frozenset()) -> Chart:
    """The parts of a split side by side, in their order."""
    cells = [(key, view.cell(split, key)) for key in view.tally.splits[split]]
    most = max((count for _, count in cells if count is not None), default=0) or 1
    step = WIDTH * 2 / max(1, len(cells))
    made = tuple(
        Column(labels.words(split, key), shown(count), number * step, step * 0.78, TALL * (count or 0) / most,
               count is None, key in marked)
        for number, (key, count) in enumerate(cells)
    )  # fmt: skip
    rows = tuple((one.label, one.text) for one in made)
    return Chart("columns", title, _most_words(made), ("类别", "数"), rows, upright=made)


def shares(figures: Sequence[Figure], title: str) -> Chart:
    """Shares with their 95% intervals; each line is as long as its share."""
    made = tuple(
        Bar(
            each.indicator.name, each.words, WIDTH * (each.value or 0.0),
            WIDTH * each.interval[0] if each.interval else None, WIDTH * each.interval[1] if each.interval else None,
        )
        for each in figures
    )  # fmt: skip
    rows = tuple((each.indicator.name, each.words, each.detail) for each in figures)
    said = "；".join(f"{each.indicator.name} {each.words}" for each in figures)
    return Chart("bars", title, said, ("指标", "结果", "依据"), rows, made)


def waits(view: View, title: str) -> Chart:
    """Median as a bar, the 90th percentile as a point, for each level."""
    found = [
        (level.code, view.tally.spreads[f"wait_s_{level.code}"], view.count(f"answered_{level.code}"))
        for level in RINGING
    ]
    longest = [spread.p90 for _, spread, count in found if count]
    most = max(longest, default=0.0) or 1.0
    made, rows = [], []
    for code, spread, count in found:
        if not count:
            words = NO_DATA if count == 0 else HIDDEN
            made.append(Bar(level_words(code), words))
            rows.append((level_words(code), words, words, shown(count)))
            continue
        text = f"{seconds(spread.median)}；P90 {seconds(spread.p90)}"
        made.append(
            Bar(level_words(code), text, WIDTH * spread.median / most, mark=WIDTH * spread.p90 / most, kind=code)
        )
        rows.append((level_words(code), seconds(spread.median), seconds(spread.p90), str(count)))
    said = "；".join(f"{bar.label} {bar.text}" for bar in made)
    return Chart("bars", title, said, ("等级", "中位", "P90", "n"), tuple(rows), tuple(made))


def week(view: View, title: str) -> Chart:
    """Hours by weekdays; for inside only, for its sums would give small numbers away."""
    slots = view.tally.splits["sessions_by_slot"]
    most = max(slots.values(), default=0)
    squares, rows = [], []
    for row, day in enumerate(WEEKDAYS):
        counts = [slots.get(f"{day}-{hour}", 0) for hour in HOURS]
        rows.append((f"星期{_WEEKDAYS[row]}", *map(str, counts)))
        squares += [
            Square(row, column, count, ceil(_SHADES * count / most) if most else 0,
                   f"星期{_WEEKDAYS[row]} {column:02d}时：{count}")
            for column, count in enumerate(counts)
        ]  # fmt: skip
    busiest = max(squares, key=lambda square: square.count)
    said = f"最多的是{busiest.title}" if busiest.count else NO_DATA
    return Chart("heat", title, said, ("星期", *HOURS), tuple(rows), squares=tuple(squares))


def seconds(count: float) -> str:
    """A wait as people say it."""
    return f"{count:.0f}秒" if count < 120 else f"{count / 60:.1f}分钟"


def shown(count: int | None) -> str:
    """A count, or that it is not shown."""
    return HIDDEN if count is None else str(count)


def _most_words(made: Sequence[Bar | Column]) -> str:
    """The largest, in words."""
    counted = [one for one in made if one.text.isdigit() and one.text != "0"]
    if not counted:
        return NO_DATA
    most = max(counted, key=lambda one: int(one.text))
    return f"共{len(made)}类，最多的是{most.label} {most.text}"
