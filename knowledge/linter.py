"""Check our own words: safe messaging about suicide, no stigma, no doses, no diagnoses, no promises.

The rules are data (lexicon.toml) which clinicians own. `lint` runs over articles when they are tried and published,
over fixed texts at start, and over every answer with its local facts before it goes out; it reports and never changes
a text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

LEXICON = Path(__file__).parent / "lexicon.toml"
FILLED = frozenset({"number"})  # rules that do not hold for a text whose placeholders are filled in
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}")
_QUOTED = re.compile(r"“[^”]*”|‘[^’]*’|「[^」]*」|『[^』]*』|\"[^\"\n]*\"|《[^》]*》")


class LexiconError(ValueError):
    """The lexicon cannot be used; the message names rule and field."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a text: which rule, the words, where, and what to do instead."""

    rule: str
    found: str
    start: int
    advice: str


@dataclass(frozen=True, slots=True)
class LexiconRule:
    """One compiled rule."""

    name: str
    pattern: re.Pattern[str]
    advice: str
    replace: Mapping[str, str]
    allow: tuple[str, ...]
    is_quotable: bool

    def findings(self, text: str) -> Iterator[Finding]:
        """Matches which are neither allowed phrases nor quotations of a quotable word."""
        free = _blank(_QUOTED, text) if self.is_quotable else text
        for phrase in self.allow:
            free = free.replace(phrase, " " * len(phrase))
        for match in self.pattern.finditer(free):
            better = self.replace.get(match[0], "")
            advice = f"{self.advice}：{better}" if better else self.advice
            yield Finding(self.name, match[0], match.start(), advice)


def load_lexicon(path: Path = LEXICON) -> tuple[LexiconRule, ...]:
    """Read and compile the rules; a wrong one fails here, at start."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(_rule(row) for row in table["rule"])


@lru_cache(maxsize=1)
def shipped_lexicon() -> tuple[LexiconRule, ...]:
    """The lexicon of this package, read once."""
    return load_lexicon()


def lint(
    text: str, *, lexicon: tuple[LexiconRule, ...] | None = None, without: Collection[str] = ()
) -> tuple[Finding, ...]:
    """What is wrong with a text, in reading order.

    `without` names rules that do not apply, such as `FILLED`.
    """
    # A placeholder is not text; blanked, so that positions stay true.
    readable = _blank(_PLACEHOLDER, text)
    rules = shipped_lexicon() if lexicon is None else lexicon
    found = [finding for rule in rules if rule.name not in without for finding in rule.findings(readable)]
    return tuple(sorted(found, key=lambda finding: finding.start))


def _blank(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: " " * len(match[0]), text)


def _rule(row: Mapping[str, object]) -> LexiconRule:
    name = str(row.get("name"))
    replace, patterns, allow = row.get("replace", {}), row.get("patterns", []), row.get("allow", [])
    if not isinstance(replace, dict) or not isinstance(patterns, list) or not isinstance(allow, list):
        raise LexiconError(f"{name}: replace is a table, patterns and allow are lists")
    # Longest first, so that 精神病患者 is not reported as a shorter word.
    words = sorted(map(re.escape, replace), key=len, reverse=True)
    try:
        pattern = re.compile("|".join([*words, *(f"(?:{item})" for item in patterns)]), re.IGNORECASE)
    except re.error as error:
        raise LexiconError(f"{name}: patterns: {error}") from error
    if not pattern.pattern:
        raise LexiconError(f"{name}: a rule needs words to replace or patterns")
    return LexiconRule(
        name, pattern, str(row["advice"]), replace, tuple(map(str, allow)), bool(row.get("quotable", False))
    )
