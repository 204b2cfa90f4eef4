"""What people do in follow-ups: ask for consent, write or call, keep what was heard. Each method in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from escalation.alarm import Danger
from escalation.care import plan
from escalation.care.plan import OPEN, Answers, Consent, TaskState
from escalation.care.planning import Planning
from escalation.care.rescue import RescueRules, need_words, short
from escalation.cases import NotAllowed, State
from escalation.contact_desk import ContactDesk
from escalation.desk import Desk
from records.cases import Case
from records.conversations import Conversation
from records.follow_up_talks import Heard
from records.follow_ups import SAFETY, FollowUp
from records.outbox_rows import Lane, Pending
from records.staff import Counsellor
from triage.risk import Level


@dataclass(frozen=True)
class FollowUpDesk:
    """The actions of people on follow-ups."""

    planning: Planning
    desk: Desk
    people: ContactDesk
    rescue: RescueRules

    def ask_consent(
        self, connection: sa.Connection, case_id: str, who: Counsellor, answer: str, phone: str, reason: str,
        now: datetime,
    ) -> None:  # fmt: skip
        """What the person said to being called back. A refusal gets the way back to us; in danger it goes upwards."""
        if answer not in ("agreed", "refused", "not_asked"):
            raise NotAllowed("请选择来访者是否同意随访")
        case = self._open_case(connection, case_id)
        self.planning.talks.add_consent(
            connection, case.id, answer, who.id, now, reason=reason.strip(), phone=phone.strip()
        )
        if answer == "refused":
            self._refused(connection, case, who, now)
        self.planning.handling.done(connection, case, who, f"follow_up_consent_{answer}", now)

    def decide(
        self, connection: sa.Connection, case_id: str, who: Counsellor, answer: str, reason: str, now: datetime
    ) -> None:
        """The supervisor decides about somebody in danger who refused, and writes the legal ground."""
        case = self._open_case(connection, case_id)
        if self.planning.consent(connection, case) is not Consent.UNDECIDED:
            raise NotAllowed("现在没有要决定的随访")
        if answer not in ("go_on", "stop"):
            raise NotAllowed("请选择继续随访或不再随访")
        reason = need_words(reason, "请写明依据和理由")
        self.planning.talks.add_consent(connection, case.id, answer, who.id, now, reason=reason)
        if answer == "stop":
            self._stop(connection, case, who, "督导决定不再随访", now)
        self.planning.handling.done(connection, case, who, f"follow_up_decided_{answer}", now)

    def assign(
        self, connection: sa.Connection, task_id: str, who: Counsellor, assignee_id: str, now: datetime
    ) -> None:  # fmt: skip
        """Take a task, or give it to somebody, which only a lead may."""
        task, case = self._task(connection, task_id)
        if assignee_id != who.id and not self.desk.permissions.allows(who.roles, "follow_up_assign"):
            raise NotAllowed("只有值班长、督导可以把随访交给别人")
        assignee = self.planning.handling.staff.get(connection, assignee_id)
        able = assignee is not None and assignee.is_active
        if assignee is None or not (able and self.desk.permissions.allows(assignee.roles, "follow_up")):
            raise NotAllowed("请选择能做随访的老师")
        self.planning.tasks.change(connection, task.id, assignee_id=assignee.id)
        self._done(connection, case, task, who, "follow_up_assigned", now)

    def write(self, connection: sa.Connection, task_id: str, who: Counsellor, now: datetime) -> None:
        """Ask through the chat, in words that do not say why; only where the platform still lets us."""
        task, case = self._call(connection, task_id)
        if case.state != State.FOLLOW_UP:
            raise NotAllowed("这个个案正在处理，请直接在对话里说")
        conversation = self.planning.handling.conversation(connection, case)
        tried = [one for one in self.planning.talks.attempts(connection, case.id) if one.follow_up_id == task.id]
        self._check_way(connection, conversation, [one.at for one in tried if one.way == "chat"], now)
        row_id = self.planning.handling.alarm.outbox.add(
            connection,
            Pending(
                conversation.id, conversation.channel, Lane.FOLLOW_UP, "system", conversation.epoch,
                "follow_up.again" if tried else "follow_up.ask", params={"name": self.planning.rules.outward_name},
            ),
            now,
        )  # fmt: skip
        self._keep_try(connection, task, who, now, way="chat", result="sent", outbox_id=row_id)
        self._done(connection, case, task, who, "follow_up_tried", now)

    def log_attempt(
        self, connection: sa.Connection, task_id: str, who: Counsellor, way: str, result: str, note: str, now: datetime
    ) -> None:
        """A try by hand, on the phone or otherwise."""
        task, case = self._call(connection, task_id)
        words = self.planning.rules.words
        if way not in words["ways"] or result not in words["results"]:
            raise NotAllowed("请选择怎样联系、结果如何")
        answered_at = now if result == "reached" else None
        self._keep_try(
            connection, task, who, now, way=way, result=result, note=short(note), answered_at=answered_at
        )  # fmt: skip
        self._done(connection, case, task, who, "follow_up_tried", now)

    def finish(
        self, connection: sa.Connection, task_id: str, who: Counsellor, answers: Answers, now: datetime
    ) -> None:  # fmt: skip
        """Keep what was heard. Danger calls people to the case again; the last call ends it."""
        task, case = self._call(connection, task_id, asks=False)
        plan.check_answers(answers, self.planning.rules)
        if answers.acts == "death":
            raise NotAllowed("来访者已去世：请用“记录死亡”，会安排事件评审和对老师的支持")
        is_told = answers.obstacles not in self.planning.rules.words["missing"]
        self.planning.talks.add_heard(
            connection, case.id,
            Heard(
                task.id, answers.ideas, answers.hopelessness, answers.acts, answers.help, short(answers.obstacles),
                is_told, answers.level, answers.next_on, short(answers.note), who.id, now,
            ),
        )  # fmt: skip
        self.planning.end(connection, task, "finish", who, "", now)
        if answers.next_on is not None:
            window = plan.agreed_window(answers.next_on, now)
            self.planning.add(connection, case, window, task.assignee_id or who.id, who, now)
        self._done(connection, case, task, who, "follow_up_finished", now)
        if plan.calls_again(case.level, answers):
            self._call_again(connection, case, who, answers.level, now)
        self.planning.end_if_last(connection, case.id, who, now)

    def end(
        self, connection: sa.Connection, task_id: str, who: Counsellor, action: str, reason: str, now: datetime
    ) -> None:
        """Lost, refused, dead or cancelled: without answers, but never without a reason."""
        task, case = self._call(connection, task_id, asks=False)
        if action not in ("lose", "refuse", "die", "cancel"):
            raise NotAllowed("没有这个操作")
        if action == "cancel" and not self.desk.permissions.allows(who.roles, "follow_up_assign"):
            raise NotAllowed("只有值班长、督导可以取消随访")
        if action == "lose":
            self._check_lost(connection, task)
        self.planning.end(connection, task, action, who, need_words(reason, "请写明情况"), now)
        if action == "refuse":
            self.planning.talks.add_consent(connection, case.id, "refused", who.id, now, reason=reason.strip())
            self._refused(connection, case, who, now)
        if action == "die":
            self._stop(connection, case, who, "来访者已去世", now)
            self.planning.owe(connection, case, self.rescue.owed(is_serious=True), who, now)
        self._done(connection, case, task, who, f"follow_up_{plan.TASK_TRANSITIONS[(TaskState.DOING, action)]}", now)
        self.planning.end_if_last(connection, case.id, who, now)

    def finish_team(
        self, connection: sa.Connection, task_id: str, who: Counsellor, note: str, now: datetime
    ) -> None:  # fmt: skip
        """The team has talked it over, reviewed it, or looked after its people."""
        task, case = self._task(connection, task_id)
        if task.kind == SAFETY:
            raise NotAllowed("这是对来访者的随访，请填随访表")
        self.planning.end(connection, task, "finish", who, need_words(note, "请写明要点和改进"), now)
        self._done(connection, case, task, who, "follow_up_team_done", now)

    def _call_again(
        self, connection: sa.Connection, case: Case, who: Counsellor, level: Level, now: datetime
    ) -> None:  # fmt: skip
        if level > case.level:  # in FOLLOW_UP this opens the case again
            self.desk.set_level(connection, case.id, who, level, "随访评估", now)
        elif case.state == State.FOLLOW_UP:
            danger = Danger(max(level, case.level), "risk", "", ("follow_up",))
            self.planning.handling.alarm.reopen(connection, case, danger, now)

    def _refused(self, connection: sa.Connection, case: Case, who: Counsellor, now: datetime) -> None:
        conversation = self.planning.handling.conversation(connection, case)
        self.planning.handling.say(connection, conversation, "follow_up.path", now)
        if self.planning.consent(connection, case) is Consent.REFUSED:
            self._stop(connection, case, who, "来访者不同意随访", now)

    def _stop(self, connection: sa.Connection, case: Case, who: Counsellor, reason: str, now: datetime) -> None:
        self.planning.cancel(connection, self.planning.calls(connection, case.id), who, reason, now)
        self.planning.end_if_last(connection, case.id, who, now)

    def _check_lost(self, connection: sa.Connection, task: FollowUp) -> None:
        tried = [a for a in self.planning.talks.attempts(connection, task.case_id) if a.follow_up_id == task.id]
        if any(one.result == "reached" for one in tried):
            raise NotAllowed("已经联系到本人，请填随访表，或记“拒访”")
        left = plan.untried((one.at for one in tried), self.planning.rules)
        if left:
            raise NotAllowed(f"要在不同时段试满{self.planning.rules.tries}次才能记失访，还可以在{'、'.join(left)}试")

    def _check_way(
        self, connection: sa.Connection, conversation: Conversation, written_at: list[datetime], now: datetime
    ) -> None:
        contact = self.people.contacts.get(connection, conversation.contact_id)
        reach = self.people.reach(connection, contact, conversation.id, now) if contact is not None else None
        if reach is None or not reach.is_open:
            raise NotAllowed(f"{reach.words if reach else '没有联系方式'}。请打电话，并把结果记在这里")
        if any(plan.is_same_part(at, now, self.planning.rules) for at in written_at):
            raise NotAllowed("这个时段已经写过一次，请换个时段再试")

    def _keep_try(
        self, connection: sa.Connection, task: FollowUp, who: Counsellor, now: datetime, **values: Any
    ) -> None:  # values: columns
        state = plan.after(TaskState(task.state), "try")
        self.planning.talks.give_up_waiting(connection, task.id)
        self.planning.talks.add_attempt(connection, task, by_id=who.id, at=now, **values)
        self.planning.tasks.change(
            connection, task.id, state=state.value, assignee_id=task.assignee_id or who.id
        )  # fmt: skip

    def _open_case(self, connection: sa.Connection, case_id: str) -> Case:
        case = self.planning.handling.case(connection, case_id)
        if case.state == State.CLOSED:
            raise NotAllowed("个案已结案")
        return case

    def _task(self, connection: sa.Connection, task_id: str) -> tuple[FollowUp, Case]:
        seen = self.planning.tasks.get(connection, task_id)
        if seen is None:
            raise NotAllowed("没有这个随访任务")
        case = self.planning.handling.case(connection, seen.case_id)
        task = self.planning.tasks.get(connection, task_id, lock=True)
        if task is None or task.state not in OPEN:
            raise NotAllowed("这个随访任务已经结束")
        return task, case

    def _call(self, connection: sa.Connection, task_id: str, *, asks: bool = True) -> tuple[FollowUp, Case]:
        """A call to the person; nobody who refused is asked again before a supervisor decides."""
        task, case = self._task(connection, task_id)
        if task.kind != SAFETY:
            raise NotAllowed("这是团队的任务，不联系来访者")
        if asks and self.planning.consent(connection, case) in (Consent.UNDECIDED, Consent.REFUSED):
            raise NotAllowed("来访者不同意随访，先等督导决定")
        return task, case

    def _done(
        self, connection: sa.Connection, case: Case, task: FollowUp, who: Counsellor, what: str, now: datetime
    ) -> None:
        self.planning.handling.done(connection, case, who, what, now, task=task.id)
