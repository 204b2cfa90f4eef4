"""Fills an empty database as three years of service would have: `python -m tests.volume.fill --cases N --messages N`.

Everything lies there as the service writes it: sealed by the deployment's own keys, events numbered, audit chained.
Three neighbouring districts hold a tenth as much again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from rich.console import Console

import wiring
from records import tables as t
from records.crypto import Vault
from settings import Settings
from tests.volume.bulk import Rows, open_loader
from tests.volume.duties import Duties
from tests.volume.growth import Growth
from tests.volume.heap import DAY, HOUR, Heap, micros
from tests.volume.house import add_institutions, open_house
from tests.volume.matters import Matter, Matters
from tests.volume.place import add_place, place_of
from tests.volume.talks import Opening, Span, Talk, Talks

YEARS = 3 * 365 * DAY
NEIGHBOURS = ("east", "north", "west")
REPEATED = 300  # conversations of the one who comes again and again
_IDLE_PER_CASE = 1.5  # conversations in which nobody was in danger
_OPEN_SHARE = 0.003
_SHORTEST = 6
_LIVE_STATES = ("new",) * 3 + ("in_service",) * 7 + ("waiting_user",) * 9 + ("rescue",)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Sketch:
    """One conversation before it is written."""

    opened_at: int
    until: int
    count: int
    cases: int
    is_live: bool = False  # its last case is open
    person_id: str | None = None


@dataclass(frozen=True)
class District:
    """Writes one district."""

    heap: Heap
    talks: Talks
    matters: Matters
    duties: Duties
    growth: Growth
    staff: list[str]

    def write(self, sketch: Sketch) -> None:
        """One conversation with its cases."""
        heap, talk_id, contact_id = self.heap, self.heap.id(), self.heap.id()
        spans = [self._span(sketch, number) for number in range(sketch.cases)]
        live = heap.dice.choice(_LIVE_STATES) if sketch.is_live else "closed"
        if sketch.person_id is not None and sketch.is_live:
            live = "in_service"
        if live == "new" and spans:
            last = spans[-1]
            spans[-1] = Span(last.case_id, last.level, last.first, last.last, None)
        owner = spans[-1].counsellor_id if live in ("in_service", "rescue") and spans else None
        openings = self.talks.write(
            Talk(
                talk_id, contact_id, self.talks.channel(), sketch.opened_at, sketch.until, sketch.count, spans,
                sketch.person_id, owner,
            )
        )  # fmt: skip
        previous: str | None = None
        for span, opening in zip(spans, openings, strict=True):
            state = live if span is spans[-1] else "closed"
            if state == "closed" and span is spans[-1] and self.matters.is_followed_up(span.level, opening.ended_at):
                state = "follow_up"
            matter = self._matter(span, opening, state, talk_id, contact_id, previous)
            for writer in (self.matters, self.duties, self.growth):
                writer.write(matter)
            previous = span.case_id

    def _span(self, sketch: Sketch, number: int) -> Span:
        part = sketch.count // sketch.cases
        first = number * part + 3
        return Span(
            self.heap.id(), self.matters.level(), first, first + part - 4, self.heap.dice.choice(self.staff)
        )  # fmt: skip

    def _matter(
        self, span: Span, opening: Opening, state: str, talk_id: str, contact_id: str, previous: str | None
    ) -> Matter:
        return Matter(
            span.case_id, talk_id, contact_id, span.level, state, span.counsellor_id, opening.at, opening.ended_at,
            opening.message_id, previous,
        )  # fmt: skip


def sketches(heap: Heap, cases: int, messages: int) -> list[Sketch]:
    """Who came when and said how much, oldest first: together exactly so many cases and messages."""
    dice, found, weights = heap.dice, [], []
    repeated = min(REPEATED, cases // 5)
    person, longest = heap.id(), max(messages // 400, 3 * _SHORTEST)
    live = max(round(cases * _OPEN_SHARE), 3)
    left = cases - repeated - 3
    while left > 0:
        count = 2 if left > live + 1 and dice.random() < 0.12 else 1
        found.append((count, left <= live))
        weights.append(dice.lognormvariate(3.3, 0.6) * count)
        left -= count
    for _ in range(round(cases * _IDLE_PER_CASE)):
        found.append((0, False))
        weights.append(dice.lognormvariate(2.3, 0.8))
    lengths = _lengths(
        weights, [max(cases_of, 1) * _SHORTEST for cases_of, _ in found], messages - longest - repeated * 20
    )
    made = [
        _sketch(heap, count, length, is_live=is_live) for (count, is_live), length in zip(found, lengths, strict=True)
    ]
    begin = heap.now - YEARS
    for number in range(repeated):
        opened = begin + YEARS * number // repeated if number < repeated - 1 else heap.now - 2 * HOUR
        made.append(Sketch(opened, min(opened + HOUR, heap.now), 20, 1, number == repeated - 1, person))
    made.append(Sketch(begin, heap.now - HOUR // 4, longest, 3, is_live=True))
    return sorted(made, key=lambda sketch: sketch.opened_at)


def _sketch(heap: Heap, cases: int, count: int, *, is_live: bool) -> Sketch:
    dice = heap.dice
    if is_live:
        opened = heap.now - int(dice.uniform(HOUR, 36 * HOUR))
        return Sketch(opened, min(opened + 5 * HOUR, heap.now), count, cases, is_live=True)
    opened = heap.now - YEARS + int(dice.random() * (YEARS - 2 * DAY))
    lasts = 50 * DAY * cases if cases > 1 else int(dice.expovariate(1 / (2 * DAY)))
    return Sketch(opened, min(opened + lasts + HOUR, heap.now - DAY), count, cases)


def _lengths(weights: list[float], shortest: list[int], total: int) -> list[int]:
    """Numbers in about these proportions, none too short, whose sum is the total."""
    scale = total / sum(weights)
    found = [max(int(weight * scale), least) for weight, least in zip(weights, shortest, strict=True)]
    missing = total - sum(found)
    while missing:
        before = missing
        for place, least in enumerate(shortest):
            step = min(1, missing) if missing > 0 else -min(1, found[place] - least)
            found[place] += step
            missing -= step
            if not missing:
                break
        if missing == before:
            raise ValueError(f"so few messages do not fill the conversations: {total}")
    return found


def fill(settings: Settings, cases: int, messages: int, say: Say = lambda _: None) -> dict[str, int]:
    """Fill an empty database; returns how many rows each table got."""
    store = wiring.open_store(settings)
    with store.engine.connect() as connection:
        used = connection.execute(sa.select(t.message.c.id).limit(1)).first() is not None
    if used:
        store.engine.dispose()
        raise SystemExit("this database is not empty; give another folder or address")
    now = micros(datetime.now(UTC))
    with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
        institutions = add_institutions(store, connection, now, 300)
    store.engine.dispose()
    loader = open_loader(store.engine)
    heap = _heap(store.vault, now, loader.take)
    share = len(NEIGHBOURS) * 10
    for name, wanted_cases, wanted_messages in (
        (settings.district, cases, messages),
        *((name, max(cases // share, 10), max(messages // share, 500)) for name in NEIGHBOURS),
    ):
        heap.district = name
        _write_district(heap, wanted_cases, wanted_messages, institutions, say)
    heap.finish()
    say("building indexes")
    loader.finish()
    return heap.counts


def _heap(vault: Vault, now: int, take: Callable[[str, tuple[str, ...], Rows], None]) -> Heap:
    heap = Heap(vault, take)
    heap.now = now
    return heap


def _write_district(heap: Heap, cases: int, messages: int, institutions: list[str], say: Say) -> None:
    since = heap.now - max(YEARS * cases // 100_000, 7 * DAY)
    staff = open_house(heap, since)
    duties, growth = Duties(heap, staff), Growth(heap, staff)
    duties.nights(since)
    growth.years(since)
    district = District(heap, Talks(heap), Matters(heap, staff, institutions), duties, growth, staff)
    done, told = 0, 0
    for sketch in sketches(heap, cases, messages):
        district.write(sketch)
        done += sketch.count
        if done - told >= 250_000:
            told = done
            say(f"{heap.district}: {done:,} of {messages:,} messages")


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=5_000_000)
    add_place(parser)
    given, console, began = parser.parse_args(arguments), Console(), time.perf_counter()

    def say(words: str) -> None:
        console.print(f"{time.perf_counter() - began:6.0f} s  {words}")

    with place_of(given) as settings:
        counts = fill(settings, given.cases, given.messages, say)
    say(", ".join(f"{count:,} {table}" for table, count in sorted(counts.items(), key=lambda item: -item[1])))


if __name__ == "__main__":
    main()
