"""The prefilter may let too many patterns through, never too few."""

import json
from pathlib import Path

import pytest
import re2

import triage
from triage.loading import load_rulebook
from triage.normalize import views
from triage.prefilter import Prefilter, needed

BOOK = load_rulebook()


@pytest.mark.parametrize(
    ("pattern", "groups"),
    [
        ("死亡", [{"死亡"}]),
        ("(?:药|刀)片", [{"药", "刀"}, {"片"}]),
        ("吃(?:了)?药", [{"吃"}, {"药"}]),
        ("(?:吃了|喝下)+", [{"吃了", "喝下"}]),
        ("[刀剪]子?", [{"刀", "剪"}]),
        ("(?:死|.*)", []),
        ("a{0,3}", []),
    ],
)
def test_what_a_pattern_cannot_do_without(pattern, groups):
    assert sorted(map(sorted, needed(pattern))) == sorted(map(sorted, groups))


def test_no_pattern_of_the_rulebook_is_filtered_out_where_it_matches():
    patterns = [pattern for frame in BOOK.frames.by_id.values() for pattern in frame.patterns]
    compiled, prefilter = [re2.compile(pattern) for pattern in patterns], Prefilter(patterns)
    lines = (Path(triage.__file__).parent / "corpus" / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines[::7]:
        for view in views(json.loads(line)["text"], BOOK.tables):
            matching = {number for number, pattern in enumerate(compiled) if pattern.search(view.text)}
            assert matching <= set(prefilter.which(view.text))


def test_without_patterns_nothing_occurs():
    assert Prefilter([]).which("我想死") == []
