"""What the person already said, proposed for the record with the message it stands in. Never stored unasked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from escalation.record.answers import is_asked
from escalation.record.form import BadForm, Form
from records.entries import Entry
from triage.facts import Facts


@dataclass(frozen=True)
class Proposal:
    """An answer that somebody may accept; `message_id` is empty where it follows from our own rows."""

    field: str
    value: str
    message_id: str


def check_facts(form: Form, facts: Facts) -> None:
    """Every fact must fit its field; raise BadForm at start."""
    for fact in facts.facts:
        values = list(facts.bands) if fact.reads_age else [fact.value]
        field = form.fields.get(fact.field)
        is_free = field is not None and field.kind in ("text", "place")
        if field is None or any(field.problem(value) for value in values) or ("" in values and not is_free):
            raise BadForm(f"facts: {fact.field!r} = {values} does not fit the form")


def propose(
    facts: Facts, said: Iterable[tuple[str, str]], entries: Mapping[str, Entry], *, plan_given: bool
) -> list[Proposal]:
    """From the person's own messages (id, text), oldest first: the newest word on a field counts."""
    found: dict[str, Proposal] = {}
    for message_id, text in said:
        for fact in facts.of(text):
            found[fact.field] = Proposal(fact.field, fact.value, message_id)
    if plan_given:
        found["safety_plan"] = Proposal("safety_plan", "given", "")
    return [one for one in found.values() if not is_asked(entries.get(one.field))]
