"""What happened in follow-ups: tries, answers, and what people said to being called back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault
from records.follow_ups import FollowUp
from records.tables.cases import ENDED
from triage.risk import Level

_TOLD = "told"  # obstacles were told in words, which are sealed


@dataclass(frozen=True)
class Attempt:
    """One try to reach the person."""

    id: str
    follow_up_id: str
    case_id: str
    way: str
    result: str
    by_id: str
    at: datetime
    answered_at: datetime | None
    note: str


@dataclass(frozen=True)
class Consent:
    """What the person said to being called back, or what a supervisor decided."""

    answer: str
    reason: str
    phone: str
    by_id: str
    at: datetime


@dataclass(frozen=True)
class Heard:
    """What one call brought: values, or reasons why there is none."""

    follow_up_id: str
    ideas: str
    hopelessness: str
    acts: str
    help: Sequence[str]
    obstacles: str
    is_told: bool  # obstacles are words, not a reason
    level: Level
    next_on: datetime | None
    note: str
    by_id: str
    at: datetime


class FollowUpTalks:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def add_attempt(self, connection: sa.Connection, task: FollowUp, *, note: str = "", **values: Any) -> str:
        """Keep a try."""
        row_id = new_id()
        sealed = self.vault.seal(note, "follow_up_attempt.note", row_id) if note else None
        connection.execute(
            t.follow_up_attempt.insert().values(
                district_id=self.district, id=row_id, follow_up_id=task.id, case_id=task.case_id, note_sealed=sealed,
                **values,
            )
        )  # fmt: skip
        return row_id

    def attempts(self, connection: sa.Connection, case_id: str) -> list[Attempt]:
        """Every try of a case, oldest first."""
        row = t.follow_up_attempt
        query = sa.select(row).where(row.c.district_id == self.district, row.c.case_id == case_id).order_by(row.c.at)
        return [self._attempt(found) for found in connection.execute(query)]

    def tries(self, connection: sa.Connection, task_ids: Sequence[str]) -> dict[str, list[tuple[str, datetime]]]:
        """Task -> result and time of each try, oldest first."""
        row = t.follow_up_attempt
        query = sa.select(row.c.follow_up_id, row.c.result, row.c.at).where(
            row.c.district_id == self.district, row.c.follow_up_id.in_(task_ids)
        )
        found: dict[str, list[tuple[str, datetime]]] = {}
        for task_id, result, at in connection.execute(query.order_by(row.c.at)):
            found.setdefault(task_id, []).append((result, at))
        return found

    def answered(self, connection: sa.Connection, now: datetime) -> list[tuple[Attempt, datetime]]:
        """Tries through the chat after which the person wrote, with when; a look at few rows."""
        row, talk, case = t.follow_up_attempt, t.conversation, t.case_record
        query = (
            sa.select(row, talk.c.last_message_at)
            .join(case, sa.and_(case.c.district_id == self.district, case.c.id == row.c.case_id))
            .join(talk, sa.and_(talk.c.district_id == self.district, talk.c.id == case.c.conversation_id))
            .where(
                row.c.district_id == self.district, row.c.result == "sent", row.c.at <= now,
                talk.c.last_message_at > row.c.at,
            )
            .with_for_update(of=row, skip_locked=True)
        )  # fmt: skip
        return [(self._attempt(found), found.last_message_at) for found in connection.execute(query)]

    def undelivered(self, connection: sa.Connection) -> list[Attempt]:
        """Tries through the chat whose words did not arrive."""
        row, out = t.follow_up_attempt, t.outbox
        query = (
            sa.select(row)
            .join(out, sa.and_(out.c.district_id == self.district, out.c.id == row.c.outbox_id))
            .where(
                row.c.district_id == self.district, row.c.result == "sent",
                out.c.state.in_(("dead", "settled", "dropped")),
            )
            .with_for_update(of=row, skip_locked=True)
        )  # fmt: skip
        return [self._attempt(found) for found in connection.execute(query)]

    def give_up_waiting(self, connection: sa.Connection, task_id: str) -> None:
        """What was written and got no answer counts as no answer."""
        row = t.follow_up_attempt
        connection.execute(
            row.update()
            .where(row.c.district_id == self.district, row.c.follow_up_id == task_id, row.c.result == "sent")
            .values(result="no_answer")
        )

    def change_attempt(self, connection: sa.Connection, attempt_id: str, **values: Any) -> None:  # columns
        """Set what became of a try."""
        row = t.follow_up_attempt
        connection.execute(
            row.update().where(row.c.district_id == self.district, row.c.id == attempt_id).values(**values)
        )

    def add_consent(
        self, connection: sa.Connection, case_id: str, answer: str, by_id: str, now: datetime, *,
        reason: str = "", phone: str = "",
    ) -> None:  # fmt: skip
        """Keep an answer or a decision."""
        row_id = new_id()
        connection.execute(
            t.follow_up_consent.insert().values(
                district_id=self.district, id=row_id, case_id=case_id, answer=answer, by_id=by_id, at=now,
                reason_sealed=self.vault.seal(reason, "follow_up_consent.reason", row_id) if reason else None,
                phone_sealed=self.vault.seal(phone, "follow_up_consent.phone", row_id) if phone else None,
            )
        )  # fmt: skip

    def withdraw(self, connection: sa.Connection, contact_id: str, reason: str, now: datetime) -> int:
        """The person takes back that they agreed to calls, in every case that goes on; returns in how many."""
        case = t.case_record
        query = sa.select(case.c.id).where(
            case.c.district_id == self.district, case.c.contact_id == contact_id, case.c.state.not_in(ENDED)
        )
        agreed = [
            case_id for case_id in connection.execute(query).scalars().all()
            if [one.answer for one in self.consents(connection, case_id)][-1:] == ["agreed"]
        ]  # fmt: skip
        for case_id in agreed:
            self.add_consent(connection, case_id, "refused", "", now, reason=reason)
        return len(agreed)

    def consents(self, connection: sa.Connection, case_id: str) -> list[Consent]:
        """Answers and decisions of a case, oldest first."""
        row = t.follow_up_consent
        query = sa.select(row).where(row.c.district_id == self.district, row.c.case_id == case_id).order_by(row.c.at)
        return [
            Consent(
                found.answer,
                self._open(found.reason_sealed, "follow_up_consent.reason", found.id),
                self._open(found.phone_sealed, "follow_up_consent.phone", found.id),
                found.by_id,
                found.at,
            )
            for found in connection.execute(query)
        ]

    def add_heard(self, connection: sa.Connection, case_id: str, heard: Heard) -> None:
        """Keep the answers of a call; words are sealed, codes and numbers are not."""
        row_id = new_id()
        told = self.vault.seal(heard.obstacles, "follow_up_outcome.obstacles", row_id) if heard.is_told else None
        connection.execute(
            t.follow_up_outcome.insert().values(
                district_id=self.district, id=row_id, case_id=case_id, follow_up_id=heard.follow_up_id,
                ideas=heard.ideas, hopelessness=heard.hopelessness, acts=heard.acts, help=json.dumps(list(heard.help)),
                obstacles=_TOLD if heard.is_told else heard.obstacles, obstacles_sealed=told, level=int(heard.level),
                next_on=heard.next_on, by_id=heard.by_id, at=heard.at,
                note_sealed=self.vault.seal(heard.note, "follow_up_outcome.note", row_id) if heard.note else None,
            )
        )  # fmt: skip

    def heard(self, connection: sa.Connection, case_id: str) -> list[Heard]:
        """What the calls of a case brought, oldest first."""
        row = t.follow_up_outcome
        query = sa.select(row).where(row.c.district_id == self.district, row.c.case_id == case_id).order_by(row.c.at)
        return [self._heard(found) for found in connection.execute(query)]

    def _heard(self, row: Any) -> Heard:  # Any: SQLAlchemy rows are untyped
        is_told = row.obstacles == _TOLD
        told = self.vault.open(row.obstacles_sealed, "follow_up_outcome.obstacles", row.id) if is_told else ""
        return Heard(
            row.follow_up_id, row.ideas, row.hopelessness, row.acts, json.loads(row.help), told or row.obstacles,
            is_told, Level(row.level), row.next_on, self._open(row.note_sealed, "follow_up_outcome.note", row.id),
            row.by_id, row.at,
        )  # fmt: skip

    def newest_answers(self, connection: sa.Connection, case_ids: Sequence[str]) -> dict[str, str]:
        """Case -> the newest answer or decision."""
        row = t.follow_up_consent
        query = sa.select(row.c.case_id, row.c.answer).where(
            row.c.district_id == self.district, row.c.case_id.in_(case_ids)
        )
        return {found.case_id: found.answer for found in connection.execute(query.order_by(row.c.at))}

    def _open(self, sealed: bytes | None, name: str, row_id: str) -> str:
        return self.vault.open(sealed, name, row_id) if sealed else ""

    def _attempt(self, row: Any) -> Attempt:  # Any: SQLAlchemy rows are untyped
        note = self._open(row.note_sealed, "follow_up_attempt.note", row.id)
        return Attempt(
            row.id, row.follow_up_id, row.case_id, row.way, row.result, row.by_id, row.at, row.answered_at, note
        )
