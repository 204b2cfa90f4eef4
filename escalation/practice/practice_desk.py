"""A counsellor practises alone: a synthetic caller writes to her, and to nobody else. One transaction a method.

The caller lives in a row. `listen` is its whole life: what it writes next is decided there, and the message itself,
found by its number, is the mark that it was written; so a restart neither repeats a line nor loses one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from escalation.alarm import Danger
from escalation.cases import SERVED, NoSuchCase, NotAllowed, State
from escalation.handling import Handling
from escalation.practice import scripts
from escalation.practice.ending import end_case
from escalation.practice.scripts import Heard, Playbook, Progress, Script
from records.conversations import new_id
from records.practices import Practice, Practices
from records.rescues import Rescues
from records.staff import Counsellor
from triage.risk import Level

CHANNEL = "web"
_HEARD = ("system", "counsellor")
WHY_WORDS = {
    "ended": "自己结束", "closed": "结案", "silent": "太久没有回应，自动结束", "long": "时间到了，自动结束",
    "gone": "脚本已更换，自动结束",
}  # fmt: skip


@dataclass(frozen=True)
class Say:
    """What a synthetic caller writes now; the id makes a repeat harmless."""

    conversation_id: str
    external_id: str
    text: str


@dataclass(frozen=True)
class PracticeDesk:
    """Practices of single counsellors."""

    handling: Handling
    practices: Practices
    rescues: Rescues
    playbook: Playbook

    def start(self, connection: sa.Connection, who: Counsellor, code: str, now: datetime) -> str:
        """Open a case that is served by this counsellor from its first moment; returns its id."""
        script = self.playbook.scripts.get(code)
        if script is None:
            raise NotAllowed("请选择一位模拟来访者")
        if self.practices.running_of(connection, who.id) is not None:
            raise NotAllowed("您已有一个练习在进行，请先结束它")
        alarm = self.handling.alarm
        conversation_id = alarm.conversations.open(
            connection, channel=CHANNEL, external_id=f"practice:{new_id()}", now=now, is_drill=True
        )
        conversation = alarm.conversations.get(connection, conversation_id, lock=True)
        assert conversation is not None, "it was just written"
        case = alarm.raise_case(connection, conversation, Danger(Level.LOW, "asked_for_person", "", ()), now)
        self.handling.save(
            connection, case, practised_by=who.id, owner_id=who.id, state=State.IN_SERVICE.value, claimed_at=now
        )
        self.handling.own(connection, conversation, who.id, now)
        alarm.answer(connection, case, who.id, now)
        self.practices.add(
            connection, counsellor_id=who.id, conversation_id=conversation_id, case_id=case.id, script=code,
            progress=scripts.begin(script).to_json(), due_at=now + timedelta(seconds=script.lines[0].after),
            seen_at=now, began_at=now,
        )  # fmt: skip
        self.handling.done(connection, case, who, "practice_begun", now)
        return case.id

    def end(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> None:
        """Enough for now."""
        practice = self.practices.of_case(connection, case_id)
        if practice is None or practice.counsellor_id != who.id:
            raise NoSuchCase("没有这个练习")
        self._over(connection, practice, "ended", now)

    def running(self, connection: sa.Connection) -> list[str]:
        """The cases of all practices that go on."""
        return [practice.case_id for practice in self.practices.running(connection)]

    def listen(self, connection: sa.Connection, case_id: str, now: datetime) -> Say | None:
        """Let a caller read what was said to it; what it writes now, if anything."""
        case = self.handling.case(connection, case_id)
        practice = self.practices.of_case(connection, case_id)
        if practice is None or practice.state != "running":
            return None
        script = self.playbook.scripts.get(practice.script)
        why = "gone" if script is None else "closed" if case.state not in SERVED else self._is_over(practice, now)
        if why or script is None:
            self._over(connection, practice, why, now)
            return None
        return self._go_on(connection, practice, script, now)

    def _go_on(self, connection: sa.Connection, practice: Practice, script: Script, now: datetime) -> Say | None:
        conversations = self.handling.alarm.conversations
        before = progress = Progress.from_json(practice.progress)
        name = f"{practice.conversation_id}:practice-{{}}"
        if progress.waiting and conversations.find_external(connection, CHANNEL, name.format(progress.said)):
            progress = scripts.spoken(progress)
        seen_at = practice.seen_at
        for message in conversations.messages(connection, practice.conversation_id, after=progress.heard_seq):
            progress = replace(progress, heard_seq=message.seq)
            if message.author in _HEARD:
                progress = scripts.hear(script, self.playbook.cues, progress, Heard(message.author, message.body))
            if message.author == "counsellor":
                seen_at = message.received_at
        line = scripts.next_line(script, progress)
        due_at = practice.due_at
        if progress.waiting != before.waiting and line is not None:
            due_at = now + timedelta(seconds=line.after)
        if progress != before:
            self.practices.change(
                connection, practice.id, progress=progress.to_json(), due_at=due_at, seen_at=seen_at
            )  # fmt: skip
        if line is None or due_at > now:
            return None
        return Say(practice.conversation_id, name.format(progress.said), line.text)

    def _is_over(self, practice: Practice, now: datetime) -> str:
        """Why it ends by itself; empty while it goes on."""
        if now - practice.began_at >= self.playbook.rules.practice_longest:
            return "long"
        return "silent" if now - practice.seen_at >= self.playbook.rules.practice_silent else ""

    def _over(self, connection: sa.Connection, practice: Practice, why: str, now: datetime) -> None:
        self.practices.change(connection, practice.id, state="ended", ended_at=now, why=why)
        end_case(connection, self.handling, self.rescues, practice.case_id, practice.counsellor_id, now)
