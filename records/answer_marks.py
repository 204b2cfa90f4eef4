"""What people thought of answers, and the questions that had none: rows without words, beside the sealed messages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from records import tables as t
from records.conversations import Message
from records.crypto import Vault
from triage.risk import Level

DISMISSED = "dismissed"


@dataclass(frozen=True)
class Tally:
    """How often an article helped and how often not."""

    helped: int
    not_helped: int

    @property
    def total(self) -> int:
        """All marks."""
        return self.helped + self.not_helped


@dataclass(frozen=True)
class Asked:
    """A question without an answer, opened."""

    message_id: str
    text: str
    at: datetime


class AnswerMarks:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def keep(
        self, connection: sa.Connection, message: Message, article_id: str, now: datetime, *, helped: bool
    ) -> None:
        """This message says whether an article helped; without an article it is a question that had no answer."""
        own = {"district_id": self.district, "id": message.id, "conversation_id": message.conversation_id, "at": now}
        if article_id:
            c = t.answer_mark.c  # who presses twice, or thinks again, counts once
            earlier = sa.and_(c.conversation_id == message.conversation_id, c.article_id == article_id)
            connection.execute(t.answer_mark.delete().where(c.district_id == self.district, earlier))
            connection.execute(t.answer_mark.insert().values(**own, article_id=article_id, helped=helped))
            return
        u = t.unanswered.c  # a voice that is heard again is looked up again
        connection.execute(t.unanswered.delete().where(u.district_id == self.district, u.id == message.id))
        connection.execute(t.unanswered.insert().values(**own, settled=None))

    def tallies(self, connection: sa.Connection, since: Mapping[str, datetime]) -> dict[str, Tally]:
        """Article -> its marks; of one that was changed in between, those since then. Drills do not count."""
        c, talk = t.answer_mark.c, t.conversation.c
        drills = sa.select(talk.id).where(talk.district_id == self.district, talk.is_drill)
        query = (
            sa.select(c.article_id, sa.func.sum(sa.cast(c.helped, sa.Integer)), sa.func.count())
            .where(c.district_id == self.district, c.conversation_id.not_in(drills))
            .group_by(c.article_id)
        )
        parts = [query.where(c.article_id.not_in(list(since)))]
        parts += [query.where(c.article_id == article, c.at >= at) for article, at in since.items()]
        return {
            article: Tally(helped, total - helped)
            for part in parts
            for article, helped, total in connection.execute(part)
        }

    def unanswered(self, connection: sa.Connection, since: datetime, limit: int) -> list[Asked]:
        """Open questions, newest first. Nothing of anybody who was ever in danger, and nothing of drills."""
        afraid = sa.exists().where(  # the message itself, in any of its judgements
            t.assessment.c.district_id == self.district,
            t.assessment.c.message_id == t.unanswered.c.id,
            t.assessment.c.level > int(Level.NONE),
        )
        query = (
            sa.select(t.unanswered.c.id, t.unanswered.c.at, t.message.c.body_sealed)
            .where(
                t.unanswered.c.district_id == self.district,
                t.message.c.district_id == self.district,
                t.conversation.c.district_id == self.district,
                t.message.c.id == t.unanswered.c.id,
                t.conversation.c.id == t.unanswered.c.conversation_id,
                t.unanswered.c.settled.is_(None),
                t.unanswered.c.at >= since,
                t.conversation.c.is_drill.is_(False),
                ~afraid,
                ~self._was_in_danger(),
            )
            .order_by(t.unanswered.c.at.desc())
            .limit(limit)
        )
        return [
            Asked(row.id, self.vault.open(row.body_sealed, "message.body", row.id), row.at)
            for row in connection.execute(query)
        ]

    def settle(self, connection: sa.Connection, message_ids: Collection[str], by: str) -> None:
        """These questions are answered by a draft, or need none."""
        connection.execute(
            t.unanswered.update()
            .where(
                t.unanswered.c.district_id == self.district,
                t.unanswered.c.id.in_(list(message_ids)),
                t.unanswered.c.settled.is_(None),
            )
            .values(settled=by)
        )

    def _was_in_danger(self) -> sa.ColumnElement[bool]:
        """The conversation is or was at medium or above, whoever said so."""
        least = int(Level.MEDIUM)
        case = sa.exists().where(
            t.case_record.c.district_id == self.district,
            t.case_record.c.conversation_id == t.unanswered.c.conversation_id,
            sa.or_(t.case_record.c.machine_level >= least, t.case_record.c.level >= least),
        )
        return sa.or_(t.conversation.c.level >= least, case)
