"""Take what is personal out of a visitor's question, so that an editor may see what was asked and not by whom."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

RULES = Path(__file__).parent / "masking.toml"


@dataclass(frozen=True)
class MaskingRule:
    """One kind of personal thing, with examples on both sides of its border."""

    name: str
    shown: str
    pattern: re.Pattern[str]
    must_match: tuple[str, ...]
    must_not_match: tuple[str, ...]


@dataclass(frozen=True)
class Masking:
    """All rules, and how long a question may be to be shown at all."""

    rules: tuple[MaskingRule, ...]
    longest: int

    def masked(self, text: str) -> str:
        """The question without personal things; nothing when it is a story."""
        words = " ".join(text.split())
        if len(words) > self.longest:
            return ""
        for rule in self.rules:
            words = rule.pattern.sub(rule.shown, words)
        return words


def load_masking(path: Path = RULES) -> Masking:
    """Read and compile; a wrong pattern fails here, at start."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    rules = [
        MaskingRule(r["name"], r["shown"], re.compile(r["pattern"]), tuple(r["must_match"]), tuple(r["must_not_match"]))
        for r in raw["rule"]
    ]
    return Masking(tuple(rules), raw["longest"])
