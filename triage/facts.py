"""What somebody said of themselves that belongs into the record: age, place, company, what is at hand.

Reviewed patterns over the person's own words, linear in their length. What is found is only ever proposed.
"""

from __future__ import annotations

import tomllib
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import opencc
import re2

from triage.frames import options

_SENTENCE_ENDS = str.maketrans(dict.fromkeys("。!?;", "\n"))
_LONGEST = 2000  # characters of one message that are read
_DIGITS = {char: number for number, char in enumerate("一二三四五六七八九十", 1)}


class FactsError(Exception):
    """The patterns of facts cannot be used."""


@dataclass(frozen=True)
class Found:
    """A field of the record, and what the words say of it."""

    field: str
    value: str


@dataclass(frozen=True)
class Fact:
    """One kind of thing said, with the sentences that prove and bound it."""

    field: str
    value: str  # empty = what a pattern's group catches
    reads_age: bool
    patterns: tuple[Any, ...]  # re2 has no type stubs
    unless: tuple[Any, ...]
    must_match: tuple[tuple[str, str], ...]
    must_not_match: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Reads a message."""

    facts: tuple[Fact, ...]
    hints: Any  # an re2.Set: which facts may stand in a message at all; most say nothing of any
    bands: dict[str, tuple[int, int]]
    simplify: Any  # opencc has no type stubs

    def of(self, text: str) -> list[Found]:
        """What a message says, each field once, in the order of the file."""
        folded = self.simplify.convert(unicodedata.normalize("NFKC", _clean(text))).casefold()
        lines = folded.translate(_SENTENCE_ENDS)
        found: dict[str, Found] = {}
        for fact in (self.facts[place] for place in sorted(self.hints.Match(lines) or ())):
            if fact.field not in found and (value := self._read(fact, lines.split("\n"))):
                found[fact.field] = Found(fact.field, value)
        return list(found.values())

    def _read(self, fact: Fact, sentences: list[str]) -> str:
        for sentence in sentences:
            match = next(filter(None, (pattern.search(sentence) for pattern in fact.patterns)), None)
            if match is not None and not any(pattern.search(sentence) for pattern in fact.unless):
                caught = fact.value or str(match.group(1))
                return self._band(caught) if fact.reads_age else caught
        return ""

    def _band(self, words: str) -> str:
        years = _number(words)
        return next((band for band, (least, most) in self.bands.items() if least <= years <= most), "")


def load_facts(path: Path = Path(__file__).parent / "facts.toml") -> Facts:
    """Read and compile the patterns; raise FactsError that names what cannot be used."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        words = {f"{{{name}}}": pattern for name, pattern in raw["words"].items()}
        bands = {band: (int(least), int(most)) for band, (least, most) in raw["bands"].items()}
        facts = tuple(_fact(row, words) for row in raw["fact"])
        hints = _hints(raw["fact"], words)
    except (tomllib.TOMLDecodeError, KeyError, ValueError, re2.error) as error:
        raise FactsError(f"{path}: {error!r}") from error
    return Facts(facts, hints, bands, opencc.OpenCC("t2s"))


def _fact(row: dict[str, Any], words: dict[str, str]) -> Fact:  # row: TOML
    value = row.get("value", "")
    fact = Fact(
        field=row["field"],
        value=value,
        reads_age=row.get("reads") == "age",
        patterns=tuple(_compile(pattern, words, catches=not value) for pattern in row["patterns"]),
        unless=tuple(_compile(pattern, words, catches=False) for pattern in row.get("unless", [])),
        must_match=tuple((text, value) for text, value in row["must_match"]),
        must_not_match=tuple(row["must_not_match"]),
    )
    if not fact.value and not all(pattern.groups for pattern in fact.patterns):
        raise ValueError(f"{fact.field}: without a value every pattern needs a group")
    return fact


def _hints(rows: list[dict[str, Any]], words: dict[str, str]) -> Any:  # rows: TOML
    made = re2.Set.SearchSet(options())
    for row in rows:
        made.Add("(?m)" + "|".join(f"(?:{_expand(pattern, words)})" for pattern in row["patterns"]))
    made.Compile()
    return made


def _expand(pattern: str, words: dict[str, str]) -> str:
    for name, stands_for in words.items():
        pattern = pattern.replace(name, stands_for)
    return pattern


def _compile(pattern: str, words: dict[str, str], *, catches: bool) -> Any:
    chosen = options()
    chosen.never_capture = not catches  # without groups RE2 is several times faster
    return re2.compile(_expand(pattern, words), chosen)


def _clean(text: str) -> str:
    """Without half characters: OpenCC takes valid text only."""
    return "".join(char for char in text[:_LONGEST] if not "\ud800" <= char <= "\udfff")


def _number(words: str) -> int:
    """68, 六十八, 十三 or 二十 as a number."""
    if words.isdigit():
        return int(words)
    tens, has_ten, ones = words.partition("十")
    if not has_ten:
        return _DIGITS[words] if len(words) == 1 else 0
    return _DIGITS.get(tens, 1) * 10 + _DIGITS.get(ones, 0)
