"""What people do about safeguarding: make a matter, take a step, decide as the second person. One transaction each.

Nobody decides alone about not reporting, about breaking a confidence or about a notification: the second is another
person, signed in herself. Whoever a complaint is about can neither change nor close it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import NoSuchCase, NotAllowed
from escalation.handling import Handling
from escalation.safeguarding import states
from escalation.safeguarding.clocks import Clocks
from escalation.safeguarding.forms import Asked, Given, Incomplete, Raw, read
from escalation.safeguarding.states import BREACH, COMPLAINT, REPORT, SHARED_FIRST, STARTS
from escalation.safeguarding.watch import SafeguardingWatch
from records import events
from records.cases import Case
from records.matters import Matter, MatterStep
from records.pointers import Pointers
from records.staff import Counsellor

DECISIONS = frozenset({"agree", "refuse"})
OF_A_CASE = frozenset({REPORT, BREACH})
_PICKED = "messages:"


@dataclass(frozen=True)
class Deed:
    """What somebody wants to do about one matter, and which matters this door is for."""

    matter_id: str
    action: str
    kinds: Collection[str]
    case_id: str | None = None  # where the door is that of one case


@dataclass(frozen=True)
class SafeguardingDesk:
    """The actions of people on safeguarding matters."""

    handling: Handling
    clocks: Clocks
    pointers: Pointers

    @property
    def watch(self) -> SafeguardingWatch:
        """What looks for clocks that have run out."""
        return SafeguardingWatch(self.clocks)

    def make(
        self, connection: sa.Connection, kind: str, case_id: str | None, who: Counsellor, raw: Raw, now: datetime
    ) -> str:  # fmt: skip
        """A new matter; its clock runs from here. Returns its id."""
        case = self.handling.case(connection, case_id) if case_id else None
        given = self._read(connection, kind, "make", case, raw, now)
        is_first = kind == BREACH and given["timing"] == "first"
        if is_first and given["basis"] != "life":
            raise Incomplete({"timing": "只有生命危险才能不等第二人，请改依据，或等第二人同意"})
        state = SHARED_FIRST if is_first else STARTS[kind]
        matter_id = self.clocks.matters.add(
            connection, kind=kind, case_id=case.id if case else None, state=state, form=given,
            owes_notice=states.owes_notice(kind, state, was_told=given.get("told") == "yes"),
            about=self._about(connection, case, given) if kind == COMPLAINT else (), made_by=who.id, made_at=now,
            is_drill=case is not None and case.is_drill,
        )  # fmt: skip
        self.clocks.set(connection, matter_id, who.id, now)
        self._done(connection, matter_id, case, who, f"safeguarding_{kind}_make", now)
        return matter_id

    def act(self, connection: sa.Connection, deed: Deed, who: Counsellor, raw: Raw, now: datetime) -> None:
        """One step of a matter."""
        matter, case = self._matter(connection, deed)
        if who.id in matter.about:
            raise NotAllowed("这条投诉涉及您本人，由投诉没有涉及的督导处理")
        to = states.after(matter.kind, matter.state, deed.action, owes_notice=matter.owes_notice)
        steps = self.clocks.matters.steps(connection, matter.id)
        if deed.action in DECISIONS and who.id == proposer(matter, steps):
            raise NotAllowed("这是您自己提出的：要由另一位老师用自己的账号登录后决定")
        given = self._read(connection, matter.kind, deed.action, case, raw, now)
        if deed.action == "close" and (matter.state == "open") != (given["result"] == "unreachable"):
            raise Incomplete({"result": "还没有联系上，只能选“联系不上，或匿名”；联系上了，请选其他结果"})
        step = MatterStep(deed.action, matter.state, to, who.id, given, now)
        self.clocks.matters.add_step(connection, matter.id, step)
        changes = {"about": given.get("about", [])} if deed.action == "name" else {}
        has_told = deed.action in states.TELLING or any(one.action in states.TELLING for one in steps)
        was_told = matter.form.get("told") == "yes" or has_told
        owes = states.owes_notice(matter.kind, to, was_told=was_told)
        self.clocks.matters.change(connection, matter.id, state=to, owes_notice=owes, **changes)
        self.clocks.set(connection, matter.id, who.id, now)
        self._done(connection, matter.id, case, who, f"safeguarding_{matter.kind}_{deed.action}", now)

    def case_numbered(self, connection: sa.Connection, case_no: str) -> str | None:
        """The id of a case by the number that people read out; None for an empty one."""
        if not case_no.strip():
            return None
        case_id = self.pointers.case_numbered(connection, case_no.strip())
        if case_id is None:
            raise Incomplete({"case_no": "没有这个个案编号"})
        return case_id

    def _matter(self, connection: sa.Connection, deed: Deed) -> tuple[Matter, Case | None]:
        """The matter, locked, and its case before it, in the order in which arriving messages lock them."""
        seen = self.clocks.matters.get(connection, deed.matter_id)
        case = self.handling.case(connection, seen.case_id) if seen is not None and seen.case_id else None
        matter = self.clocks.matters.get(connection, deed.matter_id, lock=True)
        is_here = matter is not None and matter.kind in deed.kinds
        if matter is None or not is_here or (deed.case_id is not None and matter.case_id != deed.case_id):
            raise NoSuchCase("没有这件事")
        return matter, case

    def _read(
        self, connection: sa.Connection, kind: str, action: str, case: Case | None, raw: Raw, now: datetime
    ) -> Given:  # fmt: skip
        terms = self.clocks.terms
        staff = [who.id for who in self.handling.staff.all(connection)]
        asked = Asked(terms, kind, now, staff, self._said(connection, case, raw))
        return read(terms.forms[kind, action], raw, asked)

    def _said(self, connection: sa.Connection, case: Case | None, raw: Raw) -> list[str]:
        """Of the messages that were picked, those that this person wrote here."""
        picked = [name.removeprefix(_PICKED) for name in raw if name.startswith(_PICKED)]
        found = [self.handling.alarm.conversations.message(connection, one) for one in picked] if case else []
        return [
            message.id for message in found
            if message and case and message.conversation_id == case.conversation_id and message.author == "visitor"
        ]  # fmt: skip

    def _about(self, connection: sa.Connection, case: Case | None, given: Given) -> list[str]:
        """Whom a complaint is about; while nobody is named, everybody who served the person."""
        served = self.handling.stints.served_by(connection, case.conversation_id) if case else []
        return given.get("about") or served

    def _done(
        self, connection: sa.Connection, matter_id: str, case: Case | None, who: Counsellor, what: str, now: datetime
    ) -> None:  # fmt: skip
        if case is not None:
            return self.handling.done(connection, case, who, what, now, matter=matter_id)
        events.append(connection, self.clocks.matters.district, "desk", what, now, by=who.id, matter=matter_id)
        return self.handling.staff.audit(connection, what, now, actor_id=who.id, object_id=matter_id)


def proposer(matter: Matter, steps: Collection[MatterStep]) -> str | None:
    """Whose wish the second person decides on."""
    declined = [step.by_id for step in steps if step.action == "decline"]
    return declined[-1] if declined else matter.made_by
