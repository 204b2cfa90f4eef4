"""Every pattern of facts proves itself by its own sentences, and reads anything without failing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.facts import FactsError, Found, load_facts

FACTS = load_facts()
MATCHES = [(fact.field, text, value) for fact in FACTS.facts for text, value in fact.must_match]
MISSES = [(fact.field, fact.value, text) for fact in FACTS.facts for text in fact.must_not_match]
GOOD = """
[words]
[bands]
[[fact]]
field = "x"
{value}
patterns = ['{pattern}']
must_match = [["a", "b"]]
must_not_match = ["c"]
"""


@pytest.mark.parametrize(("field", "text", "value"), MATCHES)
def test_a_sentence_says_what_it_must(field: str, text: str, value: str) -> None:
    assert Found(field, value) in FACTS.of(text)


@pytest.mark.parametrize(("field", "value", "text"), MISSES)
def test_a_sentence_that_bounds_a_fact_does_not_say_it(field: str, value: str, text: str) -> None:
    assert not [found for found in FACTS.of(text) if found.field == field and value in ("", found.value)]


def test_every_fact_has_sentences_on_both_sides() -> None:
    assert [fact.field for fact in FACTS.facts if len(fact.must_match) < 2 or len(fact.must_not_match) < 2] == []


@pytest.mark.parametrize("text", ["我一個人在家", "我今年１５岁", "我 今年15岁"])
def test_other_ways_of_writing_read_the_same(text: str) -> None:
    assert FACTS.of(text)


def test_one_message_may_say_several_things() -> None:
    found = {one.field: one.value for one in FACTS.of("我今年15岁，我一个人在宿舍。药就在我手边")}
    assert (found["age_band"], found["alone_now"], found["means_access"]) == ("14_17", "yes", "at_hand")


def test_of_means_only_the_category_is_read() -> None:
    assert {fact.value for fact in FACTS.facts if fact.field == "means_category"} == {
        "medicine",
        "blade",
        "height",
        "water",
    }


@given(st.text(alphabet=st.characters() | st.sampled_from("我在一个人岁家药刀妈。\ud800"), max_size=200))
def test_any_text_is_read(text: str) -> None:
    assert all(one.value for one in FACTS.of(text))


@pytest.mark.parametrize(("value", "pattern"), [('value = "y"', "("), ("", "a"), ("value = 1 2", "a")])
def test_patterns_that_cannot_be_used_are_refused_at_start(tmp_path: Path, value: str, pattern: str) -> None:
    path = tmp_path / "facts.toml"
    path.write_text(GOOD.format(value=value, pattern=pattern), encoding="utf-8")
    with pytest.raises(FactsError):
        load_facts(path)
