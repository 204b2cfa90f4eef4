"""Words that did not arrive: try again, or say how the person was reached otherwise. Somebody always looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.alarm import Alarm
from escalation.cases import NotAllowed
from escalation.contact_desk import ContactDesk
from escalation.reach import why_no_retry
from records import events
from records.outbox_rows import DeadLetter
from records.staff import Counsellor

EVENTS = frozenset({"undelivered", "undelivered_retried", "undelivered_settled"})  # each changes how many there are
_LEAST_NOTE = 4
_LONGEST_NOTE = 1000


@dataclass(frozen=True)
class Undelivered:
    """The ways out of the list. Each method runs inside one transaction."""

    alarm: Alarm
    people: ContactDesk

    def why_no_retry(self, connection: sa.Connection, letter: DeadLetter, now: datetime) -> str:
        """Why trying again would be in vain; empty when it may get through now."""
        contact = self.people.contacts.get(connection, letter.item.contact_id)
        if contact is None:
            return "没有这位来访者的联系方式"
        return why_no_retry(letter, self.people.reach(connection, contact, letter.item.conversation_id, now))

    def retry(self, connection: sa.Connection, row_id: str, who: Counsellor, now: datetime) -> None:
        """Send it once more; if it fails again, it rings again."""
        letter = self._letter(connection, row_id)
        if reason := self.why_no_retry(connection, letter, now):
            raise NotAllowed(reason)
        self.alarm.outbox.set_state(
            connection, [row_id], "pending", reason="", attempts=0, due_at=now, finished_at=None
        )
        self._done(connection, letter, who, "undelivered_retried", now)

    def settle(self, connection: sa.Connection, row_id: str, who: Counsellor, how: str, now: datetime) -> None:
        """The person was reached in another way: what rang for an owned case is answered."""
        letter = self._letter(connection, row_id)
        if not _LEAST_NOTE <= len(how.strip()) <= _LONGEST_NOTE:
            raise NotAllowed(f"请写明怎样联系上的（{_LEAST_NOTE}到{_LONGEST_NOTE}个字）")
        self.people.decisions.add(connection, letter.item.contact_id, "reached", who.id, how.strip(), now)
        self.alarm.outbox.set_state(connection, [row_id], "settled")
        case = self.alarm.cases.open_case_of(connection, letter.item.conversation_id)
        if case is not None:
            self.alarm.reached(connection, case, who.id, now)
        self._done(connection, letter, who, "undelivered_settled", now)

    def _letter(self, connection: sa.Connection, row_id: str) -> DeadLetter:
        letter = self.alarm.outbox.get_dead(connection, row_id)
        if letter is None:
            raise NotAllowed("这一条已经处理过了")
        return letter

    def _done(self, connection: sa.Connection, letter: DeadLetter, who: Counsellor, what: str, now: datetime) -> None:
        item = letter.item
        events.append(
            connection, self.alarm.outbox.district, "desk", what, now, conversation_id=item.conversation_id,
            case_id=letter.case_id, row=item.id, by=who.id,
        )  # fmt: skip
        self.people.staff.audit(connection, what, now, actor_id=who.id, object_id=item.id, case=letter.case_id)
