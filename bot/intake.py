"""What a platform brought comes in here: find the person, keep everything, screen it, and only then say thanks.

One transaction holds the contact, the message with its assessment, the files still to fetch and whatever the channel
must remember of having received it (a cursor), so that nothing is confirmed to a platform that is not on disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.channels import Channel
from bot.dialogue import TOPIC_BUTTONS
from bot.messages import Arrival, Inbound, Receipt
from bot.pipeline import LONGEST_BYTES, Pipeline
from bot.replies import GREETING
from records import events
from records.attachments import Attachments
from records.contacts import Contact, Contacts
from records.conversations import body_hash
from records.ledger import Allowance, Ledger
from records.outbox_rows import Lane, Pending
from triage.risk import Level, Screening

Then = Callable[[sa.Connection], None]
_LOST = ("left", "blocked", "closed")


@dataclass(frozen=True)
class Arrived:
    """What became of one arrival; `receipt` is None for news that is no message."""

    conversation_id: str
    receipt: Receipt | None


@dataclass
class Intake:
    """Takes arrivals of all platforms. `late`: older messages get an honest line instead of a cheerful answer."""

    pipeline: Pipeline
    contacts: Contacts
    ledger: Ledger
    attachments: Attachments
    channels: Mapping[str, Channel]
    late: timedelta

    async def arrive(self, *arrivals: Arrival, then: Then | None = None) -> list[Arrived]:
        """Keep them all, in order, in one transaction with `then`; answers follow afterwards."""
        now = self.pipeline.now()
        judged = [(arrival, self.pipeline.screen(arrival.text)) for arrival in map(cut, arrivals)]

        def work(connection: sa.Connection) -> list[Arrived]:
            found = [self._take(connection, arrival, screening, now) for arrival, screening in judged]
            if then is not None:
                then(connection)
            return found

        found = await self.pipeline.writer.write(work)
        for arrived in found:
            if arrived.receipt is not None:
                self.pipeline.answer_later(arrived.conversation_id, arrived.receipt)
        return found

    def _take(self, connection: sa.Connection, arrival: Arrival, screening: Screening, now: datetime) -> Arrived:
        contact, conversation_id, is_new = self.contacts.enter(
            connection, arrival.channel, arrival.address, now, arrival.scene
        )
        if arrival.kind in _LOST:
            self.contacts.change(connection, contact.id, unreachable=arrival.kind)
            if arrival.kind != "left":
                self._tell_undelivered(connection, conversation_id, arrival.kind, now)
            return Arrived(conversation_id, None)
        self._meet(connection, contact, arrival)
        if arrival.kind == "joined" or (is_new and screening.level < Level.MEDIUM):
            self._greet(connection, conversation_id, arrival, now)
        receipt = None
        if arrival.kind != "joined":
            receipt = self._store(connection, conversation_id, arrival, screening, now)
        if receipt is None or not receipt.is_repeat:
            self._refill(connection, conversation_id, arrival, now)
        return Arrived(conversation_id, receipt)

    def _tell_undelivered(self, connection: sa.Connection, conversation_id: str, reason: str, now: datetime) -> None:
        """The platform took our words and could not bring them: the desk hears of it, in a case it rings."""
        alarm = self.pipeline.alarm
        case = alarm.cases.open_case_of(connection, conversation_id)
        events.append(
            connection, self.contacts.district, "desk", "undelivered", now, conversation_id=conversation_id,
            case_id=case.id if case else None, row="", reason=reason,
        )  # fmt: skip
        if case is not None:
            alarm.cannot_reach(connection, case, now)

    def _refill(self, connection: sa.Connection, conversation_id: str, arrival: Arrival, now: datetime) -> None:
        rules = self.channels[arrival.channel].rules
        usual = (rules.messages, rules.window) if rules.messages and rules.window else None
        if opens := arrival.opens or usual:
            count, window = opens
            kept = rules.kept_for_people if arrival.opens is None else 0
            new = Allowance(count, (arrival.sent_at or now) + window, kept)
            self.ledger.refill(connection, conversation_id, new, now)

    def _meet(self, connection: sa.Connection, contact: Contact, arrival: Arrival) -> None:
        """They wrote: they can be reached again; a new name or scene is kept."""
        changes: dict[str, str] = {}
        if contact.unreachable:
            changes["unreachable"] = ""
        if arrival.nickname and arrival.nickname != contact.nickname:
            changes["nickname"] = arrival.nickname
        if arrival.scene and not contact.scene:
            changes["scene"] = arrival.scene
        if changes:
            self.contacts.change(connection, contact.id, **changes)

    def _greet(self, connection: sa.Connection, conversation_id: str, arrival: Arrival, now: datetime) -> None:
        pipeline = self.pipeline
        conversation = pipeline.conversations.get(connection, conversation_id, lock=True)
        if conversation is None or conversation.owner_id is not None or conversation.level > Level.LOW:
            return
        if conversation.is_blocked:  # by people of the hotline
            return
        row_id = hashlib.sha256(f"greeting\0{conversation_id}\0{arrival.external_id}".encode()).hexdigest()[:32]
        if pipeline.outbox.exists(connection, row_id):  # the platform told us twice
            return
        pipeline.outbox.add(
            connection,
            Pending(
                conversation_id, arrival.channel, Lane.REPLY, "bot", conversation.epoch, GREETING,
                extra=TOPIC_BUTTONS, id=row_id,
            ),
            now,
        )  # fmt: skip
        pipeline.conversations.change(connection, conversation_id, disclosed_at=now)

    def _store(
        self, connection: sa.Connection, conversation_id: str, arrival: Arrival, screening: Screening, now: datetime
    ) -> Receipt:
        is_late = arrival.sent_at is not None and now - arrival.sent_at > self.late
        marks = {"edited": arrival.is_edited, "late": is_late, "cut": arrival.is_cut}
        inbound = Inbound(
            arrival.channel, conversation_id, self._own_id(connection, arrival), arrival.kind, arrival.text,
            arrival.sent_at, extra={name: True for name, is_so in marks.items() if is_so},
            is_answered=not is_late,
            remark="talk.late" if is_late else "",
        )  # fmt: skip
        receipt = self.pipeline.store(connection, inbound, screening, now)
        if not receipt.is_repeat:
            for reference in arrival.files:
                self.attachments.expect(
                    connection, receipt.message_id, conversation_id, arrival.channel, arrival.kind, reference, now
                )
        return receipt

    def _own_id(self, connection: sa.Connection, arrival: Arrival) -> str:
        """A keyed fingerprint of the platform's id, for that may name the person; one id twice loses neither text."""
        vault, conversations = self.pipeline.conversations.vault, self.pipeline.conversations
        plain = f"{arrival.channel} {arrival.address} {arrival.external_id}"
        own_id, digest = vault.blind_index(plain), body_hash(arrival.kind, arrival.text)
        found = conversations.find_external(connection, arrival.channel, own_id)
        if found is None or found[2] == digest:
            return own_id
        return vault.blind_index(f"{plain} {digest}")


def cut(arrival: Arrival) -> Arrival:
    """At most 64 KiB of text are kept; platforms send far less. What is cut off is marked."""
    raw = arrival.text.encode("utf-8", "surrogatepass")
    if len(raw) <= LONGEST_BYTES:
        return arrival
    return replace(arrival, text=raw[:LONGEST_BYTES].decode("utf-8", "ignore"), is_cut=True)
