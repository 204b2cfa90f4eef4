"""What the law and the field ask about cases: minors, wishes, consents, the nights' runs, reports and complaints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from escalation.law.retention import load_schedule
from escalation.law.rights import load_rights
from escalation.safeguarding import states
from escalation.safeguarding.terms import Form, load_terms
from escalation.workdays import load_workdays
from tests.volume.heap import DAY, HOUR, Heap, instant
from tests.volume.matters import Matter

_ZONE = ZoneInfo("Asia/Shanghai")
_MINUTE = HOUR // 60
_WORDS = "来访者说了这件事，值班时已经核对过原话。"
_MINORS, _READ, _ASKED = 0.08, 3, 0.2  # of the cases; readings of a minor's case; of them by leave
_WISHES = (("copy", "done"), ("correction", "done"), ("deletion", "refused"), ("deletion", "withdrawn"))
_WISHED, _HELD = 0.005, 0.0003
_KINDS = {  # kind of matter -> share of the cases, what ends it
    states.REPORT: (0.01, ("report",)),
    states.BREACH: (0.005, ("agree", "share", "notify")),
    states.NOTIFICATION: (0.007, ("agree", "send", "acknowledge")),
    states.COMPLAINT: (0.003, ("talk", "note", "close")),
}
_STILL_OPEN = 3 * DAY  # younger ones wait for their first step
_LOOKED_UP = 60  # articles a day


class Duties:
    """Writes what belongs to a case, and what happens every night."""

    def __init__(self, heap: Heap, staff: Sequence[str]):
        self._heap = heap
        self._staff = staff
        self._terms = load_terms({}, timedelta(minutes=60))
        self._purposes = load_rights(load_workdays()).purposes

    def write(self, matter: Matter) -> None:
        """What was asked for, given, reported and complained of in one case."""
        dice = self._heap.dice.random
        if dice() < 0.5:
            self._consents(matter)
        if dice() < _MINORS:
            self._minor(matter)
        if dice() < _WISHED:
            self._wish(matter)
        if dice() < _HELD:
            self._heap.add(
                "legal_hold", contact_id=matter.contact_id, by_id=self._staff[0], reason_sealed=_WORDS,
                at=matter.opened_at,
            )  # fmt: skip
        for kind, (share, steps) in _KINDS.items():
            if dice() < share:
                self._reported(matter, kind, steps)

    def nights(self, since: int) -> None:
        """What the night job did, and the numbers that are left of what it deleted."""
        heap, kinds = self._heap, [rule.kind for rule in load_schedule().automatic()]
        for at in range(since - since % DAY + 19 * HOUR, heap.now - DAY, DAY):
            night = str(instant(at).astimezone(_ZONE).date())
            for kind in kinds:
                heap.add(
                    "retention", f"{night}/{kind}", night=night, kind=kind, count=heap.dice.randrange(100), after="f",
                    is_done=True, until=at - 30 * DAY, at=at,
                )  # fmt: skip
            for number in range(_LOOKED_UP):
                article = f"E{number:03d}" if number else ""
                heap.add("lookup_count", f"{night}/{article}", day=night, article=article, count=number + 1)

    def _consents(self, matter: Matter) -> None:
        for purpose in self._heap.dice.sample(sorted(self._purposes), 3):
            self._heap.add(
                "consent", contact_id=matter.contact_id, purpose=purpose, answer="given", how="said",
                version=self._purposes[purpose].version, by_id=matter.owner_id, case_id=matter.id, at=matter.opened_at,
            )  # fmt: skip

    def _minor(self, matter: Matter) -> None:
        heap, who = self._heap, self._heap.dice.choice
        heap.add(
            "case_flag", contact_id=matter.contact_id, case_id=None, flag="minor", is_on=True, source="said",
            evidence=matter.message_id, at=matter.opened_at,
        )  # fmt: skip
        at = matter.said_until + HOUR
        for number in range(_READ):
            reader, by_leave = who(self._staff), heap.dice.random() < _ASKED
            leave = self._leave(matter, reader, at + number * HOUR) if by_leave else None
            heap.add(
                "minor_access", case_id=matter.id, contact_id=matter.contact_id, by_id=reader,
                passage="granted" if by_leave else "serving", grant_id=leave, at=at + number * HOUR,
            )  # fmt: skip

    def _leave(self, matter: Matter, reader: str, at: int) -> str:
        heap = self._heap
        state = "reviewed" if heap.dice.random() < 0.1 else "granted"
        if at > heap.now - DAY:
            state = "broken" if state == "reviewed" else "asked"
        is_decided = state in ("granted", "reviewed")
        return heap.add(
            "access_grant", case_id=matter.id, asked_by=reader, purpose_sealed=_WORDS, state=state, asked_at=at,
            decided_by=self._staff[0] if is_decided else None, decided_at=at + HOUR if is_decided else None,
            until=None if state == "asked" else at + 5 * HOUR, review_due_at=at + DAY if state == "broken" else None,
        )  # fmt: skip

    def _wish(self, matter: Matter) -> None:
        heap, at = self._heap, matter.opened_at
        kind, state = heap.dice.choice(_WISHES)
        is_open = at > heap.now - 15 * DAY
        ended = None if is_open else at + 5 * DAY
        wish = heap.add(
            "law_request", contact_id=matter.contact_id, conversation_id=matter.talk_id, kind=kind,
            state="open" if is_open else state, source="chat", asked_at=at, due_at=at + 21 * DAY, answered_at=ended,
            answered_by=None if is_open else self._staff[0], done_at=ended,
            answer_sealed=None if is_open else _WORDS,
        )  # fmt: skip
        if kind == "copy" and ended is not None and ended > heap.now - 3 * DAY:
            heap.add(
                "record_copy", request_id=wish, contact_id=matter.contact_id, body_sealed=_WORDS * 100, made_at=ended,
                until=ended + 3 * DAY,
            )  # fmt: skip

    def _reported(self, matter: Matter, kind: str, steps: Sequence[str]) -> None:
        """A matter, each step until it is done, and the clocks that ran meanwhile."""
        heap, at, who = self._heap, matter.opened_at + 30 * _MINUTE, matter.owner_id or self._staff[0]
        state, given = states.STARTS[kind], self._terms.forms[kind, "make"]
        done = steps if at < heap.now - _STILL_OPEN else ()
        row_id = heap.id()
        running, owes = dict.fromkeys(states.clocks(kind, state, owes_notice=False), at), False
        for number, action in enumerate(done, 1):
            ended, before = at + number * HOUR, state
            state = states.after(kind, state, action, owes_notice=owes)
            owes = states.owes_notice(kind, state, was_told=action == "notify")
            heap.add(
                "matter_step", matter_id=row_id, number=number, action=action, from_state=before, to_state=state,
                by_id=who, detail_sealed=self._filled(self._terms.forms[kind, action], at), at=ended,
            )  # fmt: skip
            self._turn(row_id, running, states.clocks(kind, state, owes_notice=owes), (ended, who))
        heap.add(
            "matter", row_id, kind=kind, case_id=None if kind == states.NOTIFICATION else matter.id, state=state,
            owes_notice=False, about=json.dumps([who] if kind == states.COMPLAINT else []),
            form_sealed=self._filled(given, at), made_by=who, made_at=at, is_drill=False,
        )  # fmt: skip
        self._turn(row_id, running, frozenset(), (None, None))

    def _turn(
        self, row_id: str, running: dict[str, int], after: frozenset[str], ended: tuple[int | None, str | None]
    ) -> None:
        """Clocks that no longer run are kept with their end, or as they are when there is none; others begin."""
        at, who = ended
        for clock in [one for one in running if one not in after]:
            began = running.pop(clock)
            due = began + int(self._terms.clocks[clock].within.total_seconds()) * 1_000_000
            self._heap.add(
                "matter_task", matter_id=row_id, kind=clock, opened_at=began, due_at=due, step=0,
                next_at=max(due, self._heap.now + HOUR) if at is None else None, done_by=who, done_at=at,
            )  # fmt: skip
        for clock in after - running.keys():
            running[clock] = at or 0

    def _filled(self, form: Form, at: int) -> str:
        """The form with the first of everything that can be chosen."""
        first: Mapping[str, object] = {
            "words": _WORDS, "line": _WORDS, "time": instant(at).astimezone(_ZONE).isoformat(), "flag": True,
            "staff": [], "messages": [], "share": {next(iter(self._terms.shares)): _WORDS},
            "basis": next(iter(self._terms.bases)),
        }  # fmt: skip
        given: dict[str, object] = {}
        for field in form.fields:
            if field.when is None or given.get(field.when[0]) == field.when[1]:
                code = next(iter(self._terms.options.get(field.options, ())), "")
                given[field.name] = first.get(field.kind, [code] if field.kind == "many" else code)
        return json.dumps(given, ensure_ascii=False)
