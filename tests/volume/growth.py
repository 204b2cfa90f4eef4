"""How people look back and learn: reviews of cases, trainings, missed crises, drills, practice, frozen reports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta

from escalation.practice.results import MEASURES, CallerResult, to_json
from escalation.practice.scripts import load_playbook
from escalation.reports import monthly
from escalation.reports.periods import Period, day_of, period_of
from escalation.supervision.form import load_review_form
from records.reports import digest
from tests.volume.heap import DAY, HOUR, SECOND, Heap, instant
from tests.volume.matters import Matter

_WORDS = "先听再问，问得直接；下次早一点说到安全计划。"
_SHARES = {1: 0.02, 2: 0.1}  # by level; orange and red always
_REMARKS = 2
_MISSED = 0.025  # of orange and red
_TRAININGS, _SESSIONS, _DRILLS, _PRACTICES = 12, 24, 12, 4  # a year, of each colleague or of the house
_CALLERS = 5
_KEPT = 365 * DAY  # what was said in drills goes then
_ROW = ("指标的名字", 12, "分子 12，分母 30", "口径见附注，北京时间")


class Growth:
    """Writes what followed a case, and what the house did beside its cases."""

    def __init__(self, heap: Heap, staff: Sequence[str]):
        self._heap = heap
        self._staff = staff
        self._form = load_review_form()
        self._playbook = load_playbook()

    def write(self, matter: Matter) -> None:
        """The review of an ended case with what was written, and a crisis that was found too late."""
        heap, ended = self._heap, matter.ended_at
        if ended is None or matter.owner_id is None:
            return
        if heap.dice.random() < _SHARES.get(matter.level, 1.0):
            self._review(matter, ended)
        if matter.level >= 3 and heap.dice.random() < _MISSED:
            heap.add(
                "missed_review", case_id=matter.id, found="late", outcome="rule", message_id=matter.message_id,
                version="2026.11", machine_level=2, human_level=matter.level, first_at=matter.opened_at,
                alarm_at=matter.opened_at + 600 * SECOND, note_sealed=_WORDS, example_sealed=None, example_label="{}",
                by_id=self._staff[0], at=ended + DAY,
            )  # fmt: skip
        if matter.level >= 3 and heap.dice.random() < 0.3:
            is_done = ended < heap.now - 7 * DAY
            heap.add(
                "debrief", counsellor_id=matter.owner_id, case_id=matter.id, why="heavy",
                answer="wanted" if heap.dice.random() < 0.3 else "declined", at=ended + HOUR,
                done_at=ended + DAY if is_done else None, done_by=self._staff[0] if is_done else None,
            )  # fmt: skip

    def years(self, since: int) -> None:
        """Trainings, supervisions, drills, practice and reports of all this time."""
        years = max((self._heap.now - since) / (365 * DAY), 0.1)
        for who in self._staff:
            self._learnt(who, since, years)
        for number in range(round(_DRILLS * years)):
            self._drill(since + int(number * 365 * DAY / _DRILLS) + 10 * HOUR)
        self._reports(since)
        self._heap.add("sampling_clock", "draw", next_at=self._heap.now)

    def _review(self, matter: Matter, ended: int) -> None:
        heap = self._heap
        signed, agreed = ended + 20 * HOUR, ended + 3 * DAY
        state = "done" if agreed < heap.now else "signed" if signed < heap.now else "due"
        by_id = next(one for one in self._staff[::-1] if one != matter.owner_id)
        review = heap.add(
            "case_review", case_id=matter.id, counsellor_id=matter.owner_id, level=matter.level,
            why="all" if matter.level >= 3 else "share", state=state, served_until=ended, drawn_at=ended,
            due_by=ended + DAY, signed_at=signed if state != "due" else None,
            signed_by=by_id if state != "due" else None, done_at=agreed if state == "done" else None,
        )  # fmt: skip
        if state == "due":
            return
        answers = {item.key: next(iter(item.options), _WORDS) for item in self._form.items}
        self._entry(review, matter.id, "written", by_id, json.dumps(answers, ensure_ascii=False), signed)
        for _ in range(heap.dice.randrange(_REMARKS + 1)):
            heap.add(
                "message_remark", review_id=review, case_id=matter.id, message_id=matter.message_id, by_id=by_id,
                body_sealed=_WORDS, at=signed,
            )  # fmt: skip
        if state == "done":
            self._entry(review, matter.id, "agreed", str(matter.owner_id), _WORDS, agreed)
            heap.add(
                "supervision_session", counsellor_id=matter.owner_id, kind="case_review", review_id=review, minutes=0,
                held_at=agreed, by_id=by_id, at=agreed,
            )  # fmt: skip

    def _entry(self, review: str, case_id: str, what: str, by_id: str, body: str, at: int) -> None:
        covered = json.dumps([review, what, by_id, body, instant(at).isoformat(), ""], ensure_ascii=False)
        self._heap.add(
            "review_entry", review_id=review, case_id=case_id, what=what, by_id=by_id, body_sealed=body,
            digest=hashlib.sha256(covered.encode()).hexdigest(), at=at,
        )  # fmt: skip

    def _learnt(self, who: str, since: int, years: float) -> None:
        heap, lead, span = self._heap, self._staff[-1], max(self._heap.now - since, 1)
        for number in range(round(_TRAININGS * years)):
            at = since + heap.dice.randrange(span)
            heap.add(
                "training", counsellor_id=who, topic=f"培训{number}", minutes=120, held_at=at, score=90,
                expires_at=at + 365 * DAY, by_id=lead, at=at,
            )  # fmt: skip
        for number in range(round(_SESSIONS * years)):
            at = since + heap.dice.randrange(span)
            heap.add(
                "supervision_session", counsellor_id=who, kind="group" if number % 2 else "individual", minutes=60,
                held_at=at, by_id=lead, at=at,
            )  # fmt: skip
        for _ in range(round(_PRACTICES * years)):
            at = since + heap.dice.randrange(span)
            heap.add(
                "practice", counsellor_id=who, conversation_id=heap.id(), case_id=heap.id(),
                script=heap.dice.choice(sorted(self._playbook.scripts)), progress="{}", due_at=at, seen_at=at,
                state="ended", began_at=at, ended_at=at + HOUR, why="over",
            )  # fmt: skip

    def _drill(self, at: int) -> None:
        heap = self._heap
        scenario = heap.dice.choice(sorted(self._playbook.scenarios))
        plan = heap.add(
            "drill_plan", scenario=scenario, callers=_CALLERS, planned_for=at, is_announced=True, calls_people=False,
            state="done", by_id=self._staff[-1], made_at=at - DAY, findings_sealed=_WORDS, findings_by=self._staff[-1],
        )  # fmt: skip
        seconds = {measure: 1.5 * number for number, measure in enumerate(MEASURES, 1)}
        script = min(self._playbook.scripts)
        run = heap.add(
            "drill_run", plan_id=plan, scenario=scenario, callers=_CALLERS, state="done", began_at=at, until=at + HOUR,
            ended_at=at + HOUR // 2, result=to_json([CallerResult(script, seconds)] * _CALLERS),
        )  # fmt: skip
        for _ in range(_CALLERS if at > heap.now - _KEPT else 0):
            self._caller(run, at)

    def _caller(self, run: str, at: int) -> None:
        heap, talk = self._heap, self._heap.id()
        contact = heap.add(
            "contact", channel="web", external_index=heap.vault.blind_index(talk), external_sealed=talk, created_at=at
        )
        heap.add(
            "conversation", talk, contact_id=contact, channel="web", epoch=0, last_seq=0, memory="{}", level=0,
            opened_at=at, last_message_at=at, is_drill=True,
        )  # fmt: skip
        heap.add("drill_caller", talk, run_id=run)

    def _reports(self, since: int) -> None:
        """Every month, quarter and year that is over."""
        today = day_of(instant(self._heap.now))
        for kind in ("month", "quarter", "year"):
            period = period_of(kind, today).before
            while period.until >= instant(since):
                self._freeze(period)
                period = period.before

    def _freeze(self, period: Period) -> None:
        table = monthly.Table("指标", ("指标", "结果", "依据", "口径"), (_ROW,) * 12)
        sections = tuple(monthly.Section(f"第{number}节", (table, table), (_WORDS,)) for number in range(10))
        body = monthly.to_json(monthly.Report(f"示例热线 {period.words}", (("统计期", period.words),), sections))
        self._heap.add(
            "frozen_report", kind=period.kind, period=period.code, version=1, inside=body, inside_hash=digest(body),
            outside=body, outside_hash=digest(body), reason="", by_id=self._staff[-1],
            at=int((period.until + timedelta(days=1)).timestamp()) * SECOND,
        )  # fmt: skip
