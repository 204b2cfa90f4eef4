"""A short run of the fuzz; the long one runs by command."""

from tests.faults.fuzz_screening import failures, texts
from triage.release import open_screener


def test_odd_and_hostile_texts_are_screened() -> None:
    assert failures(open_screener(), seed=7, count=3_000) == []


def test_a_text_is_made_again_from_its_number() -> None:
    assert list(texts(3, 20)) == list(texts(3, 20))
