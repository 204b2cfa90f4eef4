"""Two people in one form, as their pages behave: whatever they do, no words are lost and both end with the same form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import desk_rules
import wiring
from escalation.desks import open_desks
from escalation.record.answers import Change
from escalation.record.record_desk import RecordDesk
from escalation.roles import load_permissions
from records import tables as t
from records.staff import Counsellor
from records.store import Store
from records.writer import Writer
from settings import Settings
from tests.building import NO_WAYS, Clock, counsellor, do, rows
from tests.escalation.conftest import Office
from tests.escalation.record.conftest import record_of
from triage.risk import Level

FIELDS = ("location", "companion")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["type", "save", "sync", "lose"]),
        st.integers(0, 1),
        st.sampled_from(FIELDS),
        st.sampled_from(["城", "城东", "桥边", "家", "x"]),
        st.sampled_from(["mine", "both"]),
    ),
    max_size=25,
)


@dataclass
class Screen:
    """One counsellor's page: what it last saw of each field, and what it has typed and not yet saved."""

    who: Counsellor
    seen: dict[str, tuple[int, str]] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)


@dataclass
class Room:
    """Two screens on one case."""

    office: Office
    record: RecordDesk
    case_id: str
    screens: list[Screen]
    accepted: set[tuple[str, str]] = field(default_factory=set)

    def sync(self, screen: Screen) -> None:
        with self.office.store.engine.connect() as connection:
            found = self.office.store.entries.current(connection, [self.case_id])
        for key, entry in found.items():
            if key not in screen.typed:  # what is being typed keeps the version it was based on
                screen.seen[key] = (entry.version, entry.value)

    def save(self, screen: Screen, key: str, way: str, *, answer_is_lost: bool = False) -> None:
        if key not in screen.typed:
            return
        version, _ = screen.seen.get(key, (0, ""))
        change = Change(key, screen.typed[key], "", version)
        saved = do(
            self.office.writer, lambda c: self.record.save(c, self.case_id, screen.who, change, self.office.clock())
        )
        if saved.is_clash:
            theirs = saved.entry
            assert theirs.value != screen.typed[key]
            screen.seen[key] = (theirs.version, theirs.value)
            if way == "both":
                screen.typed[key] = f"{theirs.value}\n{screen.typed[key]}"
            return
        self.accepted.add((key, screen.typed[key]))
        if not answer_is_lost:
            screen.seen[key] = (saved.entry.version, saved.entry.value)
            del screen.typed[key]


@pytest.fixture
def office(sqlite_store: Store, sqlite_settings: Settings) -> Iterator[Office]:
    """On SQLite alone: the rule is the same everywhere, and the other test races on both."""
    store, writer = sqlite_store, Writer(sqlite_store.engine)
    alarm = wiring.make_alarm(sqlite_settings, store, NO_WAYS)
    yield Office(
        store,
        writer,
        alarm,
        open_desks(store, alarm, load_permissions(), desk_rules.make_rules(sqlite_settings)),
        Clock(),
    )
    writer.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_no_words_are_lost_and_both_see_the_same(office: Office, steps: list[tuple[str, int, str, str, str]]) -> None:
    record = record_of(office)
    case_id = office.case_at(Level.HIGH, f"visitor-{office.clock.forward(seconds=1)}")
    people = [counsellor(office.store, office.writer, f"{name}-{office.clock()}") for name in ("lin", "wang")]
    room = Room(office, record, case_id, [Screen(who) for who in people])
    for what, number, key, text, way in steps:
        screen = room.screens[number]
        if what == "type":
            screen.typed[key] = text
        elif what == "sync":
            room.sync(screen)
        else:
            room.save(screen, key, way, answer_is_lost=what == "lose")
    while any(screen.typed for screen in room.screens):
        for screen in room.screens:
            for key in list(screen.typed):
                room.save(screen, key, "both")
    for screen in room.screens:
        room.sync(screen)
    assert room.screens[0].seen == room.screens[1].seen
    with office.store.engine.connect() as connection:
        kept = office.store.entries.of_case(connection, case_id)
    assert room.accepted <= {(entry.field, entry.value) for entry in kept}
    for key in FIELDS:
        versions = [row.version for row in rows(office.store.engine, t.record_entry, case_id=case_id, field=key)]
        assert sorted(versions) == list(range(1, len(versions) + 1))
