"""Asking somebody from outside the shift to look at one case: for a time, with a reason, ended at any moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from escalation.cases import NotAllowed
from escalation.handling import Handling
from records.shares import Share, Shares
from records.staff import Counsellor

INVITED_ROLES = frozenset({"mh_officer", "expert"})
DAYS = (1, 3, 7, 14, 30)  # for how long
REVEAL_WORDS = {
    "rescue": "要告诉120、110或家属",
    "contact": "要用其他方式联系",
    "same_person": "要核对是不是同一个人",
    "supervision": "督导或复核",
}
_LEAST_REASON = 4
_LONGEST_REASON = 1000
_LONGEST_OPINION = 4000


@dataclass(frozen=True)
class Invitation:
    """What the form says."""

    with_id: str
    days: int
    reason: str
    shows_contact: bool


@dataclass(frozen=True)
class SharingDesk:
    """Invitations, opinions, and looks behind the masks. Each method runs inside one transaction."""

    handling: Handling
    shares: Shares

    def invite(
        self, connection: sa.Connection, case_id: str, who: Counsellor, wanted: Invitation, now: datetime
    ) -> None:
        """Let one person see this case until a date."""
        case = self.handling.case(connection, case_id)
        guest = self.handling.staff.get(connection, wanted.with_id)
        if guest is None or not guest.is_active or not INVITED_ROLES & set(guest.roles):
            raise NotAllowed("请选择一位精防人员或专家")
        if wanted.days not in DAYS:
            raise NotAllowed("请选择共享几天")
        if not _LEAST_REASON <= len(wanted.reason.strip()) <= _LONGEST_REASON:
            raise NotAllowed(f"请写明为什么请对方看（{_LEAST_REASON}到{_LONGEST_REASON}个字）")
        if self.shares.open_with(connection, guest.id, now, case.id):
            raise NotAllowed("已经共享给这一位；要改期限，请先结束现在的共享")
        share_id = self.shares.add(
            connection, wanted.reason.strip(), case_id=case.id, with_id=guest.id, by_id=who.id,
            shows_contact=wanted.shows_contact, at=now, until=now + timedelta(days=wanted.days),
        )  # fmt: skip
        self.handling.done(
            connection, case, who, "case_shared", now, share=share_id, guest=guest.id, days=wanted.days,
            contact=int(wanted.shows_contact),
        )  # fmt: skip

    def end(self, connection: sa.Connection, case_id: str, who: Counsellor, share_id: str, now: datetime) -> None:
        """End an invitation before its time."""
        case = self.handling.case(connection, case_id)
        share = next((each for each in self.shares.of_case(connection, case.id) if each.id == share_id), None)
        if share is None or not is_open(share, now):
            raise NotAllowed("这个共享已经结束了")
        self.shares.end(connection, share.id, who.id, now)
        self.handling.done(connection, case, who, "case_share_ended", now, share=share.id, guest=share.with_id)

    def give_opinion(self, connection: sa.Connection, case_id: str, who: Counsellor, text: str, now: datetime) -> None:
        """Somebody invited writes what they think; the team reads it among the notes."""
        case = self.handling.case(connection, case_id)
        if not text.strip():
            raise NotAllowed("意见不能是空的")
        if len(text) > _LONGEST_OPINION:
            raise NotAllowed(f"意见最多{_LONGEST_OPINION}字")
        self.handling.alarm.cases.add_note(connection, case.id, who.id, text, now, "opinion")
        self.handling.done(connection, case, who, "opinion_given", now)

    def reveal(
        self, connection: sa.Connection, case_id: str, who: Counsellor, session_id: str, why: str, now: datetime
    ) -> None:  # fmt: skip
        """Show names and contact details to somebody who does not serve the case, for this sign-in."""
        case = self.handling.case(connection, case_id)
        if why not in REVEAL_WORDS:
            raise NotAllowed("请选择查看的原因")
        self.shares.add_reveal(connection, case.id, session_id, who.id, why, now)
        self.handling.done(connection, case, who, "contact_revealed", now, why=why)


def is_open(share: Share, now: datetime) -> bool:
    """Whether somebody still sees the case by it."""
    return share.ended_at is None and now < share.until
