"""What the visitors know (sent, acknowledged) held against what is stored.

The model is a total queue: nothing is lost, nothing doubled, nothing swapped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Acknowledged:
    """One message that the service promised to keep, under this number."""

    client_id: str
    text: str
    seq: int


@dataclass
class Entry:
    """What one visitor did, in the order of sending. A delivery repeated or tripled is acknowledged several times."""

    conversation_id: str
    sent: dict[str, str] = field(default_factory=dict)  # client id -> text
    acknowledged: list[Acknowledged] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # the service no longer knew the conversation, or the message
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Kept:
    """One stored message."""

    seq: int
    author: str
    text: str


@dataclass(frozen=True)
class Findings:
    """Faults by kind; each names conversation and message."""

    acknowledged: int = 0
    lost: tuple[str, ...] = ()
    duplicated: tuple[str, ...] = ()
    disordered: tuple[str, ...] = ()
    cases_wrong: tuple[str, ...] = ()
    answers_wrong: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.lost, *self.duplicated, *self.disordered, *self.cases_wrong, *self.answers_wrong)

    def __add__(self, other: Findings) -> Findings:
        return Findings(
            self.acknowledged + other.acknowledged, self.lost + other.lost, self.duplicated + other.duplicated,
            self.disordered + other.disordered, self.cases_wrong + other.cases_wrong,
            self.answers_wrong + other.answers_wrong,
        )  # fmt: skip


def check_messages(entry: Entry, kept: Sequence[Kept]) -> Findings:
    """One conversation: every promise kept once, at its number, in order, and nothing that nobody sent."""
    where = entry.conversation_id
    promised = {(ack.client_id, ack.text, ack.seq) for ack in entry.acknowledged}
    at = {message.seq: message for message in kept if message.author == "visitor"}
    copies = Counter(message.text for message in at.values())
    lost, disordered = [f"{where}: {refusal}" for refusal in entry.refused], []
    for client_id, text, seq in sorted(promised, key=lambda one: one[2]):
        if not copies[text]:
            lost.append(f"{where}: {client_id} was acknowledged and is not stored")
        elif seq not in at or at[seq].text != text:
            disordered.append(f"{where}: {client_id} is not stored at its number {seq}")
    duplicated = [f"{where}: {text!r} is stored {count} times" for text, count in copies.items() if count > 1]
    duplicated += [f"{where}: {text!r} was never sent" for text in copies.keys() - set(entry.sent.values())]
    disordered += _order_faults(entry, kept)
    return Findings(
        len({ack.client_id for ack in entry.acknowledged}), tuple(lost), tuple(duplicated), tuple(disordered)
    )


def _order_faults(entry: Entry, kept: Sequence[Kept]) -> list[str]:
    numbers = [message.seq for message in kept]
    found = []
    if numbers != list(range(1, len(numbers) + 1)):
        found.append(f"{entry.conversation_id}: the numbers are not 1..{len(numbers)}")
    first = {}
    for ack in entry.acknowledged:
        if first.setdefault(ack.client_id, ack.seq) != ack.seq:
            found.append(f"{entry.conversation_id}: {ack.client_id} was acknowledged under two numbers")
    in_order = [first[client_id] for client_id in entry.sent if client_id in first]
    if in_order != sorted(in_order):
        found.append(f"{entry.conversation_id}: not in the order of sending")
    return found


def check_screen(conversation_id: str, shown: Sequence[Kept], kept: Sequence[Kept]) -> Findings:
    """What the visitor's page reads is what is stored."""
    if list(shown) == list(kept):
        return Findings()
    return Findings(lost=(f"{conversation_id}: the visitor sees {len(shown)} messages, {len(kept)} are stored",))


def check_case(conversation_id: str, cases: int, alerts: int, safety_replies: int) -> Findings:
    """A conversation in danger: one open case, one ringing alert, and the safety reply once on the visitor's screen."""
    counts = {"open cases": cases, "ringing alerts": alerts, "safety replies": safety_replies}
    wrong = tuple(f"{conversation_id}: {count} {name}" for name, count in counts.items() if count != 1)
    return Findings(cases_wrong=wrong)


def check_answers(entry: Entry, kept: Sequence[Kept]) -> Findings:
    """A conversation without danger: one greeting, and one answer to each message."""
    asked = sum(message.author == "visitor" for message in kept)
    said = sum(message.author == "bot" for message in kept)
    if said == asked + 1:
        return Findings()
    return Findings(answers_wrong=(f"{entry.conversation_id}: {asked} messages, {said - 1} answers",))


def check_all(
    entries: Sequence[Entry], kept: Mapping[str, Sequence[Kept]], *, in_danger: Mapping[str, tuple[int, int, int]]
) -> Findings:
    """Every conversation; `in_danger` gives cases, alerts and safety replies of those who wrote of danger."""
    total = Findings()
    for entry in entries:
        stored = kept.get(entry.conversation_id, ())
        total += check_messages(entry, stored)
        if entry.conversation_id in in_danger:
            total += check_case(entry.conversation_id, *in_danger[entry.conversation_id])
        else:
            total += check_answers(entry, stored)
    return total
