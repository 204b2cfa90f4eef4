"""Small numbers that are not shown outside, and whatever would give them away. No I/O.

A count from 1 to below `least` is hidden. Counts add up (an indicator's two parts to its whole, a split to its
total), so others are hidden with it until

- no hidden count follows from the shown ones, whichever sums are added and subtracted (exact elimination), and
- no sum leaves the hidden ones so little room that they are all but known.

A zero tells of nobody and is shown, unless it is needed as cover. This holds within one report: whoever subtracts
months from their quarter is not stopped here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

Row = dict[str, Fraction]  # an equation: hidden name -> its factor; all shown ones are on the other side


@dataclass(frozen=True)
class Sum:
    """These counts add up to that one."""

    total: str
    parts: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All that stand in it."""
        return (self.total, *self.parts)


def hide(counts: Mapping[str, int], sums: Sequence[Sum], least: int) -> frozenset[str]:
    """The names of the counts that must not be shown."""
    hidden = {name for name, count in counts.items() if 0 < count < least}
    while True:
        more = _cover_tight(counts, sums, hidden, least) or _cover_known(counts, sums, hidden)
        if not more:
            return frozenset(hidden)
        hidden |= more


def known_from(hidden: Collection[str], sums: Sequence[Sum]) -> set[str]:
    """Which hidden counts follow from the others: those that stand alone in one of the reduced equations."""
    return {next(iter(row)) for row in _reduced([_row(each, hidden) for each in sums]) if len(row) == 1}


def _cover_known(counts: Mapping[str, int], sums: Sequence[Sum], hidden: set[str]) -> set[str]:
    for name in sorted(known_from(hidden, sums)):
        near = [other for each in sums if name in each.names for other in each.names if other not in hidden]
        if near:
            return {_smallest(near, counts)}
    return set()


def _cover_tight(counts: Mapping[str, int], sums: Sequence[Sum], hidden: set[str], least: int) -> set[str]:
    for each in sums:
        inside = [name for name in each.parts if name in hidden]
        if not inside or each.total in hidden or _has_room([counts[name] for name in inside], least):
            continue
        open_parts = [name for name in each.parts if name not in hidden]
        if any(counts[name] for name in open_parts):
            return {_smallest(open_parts, counts)}
        return set(open_parts) or {each.total}
    return set()


def _has_room(values: Sequence[int], least: int) -> bool:
    """Whether each of them could as well be `least` or more, when only their sum is known."""
    if len(values) < 2:
        return False
    taken = 0 if 0 in values else len(values) - 1  # what the others take at least
    return sum(values) - taken >= least


def _smallest(names: Sequence[str], counts: Mapping[str, int]) -> str:
    """The smallest count that is not zero; a zero when there is no other."""
    return min(names, key=lambda name: (counts[name] == 0, counts[name], name))


def _row(each: Sum, hidden: Collection[str]) -> Row:
    row = {name: Fraction(-1) for name in each.parts if name in hidden}
    return row | {each.total: Fraction(1)} if each.total in hidden else row


def _reduced(rows: list[Row]) -> list[Row]:
    """Gauss and Jordan: each row has a name that stands in no other."""
    done: list[Row] = []
    for row in rows:
        for other in done:
            row = _less(row, other, next(iter(other)))
        if row:
            lead = next(iter(row))
            row = {lead: Fraction(1)} | {name: value / row[lead] for name, value in row.items() if name != lead}
            done = [_less(other, row, lead) for other in done]
            done.append(row)
    return done


def _less(row: Row, other: Row, lead: str) -> Row:
    """The row without this name, by taking the other off as often as is needed."""
    factor = row.get(lead, Fraction(0))
    if not factor:
        return row
    both = {name: row.get(name, Fraction(0)) - factor * other.get(name, Fraction(0)) for name in {**row, **other}}
    return {name: value for name, value in both.items() if value}
