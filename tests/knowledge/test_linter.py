"""The wording rules: every rule has examples on both sides of its border."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from knowledge.linter import LEXICON, LexiconError, lint, load_lexicon

ROWS = tomllib.loads(LEXICON.read_text(encoding="utf-8"))["rule"]


@pytest.mark.parametrize(("rule", "text"), [(row["name"], text) for row in ROWS for text in row["must_match"]])
def test_rule_finds_its_examples(rule: str, text: str) -> None:
    assert rule in {finding.rule for finding in lint(text)}


@pytest.mark.parametrize(("rule", "text"), [(row["name"], text) for row in ROWS for text in row["must_not_match"]])
def test_rule_leaves_its_neighbours_alone(rule: str, text: str) -> None:
    assert rule not in {finding.rule for finding in lint(text)}


def test_finding_says_where_and_what_instead() -> None:
    (finding,) = lint("请关心精神病人。")
    assert (finding.rule, finding.found, finding.start) == ("stigma", "精神病人", 3)
    assert "精神障碍患者" in finding.advice


def test_findings_come_in_reading_order() -> None:
    starts = [finding.start for finding in lint("加油！你这就是抑郁症")]
    assert starts == sorted(starts)
    assert len(starts) == 3


def test_filled_in_numbers_may_be_let_through() -> None:
    assert lint("请拨打12356", without={"number"}) == ()


def test_calm_safety_message_passes() -> None:
    assert lint("谢谢你愿意说出来。你现在有没有不想活或伤害自己的念头？请拨打{{num:help}}。") == ()


@pytest.mark.parametrize(
    "rule", ['name = "x"\nadvice = ""\npatterns = ["("]', 'name = "x"\nadvice = ""', 'name = "x"\npatterns = "a"']
)
def test_wrong_rule_is_refused_at_load(tmp_path: Path, rule: str) -> None:
    path = tmp_path / "lexicon.toml"
    path.write_text(f"[[rule]]\n{rule}\n", encoding="utf-8")
    with pytest.raises(LexiconError, match="^x: "):
        load_lexicon(path)
