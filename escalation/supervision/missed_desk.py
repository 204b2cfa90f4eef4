"""The review of crises that screening did not see in time: the list, findings, and sentences for the corpus."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import NotAllowed
from escalation.handling import Handling
from escalation.supervision.missed import Example, Miss, MissedRules, example_faults, export_line, judge, named
from escalation.supervision.review import Unfit
from records.conversations import Message
from records.missed import Course, Finding, Missed
from records.staff import Counsellor

_LONGEST = 2000
_PAGE = 200


@dataclass(frozen=True)
class NewFinding:
    """What a reviewer found, as typed. `example` only where a sentence is given."""

    outcome: str
    message_id: str
    note: str
    example: Example | None = None


@dataclass(frozen=True)
class MissedDesk:
    """Each method runs inside one transaction."""

    handling: Handling
    missed: Missed
    rules: MissedRules

    def listed(self, connection: sa.Connection, now: datetime) -> list[Miss]:
        """What was missed lately, newest first, and what supervisors named."""
        since = now - self.rules.look_back
        courses = self.missed.courses(connection, since, self.rules.human_at_least)
        found = [miss for course in courses if (miss := judge(course, self.rules))]
        there = {miss.course.case_id for miss in found}
        for case_id, finding in self.missed.findings(connection).items():
            if case_id in there or finding.at < since:  # a case that was opened since was not judged before
                continue
            course = self.missed.course(connection, case_id, self.rules.human_at_least)
            if course is not None and course.opened_at >= since:
                found.append(named(course, self.rules))
        return sorted(found, key=lambda miss: miss.course.opened_at, reverse=True)

    def of_case(self, connection: sa.Connection, case_id: str) -> Miss | None:
        """How one case went; a supervisor may name one that does not count by itself."""
        course = self.missed.course(connection, case_id, self.rules.human_at_least)
        if course is None:
            return None
        return judge(course, self.rules) or named(course, self.rules)

    def find(
        self, connection: sa.Connection, case_id: str, who: Counsellor, found: NewFinding, now: datetime
    ) -> None:  # fmt: skip
        """Keep what a reviewer found; raise Unfit beside the fields."""
        case = self.handling.case(connection, case_id)
        miss = self.of_case(connection, case.id)
        if miss is None or case.is_drill:
            raise NotAllowed("演练的个案不进漏报复盘")
        said = self._words(connection, miss.course)
        if errors := self._faults(found, said):
            raise Unfit(errors)
        judged = self.handling.alarm.conversations.assessments(connection, [found.message_id])
        self.missed.add(
            connection, case_id=case.id, found=miss.found, outcome=found.outcome, message_id=found.message_id or None,
            version=str(judged.get(found.message_id, {}).get("version", "")), machine_level=int(miss.machine),
            human_level=int(miss.human), first_at=miss.course.first_danger_at, alarm_at=miss.alarm_at,
            note=found.note.strip(), example=found.example.text if found.example else "",
            label={} if found.example is None else {k: v for k, v in asdict(found.example).items() if k != "text"},
            by_id=who.id, at=now, is_drill=case.is_drill,
        )  # fmt: skip
        self.handling.staff.audit(connection, "missed_reviewed", now, actor_id=who.id, object_id=case.id)

    def export(self, connection: sa.Connection, who: Counsellor, now: datetime) -> str:
        """The sentences that reviewers wrote, a line each for the corpus; taken away is in the audit."""
        lines = [export_line(found) for found in self._given(connection)]
        self.handling.staff.audit(connection, "missed_exported", now, actor_id=who.id, number=len(lines))
        return "".join(f"{line}\n" for line in lines)

    def _given(self, connection: sa.Connection) -> list[Finding]:
        return [found for found in self.missed.findings(connection).values() if found.example]

    def _faults(self, found: NewFinding, said: list[Message]) -> dict[str, str]:
        errors = {} if found.outcome in self.rules.outcomes else {"outcome": "请选原因"}
        if len(found.note) > _LONGEST:
            errors["note"] = f"最多{_LONGEST}字"
        if found.message_id and found.message_id not in {message.id for message in said}:
            errors["message"] = "这句话不在这个个案里"
        if found.example is not None:
            errors |= example_faults(found.example, (message.body for message in said), self.rules)
        return errors

    def _words(self, connection: sa.Connection, course: Course) -> list[Message]:
        """Everything that the person wrote."""
        conversations, found, after = self.handling.alarm.conversations, [], 0
        while page := conversations.messages(connection, course.conversation_id, after=after, limit=_PAGE):
            found += [message for message in page if message.author == "visitor"]
            after = page[-1].seq
        return found
