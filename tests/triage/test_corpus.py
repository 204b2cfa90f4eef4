"""The corpus: well-formed, without near duplicates, its sealed part apart."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

import triage
from triage.risk import Category, Level

CORPUS = Path(triage.__file__).parent / "corpus"
SEALED = "test.jsonl"
FORMS = set(
    [
        "plain",
        "indirect",
        "idiom",
        "negation",
        "knowledge",
        "quote",
        "history",
        "slang",
        "traditional",
        "mixed",
        "typo",
        "dialect",
        "child",
        "elderly",
        "short",
        "long",
    ]
)
_RUN = 12
_SPACE = re.compile(r"\s")
MESSAGE_FILES = sorted(path.name for path in CORPUS.glob("*.jsonl") if not path.name.startswith("conversations"))


def rows(name):
    return [json.loads(line) for line in (CORPUS / name).read_text(encoding="utf-8").splitlines()]


def pieces(text):
    joined = _SPACE.sub("", text)  # a shorter message ("今晚") is many people's
    return {joined[at : at + _RUN] for at in range(len(joined) - _RUN + 1)}


@pytest.mark.parametrize("name", MESSAGE_FILES)
def test_every_message_is_labelled_by_the_guide(name):
    for row in rows(name):
        assert row["text"].strip(), row["id"]
        assert Level(row["level"]) in Level
        assert set(row["categories"]) <= {category.value for category in Category}, row["id"]
        assert row["form"] in FORMS, row["id"]
        assert row["level"] < Level.MEDIUM or row["categories"], row["id"]


def test_ids_are_unique():
    counts = Counter(row["id"] for name in MESSAGE_FILES for row in rows(name))
    assert [id for id, count in counts.items() if count > 1] == []


def test_no_sealed_message_shares_a_dozen_characters_with_another_part():
    sealed = {piece for row in rows(SEALED) for piece in pieces(row["text"])}
    near = [row["id"] for name in MESSAGE_FILES if name != SEALED for row in rows(name) if pieces(row["text"]) & sealed]
    assert near == []


def test_the_corpus_is_as_large_as_it_has_to_be():
    assert sum(len(rows(name)) for name in MESSAGE_FILES) >= 5000
    levels = [row["level"] for row in rows(SEALED)]
    assert sum(level >= Level.HIGH for level in levels) >= 400
    assert sum(level <= Level.LOW for level in levels) >= 600


@pytest.mark.parametrize("name", ["conversations-dev.jsonl", "conversations-test.jsonl"])
def test_every_turn_of_a_conversation_has_a_level_that_never_falls_below_high_again(name):
    for row in rows(name):
        assert len(row["turns"]) == len(row["levels"]), row["id"]
        peak = 0
        for level in row["levels"]:
            assert level >= min(peak, Level.HIGH), row["id"]
            peak = max(peak, level)
