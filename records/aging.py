"""Which rows are old enough to go. Nothing goes while its person has something open.

Open: a case that has not ended, a call, rescue, referral, report or complaint that somebody still has to look
after, a legal hold, a request under way.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.tables.cases import ENDED

_LEVEL = t.assessment.c.conversation_level
_UNDER_WAY = ("open", "answered")  # states of a request
_TO_DO = ("todo", "doing")  # states of a follow-up
_AWAITED = ("proposed", "sent", "received", "accepted")  # states of a referral
_MATTERS_DONE = (
    "reported", "not_reported", "shared", "disputed", "refused", "withdrawn", "acknowledged", "closed",
)  # fmt: skip
FIRST = {
    "files": t.attachment,
    "handovers": t.handover,
    "arrivals": t.incoming_referral,
    "drafts": t.draft,
}  # else: conversations


def is_under_way(district: str) -> sa.ColumnElement[bool]:
    """Whether a row of case_record is open, or somebody still has to do something about it."""
    case = t.case_record

    def some(table: sa.Table, *which: sa.ColumnElement[bool]) -> sa.Exists:
        of_case = (table.c.district_id == district, table.c.case_id == case.c.id)
        return sa.exists().where(*of_case, *which).correlate(case)

    return sa.or_(
        case.c.state.not_in(ENDED),
        some(t.follow_up, t.follow_up.c.state.in_(_TO_DO)),
        some(t.rescue, t.rescue.c.decision == "started", t.rescue.c.ended_at.is_(None)),
        some(t.referral, t.referral.c.state.in_(_AWAITED)),
        some(t.referral_task, t.referral_task.c.done_at.is_(None)),
        some(t.matter, t.matter.c.state.not_in(_MATTERS_DONE)),
    )


class Aging:
    """Knows what of each kind is old enough, for one district."""

    def __init__(self, district: str):
        self.district = district
        self._due: dict[str, Callable[[datetime], sa.Select[Any]]] = {
            "lookups": self._lookups,
            "files": self._files,
            "identity": self._identity,
            "drills": self._drills,
            "records": self._records,
            "talks": self._talks,
            "handovers": self._handovers,
            "arrivals": self._arrivals,
            "drafts": self._drafts,
        }

    def due(self, kind: str, until: datetime) -> sa.Select[Any]:
        """The ids of what was over before then."""
        return self._due[kind](until)

    def _lookups(self, until: datetime) -> sa.Select[Any]:
        serious = self._any(t.assessment, t.assessment.c.message_id, _LEVEL > 0, of=t.message.c.id)
        heard = self._any(t.message, t.message.c.conversation_id, serious)
        return self._quiet(until).where(
            ~heard, ~self._has_case(), ~self._about_contact(t.consent), ~self._about_contact(t.case_flag)
        )

    def _talks(self, until: datetime) -> sa.Select[Any]:
        return self._quiet(until).where(~self._has_case())

    def _records(self, until: datetime) -> sa.Select[Any]:
        return self._quiet(until).where(self._has_case(), self._any(t.message, t.message.c.conversation_id))

    def _identity(self, until: datetime) -> sa.Select[Any]:
        other = t.conversation.alias("other")  # of the same contact, in which something happened since
        lives = (
            sa.exists()
            .where(other.c.district_id == self.district, other.c.contact_id == t.conversation.c.contact_id)
            .where(sa.func.coalesce(other.c.last_message_at, other.c.opened_at) > until)
        )
        named = self._any(t.contact, t.contact.c.id, t.contact.c.nameless_at.is_(None), of=t.conversation.c.contact_id)
        return self._quiet(until).where(named, ~lives)

    def _drills(self, until: datetime) -> sa.Select[Any]:
        return self._quiet(until, is_drill=True)

    def _files(self, until: datetime) -> sa.Select[Any]:
        """By their own age, so that somebody who writes for years does not keep every voice."""
        of_message = sa.and_(t.message.c.district_id == self.district, t.message.c.id == t.attachment.c.message_id)
        chat = t.conversation.c
        of_chat = sa.and_(chat.district_id == self.district, chat.id == t.attachment.c.conversation_id)
        return (
            sa.select(t.attachment.c.id)
            .join(t.message, of_message)
            .join(t.conversation, of_chat)
            .where(t.attachment.c.district_id == self.district, t.attachment.c.body_sealed.is_not(None))
            .where(t.message.c.received_at <= until, *self._free(until))
        )

    def _handovers(self, until: datetime) -> sa.Select[Any]:
        return sa.select(t.handover.c.id).where(t.handover.c.district_id == self.district, t.handover.c.out_at <= until)

    def _arrivals(self, until: datetime) -> sa.Select[Any]:
        """Whoever was sent to us and never became a case here; the others go with their case."""
        row = t.incoming_referral.c
        return sa.select(row.id).where(row.district_id == self.district, row.case_id.is_(None), row.done_at <= until)

    def _drafts(self, until: datetime) -> sa.Select[Any]:
        return sa.select(t.draft.c.id).where(t.draft.c.district_id == self.district, t.draft.c.at <= until)

    def _quiet(self, until: datetime, *, is_drill: bool = False) -> sa.Select[Any]:
        """Conversations in which nothing happened since then and whose person has nothing open."""
        last, opened = t.conversation.c.last_message_at, t.conversation.c.opened_at
        return sa.select(t.conversation.c.id).where(
            t.conversation.c.district_id == self.district,
            t.conversation.c.is_drill.is_(is_drill),
            sa.or_(last <= until, sa.and_(last.is_(None), opened <= until)),  # not coalesce: by the index
            *self._free(until),
        )

    def _free(self, until: datetime) -> tuple[sa.ColumnElement[bool], ...]:
        open_case = sa.or_(is_under_way(self.district), t.case_record.c.closed_at > until)
        return (
            ~self._about_kin(t.case_record, open_case),
            ~self._about_kin(t.legal_hold, t.legal_hold.c.released_at.is_(None)),
            ~self._about_kin(t.law_request, t.law_request.c.state.in_(_UNDER_WAY)),
        )

    def _about_kin(self, table: sa.Table, which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        """A row about the conversation's contact, or about one that is the same person."""
        mine, kin = t.contact.alias("mine"), t.contact.alias("kin")
        about_one = self._any(table, table.c.contact_id, which, of=kin.c.id)  # one in the other: no planner turns it
        is_kin = self._any(kin, kin.c.person_id, about_one, of=mine.c.person_id)
        of_kin = self._any(mine, mine.c.id, is_kin, of=t.conversation.c.contact_id)
        return sa.or_(self._any(table, table.c.contact_id, which, of=t.conversation.c.contact_id), of_kin)

    def _about_contact(self, table: sa.Table) -> sa.Exists:
        return self._any(table, table.c.contact_id, of=t.conversation.c.contact_id)

    def _has_case(self) -> sa.Exists:
        return self._any(t.case_record, t.case_record.c.conversation_id)

    def _any(self, table: Any, key: Any, *which: sa.ColumnElement[bool], of: Any = t.conversation.c.id) -> sa.Exists:
        """Some row whose key is a column of the query around it."""
        return sa.exists().where(table.c.district_id == self.district, key == of, *which).correlate(of.table)
