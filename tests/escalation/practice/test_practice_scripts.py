"""Synthetic callers: the shipped scripts mean what they say, and a caller's place survives being written down."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.practice.scripts import (
    JOINED,
    BadScripts,
    Branch,
    Heard,
    Line,
    Progress,
    Script,
    begin,
    hear,
    load_playbook,
    next_line,
    spoken,
)
from tests.building import NOW, compiled_screener
from triage.memory import Memory
from triage.risk import Level

BOOK = load_playbook()
SCRIPTS = list(BOOK.scripts.values())
CUES = {"safety": ("想死",), "place": ("在哪",)}
SMALL = Script(
    "small", "小小", "", Level.HIGH, (Line("一", 1), Line("二", 1)),
    (Branch("safety", (Line("是", 1), Line("认真的", 1))), Branch(JOINED, (Line("你是真人吗", 1),))), ("嗯", "不知道"),
)  # fmt: skip


def counsellor(text: str) -> Heard:
    return Heard("counsellor", text)


def told(script: Script, progress: Progress) -> list[str]:
    """Everything that the caller would still write."""
    texts = []
    while (line := next_line(script, progress)) is not None:
        texts.append(line.text)
        progress = spoken(progress)
    return texts


@pytest.mark.parametrize("script", SCRIPTS, ids=list(BOOK.scripts))
def test_screening_makes_of_the_lines_alone_what_the_script_says(script: Script) -> None:
    memory = Memory()
    for line in script.lines:
        memory = compiled_screener().screen(line.text, memory, NOW).memory
    assert memory.level is script.level


@pytest.mark.parametrize("script", SCRIPTS, ids=list(BOOK.scripts))
def test_the_clocks_of_a_drill_run_from_the_first_line_in_danger(script: Script) -> None:
    branches = [line for branch in script.branches for line in branch.says]
    for line in (*script.lines, *branches):
        if line.danger:
            assert compiled_screener().screen(line.text, Memory(), NOW).memory.level >= Level.MEDIUM
    assert any(line.danger for line in script.lines) is (script.level >= Level.MEDIUM)


def test_a_caller_tells_its_lines_in_turn_and_then_is_silent() -> None:
    assert told(SMALL, begin(SMALL)) == ["一", "二"]


def test_what_is_asked_is_answered_before_the_story_goes_on_and_only_once() -> None:
    asked = hear(SMALL, CUES, spoken(begin(SMALL)), Heard("bot", "您是不是想死"))
    assert told(SMALL, asked) == ["是", "认真的", "二"]
    again = hear(SMALL, CUES, asked, Heard("bot", "您是不是想死"))
    assert again == asked


def test_a_person_who_comes_is_noticed_whoever_tells_of_it() -> None:
    for heard in (Heard("system", "老师来了"), counsellor("您好")):
        assert told(SMALL, hear(SMALL, CUES, begin(SMALL), heard))[0] == "你是真人吗"
    assert told(SMALL, hear(SMALL, CUES, begin(SMALL), Heard("bot", "您好"))) == ["一", "二"]


def test_the_systems_own_words_are_no_question() -> None:
    silent = Script("s", "", "", Level.HIGH, (Line("一", 1),), (Branch("safety", (Line("是", 1),)),))
    assert told(silent, hear(silent, CUES, begin(silent), Heard("system", "想死"))) == ["一"]


def test_a_counsellor_always_gets_some_answer_and_the_bot_none_without_a_cue() -> None:
    met = spoken(hear(SMALL, CUES, spoken(spoken(begin(SMALL))), counsellor("您好")))
    found = []
    for _ in range(3):
        met = hear(SMALL, CUES, met, counsellor("多说一点"))
        found += told(SMALL, met)
        met = spoken(met)
    assert found == ["嗯", "不知道", "嗯"]
    assert told(SMALL, hear(SMALL, CUES, met, Heard("bot", "多说一点"))) == []


def test_a_silent_caller_answers_nobody() -> None:
    script = BOOK.scripts["silent"]
    done = spoken(begin(script))
    assert told(script, hear(script, BOOK.cues, done, counsellor("您现在安全吗"))) == []


@given(
    st.sampled_from(SCRIPTS),
    st.lists(st.sampled_from(["say", "您想死吗，在哪里", "多说一点", "约好明天"]), max_size=30),
)
def test_whatever_is_said_a_caller_ends_in_a_written_place(script: Script, steps: list[str]) -> None:
    progress = begin(script)
    for step in steps:
        if step == "say":
            progress = spoken(progress) if next_line(script, progress) else progress
        else:
            progress = hear(script, BOOK.cues, progress, counsellor(step))
        assert Progress.from_json(progress.to_json()) == progress
    lines = len(script.lines) + sum(len(branch.says) for branch in script.branches) + 1
    assert len(told(script, progress)) <= lines


def test_a_drill_brings_the_callers_of_its_scenario_in_turn() -> None:
    assert [script.code for script in BOOK.cast("flood", 5)] == ["plan", "edge", "silent", "friend", "plan"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('on = "safety"', 'on = "weather"', "unknown cues"),
        ('code = "passive"', 'code = "plan"', "comes twice"),
        ('callers = ["edge"]', 'callers = ["nobody"]', "callers that exist"),
        ('level = "medium"', 'level = "wild"', "wild"),
    ],
)
def test_a_fault_in_the_scripts_stops_the_start_and_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    shipped = Path("escalation/practice/practice.toml").read_text(encoding="utf-8")
    file = tmp_path / "practice.toml"
    file.write_text(shipped.replace(old, new, 1), encoding="utf-8")
    with pytest.raises((BadScripts, ValueError), match=words):
        load_playbook(file)
