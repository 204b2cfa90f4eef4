"""The shift over the real rows of each database: colleagues whose consoles are open or gone, sweeps by hand."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import pytest

import desk_rules
from escalation.record.answers import CORE, Change
from escalation.shift.house import Shift, open_shift
from records.conversations import NewMessage
from records.staff import Counsellor
from records.stints import Stint
from records.transfers import Summary
from settings import Settings
from tests.building import do
from tests.escalation.conftest import Office
from triage.risk import Level

SUMMARY = Summary("失恋后三天没睡，想过跳楼，现在在宿舍", "答应陪到室友回来", "问室友几点到，约定安全计划")


@dataclass
class Ward:
    """The office and its shift; every step is one transaction of the real writer."""

    office: Office
    shift: Shift

    def here(self, login: str, *roles: str) -> Counsellor:
        """A colleague on duty at an open console."""
        who = self.office.counsellor(login, *roles)
        self.duty(who, "begin")
        return who

    def duty(self, who: Counsellor, action: str, reason: str = "") -> None:
        do(self.office.writer, lambda c: self.shift.floor.change(c, who, action, self.office.clock(), reason))

    def present(self, *people: Counsellor) -> None:
        """Their consoles are open at this moment."""
        for who in people:
            do(self.office.writer, lambda c, who=who: self.shift.floor.touch(c, who.id, self.office.clock()))

    def act(self, desk: str, action: str, *arguments: Any, **options: Any) -> Any:
        """One action of a desk of the shift; `now` is added."""
        method = getattr(getattr(self.shift, desk), action)
        return do(self.office.writer, lambda c: method(c, *arguments, self.office.clock(), **options))

    def claim(self, case_id: str, who: Counsellor) -> None:
        self.act("floor", "claim", case_id, who)

    def served(self, level: Level, who: Counsellor, name: str = "visitor") -> str:
        """A case that this colleague has taken."""
        case_id = self.office.case_at(level, name)
        self.claim(case_id, who)
        return case_id

    def asked(self, case_id: str, who: Counsellor, to: Counsellor) -> str:
        """A transfer that waits for its answer; returns its id."""
        self.act("passing", "ask", case_id, who, to.id, SUMMARY)
        with self.office.store.engine.connect() as connection:
            found = self.office.store.transfers.open_of(connection, case_id)
        assert found is not None
        return found.id

    def sweep(self) -> None:
        for desk in ("watch", "passing", "helping"):
            self.act(desk, "sweep")

    def wait(self, seconds: float, *present: Counsellor) -> None:
        """Time passes, swept every few seconds, while these people's consoles stay open."""
        left = seconds
        while left > 0:
            step = min(5.0, left)
            self.office.clock.forward(seconds=step)
            self.present(*present)
            self.sweep()
            left -= step

    def person_writes(self, case_id: str) -> None:
        """A message of the person arrives."""
        office = self.office
        conversation = office.conversation_of(case_id)

        def work(connection: Any) -> None:
            seq = conversation.last_seq + 1
            new = NewMessage(
                conversation.id, "visitor", "text", "web", f"{conversation.id}:{seq}", "你在吗", office.clock()
            )
            office.store.conversations.add(connection, new, seq)
            office.store.conversations.change(connection, conversation.id, last_seq=seq, last_message_at=office.clock())

        do(office.writer, work)

    def asked_about_danger(self, case_id: str, who: Counsellor, *, but: str = "") -> None:
        """The core questions about danger get their answers in the record, all but one."""
        record, now = self.office.desks.record, self.office.clock()
        for change in (Change(field, "none", "", 0) for field in CORE if field != but):
            do(self.office.writer, lambda c, change=change: record.save(c, case_id, who, change, now))

    def says(self, case_id: str, who: Counsellor) -> None:
        """A counsellor's reply."""
        number = f"{len(self.office.said(case_id)):032d}"
        self.office.act("reply", case_id, who, "我在", number)

    def owner(self, case_id: str) -> str | None:
        """The one owner: case, conversation and open stint say the same."""
        case, conversation = self.office.case(case_id), self.office.conversation_of(case_id)
        stint = self.stint(case_id)
        owner = case.owner_id if case.state == "in_service" else None
        assert owner == conversation.owner_id == (stint.counsellor_id if stint else None)
        return owner

    def stint(self, case_id: str) -> Stint | None:
        with self.office.store.engine.connect() as connection:
            return self.office.store.stints.open_of(connection, self.office.case(case_id).conversation_id)


@pytest.fixture
def ward(office: Office, settings: Settings) -> Ward:
    rules = desk_rules.make_shift_rules(settings)
    return Ward(office, open_shift(office.store, office.desk, rules, office.desks.rescue.rules))


@pytest.fixture
def race_rounds() -> int:
    """How often two people race for one case; a long run sets RACE_ROUNDS."""
    return int(os.environ.get("RACE_ROUNDS", "20"))
