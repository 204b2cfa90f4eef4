"""What the record already says for the lines of a letter: proposed, for the counsellor to tick and edit. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from escalation.record.answers import words_of
from escalation.record.form import Form
from escalation.referral.letter import LONGEST_FIELD
from escalation.referral.terms import Terms
from records.entries import Entry


def proposed(terms: Terms, form: Form, entries: Mapping[str, Entry]) -> dict[str, str]:
    """Letter field -> words from the record; a field of which the record knows nothing is left out."""
    found = {code: _words(field.record, form, entries) for code, field in terms.fields.items()}
    return {code: words for code, words in found.items() if words}


def _words(keys: tuple[str, ...], form: Form, entries: Mapping[str, Entry]) -> str:
    told = [(form.fields[key].short, words) for key in keys if (words := words_of(form, entries, key).strip())]
    if len(told) == 1:
        return told[0][1][:LONGEST_FIELD]
    return "；".join(f"{short}：{words}" for short, words in told)[:LONGEST_FIELD]
