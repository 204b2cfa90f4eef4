"""What of rescue, follow-up and harm must be loud on every screen until a person deals with it. No words of people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from escalation.cases import ENDED, State
from escalation.console.access import Console
from escalation.routing import RUNG_WORDS, rung
from records.cases import Case

Mark = dict[str, str]


def care_marks(console: Console, connection: sa.Connection, case_id: str = "") -> dict[str, Mark]:
    """Case -> its mark, of all or of one: rescue, else a decision, a second person, a late report, an overdue call."""
    desks = console.desks
    marks: dict[str, Mark] = {}
    for key, (step, end) in desks.follow_ups.planning.tasks.climbed(connection, case_id).items():
        words = f"随访超期，已升级到：{RUNG_WORDS[rung(step - 1)]}"
        marks[key] = {"kind": "overdue", "words": words, "since": end.isoformat(), "by": ""}
    late = desks.safeguarding.clocks.matters.overdue_cases(connection, "report", console.now(), case_id)
    for key, at in late.items():
        marks[key] = {"kind": "report", "words": "强制报告超时", "since": at.isoformat(), "by": ""}
    rescue = desks.rescue
    without_second = rescue.rescues.without_second(connection, case_id)
    for key, at in without_second.items():
        by = (at + rescue.rules.second_within).isoformat()
        marks[key] = {"kind": "second", "words": "救援：等第二人确认", "since": at.isoformat(), "by": by}
    for key, at in rescue.rescues.undecided(connection, case_id).items():
        by = (at + rescue.rules.decide_within).isoformat()
        marks[key] = {"kind": "decide", "words": "要决定是否救援", "since": at.isoformat(), "by": by}
    for key, at in rescue.rescues.unconfirmed(connection, case_id).items():
        words = "救援：还没有确认到达" + ("，等第二人确认" if key in without_second else "")
        marks[key] = {"kind": "rescue", "words": words, "since": at.isoformat(), "by": ""}
    return marks


def care_row(case: Case, marks: Mapping[str, Mark]) -> dict[str, Any]:
    """What a row of the queue adds; a case that is only followed up is in the queue while a mark is on it."""
    mark = marks.get(case.id)
    is_done = case.state in ENDED or (case.state == State.FOLLOW_UP and mark is None)
    return {"care": mark, "in_queue": not is_done}
