"""Cut a text into the units both retrievers share: characters, runs of two and three, Latin words, numbers.

Runs of characters beat word segmentation on every set we measured and need no dictionary. Traditional
characters are simplified first, so that one article answers both scripts; then words that mean the same
(folding.toml: dialect, kin, asking) are written as one.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import opencc

FOLDING = Path(__file__).parent / "folding.toml"
_UNIT = re.compile(r"[㐀-䶿一-鿿]+|[a-z]+|[0-9]+")


@lru_cache(maxsize=1)
def _converter() -> opencc.OpenCC:
    """Traditional to simplified; made once because loading its dictionary takes milliseconds."""
    return opencc.OpenCC("t2s")


def simplify(text: str) -> str:
    """Fold width and case, and write Traditional characters as simplified ones."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return folded if folded.isascii() else str(_converter().convert(folded))


@lru_cache(maxsize=1)
def _folding() -> tuple[re.Pattern[str], Mapping[str, str]]:
    """One pattern of all words to be read as another, longest first, and what each is read as."""
    table = tomllib.loads(FOLDING.read_text(encoding="utf-8"))
    read_as: dict[str, str] = {}
    for group in table.values():
        for word, others in group.items():
            for other in map(simplify, others):
                if other != word:
                    read_as.setdefault(other, word)
    return re.compile("|".join(sorted(map(re.escape, read_as), key=len, reverse=True))), read_as


def fold(text: str) -> str:
    """Simplify, and write words that mean the same as one."""
    pattern, read_as = _folding()
    return pattern.sub(lambda match: read_as[match[0]], simplify(text))


def grams(text: str) -> list[str]:
    """Characters, pairs and triples of each Chinese run, whole Latin words and numbers, in no useful order."""
    found: list[str] = []
    for unit in _UNIT.findall(fold(text)):
        if unit.isascii():
            found.append(unit)
        else:
            found.extend(unit)
            found.extend(map("".join, zip(unit, unit[1:], strict=False)))
            found.extend(map("".join, zip(unit, unit[1:], unit[2:], strict=False)))
    return found
