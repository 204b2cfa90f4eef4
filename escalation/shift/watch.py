"""The owner who falls silent: a warning, then the case rings again while the owner keeps it, until one takes over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import SERVED, NotAllowed, SomebodyElse
from escalation.handling import Handling
from escalation.shift import after_claim, silence, volunteers
from escalation.shift.floor import Floor
from escalation.shift.silence import Step
from records.cases import Case
from records.staff import Counsellor
from records.stints import Live


@dataclass(frozen=True)
class Watch:
    """Looks after everything that somebody serves. Each method runs inside one transaction."""

    handling: Handling
    floor: Floor

    def sweep(self, connection: sa.Connection, now: datetime) -> int:
        """Do what is due for every served conversation; returns for how many something was."""
        done = 0
        for live in self.handling.stints.live(connection):
            if live.is_practice:  # nobody else is called for it
                continue
            if live.level > live.stint.peak:
                self.handling.stints.change(connection, live.stint.id, peak=int(live.level))
            if silence.next_step(live, self.floor.rules.patience, now) is not Step.REST:
                done += self._act(connection, live, now)
            if after_claim.needs_reminder(live, self.floor.rules.promised, now):
                done += self._remind(connection, live, now)
        return done

    def take_over(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> None:
        """Anybody may go on with a case whose owner has fallen silent; it moves in one step."""
        case = self.handling.case(connection, case_id)
        if not volunteers.may_take(who.roles, case.level):
            raise NotAllowed("志愿者只接绿色、蓝色个案，这一个请接线员接手")
        stint = self.handling.stints.open_of(connection, case.conversation_id)
        if case.state not in SERVED or stint is None:
            raise NotAllowed("个案现在没有人在服务，请直接接手")
        if case.owner_id == who.id:
            raise NotAllowed("这个个案就在您手上，给来访者回一句话，铃声就会停")
        if stint.called_at is None:
            raise SomebodyElse("老师已经回来了，或者已经有人接过去了")
        self.floor.arrive(connection, who, now)
        self.handling.pass_on(connection, case, who, now)
        self.handling.done(connection, case, who, "taken_over", now, former=stint.counsellor_id)

    def _act(self, connection: sa.Connection, seen: Live, now: datetime) -> bool:
        case, live = self._locked(connection, seen)
        if live is None:
            return False
        step = silence.next_step(live, self.floor.rules.patience, now)
        if step is Step.WARN:
            self.handling.stints.change(connection, live.stint.id, warned_at=now)
            self.handling.alarm.tell(connection, case, "owner_warned", now, to=live.stint.counsellor_id)
        elif step is Step.CALL:
            self._call(connection, case, live, now)
        elif step is Step.CALM:
            self._calm(connection, case, live, now)
        return step is not Step.REST

    def _remind(self, connection: sa.Connection, seen: Live, now: datetime) -> bool:
        """The assessment is overdue: owner and lead hear of it, the case stays where it is."""
        case, live = self._locked(connection, seen)
        if live is None or not after_claim.needs_reminder(live, self.floor.rules.promised, now):
            return False
        owner_id = live.stint.counsellor_id
        self.handling.stints.change(connection, live.stint.id, reminded_at=now)
        self.handling.alarm.tell(connection, case, "assessment_overdue", now, owner=owner_id)
        self.handling.staff.audit(connection, "assessment_overdue", now, object_id=case.id, owner=owner_id)
        return True

    def _locked(self, connection: sa.Connection, seen: Live) -> tuple[Case, Live | None]:
        """The case and who serves it, as they are after the lock; None when it moved on while we waited."""
        case = self.handling.case(connection, seen.stint.case_id)
        live = next(iter(self.handling.stints.live(connection, case.conversation_id)), None)
        return case, live if live is not None and live.stint.id == seen.stint.id else None

    def _call(self, connection: sa.Connection, case: Case, live: Live, now: datetime) -> None:
        owner_id = live.stint.counsellor_id
        is_silent = silence.may_keep(live)  # else the owner is there, and only must not stay alone
        tells = is_silent and live.stint.told_at is None
        told = {"told_at": now} if tells else {}
        self.handling.stints.change(connection, live.stint.id, called_at=live.stint.called_at or now, **told)
        if tells:
            conversation = self.handling.conversation(connection, case)
            if not conversation.unreachable:
                self.handling.say(connection, conversation, "handover.owner_silent", now)
        self.handling.alarm.ring(connection, case, case.level, now)
        what = "owner_silent" if is_silent else "owner_needs_help"
        self.handling.alarm.tell(connection, case, what, now, owner=owner_id)
        self.handling.staff.audit(connection, what, now, object_id=case.id, owner=owner_id)

    def _calm(self, connection: sa.Connection, case: Case, live: Live, now: datetime) -> None:
        self.handling.stints.change(connection, live.stint.id, warned_at=None, called_at=None)
        if live.stint.called_at is None:
            return self.handling.alarm.tell(connection, case, "owner_back", now, owner=live.stint.counsellor_id)
        if not self.handling.alarm.outbox.dead_in(
            connection, case.conversation_id
        ):  # words that did not arrive ring on
            self.handling.alarm.answer(connection, case, live.stint.counsellor_id, now)
        self.handling.alarm.tell(connection, case, "owner_back", now, owner=live.stint.counsellor_id)
        return self.handling.staff.audit(
            connection, "owner_back", now, object_id=case.id, owner=live.stint.counsellor_id
        )
