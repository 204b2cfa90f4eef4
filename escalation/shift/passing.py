"""Requests to a colleague, by the owner or a lead, and what the person was promised. One transaction a method."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import SERVED, NotAllowed, State, check_not_practice
from escalation.handling import Handling
from escalation.shift import transfer
from escalation.shift.floor import Floor
from escalation.shift.transfer import Request
from escalation.shift.volunteers import may_take
from records.cases import Case
from records.staff import Counsellor
from records.transfers import ASSIGNMENT, TRANSFER, Summary, Transfer, Transfers

_LEAST_REASON = 2


@dataclass(frozen=True)
class Passing:
    """The owner asks (or a lead, see dispatching.py), the colleague answers; until then nothing moves."""

    handling: Handling
    floor: Floor
    transfers: Transfers

    def ask(
        self, connection: sa.Connection, case_id: str, who: Counsellor, to_id: str, summary: Summary, now: datetime
    ) -> None:  # fmt: skip
        """Ask a colleague on duty to take the case."""
        case = self.handling.owned(connection, case_id, who)
        check_not_practice(case.practised_by)
        tidy = transfer.check_summary(summary)
        colleague = next((one for one in self.floor.people(connection, now) if one.id == to_id), None)
        transfer.check_colleague(colleague, who.id, case.level)
        before = self.transfers.open_of(connection, case.id)
        if before is not None and before.kind == TRANSFER and before.from_id == who.id:
            raise NotAllowed("已经在等一位同事答复，请等一等，或先撤回")
        if before is not None:
            self.transfers.end(connection, before.id, Request.VOID, now)
        answer_by = self.floor.rules.answer_times.answer_by(case.level, now)
        self.transfers.add(connection, case.id, who.id, to_id, tidy, now=now, answer_by=answer_by)
        self.handling.done(connection, case, who, "transfer_asked", now, to=to_id)

    def accept(self, connection: sa.Connection, transfer_id: str, who: Counsellor, now: datetime) -> str:
        """Take it: owner, fence and words to the person move together; returns the case's id."""
        request, case = self._answered(connection, transfer_id, who)
        transfer.check_answer(request, now, stands=self.stands(connection, request, case))
        self.floor.arrive(connection, who, now)
        self.transfers.end(connection, request.id, Request.ACCEPTED, now)
        if request.kind == ASSIGNMENT:
            self._take(connection, request, case, who, now)
            return case.id
        self.handling.pass_on(connection, case, who, now)
        if request.summary.promised not in transfer.NOTHING:
            self.handling.asides.promise(connection, case.id, request.from_id, request.summary.promised, now)
        self.handling.done(connection, case, who, "transfer_accepted", now, former=request.from_id)
        return case.id

    def decline(self, connection: sa.Connection, transfer_id: str, who: Counsellor, reason: str, now: datetime) -> None:
        """Say no, and why: the owner keeps the case and hears so."""
        request, case = self._answered(connection, transfer_id, who)
        transfer.check_answer(request, now, stands=self.stands(connection, request, case))
        if not _LEAST_REASON <= len(reason.strip()) <= transfer.LONGEST:
            raise NotAllowed("请写一句为什么不能接，同事好另外想办法")
        self.transfers.end(connection, request.id, Request.DECLINED, now, reason.strip())
        self.handling.done(connection, case, who, f"{request.kind}_declined", now, former=request.from_id)

    def withdraw(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> None:
        """The owner wants to keep the case after all."""
        case = self.handling.owned(connection, case_id, who)
        request = self.transfers.open_of(connection, case.id)
        if request is None or request.kind != TRANSFER or request.from_id != who.id:
            raise NotAllowed("没有在等答复的转交")
        self.transfers.end(connection, request.id, Request.WITHDRAWN, now)
        self.handling.done(connection, case, who, "transfer_withdrawn", now, to=request.to_id)

    def sweep(self, connection: sa.Connection, now: datetime) -> int:
        """Requests whose time has run out: the owner keeps the case and hears so."""
        due = self.transfers.due(connection, now)
        for transfer_id, case_id in due:
            case = self.handling.case(connection, case_id)
            request = self.transfers.get(connection, transfer_id)
            if request is None or request.state != Request.ASKED:
                continue  # answered while we waited for the lock
            became = transfer.outcome(stands=self.stands(connection, request, case))
            what = f"{request.kind}_{became.value}"
            self.transfers.end(connection, request.id, became, now)
            self.handling.alarm.tell(connection, case, what, now, former=request.from_id, to=request.to_id)
            self.handling.staff.audit(connection, what, now, object_id=case.id, to=request.to_id)
        return len(due)

    def promise(self, connection: sa.Connection, case_id: str, who: Counsellor, text: str, now: datetime) -> None:
        """Keep what the person was promised, so that the next shift knows."""
        case = self.handling.case(connection, case_id)
        if not 1 < len(text.strip()) <= transfer.LONGEST:
            raise NotAllowed(f"请写下答应了什么（2到{transfer.LONGEST}个字）")
        self.handling.asides.promise(connection, case.id, who.id, text.strip(), now)
        self.handling.done(connection, case, who, "promised", now)

    def keep(self, connection: sa.Connection, case_id: str, who: Counsellor, promise_id: str, now: datetime) -> None:
        """The promise was kept."""
        case = self.handling.case(connection, case_id)
        if not self.handling.asides.keep(connection, promise_id, case.id, who.id, now):
            raise NotAllowed("这一条已经标记过了")
        self.handling.done(connection, case, who, "promise_kept", now)

    def waits(self, connection: sa.Connection, case: Case) -> bool:
        """Whether somebody has to come: nobody serves it, or it rings because of who does."""
        if case.state in SERVED:
            return self.handling.alarm.alerts.is_called(connection, case.id)
        return case.state in (State.NEW, State.WAITING_USER)

    def stands(self, connection: sa.Connection, request: Transfer, case: Case) -> bool:
        """Whether the case is still where it was asked for."""
        return transfer.stands(request, case.owner_id, waits=self.waits(connection, case))

    def _take(
        self, connection: sa.Connection, request: Transfer, case: Case, who: Counsellor, now: datetime
    ) -> None:  # fmt: skip
        """The lead has weighed who carries how much: no limit holds up what was assigned."""
        if not may_take(who.roles, case.level):  # it has risen meanwhile
            raise NotAllowed("志愿者只接绿色、蓝色个案，这一个请接线员接手")
        if case.state in SERVED:
            self.handling.pass_on(connection, case, who, now)
            self.handling.done(connection, case, who, "taken_over", now, former=case.owner_id or "")
        else:
            self.floor.desk.claim(connection, case.id, who, now)
        self.handling.done(connection, case, who, "assignment_accepted", now, former=request.from_id)

    def _answered(self, connection: sa.Connection, transfer_id: str, who: Counsellor) -> tuple[Transfer, Case]:
        """The request and its case, locked: what is read after the lock stays true."""
        seen = self.transfers.get(connection, transfer_id)
        if seen is None or seen.to_id != who.id:
            raise NotAllowed("没有这个转交")
        case = self.handling.case(connection, seen.case_id)
        request = self.transfers.get(connection, transfer_id)
        return request or seen, case
