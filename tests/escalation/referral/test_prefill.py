"""What the record says is proposed for a letter: answers in words, nothing of what was not answered."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from escalation.directory.fields import load_directory
from escalation.record.form import load_form
from escalation.referral.letter import LONGEST_FIELD
from escalation.referral.prefill import proposed
from escalation.referral.terms import load_terms
from records.entries import REDACTED, Entry

FORM = load_form()
TERMS = load_terms(load_directory(), FORM)


def entries(**answers: str) -> dict[str, Entry]:
    at = datetime(2026, 12, 1, tzinfo=UTC)
    return {key: Entry(key, 1, value, "", "lin", at, case_id="case") for key, value in answers.items()}


def test_one_answer_stands_alone_and_several_are_named() -> None:
    found = proposed(TERMS, FORM, entries(age_band="14_17", plan="specific", plan_time="h24", location="城东桥"))
    assert found == {
        "age": "14–17", "where": "城东桥", "danger": "计划：有具体的计划；时间：24小时内",
    }  # fmt: skip


@pytest.mark.parametrize("missing", ["refused", "not_asked", REDACTED])
def test_what_was_not_answered_or_was_taken_out_is_not_proposed(missing: str) -> None:
    entry = Entry("phone", 1, "本人不愿意", missing, "lin", datetime(2026, 12, 1, tzinfo=UTC), case_id="case")
    assert proposed(TERMS, FORM, {"phone": entry}) == {}


def test_a_long_story_is_cut_to_what_a_letter_takes() -> None:
    assert len(proposed(TERMS, FORM, entries(events="长" * 2000))["problem"]) == LONGEST_FIELD


def test_a_field_that_the_record_does_not_have_is_refused_at_start(tmp_path: Path) -> None:
    text = Path("escalation/referral/terms.toml").read_text(encoding="utf-8")
    wrong = tmp_path / "terms.toml"
    wrong.write_text(text.replace('record = ["phone"]', 'record = ["fax"]'), encoding="utf-8")
    with pytest.raises(ValueError, match="fax"):
        load_terms(load_directory(), FORM, wrong)
