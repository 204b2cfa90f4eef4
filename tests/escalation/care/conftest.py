"""An office that rescues and follows up: people, a case in each state, and short words for what is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from escalation.care.plan import Answers
from escalation.care.rescue_desk import Start
from records import tables as t
from records.follow_ups import FollowUp
from records.staff import Counsellor
from tests.building import do, rows
from tests.escalation.conftest import Office
from triage.risk import Level

RECORD = ("calmed", "谈了睡眠，约定周五再谈")
CALM = Answers("10", "20", "none", ("hospital",), "路远", Level.LOW)


@dataclass
class Ward:
    """One case after another, and what happens to it."""

    office: Office
    lin: Counsellor
    chief: Counsellor

    def follow(self, action: str, subject: str, who: Counsellor, *arguments: Any) -> Any:
        """One action of the follow-up desk on a case or a task."""
        method = getattr(self.office.desks.follow_ups, action)
        return do(self.office.writer, lambda c: method(c, subject, who, *arguments, self.office.clock()))

    def rescue(self, action: str, case_id: str, who: Counsellor, *arguments: Any, **options: Any) -> Any:
        """One action of the rescue desk."""
        method = getattr(self.office.desks.rescue, action)
        return do(self.office.writer, lambda c: method(c, case_id, who, *arguments, self.office.clock(), **options))

    def served(self, level: Level, name: str = "visitor") -> str:
        case_id = self.office.case_at(level, name)
        self.office.act("claim", case_id, self.lin)
        return case_id

    def followed(self, level: Level, name: str = "visitor") -> str:
        """A case with its record, whose person is called back."""
        case_id = self.served(level, name)
        self.office.act("close", case_id, self.chief, *RECORD)
        assert self.office.case(case_id).state == "follow_up"
        return case_id

    def rescued(self, level: Level = Level.EMERGENCY, *, arrived: bool = False) -> str:
        """A case in rescue."""
        case_id = self.served(level)
        self.rescue("start", case_id, self.lin, Start("act", "已服药，意识模糊"))
        if arrived:
            self.rescue("arrive", case_id, self.lin, "派出所来电，已见到本人")
        return case_id

    def calls(self, case_id: str) -> list[FollowUp]:
        with self.office.store.engine.connect() as connection:
            return self.office.desks.follow_ups.planning.calls(connection, case_id)

    def open_calls(self, case_id: str) -> list[FollowUp]:
        return [task for task in self.calls(case_id) if task.state in ("todo", "doing")]

    def team(self, case_id: str) -> dict[str, datetime]:
        """What the team owes itself, and until when."""
        found = rows(self.office.store.engine, t.follow_up, case_id=case_id, kind="team")
        return {row.code: row.window_end for row in found}

    def attempts(self, case_id: str) -> list[Any]:
        with self.office.store.engine.connect() as connection:
            return self.office.store.follow_up_talks.attempts(connection, case_id)

    def state(self, case_id: str) -> str:
        return self.office.case(case_id).state


@pytest.fixture
def ward(office: Office) -> Ward:
    return Ward(office, office.counsellor("lin"), office.counsellor("chief", "supervisor"))
