"""What falls due for people in the coming shift, read from the rows that know it. Inside the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from escalation.care.planning import Planning
from escalation.care.rescue import RescueRules
from escalation.referral.states import TASK_WORDS
from escalation.shift.handover import Due
from records.cases import Case
from records.follow_ups import TEAM, Listed
from records.matters import Matters
from records.referral_tasks import ReferralTasks
from records.rescues import Rescues
from records.transfers import Transfers

_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Coming:
    """Rescues, reports, transfers, calls back and referrals; `ahead`: how far the coming shift is looked into."""

    care: Planning
    rescues: Rescues
    transfers: Transfers
    referral_tasks: ReferralTasks
    matters: Matters
    rules: RescueRules
    ahead: timedelta

    def due(self, connection: sa.Connection, names: dict[str, str], now: datetime) -> list[Due]:
        """All of it: rescuers under way, what is late, then by its time. Drills are nobody's work."""
        found = [
            *self._decisions(connection, names, now), *self._transfers(connection, names),
            *self._calls_back(connection, names, now), *self._referrals(connection, names),
        ]  # fmt: skip
        in_order = sorted(found, key=lambda one: (not one[1].is_late, one[0]))
        return self._rescues(connection, names) + [due for _, due in in_order]

    def _rescues(self, connection: sa.Connection, names: dict[str, str]) -> list[Due]:
        found = []
        for case_id, at in self.rescues.unconfirmed(connection).items():
            if case := self._real(connection, case_id):
                words = f"救援：还没有确认救援人员接触到本人（{clock(at)} 启动），马上打电话确认"
                found.append(_due(case, words, "马上", names, is_late=True))
        return found

    def _decisions(self, connection: sa.Connection, names: dict[str, str], now: datetime) -> list[tuple[datetime, Due]]:
        """About rescue of a red case, and about harm that must be reported."""
        found = []
        for case_id, at in self.rescues.undecided(connection).items():
            if case := self._real(connection, case_id):
                by = at + self.rules.decide_within
                found.append((by, _due(case, "红色：要决定是否救援", clock(by), names, is_late=by <= now)))
        for case_id, by in self.matters.overdue_cases(connection, "report", now + self.ahead).items():
            if case := self._real(connection, case_id):
                found.append((by, _due(case, "强制报告：要报告，见“报告与突破”", clock(by), names, is_late=by <= now)))
        return found

    def _transfers(self, connection: sa.Connection, names: dict[str, str]) -> list[tuple[datetime, Due]]:
        found = []
        for request in self.transfers.open(connection):
            if case := self._real(connection, request.case_id):
                words = f"转交：{names.get(request.from_id, '')} 请 {names.get(request.to_id, '')} 接，还没有答复"
                found.append((request.answer_by, _due(case, words, clock(request.answer_by), names)))
        return found

    def _calls_back(
        self, connection: sa.Connection, names: dict[str, str], now: datetime
    ) -> list[tuple[datetime, Due]]:
        """Calls whose window ends in this time or begins in it: what was agreed for tomorrow morning is there too."""
        until = now + self.ahead
        listed = [one for one in self.care.tasks.listed(connection, until) if not one.is_drill]
        mine = [one for one in listed if one.task.window_end <= until or one.task.window_start >= now]
        return [(one.task.window_end, self._call_back(one, names, now)) for one in mine]

    def _call_back(self, one: Listed, names: dict[str, str], now: datetime) -> Due:
        task = one.task
        is_team = task.kind == TEAM
        words = self.rules.team[task.code].title if is_team else f"{self.care.rules.visit_words(task.code)}随访"
        return Due(
            task.case_id, one.case_no, int(one.case_level), words, names.get(task.assignee_id or "", ""),
            f"{clock(task.window_start)} 到 {clock(task.window_end)}", task.window_end <= now,
        )  # fmt: skip

    def _referrals(self, connection: sa.Connection, names: dict[str, str]) -> list[tuple[datetime, Due]]:
        found = []
        for task in self.referral_tasks.all_open(connection):
            if case := self._real(connection, task.case_id):
                due = _due(case, f"转介：{TASK_WORDS[task.kind]}", f"{clock(task.opened_at)} 起", names, task.for_id)
                found.append((task.opened_at, due))
        return found

    def _real(self, connection: sa.Connection, case_id: str) -> Case | None:
        case = self.care.handling.alarm.cases.get(connection, case_id)
        return case if case is not None and not case.is_drill else None


def _due(
    case: Case, words: str, by: str, names: dict[str, str], for_id: str | None = None, *, is_late: bool = False
) -> Due:
    who = names.get(for_id or case.owner_id or "", "")
    return Due(case.id, case.case_no, int(case.level), words, who, by, is_late)


def clock(at: datetime) -> str:
    """A moment of these days, as hand-overs write it."""
    return at.astimezone(_ZONE).strftime("%m-%d %H:%M")
