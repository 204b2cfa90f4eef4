"""Questions that must not be answered from articles: doses, other people's data, attempts to steer the bot.

The rules are data (abstain.toml), because similarity cannot tell "do I need medicine" from "how much of it".
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from knowledge.grams import simplify

RULES = Path(__file__).parent / "abstain.toml"


@dataclass(frozen=True, slots=True)
class AbstainRule:
    """One kind of question to leave to people, with examples on both sides of its border."""

    kind: str
    pattern: re.Pattern[str]
    must_match: tuple[str, ...]
    must_not_match: tuple[str, ...]


def load_rules(path: Path = RULES) -> tuple[AbstainRule, ...]:
    """Read and compile the rules; a wrong pattern fails here, at start."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(
        AbstainRule(
            kind=rule["kind"],
            pattern=_pattern(rule["patterns"], table["drugs"]),
            must_match=tuple(rule["must_match"]),
            must_not_match=tuple(rule["must_not_match"]),
        )
        for rule in table["rule"]
    )


def _pattern(patterns: Sequence[str], drugs: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns).replace("{drug}", drugs))


def kind_of_abstain(text: str, rules: Sequence[AbstainRule]) -> str:
    """The kind of the first rule that matches, or nothing."""
    folded = simplify(text)
    return next((rule.kind for rule in rules if rule.pattern.search(folded)), "")
