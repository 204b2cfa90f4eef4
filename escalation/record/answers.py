"""What the rows of a record come to: who clashes, what is still unasked, what is missing at closing. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from escalation.record.form import Field, Form
from records.entries import REDACTED, Entry
from triage.risk import Level

NOT_ASKED = "not_asked"
CORE = ("ideation", "plan", "current_act")  # asked, and the danger has been assessed


@dataclass(frozen=True)
class Change:
    """What somebody typed into a field, and the version that they saw. With `missing`, `value` is the reason."""

    field: str
    value: str
    missing: str
    based_on: int
    message_id: str | None = None


@dataclass(frozen=True)
class Gap:
    """A field without which the case cannot be closed, and what it lacks."""

    field: Field
    lacks: str


def is_same(entry: Entry, change: Change) -> bool:
    """Whether this change is there already: a repeated save adds nothing."""
    return (entry.value, entry.missing) == (change.value, change.missing)


def clash(since: Sequence[Entry], by_id: str) -> Entry | None:
    """The newest change when somebody else changed the field after the version that was seen."""
    return since[-1] if any(entry.by_id != by_id for entry in since) else None


def is_filled(entry: Entry | None) -> bool:
    """Answered, or marked as one of the kinds of no answer. An emptied field is as good as untouched."""
    return entry is not None and bool(entry.value or entry.missing)


def is_asked(entry: Entry | None) -> bool:
    """Filled, and not with 未问到."""
    return entry is not None and is_filled(entry) and entry.missing != NOT_ASKED


def is_assessed(entries: Mapping[str, Entry]) -> bool:
    """Whether the core questions about danger were all asked, whatever the answers."""
    return all(is_asked(entries.get(key)) for key in CORE)


def words_of(form: Form, entries: Mapping[str, Entry], key: str) -> str:
    """An answer in words; empty when there is none."""
    entry = entries.get(key)
    return form.fields[key].shown(entry.value) if entry is not None and not entry.missing else ""


def unasked(form: Form, entries: Mapping[str, Entry], level: Level) -> list[Field]:
    """What matters at this level and is still open, the most important first."""
    fields = [form.fields[key] for key in form.unasked[level]]
    return [field for field in fields if not is_asked(entries.get(field.key)) and not _is_moot(field, entries)]


def gaps(form: Form, entries: Mapping[str, Entry], level: Level) -> list[Gap]:
    """What closing at this level still needs, in the order of the form."""
    needed = [f for f in form.fields.values() if f.required_at is not None and f.required_at <= level]
    found = [
        Gap(field, _lacks(field, entries.get(field.key), level)) for field in needed if not _is_moot(field, entries)
    ]
    return [gap for gap in found if gap.lacks]


def _lacks(field: Field, entry: Entry | None, level: Level) -> str:
    if entry is None or not is_filled(entry):
        return "没有填"
    if level >= Level.HIGH and not entry.value.strip() and entry.missing not in ("", REDACTED):
        if entry.missing == NOT_ASKED:
            return "“未问到”要写原因"
        if field.needs_reason:
            return "要写原因"
    return ""


def _is_moot(field: Field, entries: Mapping[str, Entry]) -> bool:
    others = ((entries.get(key), answer) for key, answer in field.moot_when.items())
    return any(entry is not None and not entry.missing and entry.value == answer for entry, answer in others)
