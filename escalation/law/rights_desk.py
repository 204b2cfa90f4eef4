"""A person's own records: what they ask in the chat, how the privacy officer answers, and what is then carried out.

Who asks is known by the channel: the wish comes from the conversation, and the answer goes back into it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from escalation.cases import NotAllowed
from escalation.contact_desk import ContactDesk
from escalation.handling import Handling
from escalation.law.own_copy import make_copy
from escalation.law.rights import ANSWERS, ASKED_BY_PEOPLE, Going, Matter, Outcome, Rights, local_day, what_goes
from escalation.law.words import reason as reason_of
from records import events
from records.consents import Consent, Consents
from records.conversations import Conversation, Conversations
from records.erasure import Erasure
from records.follow_up_talks import FollowUpTalks
from records.law_requests import LawRequests, Request
from records.legal_holds import LegalHolds
from records.outbox_rows import Lane, OutboxRows, Pending
from records.staff import Counsellor

_LATER = timedelta(days=1)
_MOST_MESSAGES = 100_000
_TAKEN_BACK = "来访者在对话里撤回了同意"
_ASKED = {
    "copy": "rights.copy_asked",
    "correction": "rights.correction_asked",
    "deletion": "rights.deletion_asked",
}
_DELETION = {
    Outcome.HELD: "rights.deletion_held",
    Outcome.PARTLY: "rights.deletion_partly",
    Outcome.ALL: "rights.deletion_all",
}


@dataclass(frozen=True)
class RightsDesk:
    """Each method runs inside one transaction. `link` makes the address of a copy from its token."""

    rights: Rights
    requests: LawRequests
    consents: Consents
    talks: FollowUpTalks
    holds: LegalHolds
    erasure: Erasure
    conversations: Conversations
    people: ContactDesk
    outbox: OutboxRows
    handling: Handling
    draw: Callable[[], str]
    link: Callable[[str], str]

    # ---- what a person says in the chat

    def ask(
        self, connection: sa.Connection, conversation: Conversation, kind: str, now: datetime, *, speaks: bool
    ) -> None:
        """Keep a wish, once; where the bot speaks, say honestly what happens next."""
        is_known = any(
            request.kind == kind and request.state in ("open", "answered")
            for request in self.requests.of(connection, conversation.contact_id)
        )
        if not is_known:
            due_at = self.rights.due(now)
            request_id = self.requests.add(connection, conversation.contact_id, conversation.id, kind, now, due_at)
            self._tell(connection, conversation.id, "law_asked", request_id, now)
        if speaks:
            key = "rights.asked_before" if is_known else _ASKED[kind]
            self._say(connection, conversation, key, now, days=str(self.rights.working_days))

    def withdraw(self, connection: sa.Connection, conversation: Conversation, now: datetime, *, speaks: bool) -> None:
        """The person takes back every consent that they gave."""
        given = [
            one for one in self.consents.all_current(connection, conversation.contact_id).values()
            if one.answer == "given"
        ]  # fmt: skip
        for one in given:
            taken = Consent(one.purpose, "withdrawn", "chat", one.version, None, now)
            self.consents.add(connection, conversation.contact_id, taken)
        ids = [one.purpose for one in given]
        if self.talks.withdraw(connection, conversation.contact_id, _TAKEN_BACK, now) and "follow_up" not in ids:
            ids.append("follow_up")  # agreed to in the tab 随访 alone
        if ids:
            self._tell(connection, conversation.id, "consent_withdrawn", "", now)
        if speaks:
            known = self.rights.purposes  # a purpose may have left the data since
            names = "、".join(known[one].name if one in known else one for one in ids)
            key = "rights.withdrawn" if ids else "rights.nothing_to_withdraw"
            self._say(connection, conversation, key, now, purposes=names)

    # ---- what is written down about them

    def record_consent(
        self, connection: sa.Connection, case_id: str, who: Counsellor, given: tuple[str, str, str], now: datetime
    ) -> None:
        """A counsellor asked: (purpose, answer, how), with the version of the notice that was read out."""
        case = self.handling.case(connection, case_id)
        purpose, answer, how = given
        if purpose not in self.rights.purposes or answer not in ANSWERS or how not in ASKED_BY_PEOPLE:
            raise NotAllowed("请选择用途、回答和方式")
        version = self.rights.purposes[purpose].version
        self.consents.add(connection, case.contact_id, Consent(purpose, answer, how, version, who.id, now), case.id)
        self.handling.done(connection, case, who, "consent_recorded", now)

    # ---- what the privacy officer does

    def going(self, connection: sa.Connection, contact_id: str, now: datetime) -> Going:
        """What a deletion may take now; help under way and holds count on every channel that the person linked."""
        contact = self.people.contacts.get(connection, contact_id)
        kin = self.people.kin(connection, contact) if contact else [contact_id]
        matters = [
            Matter(is_open, closed_at if one == contact_id else None)
            for one in kin
            for _, is_open, closed_at in self.requests.cases_of(connection, one)
        ]
        is_held = any(self.holds.of(connection, one) for one in kin)
        return what_goes(matters, is_held=is_held, floor=self.rights.floor, now=now)

    def answer(self, connection: sa.Connection, request_id: str, who: Counsellor, words: str, now: datetime) -> None:
        """Do what was asked and tell the person; `words` is the note of a correction."""
        request = self._open(connection, request_id)
        if request.kind == "deletion":
            return self._answer_deletion(connection, request, who, now)
        if request.kind == "copy":
            return self._send_copy(connection, request, who, now)
        note = reason_of(words, "请写下更正内容")
        self._answered(connection, request, who, "corrected", now, state="done", done_at=now, answer=note)
        return self._reply(connection, request, "rights.corrected", now)

    def refuse(self, connection: sa.Connection, request_id: str, who: Counsellor, reason: str, now: datetime) -> None:
        """It cannot be done; the reason is kept, and the person is told that and how to object."""
        request = self._open(connection, request_id)
        why = reason_of(reason, "请写明理由")
        self._answered(connection, request, who, "refused", now, state="refused", done_at=now, answer=why)
        self._reply(connection, request, "rights.refused", now)

    def hold(self, connection: sa.Connection, request_id: str, who: Counsellor, reason: str, now: datetime) -> None:
        """The law wants the records of whoever asked kept."""
        self._hold(connection, self._found(connection, request_id).contact_id, who, reason, now)

    def release(self, connection: sa.Connection, request_id: str, who: Counsellor, now: datetime) -> None:
        """The hold on whoever asked ends."""
        self._release(connection, self._found(connection, request_id).contact_id, who, now)

    def hold_case(self, connection: sa.Connection, case_id: str, who: Counsellor, reason: str, now: datetime) -> None:
        """The law wants the records of a case's person kept."""
        case = self.handling.case(connection, case_id)
        self._hold(connection, case.contact_id, who, reason, now)
        self.handling.done(connection, case, who, "case_held", now)

    def release_case(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> None:
        """The hold on a case's person ends."""
        case = self.handling.case(connection, case_id)
        self._release(connection, case.contact_id, who, now)
        self.handling.done(connection, case, who, "case_released", now)

    def sweep(self, connection: sa.Connection, now: datetime) -> int:
        """Carry out the deletions whose answer had time to arrive; returns how many were looked at."""
        self.requests.forget_copies(connection, now)
        due = self.requests.to_carry_out(connection, now)
        for request in due:
            self._carry_out(connection, request, now)
        return len(due)

    def _hold(self, connection: sa.Connection, contact_id: str, who: Counsellor, reason: str, now: datetime) -> None:
        """Nothing of this person goes until the hold is released."""
        if self.holds.of(connection, contact_id) is not None:
            raise NotAllowed("已经在依法保留中")
        self.holds.place(connection, contact_id, who.id, reason_of(reason, "请写明依法保留的理由"), now)
        self.handling.staff.audit(connection, "legal_hold_placed", now, actor_id=who.id, object_id=contact_id)

    def _release(self, connection: sa.Connection, contact_id: str, who: Counsellor, now: datetime) -> None:
        if self.holds.of(connection, contact_id) is None:
            raise NotAllowed("现在没有依法保留")
        self.holds.release(connection, contact_id, who.id, now)
        self.handling.staff.audit(connection, "legal_hold_released", now, actor_id=who.id, object_id=contact_id)

    def _answer_deletion(self, connection: sa.Connection, request: Request, who: Counsellor, now: datetime) -> None:
        going = self.going(connection, request.contact_id, now)
        if going.outcome is Outcome.WAITS:
            raise NotAllowed(going.words)
        if going.outcome is Outcome.HELD:
            self._answered(connection, request, who, "held", now, state="refused", done_at=now)
        else:
            later = now + self.rights.arrive
            self._answered(connection, request, who, going.outcome, now, state="answered", carry_out_at=later)
        until = local_day(going.stays_until) if going.stays_until else ""
        self._reply(connection, request, _DELETION[going.outcome], now, until=until)

    def _carry_out(self, connection: sa.Connection, request: Request, now: datetime) -> None:
        for conversation_id in self.requests.conversations_of(connection, request.contact_id):
            self.conversations.get(connection, conversation_id, lock=True)  # whoever writes now waits for us
        going = self.going(connection, request.contact_id, now)
        if going.outcome in (Outcome.WAITS, Outcome.HELD):  # they came back, or the law spoke, since the answer
            self.requests.change(connection, request.id, carry_out_at=now + _LATER)
            return
        conversations = self.requests.conversations_of(connection, request.contact_id)
        if going.outcome is Outcome.ALL:
            self.erasure.erase(connection, conversations, now)
        else:
            self.erasure.empty_files_of(connection, conversations)
            self.erasure.pseudonymise(connection, conversations, now)
            self.people.contacts.change(connection, request.contact_id, restricted_at=now)
        self.requests.change(connection, request.id, state="done", done_at=now, outcome=going.outcome)
        self.handling.staff.audit(connection, "deletion_carried_out", now, object_id=request.id, outcome=going.outcome)

    def _send_copy(self, connection: sa.Connection, request: Request, who: Counsellor, now: datetime) -> None:
        talk = [
            message
            for conversation_id in self.requests.conversations_of(connection, request.contact_id)
            for message in self.conversations.messages(connection, conversation_id, limit=_MOST_MESSAGES)
        ]
        text = make_copy(talk, self.consents.of(connection, request.contact_id), now)
        token, until = self.draw(), now + self.rights.copy_lives
        self.requests.put_copy(connection, request, token, text, now, until)
        self._answered(connection, request, who, "copied", now, state="done", done_at=now)
        hours = str(int(self.rights.copy_lives.total_seconds() // 3600))
        self._reply(connection, request, "rights.copy_ready", now, link=self.link(token), hours=hours)

    def _found(self, connection: sa.Connection, request_id: str) -> Request:
        request = self.requests.get(connection, request_id, lock=True)
        if request is None:
            raise NotAllowed("没有这个申请")
        return request

    def _open(self, connection: sa.Connection, request_id: str) -> Request:
        request = self._found(connection, request_id)
        if request.state != "open":
            raise NotAllowed("这个申请已经答复过了")
        return request

    def _answered(
        self, connection: sa.Connection, request: Request, who: Counsellor, outcome: str, now: datetime,
        **values: object,
    ) -> None:  # fmt: skip
        self.requests.change(connection, request.id, outcome=outcome, answered_at=now, answered_by=who.id, **values)
        self._tell(connection, request.conversation_id, "law_answered", request.id, now)
        self.handling.staff.audit(
            connection, "law_answered", now, actor_id=who.id, object_id=request.id, kind=request.kind,
            outcome=outcome,
        )  # fmt: skip

    def _reply(self, connection: sa.Connection, request: Request, key: str, now: datetime, **params: str) -> None:
        conversation = self.conversations.get(connection, request.conversation_id, lock=True)
        if conversation is not None:
            self._say(connection, conversation, key, now, origin="system", **params)

    def _say(
        self, connection: sa.Connection, conversation: Conversation, key: str, now: datetime, *, origin: str = "bot",
        **params: str,
    ) -> None:  # fmt: skip
        item = Pending(
            conversation.id, conversation.channel, Lane.REPLY, origin, conversation.epoch, key, params=params
        )
        self.outbox.add(connection, item, now)

    def _tell(self, connection: sa.Connection, conversation_id: str, kind: str, request_id: str, now: datetime) -> None:
        events.append(
            connection, self.requests.district, "desk", kind, now, conversation_id=conversation_id,
            request=request_id,
        )  # fmt: skip
