"""What goes when its time is over, and how a table loses it; aging.py knows which rows are old enough.

Every table that holds words of people is named here or in KEPT; a test reads the list.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from records import tables as t
from records.aging import FIRST, Aging
from records.crypto import Vault

_ZONE = ZoneInfo("Asia/Shanghai")
BY_MESSAGE = (t.assessment.c.message_id, t.attachment.c.message_id, t.transcript.c.id)  # what has an index
BY_CONVERSATION = (t.outbox, t.message, t.answer_mark, t.unanswered)
BY_REFERRAL = (t.referral_step, t.partner_link)
BY_MATTER = (t.matter_step, t.matter_task)
BY_CASE = (  # rows that are nothing without their words; what left the house stays in `provision`, which has none
    t.note, t.alert, t.record_entry, t.safety_plan, t.whisper, t.promise, t.transfer, t.help_call, t.case_share,
    t.rescue_quote, t.outside_call, t.information_given, t.incoming_referral, t.referral_task, t.referral, t.matter,
    t.review_entry, t.message_remark, t.draft,
)  # fmt: skip
BY_CONTACT = (t.contact_plan, t.contact_decision)
NAMING = (t.link_code, t.emergency_contact)  # rows of a contact that lead to the person: gone with the name
NAMES_OF_CASE = (t.follow_up_consent.c.phone_sealed,)
WORDS_OF_CASE = (  # the row stays as a number with its times, so that no figure changes afterwards
    (t.case_record.c.id, t.case_record.c.summary_sealed),
    *((words.table.c.case_id, words) for words in (
        t.level_change.c.reason_sealed, t.follow_up.c.reason_sealed, t.follow_up_attempt.c.note_sealed,
        t.follow_up_consent.c.reason_sealed, t.follow_up_outcome.c.note_sealed, t.reopening.c.summary_sealed,
        t.rescue.c.arrival_sealed, t.rescue.c.outcome_sealed, t.rescue.c.second_sealed,
        t.missed_review.c.example_sealed, t.closing.c.summary_sealed, t.closing.c.words_sealed,
    )),
)  # fmt: skip
EMPTIED = (  # the same, where the column must hold something
    (t.rescue.c.reason_sealed, "rescue.reason"),
    (t.follow_up_outcome.c.obstacles_sealed, "follow_up_outcome.obstacles"),
    (t.missed_review.c.note_sealed, "missed_review.note"),
)
BY_DRILL = (  # nothing of a drill is a figure
    t.level_change, t.follow_up, t.follow_up_attempt, t.follow_up_consent, t.follow_up_outcome, t.reopening, t.rescue,
    t.closing, t.provision, t.stint, t.companion, t.case_review, t.debrief, t.missed_review,
)  # fmt: skip
BY_ITSELF = (t.handover,)  # by its own age, as a rule of its own
KEPT = {  # table -> why this job leaves its sealed words alone
    "contact": "emptied by pseudonymise()",
    "seal": "no words of people",
    "channel_state": "no words of people",
    "legal_hold": "why something was kept must be found as long as anything else",
    "law_request": "what was asked and answered is the proof that it was",
    "record_copy": "the person's own copy, promised for some days: it goes when its link ends",
    "access_grant": "why a minor's case was read is the proof of the yearly audit",
    "drill_plan": "what a drill taught the house; no words of people who write to us",
    "institution": "no words of people who write to us",
    "institution_version": "no words of people who write to us",
    "second_factor": "of a colleague's account",
    "notice_address": "of colleagues; a visitor's goes in pseudonymise()",
}


@dataclass(frozen=True)
class Look:
    """Where to go on, and how many rows one transaction looks at: messages that arrive meanwhile wait so long."""

    after: str
    most: int


@dataclass(frozen=True)
class Batch:
    """What one transaction did: how many rows went, the last that was looked at, whether it was the end."""

    count: int
    after: str
    is_last: bool


class Erasure:
    """Finds and removes what is old, for one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault
        self.aging = Aging(district)
        self._do: dict[str, Callable[[sa.Connection, Sequence[str], datetime], None]] = {
            "lookups": self._count_and_delete,
            "files": self._empty_files,
            "identity": self.pseudonymise,
            "drills": self._delete_drills,
            "records": self.erase,
            "talks": self.delete,
            "handovers": lambda connection, ids, _: self._delete(connection, t.handover, t.handover.c.id, ids),
            "drafts": lambda connection, ids, _: self._delete(connection, t.draft, t.draft.c.id, ids),
            "arrivals": lambda connection, ids, _: self._delete(
                connection, t.incoming_referral, t.incoming_referral.c.id, ids
            ),
        }

    def count(self, connection: sa.Connection, kind: str, until: datetime) -> int:
        """How many are old enough."""
        found = self.aging.due(kind, until).subquery()
        return connection.execute(sa.select(sa.func.count()).select_from(found)).scalar_one()

    def run(self, connection: sa.Connection, kind: str, until: datetime, look: Look, now: datetime) -> Batch:
        """Look at some rows and do what is due of them. A conversation in which somebody writes now is left out."""
        first = FIRST.get(kind, t.conversation)
        window = self._window(connection, first, look)
        due = self.aging.due(kind, until).where(first.c.id.in_(window)).with_for_update(of=first, skip_locked=True)
        ids = list(connection.execute(due).scalars()) if window else []
        if ids:
            self._do[kind](connection, ids, now)
        return Batch(len(ids), window[-1] if window else look.after, len(window) < look.most)

    def _window(self, connection: sa.Connection, table: sa.Table, look: Look) -> list[str]:
        query = (
            sa.select(table.c.id)
            .where(table.c.district_id == self.district, table.c.id > look.after)
            .order_by(table.c.id)
            .limit(look.most)
        )
        return list(connection.execute(query).scalars())

    def pseudonymise(self, connection: sa.Connection, conversation_ids: Sequence[str], now: datetime) -> None:
        """Nothing leads from these conversations to their person any more; what was said stays sealed."""
        contacts = self._contacts_of(connection, conversation_ids)
        for contact_id in contacts:
            connection.execute(
                t.contact.update()
                .where(t.contact.c.district_id == self.district, t.contact.c.id == contact_id)
                .values(
                    external_index=f"nameless:{contact_id}", nickname_sealed=None, person_id=None, nameless_at=now,
                    external_sealed=self.vault.seal("", "contact.external", contact_id), unreachable="closed",
                )
            )  # fmt: skip
        self._update(connection, t.conversation, t.conversation.c.contact_id, contacts, token_hash=None)
        for table in NAMING:
            self._delete(connection, table, table.c.contact_id, contacts)
        self._forget_devices(connection, conversation_ids)
        cases = self._cases_of(connection, conversation_ids)
        for words in NAMES_OF_CASE:
            self._update(connection, words.table, words.table.c.case_id, cases, **{words.name: None})

    def delete(self, connection: sa.Connection, conversation_ids: Sequence[str], _now: datetime) -> None:
        """Conversations without a case go with everything that was said, and the contact with the last of them."""
        contacts = self._contacts_of(connection, conversation_ids)
        self._delete_words(connection, conversation_ids)
        self._forget_devices(connection, conversation_ids)
        self._delete(connection, t.allowance, t.allowance.c.id, conversation_ids)
        self._delete(connection, t.conversation, t.conversation.c.id, conversation_ids)
        still = sa.select(t.conversation.c.contact_id).where(
            t.conversation.c.district_id == self.district, t.conversation.c.contact_id.in_(contacts)
        )
        gone = [one for one in contacts if one not in set(connection.execute(still).scalars())]
        for table in (*BY_CONTACT, *NAMING):
            self._delete(connection, table, table.c.contact_id, gone)
        self._delete(connection, t.contact, t.contact.c.id, gone)

    def erase(self, connection: sa.Connection, conversation_ids: Sequence[str], now: datetime) -> None:
        """Every word of these conversations and their cases goes; a case stays as a number with its times."""
        self.pseudonymise(connection, conversation_ids, now)
        contacts = self._contacts_of(connection, conversation_ids)
        cases = self._cases_of(connection, conversation_ids)
        self._delete_words(connection, conversation_ids)
        self._update(connection, t.conversation, t.conversation.c.id, conversation_ids, memory="{}")
        self._delete_of_cases(connection, cases, BY_CASE)
        for key, words in WORDS_OF_CASE:
            self._update(connection, words.table, key, cases, **{words.name: None})
        for words, where in EMPTIED:
            self._empty(connection, words, where, cases)
        for table in BY_CONTACT:
            self._delete(connection, table, table.c.contact_id, contacts)

    def empty_files_of(self, connection: sa.Connection, conversation_ids: Sequence[str]) -> None:
        """Voices, pictures and files of these conversations go; that there were some stays."""
        of_message = t.attachment.c.message_id
        self._update(connection, t.attachment, of_message, self._messages_of(conversation_ids), **self._no_file())

    def _empty_files(self, connection: sa.Connection, ids: Sequence[str], _now: datetime) -> None:
        self._update(connection, t.attachment, t.attachment.c.id, ids, **self._no_file())

    def _no_file(self) -> dict[str, Any]:  # columns
        return {"state": "gone", "body_sealed": None, "size": 0}

    def _count_and_delete(self, connection: sa.Connection, ids: Sequence[str], now: datetime) -> None:
        query = sa.select(t.message.c.author, t.message.c.extra, t.message.c.received_at).where(
            t.message.c.district_id == self.district, t.message.c.conversation_id.in_(ids)
        )
        counts: Counter[tuple[str, str]] = Counter()
        for row in connection.execute(query):
            article = "" if row.author == "visitor" else json.loads(row.extra).get("article", "")
            if row.author == "visitor" or article:
                counts[row.received_at.astimezone(_ZONE).date().isoformat(), article] += 1
        for (day, article), count in counts.items():
            self._count_up(connection, day, article, count)
        self.delete(connection, ids, now)

    def _count_up(self, connection: sa.Connection, day: str, article: str, more: int) -> None:
        key = f"{day}/{article}"
        grown = connection.execute(
            t.lookup_count.update()
            .where(t.lookup_count.c.district_id == self.district, t.lookup_count.c.id == key)
            .values(count=t.lookup_count.c.count + more)
        )
        if not grown.rowcount:
            connection.execute(
                t.lookup_count.insert().values(district_id=self.district, id=key, day=day, article=article, count=more)
            )

    def _delete_drills(self, connection: sa.Connection, ids: Sequence[str], now: datetime) -> None:
        cases = self._cases_of(connection, ids)
        self._delete_of_cases(connection, cases, (*BY_CASE, *BY_DRILL))
        self._delete(connection, t.case_record, t.case_record.c.id, cases)
        self.delete(connection, ids, now)

    def _delete_words(self, connection: sa.Connection, conversation_ids: Sequence[str]) -> None:
        for key in BY_MESSAGE:
            self._delete(connection, key.table, key, self._messages_of(conversation_ids))
        for table in BY_CONVERSATION:
            self._delete(connection, table, table.c.conversation_id, conversation_ids)

    def _delete_of_cases(self, connection: sa.Connection, cases: Sequence[str], tables: Sequence[sa.Table]) -> None:
        referrals = sa.select(t.referral.c.id).where(
            t.referral.c.district_id == self.district, t.referral.c.case_id.in_(cases)
        )
        for table in BY_REFERRAL:
            self._delete(connection, table, table.c.referral_id, referrals)
        matters = sa.select(t.matter.c.id).where(t.matter.c.district_id == self.district, t.matter.c.case_id.in_(cases))
        for table in BY_MATTER:
            self._delete(connection, table, table.c.matter_id, matters)
        for table in tables:
            self._delete(connection, table, table.c.case_id, cases)

    def _empty(self, connection: sa.Connection, words: sa.Column[Any], where: str, cases: Sequence[str]) -> None:
        table = words.table
        query = sa.select(table.c.id).where(
            table.c.district_id == self.district, table.c.case_id.in_(cases), words.is_not(None)
        )
        for row_id in connection.execute(query).scalars().all():
            self._update(connection, table, table.c.id, [row_id], **{words.name: self.vault.seal("", where, row_id)})

    def _forget_devices(self, connection: sa.Connection, conversation_ids: Sequence[str]) -> None:
        """Where their browsers wanted to be reminded."""
        row = t.notice_address
        connection.execute(
            row.delete().where(
                row.c.district_id == self.district, row.c.owner == "visitor", row.c.owner_id.in_(conversation_ids)
            )
        )

    def _messages_of(self, conversation_ids: Sequence[str]) -> sa.Select[Any]:
        return sa.select(t.message.c.id).where(
            t.message.c.district_id == self.district, t.message.c.conversation_id.in_(conversation_ids)
        )

    def _contacts_of(self, connection: sa.Connection, conversation_ids: Sequence[str]) -> list[str]:
        query = sa.select(t.conversation.c.contact_id).where(
            t.conversation.c.district_id == self.district, t.conversation.c.id.in_(conversation_ids)
        )
        return list(dict.fromkeys(connection.execute(query).scalars()))

    def _cases_of(self, connection: sa.Connection, conversation_ids: Sequence[str]) -> list[str]:
        query = sa.select(t.case_record.c.id).where(
            t.case_record.c.district_id == self.district, t.case_record.c.conversation_id.in_(conversation_ids)
        )
        return list(connection.execute(query).scalars())

    def _delete(self, connection: sa.Connection, table: Any, key: Any, ids: Sequence[str] | sa.Select[Any]) -> None:
        connection.execute(table.delete().where(table.c.district_id == self.district, key.in_(ids)))

    def _update(
        self, connection: sa.Connection, table: Any, key: Any, ids: Sequence[str] | sa.Select[Any], **values: Any
    ) -> None:  # columns
        connection.execute(table.update().where(table.c.district_id == self.district, key.in_(ids)).values(**values))
