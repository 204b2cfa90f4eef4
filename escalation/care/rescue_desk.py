"""What people do in a rescue: start it, quote the person, log calls, confirm arrival, end it. One transaction each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.care import rescue as rules
from escalation.care.planning import Planning
from escalation.care.rescue import RescueRules, need_words, short
from escalation.cases import LEFT, SERVED, NotAllowed, State, after
from escalation.contact_desk import ContactDesk
from escalation.handling import Handling
from escalation.permissions import Permissions
from records.cases import Case
from records.emergency_contacts import EmergencyContact, EmergencyContacts
from records.rescues import Rescue, Rescues
from records.staff import Counsellor
from triage.risk import Level

_RESCUERS = ("ambulance", "police", "fire")
SECOND_ANSWERS = {"yes": "agreed", "no": "refused"}
SECOND_OVERDUE = "rescue_second_overdue"


@dataclass(frozen=True)
class Start:
    """Why rescuers are sent, and who is asked to confirm it where the person does not want it."""

    basis: str
    reason: str
    asked_id: str = ""


@dataclass(frozen=True)
class Call:
    """A call to somebody outside, as it is written down afterwards."""

    whom: str
    said: str
    basis: str = ""
    reference: str = ""
    outcome: str = ""
    emergency_contact_id: str = ""


@dataclass(frozen=True)
class RescueDesk:
    """The actions of people in a rescue."""

    handling: Handling
    rescues: Rescues
    near: EmergencyContacts
    people: ContactDesk
    planning: Planning
    permissions: Permissions
    rules: RescueRules

    def start(self, connection: sa.Connection, case_id: str, who: Counsellor, start: Start, now: datetime) -> None:
        """Send rescuers, at once. Whoever starts serves the case when nobody does; the talk goes on. Against the
        person's will a second person confirms it afterwards; a closed case is opened again."""
        case = self.handling.case(connection, case_id)
        state = after(State(case.state), "rescue")
        rules.check_start(self.rules, start.basis, start.reason)
        needs_second = self.rules.bases[start.basis].needs_second
        asked = self._asked(connection, who, start.asked_id) if needs_second else None
        if case.state == State.CLOSED:
            self._check_newest(connection, case)
        if case.state == State.CLOSED or self.planning.calls(connection, case.id):  # the calls are planned anew
            self.handling.alarm.reopenings.add(connection, case, "risk", None, now)
        self.handling.alarm.answer(connection, case, who.id, now)
        if case.state in SERVED:
            self.handling.save(connection, case, state=state.value)
        else:
            self._serve(connection, case, who, state, now)
        self.rescues.add(
            connection, case.id, reason=short(start.reason), decision="started", basis=start.basis,
            asked_id=asked.id if asked else None, by_id=who.id, at=now,
            second_next_at=now + self.rules.second_within if needs_second else None,
        )  # fmt: skip
        second: dict[str, int | str] = {"waits": 1, "asked": asked.id if asked else ""} if needs_second else {}
        self.handling.done(connection, case, who, "rescue_started", now, basis=start.basis, **second)

    def confirm(
        self, connection: sa.Connection, case_id: str, who: Counsellor, answer: str, words: str, now: datetime
    ) -> None:  # fmt: skip
        """The second person agrees or does not, signed in herself; rescuers already sent are not called back by it."""
        case = self.handling.case(connection, case_id)
        rescue = next((one for one in self.rescues.of(connection, case.id) if one.waits_for_second), None)
        if rescue is None:
            raise NotAllowed("现在没有等第二人确认的救援")
        if rescue.by_id == who.id:
            raise NotAllowed("这是您自己启动的：要由另一位老师用自己的账号登录后确认")
        if answer not in SECOND_ANSWERS:
            raise NotAllowed("请选择同意或不同意")
        words = short(words) if answer == "yes" else need_words(short(words), "请写明为什么不同意")
        self.rescues.change(
            connection, rescue.id, second_id=who.id, second_answer=SECOND_ANSWERS[answer], second_at=now, second=words,
            second_next_at=None,
        )  # fmt: skip
        self.handling.alarm.calls.withdraw(connection, rescue.id)
        self.handling.done(connection, case, who, f"rescue_second_{SECOND_ANSWERS[answer]}", now)

    def sweep(self, connection: sa.Connection, now: datetime) -> int:
        """Call supervisors where the second person has not answered in time, until one does; returns how many."""
        due = self.rescues.due(connection, now)
        for rescue, called in due:
            step = called + 1
            self.rescues.change(
                connection, rescue.id, second_step=step, second_next_at=now + self.rules.second_within
            )  # fmt: skip
            case = self.handling.alarm.cases.get(connection, rescue.case_id)
            if case is None:
                raise LookupError(f"rescue {rescue.id} has lost its case")
            self.handling.alarm.tell(connection, case, SECOND_OVERDUE, now, step=step)
            if not case.is_drill:
                self.handling.alarm.calls.remind(connection, rescue.id, step, now)
        return len(due)

    def decline(self, connection: sa.Connection, case_id: str, who: Counsellor, reason: str, now: datetime) -> None:
        """The decision that no rescuers are needed now; it may be taken anew at any time."""
        case = self.handling.case(connection, case_id)
        if case.level != Level.EMERGENCY or case.state not in (State.IN_SERVICE, *LEFT):
            raise NotAllowed("只有已接手的红色个案要作这个决定")
        reason = need_words(short(reason), "请写明为什么现在不启动救援")
        self.rescues.add(
            connection, case.id, reason=reason, decision="not_needed", basis="", by_id=who.id, at=now
        )  # fmt: skip
        self.handling.done(connection, case, who, "rescue_declined", now)

    def arrive(self, connection: sa.Connection, case_id: str, who: Counsellor, how: str, now: datetime) -> None:
        """Somebody confirmed that rescuers actually reached the person: it is loud no more."""
        case, rescue = self._open(connection, case_id)
        if rescue.arrived_at is not None:
            raise NotAllowed("已经确认过到达")
        how = need_words(short(how), "请写明谁确认的、怎么确认的")
        self.rescues.change(connection, rescue.id, arrived_at=now, arrived_by=who.id, arrival=how)
        self.handling.done(connection, case, who, "rescue_arrived", now)

    def end(
        self, connection: sa.Connection, case_id: str, who: Counsellor, outcome: str, note: str, now: datetime, *,
        is_serious: bool,
    ) -> bool:  # fmt: skip
        """End it with an outcome: in force by a supervisor, by others a proposal; True when it has ended."""
        case, rescue = self._open(connection, case_id)
        found = rules.check_outcome(self.rules, outcome, short(note), has_arrived=rescue.arrived_at is not None)
        is_serious = is_serious or found.is_serious
        self.rescues.change(
            connection, rescue.id, outcome=found.code, outcome_note=note.strip(), outcome_by=who.id,
            is_serious=is_serious,
        )  # fmt: skip
        if not self.permissions.allows(who.roles, "rescue_end"):
            self.handling.done(connection, case, who, "rescue_outcome_proposed", now)
            return False
        self.rescues.change(connection, rescue.id, ended_at=now, ended_by=who.id)
        self.handling.save(connection, case, state=after(State(case.state), "end_rescue").value)
        self.planning.owe(connection, case, self.rules.owed(is_serious=is_serious), who, now)
        self.handling.done(connection, case, who, "rescue_ended", now, outcome=found.code)
        return True

    def quote(
        self, connection: sa.Connection, case_id: str, who: Counsellor, slot: str, message_id: str, now: datetime
    ) -> None:
        """Read the person's own words under a heading; doing it again takes them away."""
        case = self.handling.case(connection, case_id)
        message = self.handling.alarm.conversations.message(connection, message_id)
        is_theirs = message is not None and message.conversation_id == case.conversation_id
        if slot not in self.rules.slots() or message is None or not is_theirs or message.author != "visitor":
            raise NotAllowed("只能引用来访者自己的话")
        self.rescues.quote(connection, case.id, slot, message_id, who.id, now)
        self.handling.done(connection, case, who, "rescue_quoted", now)

    def log_call(self, connection: sa.Connection, case_id: str, who: Counsellor, call: Call, now: datetime) -> None:
        """Whom we called, on what ground, what was said: nobody but rescuers learns anything without a ground."""
        case = self.handling.case(connection, case_id)
        if call.whom not in self.rules.whom:
            raise NotAllowed("请选择打给了谁")
        said = need_words(short(call.said), "请写明说了什么")
        basis = "" if call.whom in _RESCUERS else call.basis
        if call.whom not in _RESCUERS and basis not in self.rules.grounds:
            raise NotAllowed("打给家属或其他人要选依据：本人同意，或紧急情况")
        known = {one.id for one in self.near_of(connection, case)}
        near_id = call.emergency_contact_id if call.whom == "emergency_contact" else None
        if near_id is not None and near_id not in known:
            raise NotAllowed("请选择是哪一位紧急联系人")
        rescue = self.rescues.open_of(connection, case.id)
        self.rescues.add_call(
            connection, case.id, whom=call.whom, basis=basis, said=said, reference=short(call.reference),
            outcome=short(call.outcome), rescue_id=rescue.id if rescue else None, emergency_contact_id=near_id,
            by_id=who.id, at=now,
        )  # fmt: skip
        self.handling.done(connection, case, who, "outside_called", now, whom=call.whom)

    def add_near(
        self, connection: sa.Connection, case_id: str, who: Counsellor, given: EmergencyContact, now: datetime
    ) -> None:
        """Whom the person would want us to call; told freely, or known in an emergency."""
        case = self.handling.case(connection, case_id)
        if given.basis not in self.rules.grounds:
            raise NotAllowed("请选择依据：本人同意，或紧急情况")
        if not given.name.strip() or not any(char.isdigit() for char in given.phone):
            raise NotAllowed("请填称呼和电话")
        short(given.name + given.relation + given.phone)
        self.near.add(connection, case.contact_id, given)
        self.handling.done(connection, case, who, "emergency_contact_added", now)

    def end_near(self, connection: sa.Connection, case_id: str, who: Counsellor, near_id: str, now: datetime) -> None:
        """The person took it back: it is deleted at once."""
        case = self.handling.case(connection, case_id)
        found = next((one for one in self.near_of(connection, case) if one.id == near_id), None)
        if found is None:
            raise NotAllowed("没有这位紧急联系人")
        self.near.end(connection, found, who.id, now)
        self.handling.done(connection, case, who, "emergency_contact_removed", now)

    def near_of(self, connection: sa.Connection, case: Case) -> list[EmergencyContact]:
        """Whom the person of a case would want us to call."""
        contact = self.people.contacts.get(connection, case.contact_id)
        return self.near.of(connection, self.people.kin(connection, contact)) if contact is not None else []

    def _serve(self, connection: sa.Connection, case: Case, who: Counsellor, state: State, now: datetime) -> None:
        """The person hears who speaks now; how an earlier end was recorded is kept with the reopening."""
        self.handling.save(
            connection, case, state=state.value, owner_id=who.id, claimed_at=case.claimed_at or now, closed_at=None,
            disposition=None, summary="",
        )  # fmt: skip
        conversation = self.handling.own(connection, self.handling.conversation(connection, case), who.id, now)
        self.handling.say(connection, conversation, "handover.person_joined", now, title=who.display_name)

    def _check_newest(self, connection: sa.Connection, case: Case) -> None:
        """A closed case is opened again only where the person has no newer one."""
        newer = self.handling.alarm.cases.open_case_of(connection, case.conversation_id)
        if newer is not None:
            raise NotAllowed(f"来访者现在的个案是 {newer.case_no}，请在那里启动救援")

    def _asked(self, connection: sa.Connection, who: Counsellor, asked_id: str) -> Counsellor | None:
        if not asked_id:
            return None
        found = self.handling.staff.get(connection, asked_id)
        able = found is not None and found.is_active and found.id != who.id
        if found is None or not (able and self.permissions.allows(found.roles, "rescue_second")):
            raise NotAllowed("第二人要是另一位值班的老师")
        return found

    def _open(self, connection: sa.Connection, case_id: str) -> tuple[Case, Rescue]:
        case = self.handling.case(connection, case_id)
        rescue = self.rescues.open_of(connection, case.id)
        if rescue is None:
            raise NotAllowed("现在没有进行中的救援")
        return case, rescue
