"""Forms as people fill them in, and short ways to what tests of safeguarding need again and again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from escalation.safeguarding.safeguarding_desk import Deed
from records.matters import Matter, MatterTask
from records.staff import Counsellor
from tests.building import do
from tests.escalation.conftest import Office

KINDS = ("report", "breach", "notification", "complaint")
NOW_THERE = "2026-12-01T10:00"  # the fixed clock in Shanghai
MADE = {
    "report": {"whom": "minor", "harm:physical": "yes", "facts": "孩子说父亲用皮带打，背上有伤"},
    "breach": {
        "timing": "wait", "basis": "life", "why": "说今晚跳楼，父母不知道", "consent": "refused", "told": "no",
        "not_told": "告诉了会离家", "to": "guardian", "who": "母亲", "at": NOW_THERE, "share:danger": "说今晚要跳楼",
    },
    "notification": {
        "registered": "yes", "grade": "4", "at": NOW_THERE, "by": "卫生院陈医生", "basis": "grade3", "rule": "本地规划第五条",
        "to": "police", "who": "派出所老王", "share:patient": "示例甲",
    },
    "complaint": {"said": "老师说我矫情", "contact": "还在这个对话里"},
}  # fmt: skip
STEPS = {
    "report": {"to": "police", "who": "派出所王警官", "at": NOW_THERE, "receipt": "JJ-118"},
    "decline": {"why": "核实后是角色扮演的作业，没有真的孩子"},
    "supplement": {"said": "派出所说已经到家里看过"},
    "agree": {},
    "refuse": {"said": "仍有疑点，应当报告"},
    "share": {"at": NOW_THERE, "who": "母亲本人接的"},
    "withdraw": {"why": "本人后来同意了"},
    "notify": {"how": "chat", "said": "告诉他我们联系了母亲，为什么"},
    "excuse": {"why": "各种方式都联系不上，已经试了三天"},
    "send": {"at": NOW_THERE, "said": "专人送达，老王签收"},
    "acknowledge": {"at": NOW_THERE, "who": "老王"},
    "try": {"said": "上午打了两次电话"},
    "talk": {"said": "听他说完，约定明天答复"},
    "note": {"said": "看了那段对话"},
    "name": {},
    "close": {"result": "founded", "answer": "道歉，老师参加复盘"},
    "reopen": {"said": "觉得没有说清楚"},
}  # fmt: skip


@dataclass
class Guard:
    """The safeguarding desk with a counsellor and a supervisor."""

    office: Office
    lin: Counsellor = field(init=False)
    zhao: Counsellor = field(init=False)

    def __post_init__(self) -> None:
        self.lin = self.office.counsellor("lin")
        self.zhao = self.office.counsellor("zhao", "supervisor")

    def make(self, kind: str, case_id: str | None = None, who: Counsellor | None = None, **raw: str) -> str:
        """A new matter; returns its id."""
        desk, now = self.office.desks.safeguarding, self.office.clock()
        given = {**MADE[kind], **{name.replace("__", ":"): text for name, text in raw.items()}}
        return do(self.office.writer, lambda c: desk.make(c, kind, case_id, who or self.lin, given, now))

    def act(self, matter_id: str, action: str, who: Counsellor | None = None, **raw: str) -> None:
        """One step."""
        desk, now = self.office.desks.safeguarding, self.office.clock()
        deed = Deed(matter_id, action, KINDS)
        given = {**STEPS[action], **{name.replace("__", ":"): text for name, text in raw.items()}}
        do(self.office.writer, lambda c: desk.act(c, deed, who or self.lin, given, now))

    def get(self, matter_id: str) -> Matter:
        """A matter as it stands."""
        with self.office.store.engine.connect() as connection:
            found = self.office.store.matters.get(connection, matter_id)
        assert found is not None
        return found

    def clocks(self, matter_id: str) -> dict[str, MatterTask]:
        """Kind -> the clocks that run."""
        with self.office.store.engine.connect() as connection:
            return {task.kind: task for task in self.office.store.matters.clocks(connection, matter_id)}

    def steps(self, matter_id: str) -> list[Any]:
        """What was done."""
        with self.office.store.engine.connect() as connection:
            return self.office.store.matters.steps(connection, matter_id)

    def sweep(self) -> int:
        """Look for what is due."""
        return do(self.office.writer, lambda c: self.office.desks.safeguarding.watch.sweep(c, self.office.clock()))
