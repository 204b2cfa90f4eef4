"""The desk over the real rows of each database, without screening, knowledge or web."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

import desk_rules
import wiring
from escalation.alarm import Alarm, Danger
from escalation.desk import Desk
from escalation.desks import Desks, open_desks
from escalation.roles import load_permissions
from records import tables as t
from records.alerts import Alert
from records.cases import Case
from records.conversations import Conversation
from records.staff import Counsellor
from records.store import Store
from records.writer import Writer
from settings import Settings
from tests.building import NO_WAYS, Clock, counsellor, do, rows, visitor
from triage.risk import Level


@dataclass
class Office:
    """A desk, its rows and people; every step is one transaction of the real writer."""

    store: Store
    writer: Writer
    alarm: Alarm
    desks: Desks
    clock: Clock

    @property
    def desk(self) -> Desk:
        return self.desks.desk

    def counsellor(self, login: str = "lin", *roles: str) -> Counsellor:
        return counsellor(self.store, self.writer, login, *roles)

    def conversation(self, name: str = "visitor") -> str:
        return visitor(self.store, self.writer, name, now=self.clock())

    def danger(self, conversation_id: str, level: Level, *, wish: str = "risk") -> str:
        """A message at this level arrives; returns the case's id."""

        def work(connection: sa.Connection) -> Case:
            conversation = self.store.conversations.get(connection, conversation_id)
            assert conversation is not None
            self.store.conversations.remember(connection, conversation_id, {}, max(level, conversation.level))
            return self.alarm.raise_case(connection, conversation, Danger(level, wish, "m1", ("rule",)), self.clock())

        return do(self.writer, work).id

    def case_at(self, level: Level, name: str = "visitor") -> str:
        """A new case of a new visitor."""
        return self.danger(self.conversation(name), level)

    def act(self, action: str, case_id: str, who: Counsellor, *arguments: Any, **options: Any) -> Any:
        """One action of a counsellor; `now` is added."""
        method = getattr(self.desk, action)
        if action == "decide_lowering":
            options["now"] = self.clock()
        else:
            arguments = (*arguments, self.clock())
        return do(self.writer, lambda connection: method(connection, case_id, who, *arguments, **options))

    def sweep(self) -> int:
        due = do(self.writer, lambda connection: self.alarm.sweep(connection, self.clock()))
        for sweep in (self.alarm.heed_silence, self.desks.watch.sweep):
            do(self.writer, functools.partial(sweep, now=self.clock()))
        return due

    def case(self, case_id: str) -> Case:
        with self.store.engine.connect() as connection:
            found = self.store.cases.get(connection, case_id)
        assert found is not None
        return found

    def conversation_of(self, case_id: str) -> Conversation:
        with self.store.engine.connect() as connection:
            found = self.store.conversations.get(connection, self.case(case_id).conversation_id)
        assert found is not None
        return found

    def ringing(self, case_id: str) -> Alert | None:
        with self.store.engine.connect() as connection:
            return self.store.alerts.ringing(connection, case_id)

    def said(self, case_id: str) -> list[str]:
        """Keys of everything that was put on its way to the person, in order."""
        found = rows(self.store.engine, t.outbox, conversation_id=self.case(case_id).conversation_id)
        return [row.key for row in sorted(found, key=lambda row: row.seq)]

    def changes(self, case_id: str) -> list[Any]:
        with self.store.engine.connect() as connection:
            return self.store.cases.level_changes(connection, case_id)

    def audited(self, action: str) -> list[Any]:
        return rows(self.store.engine, t.audit, action=action)

    def told(self, kind: str) -> list[Any]:
        """Events of one kind that the desk's screens hear."""
        found = rows(self.store.engine, t.event, topic="desk", kind=kind)
        return sorted(found, key=lambda row: (row.txid, row.seq))


def raised_at(office: Office, case_id: str) -> datetime:
    alert = office.ringing(case_id)
    assert alert is not None
    return alert.raised_at


@pytest.fixture
def office(store: Store, writer: Writer, settings: Settings, clock: Clock) -> Office:
    alarm = wiring.make_alarm(settings, store, NO_WAYS)
    desks = open_desks(store, alarm, load_permissions(), desk_rules.make_rules(settings))
    plain = replace(desks.desk, closing_checks=())  # what closing demands: tests of the record
    desks = replace(desks, desk=plain, closing=replace(desks.closing, desk=plain))
    return Office(store, writer, alarm, desks, clock)
