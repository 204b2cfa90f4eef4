"""A hotline's past in rows: invented sessions, cases, records, follow-ups and referrals, as many as are asked for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.store import Store
from tests.building import counsellor, do
from triage.risk import Level

Row = dict[str, Any]
_HOURS = (3, 2, 2, 1, 1, 1, 1, 2, 3, 4, 5, 5, 4, 4, 5, 5, 5, 6, 7, 9, 11, 12, 10, 6)
_CHANNELS = ("web", "web", "web", "wechat", "wechat", "wecom", "telegram")
_ANSWERS = {
    "age_band": ("under_14", "14_17", "14_17", "18_25", "18_25", "18_25", "26_35", "36_45", "60_plus"),
    "gender": ("female", "female", "male"), "problems": ("mood,sleep", "study", "marriage", "love", "crisis", "work"),
    "ideation": ("passive", "active", "none"), "plan": ("none", "vague"), "current_act": ("none",),
    "safety_plan": ("given", "written", "unwilling"), "companion": ("家人",), "distress_start": ("80", "90", "60"),
    "distress_end": ("50", "40", "60"), "intent_start": ("60",), "intent_end": ("30", "20"), "hope_start": ("20",),
    "hope_end": ("40", "50"),
}  # fmt: skip


@dataclass
class Past:
    """What happened, table by table."""

    store: Store
    dice: random.Random
    staff: list[str]
    rows: dict[str, list[Row]] = field(default_factory=dict)
    count: int = 0

    def add(self, table: str, **values: Any) -> str:
        """One row; returns its id."""
        self.count += 1
        row_id = values.pop("id", None) or f"{self.count:032x}"
        self.rows.setdefault(table, []).append({"district_id": self.store.staff.district, "id": row_id, **values})
        return str(row_id)

    def flush(self, connection: sa.Connection) -> None:
        """Write everything at once."""
        for table in ("contact", "conversation", "message", "case_record"):
            self._write(connection, table)
        for table in list(self.rows):
            self._write(connection, table)

    def _write(self, connection: sa.Connection, table: str) -> None:
        if found := self.rows.pop(table, []):
            connection.execute(t.metadata.tables[table].insert(), found)

    def session(self, at: datetime, messages: int) -> tuple[str, str]:
        """Somebody new writes; returns (contact, conversation)."""
        channel = self.dice.choice(_CHANNELS)
        who = self.add("contact", channel=channel, external_index=f"x{self.count}", external_sealed=b"", created_at=at)
        chat = self.add("conversation", contact_id=who, channel=channel, epoch=0, last_seq=messages, memory="{}", level=0,
                        is_drill=False, opened_at=at)  # fmt: skip
        for number in range(messages):
            self.add("message", conversation_id=chat, seq=number + 1, author="bot" if number % 2 else "visitor", kind="text",
                     channel=channel, external_id=f"m{self.count}", body_hash="", body_sealed=b"x" * 120, extra="{}",
                     received_at=at + timedelta(seconds=40 * number), handling="done")  # fmt: skip
        if messages > 2:
            article = f"E{self.dice.choice((1, 2, 2, 3, 5, 8)):03d}"
            self.add("outbox", seq=1, conversation_id=chat, channel=channel, lane=1, origin="bot", epoch=0, key="plain",
                     body_sealed=b"", extra=f'{{"article": "{article}"}}', state="sent", reason="", progress=0, attempts=1,
                     due_at=at, made_at=at)  # fmt: skip
        if self.dice.random() < 0.08:
            self.add("unanswered", conversation_id=chat, at=at)
        return who, chat

    def case(self, at: datetime) -> str:
        """A case from its alert to its record."""
        who, chat = self.session(at, 6)
        level = self.dice.choice((Level.LOW,) * 6 + (Level.MEDIUM,) * 5 + (Level.HIGH,) * 3 + (Level.EMERGENCY,))
        came = at + timedelta(seconds=self.dice.expovariate(1 / (20 if level >= Level.HIGH else 200)) + 3)
        is_lost = self.dice.random() < 0.04
        case_id = self.add(
            "case_record", case_no=f"sample-{self.count}", conversation_id=chat, contact_id=who, is_drill=False, version=1,
            state="new" if is_lost else "closed", machine_level=int(level), level=int(level), wish="risk", opened_at=at,
        )  # fmt: skip
        self.add("level_change", case_id=case_id, from_level=0, to_level=int(level), source="machine", state="in_force",
                 evidence="[]", at=at)  # fmt: skip
        self.add("alert", case_id=case_id, conversation_id=chat, level=int(level), step=0, waiting_notes=0, raised_at=at,
                 state="ringing" if is_lost else "answered", answered_at=None if is_lost else came)  # fmt: skip
        if not is_lost:
            self.served(case_id, chat, level, came)
        return case_id

    def served(self, case_id: str, chat: str, level: Level, came: datetime) -> None:
        """What a counsellor did with it."""
        ended = came + timedelta(minutes=40)
        self.add("stint", case_id=case_id, conversation_id=chat, counsellor_id=self.dice.choice(self.staff), peak=int(level),
                 began_at=came, ended_at=ended, rest="")  # fmt: skip
        for name, answers in _ANSWERS.items():
            if self.dice.random() < 0.9:
                self.entry(case_id, name, self.dice.choice(answers), came)
        if level >= Level.HIGH:
            self.follow_up(case_id, level, ended)
        if self.dice.random() < 0.15:
            accepted = ended + timedelta(hours=2) if self.dice.random() < 0.8 else None
            self.add("referral", case_id=case_id, institution_id="i", institution_version=1, kind="clinic", urgency="day",
                     direction="out", method="link", basis="consent", basis_sealed=b"", letter_sealed=b"", letter_hash="",
                     level=int(level), by_id="x", state="accepted" if accepted else "sent", is_drill=False, made_at=ended,
                     attended=self.dice.choice(("yes", "yes", "no", "")) if accepted else "", sent_at=ended,
                     accepted_at=accepted, returned_at=accepted)  # fmt: skip

    def entry(self, case_id: str, name: str, value: str, at: datetime) -> None:
        """One answer of the record."""
        row_id = f"{self.count + 1:032x}"
        missing = self.dice.choice(("not_asked", "refused")) if self.dice.random() < 0.08 else ""
        self.add("record_entry", id=row_id, subject_id=case_id, case_id=case_id, field=name, version=1, missing=missing,
                 value_sealed=self.store.vault.seal("" if missing else value, "record_entry.value", row_id), by_id="x", at=at)  # fmt: skip

    def follow_up(self, case_id: str, level: Level, at: datetime) -> None:
        """The call within a day."""
        done = at + timedelta(hours=self.dice.uniform(2, 28))
        task = self.add("follow_up", case_id=case_id, kind="safety", code="24h", level=int(level), window_start=at,
                        window_end=at + timedelta(hours=24), state="done", step=0, made_by="x", made_at=at, ended_at=done)  # fmt: skip
        self.add(
            "follow_up_attempt", follow_up_id=task, case_id=case_id, way="phone", result="reached", by_id="x", at=done
        )


def days_of(first: datetime, days: int, dice: random.Random, a_day: int) -> Iterator[datetime]:
    """Moments at which people come: the evening is full, and one day is unlike the others."""
    for day in range(days):
        many = a_day + dice.randint(-a_day // 6, a_day // 6)
        for _ in range(many * (2 if day == days - 10 else 1)):
            hour = dice.choices(range(24), _HOURS)[0]
            yield first + timedelta(days=day, hours=hour, seconds=dice.randint(0, 3599))


def fill(store: Store, writer: Any, first: datetime, days: int, *, a_day: int = 24, seed: int = 1) -> None:
    """A past from `first` (a local midnight) on; every fourth visitor becomes a case."""
    dice = random.Random(seed)
    staff = [counsellor(store, writer, f"past{number}").id for number in range(4)]
    past = Past(store, dice, staff)
    for number, at in enumerate(days_of(first, days, dice, a_day)):
        if number % 4:
            past.session(at, dice.choice((2, 4, 8)))
        else:
            past.case(at)
    do(writer, past.flush)
