"""What people decide about a contact: no more answers of the bot, and how to answer who comes very often.

A blocked contact's messages are stored and screened as ever, call people and get safety words; only answers stop.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import NoSuchCase, NotAllowed
from escalation.reach import Reach, reach, window_words
from records import events
from records.cases import Case, Cases
from records.contacts import Contact, Contacts
from records.decisions import Decisions
from records.ledger import Ledger
from records.links import Links
from records.staff import Counsellor, Staff

_LEAST_REASON = 4
_LONGEST_TEXT = 4000


@dataclass(frozen=True)
class ContactDesk:
    """The actions of people on contacts. Each method runs inside one transaction."""

    cases: Cases
    contacts: Contacts
    links: Links
    decisions: Decisions
    ledger: Ledger
    staff: Staff

    def block(self, connection: sa.Connection, case_id: str, who: Counsellor, reason: str, now: datetime) -> None:
        """From now on the bot gives this contact no answers."""
        self._decide(connection, case_id, who, "blocked", reason, now)

    def unblock(self, connection: sa.Connection, case_id: str, who: Counsellor, reason: str, now: datetime) -> None:
        """The bot answers this contact again."""
        self._decide(connection, case_id, who, "unblocked", reason, now)

    def set_plan(self, connection: sa.Connection, case_id: str, who: Counsellor, text: str, now: datetime) -> None:
        """How everybody answers this person from now on; an empty text ends the plan."""
        case, contact = self._contact(connection, case_id)
        plan = text.strip()
        if len(plan) > _LONGEST_TEXT:
            raise NotAllowed(f"方案最多{_LONGEST_TEXT}字")
        if not plan and self.decisions.plan(connection, self.kin(connection, contact)) is None:
            raise NotAllowed("请写下方案；现在没有方案可以结束")
        self.decisions.add_plan(connection, contact.id, who.id, plan, now)
        self._done(connection, case, who, "plan_set" if plan else "plan_ended", now)

    def kin(self, connection: sa.Connection, contact: Contact) -> list[str]:
        """The contact, and all that were linked with it."""
        if contact.person_id is None:
            return [contact.id]
        return self.links.contacts_of(connection, contact.person_id)

    def reach(self, connection: sa.Connection, contact: Contact, conversation_id: str, now: datetime) -> Reach:
        """Whether words get through to this contact now."""
        allowance = self.ledger.allowances(connection, [conversation_id]).get(conversation_id)
        return reach(contact.unreachable, allowance, now)

    def window(self, connection: sa.Connection, contact: Contact, conversation_id: str, now: datetime) -> str:
        """What must be agreed before the platform's time for writing to this contact is over."""
        allowance = self.ledger.allowances(connection, [conversation_id]).get(conversation_id)
        return "" if contact.unreachable else window_words(contact.channel, allowance, now)

    def _decide(
        self, connection: sa.Connection, case_id: str, who: Counsellor, kind: str, reason: str, now: datetime
    ) -> None:
        case, contact = self._contact(connection, case_id)
        is_block = kind == "blocked"
        if is_block == (contact.blocked_at is not None):
            raise NotAllowed("这位来访者已经屏蔽了" if is_block else "这位来访者没有被屏蔽")
        if not _LEAST_REASON <= len(reason.strip()) <= _LONGEST_TEXT:
            raise NotAllowed(f"请写明理由（{_LEAST_REASON}到{_LONGEST_TEXT}个字）")
        blocked = {"blocked_at": now, "blocked_by": who.id} if is_block else {"blocked_at": None, "blocked_by": None}
        self.contacts.change(connection, contact.id, **blocked)
        self.decisions.add(connection, contact.id, kind, who.id, reason.strip(), now)
        self._done(connection, case, who, f"contact_{kind}", now)

    def _contact(self, connection: sa.Connection, case_id: str) -> tuple[Case, Contact]:
        case = self.cases.get(connection, case_id, lock=True)
        contact = self.contacts.get(connection, case.contact_id) if case is not None else None
        if case is None or contact is None:
            raise NoSuchCase("没有这个个案")
        return case, contact

    def _done(self, connection: sa.Connection, case: Case, who: Counsellor, what: str, now: datetime) -> None:
        events.append(
            connection, self.cases.district, "desk", what, now, conversation_id=case.conversation_id,
            case_id=case.id, by=who.id,
        )  # fmt: skip
        self.staff.audit(connection, what, now, actor_id=who.id, object_id=case.contact_id, case=case.id)
