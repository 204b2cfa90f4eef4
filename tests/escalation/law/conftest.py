"""Old conversations, and the night in which they go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from escalation.law.retention import load_schedule
from escalation.law.retention_desk import RetentionDesk
from records import tables as t
from records.conversations import NewMessage
from tests.building import NOW, do, rows
from tests.escalation.conftest import Office, office
from triage.risk import Level, Screening

__all__ = ["office"]
TWO_AT_NIGHT = NOW + timedelta(hours=16)  # ten in the morning in Shanghai, sixteen hours later


@dataclass
class Archive:
    """Conversations of some age, and the job that looks at them."""

    office: Office
    desk: RetentionDesk

    def talk(self, name: str, days: float, *, level: Level = Level.NONE, text: str = "失眠怎么办") -> str:
        """A conversation whose last words are so many days old."""
        office, store = self.office, self.office.store
        chat = office.conversation(name)
        at = TWO_AT_NIGHT - timedelta(days=days)

        def work(connection: sa.Connection) -> None:
            new = NewMessage(chat, "visitor", "text", "web", f"{chat}:1", text, at)
            message_id = store.conversations.add(connection, new, 1)
            store.conversations.add_assessment(connection, chat, message_id, Screening(level), level, at)
            told = NewMessage(chat, "bot", "text", "web", f"{chat}:2", "……", at, extra={"article": "E074"})
            store.conversations.add(connection, told, 2)
            store.conversations.change(connection, chat, last_seq=2, last_message_at=at, opened_at=at)

        do(office.writer, work)
        return chat

    def case(self, name: str, days: float, level: Level = Level.LOW) -> str:
        """A closed case so many days old; returns its id."""
        chat = self.talk(name, days, level=level)
        case_id = self.office.danger(chat, level)
        supervisor = self.supervisor()
        self.office.act("claim", case_id, supervisor)
        self.office.act("note", case_id, supervisor, "母亲在身边")
        self.office.act("close", case_id, supervisor, "mistaken", "谈了睡眠，约定再来")
        at = TWO_AT_NIGHT - timedelta(days=days)
        do(self.office.writer, lambda c: self.office.store.cases.change(c, self.office.case(case_id), closed_at=at))
        return case_id

    def supervisor(self):
        with self.office.store.engine.connect() as connection:
            found = self.office.store.staff.by_login(connection, "zhao")
        return found or self.office.counsellor("zhao", "supervisor", "privacy_officer")

    def night(self, batches: int = 200) -> int:
        """The job works through the night; returns how many rows it did."""
        return sum(do(self.office.writer, lambda c: self.desk.sweep(c, TWO_AT_NIGHT)) for _ in range(batches))

    def there(self, chat: str) -> tuple[int, int]:
        """How many rows are left of a conversation and of its messages."""
        engine = self.office.store.engine
        return len(rows(engine, t.conversation, id=chat)), len(rows(engine, t.message, conversation_id=chat))


@pytest.fixture
def archive(office: Office) -> Archive:
    store = office.store
    return Archive(
        office, RetentionDesk(replace(load_schedule(), batch=4), store.erasure, store.retention_runs, store.staff)
    )
