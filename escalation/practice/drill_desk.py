"""Drills of the whole house: planned by people, carried out by `hotline drill`. Each method runs in one transaction.

Two proofs, both signed with the deployment's own key. The token of a plan, shown on the page of drills, begins a run;
the run's proof opens conversations as its callers. Without one nobody can call a conversation a drill.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from escalation.cases import NotAllowed
from escalation.handling import Handling
from escalation.practice import plans as rules
from escalation.practice.ending import end_case
from escalation.practice.plans import Wanted
from escalation.practice.results import read_results, to_json
from escalation.practice.scripts import Playbook
from records import events
from records.drills import Drills, Plan, Run
from records.rescues import Rescues
from records.staff import Counsellor

EVENT = "drill"  # every screen asks again what is going on
_PLAN, _RUN = "drill_plan", "drill_run"
_UNKNOWN = "演练口令不对，或演练不在进行"
_LINGERS = timedelta(minutes=10)  # what a caller still said while its run ended is tidied up for so long
_LONGEST_FINDINGS = 4000


@dataclass(frozen=True)
class Asked:
    """What the command wants of a run; None = as planned."""

    scenario: str | None = None
    callers: int | None = None


@dataclass(frozen=True)
class DrillDesk:
    """Plans, runs, results."""

    handling: Handling
    drills: Drills
    rescues: Rescues
    playbook: Playbook
    sign: Callable[[str, str], str]  # (purpose, value) -> proof

    def plan(self, connection: sa.Connection, who: Counsellor, wanted: Wanted, now: datetime, *, may_hide: bool) -> str:
        """Plan a drill; returns its id."""
        rules.check_plan(wanted, self.playbook, now, may_hide=may_hide)
        plan_id = self.drills.plan(
            connection, scenario=wanted.scenario, callers=wanted.callers, planned_for=wanted.planned_for,
            is_announced=wanted.is_announced, calls_people=wanted.calls_people, by_id=who.id, made_at=now,
        )  # fmt: skip
        self._done(connection, "drill_planned", plan_id, who.id, now)
        return plan_id

    def cancel(self, connection: sa.Connection, plan_id: str, who: Counsellor, now: datetime) -> None:
        """Before its time a drill may be given up."""
        rules.check_cancelling(self._get(connection, plan_id), now)
        self.drills.change(connection, plan_id, state=rules.CANCELLED)
        self._done(connection, "drill_cancelled", plan_id, who.id, now)

    def conclude(self, connection: sa.Connection, plan_id: str, who: Counsellor, words: str, now: datetime) -> None:
        """What the team found; written over, the audit keeps who and when."""
        if self._get(connection, plan_id).state != rules.DONE:
            raise NotAllowed("演练做完以后再写发现的问题")
        if not 2 <= len(words.strip()) <= _LONGEST_FINDINGS:
            raise NotAllowed(f"请写下发现的问题和要改的地方（2到{_LONGEST_FINDINGS}字）")
        self.drills.change(connection, plan_id, findings=words.strip(), findings_by=who.id)
        self._done(connection, "drill_concluded", plan_id, who.id, now)

    def stop(self, connection: sa.Connection, who: Counsellor, now: datetime) -> None:
        """Real people need the house: the drill ends this moment."""
        run = self.drills.running(connection)
        if run is None:
            raise NotAllowed("现在没有进行中的演练")
        self._end(connection, run, "stopped", who.id, now)

    def token(self, plan_id: str) -> str:
        """What the command needs to begin a run of this plan."""
        return f"{plan_id}.{self.sign(_PLAN, plan_id)}"

    def proof(self, run_id: str) -> str:
        """What makes conversations callers of this run."""
        return f"{run_id}.{self.sign(_RUN, run_id)}"

    def begin(self, connection: sa.Connection, token: str, asked: Asked, now: datetime) -> Run:
        """A run of a planned drill begins."""
        plan = self._get(connection, self._signed(_PLAN, token))
        rules.check_beginning(plan, self.playbook.rules, now)
        scenario, callers = asked.scenario or plan.scenario, plan.callers if asked.callers is None else asked.callers
        if scenario not in self.playbook.scenarios:
            raise NotAllowed(f"没有这个场景；有：{'、'.join(self.playbook.scenarios)}")
        if not 1 <= callers <= plan.callers:
            raise NotAllowed(f"这次演练最多安排了 {plan.callers} 位模拟来访者")
        if self.drills.running(connection) is not None:
            raise NotAllowed("已有演练在进行，请等它结束")
        self.drills.begin(
            connection, plan.id, scenario=scenario, callers=callers, began_at=now,
            until=now + self.playbook.rules.longest_run,
        )  # fmt: skip
        self._done(connection, "drill_begun", plan.id, None, now)
        run = self.drills.running(connection)
        assert run is not None, "it was just written"
        return run

    def admit(self, connection: sa.Connection, proof: str, conversation_id: str) -> None:
        """A new conversation is a caller of a run that goes on; raise NotAllowed otherwise."""
        run = self.run_of_proof(connection, proof)
        if len(self.drills.callers(connection, run.id)) >= run.callers:
            raise NotAllowed("这次演练的模拟来访者已经满了")
        self.drills.add_caller(connection, conversation_id, run.id)

    def run_of_proof(self, connection: sa.Connection, proof: str) -> Run:
        """The run that goes on and that this proof belongs to."""
        run_id, run = self._signed(_RUN, proof), self.drills.running(connection)
        if run is None or run.id != run_id:
            raise NotAllowed(_UNKNOWN)
        return run

    def finish(
        self, connection: sa.Connection, proof: str, results: object, now: datetime, *, is_whole: bool
    ) -> None:  # fmt: skip
        """The command brings what it measured; one that was broken off does not count as carried out."""
        run = self.run_of_proof(connection, proof)
        found = read_results(results, self.playbook.scripts, run.callers)
        self._end(connection, run, "done" if is_whole else "broken", None, now, to_json(found))
        if is_whole:
            self.drills.change(connection, run.plan_id, state=rules.DONE)

    def sweep(self, connection: sa.Connection, now: datetime) -> int:
        """A run whose command is gone ends; what a caller said while its run ended rings no longer."""
        done = 0
        for run in self.drills.unfinished(connection, now - _LINGERS):
            if run.state != "running":
                done += self._end_cases(connection, run, None, now)
            elif run.until <= now:
                self._end(connection, run, "broken", None, now)
                done += 1
        return done

    def banner(self, connection: sa.Connection, now: datetime) -> str:
        """What all screens say now of an announced drill."""
        run = self.drills.running(connection)
        plan = self.drills.get(connection, run.plan_id) if run else None
        near = self.drills.plans(connection, now - self.playbook.rules.banner_before)
        return rules.banner(near, (plan, run) if plan and run else None, self.playbook, now)

    def _end(
        self, connection: sa.Connection, run: Run, state: str, by_id: str | None, now: datetime, result: str = ""
    ) -> None:  # fmt: skip
        self.drills.end(connection, run.id, state, now, result)
        for conversation_id in self.drills.callers(connection, run.id):
            self.handling.alarm.conversations.change(connection, conversation_id, token_hash=None)  # it writes no more
        self._end_cases(connection, run, by_id, now)
        self._done(connection, f"drill_{state}", run.plan_id, by_id, now)

    def _end_cases(self, connection: sa.Connection, run: Run, by_id: str | None, now: datetime) -> int:
        found = self.drills.open_cases(connection, run.id)
        for case_id in found:
            end_case(connection, self.handling, self.rescues, case_id, by_id, now)
        return len(found)

    def _signed(self, purpose: str, text: str) -> str:
        """The value of a proof; raise NotAllowed for one that is not ours."""
        value, _, given = text.partition(".")
        if not secrets.compare_digest(given.encode(), self.sign(purpose, value).encode()):
            raise NotAllowed(_UNKNOWN)
        return value

    def _get(self, connection: sa.Connection, plan_id: str) -> Plan:
        plan = self.drills.get(connection, plan_id, lock=True)
        if plan is None:
            raise NotAllowed("没有这次演练")
        return plan

    def _done(self, connection: sa.Connection, what: str, plan_id: str, by_id: str | None, now: datetime) -> None:
        events.append(connection, self.drills.district, "desk", EVENT, now)
        self.handling.staff.audit(connection, what, now, actor_id=by_id, object_id=plan_id)
