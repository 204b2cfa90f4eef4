"""Concepts: words that mean the same kind of thing, as reviewed data (lexicon/*.toml).

They give the classifier what a few thousand labelled messages cannot: that 窗台, 栏杆外 and 护栏 are one
thing. A word's presence says nothing about danger; which concepts together do, the classifier learns.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ahocorasick_rs


class LexiconError(ValueError):
    """A lexicon file cannot be used."""


@dataclass(frozen=True, slots=True)
class Found:
    """A concept at these characters."""

    concept: int
    start: int
    end: int


class Lexicon:
    """All concepts, ready to be found in a text. A concept's number is its place in `names`."""

    def __init__(self, words: dict[str, Sequence[str]], version: str) -> None:
        self.names = tuple(sorted(words))
        self.version = version
        self.words = {name: tuple(words[name]) for name in self.names}
        meanings: dict[str, tuple[int, ...]] = {}
        for number, name in enumerate(self.names):
            for word in words[name]:
                meanings[word] = (*meanings.get(word, ()), number)
        self._meanings = tuple(meanings.values())
        self._finder = ahocorasick_rs.AhoCorasick(list(meanings))

    def find(self, text: str) -> list[Found]:
        """Every concept in the text, in order; where two words of one concept overlap, both."""
        whole = text.encode("utf-8", "replace").decode()  # the finder takes no half characters
        spans = self._finder.find_matches_as_indexes(whole, overlapping=True)
        spans.sort(key=lambda span: span[1:])
        return [Found(concept, start, end) for word, start, end in spans for concept in self._meanings[word]]


def load_lexicon(folder: Path) -> Lexicon:
    """Read every lexicon file; raise LexiconError with file and concept when one is wrong."""
    words: dict[str, Sequence[str]] = {}
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.toml")):
        raw = path.read_bytes()
        digest.update(raw)
        try:
            table = tomllib.loads(raw.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise LexiconError(f"{path.name}: {error}") from error
        for name, row in table.items():
            if name in words:
                raise LexiconError(f"{path.name}: {name}: the concept stands in two files")
            if not row.get("says") or not row.get("words") or not all(row["words"]):
                raise LexiconError(f"{path.name}: {name}: needs says and words, none of them empty")
            words[name] = row["words"]
    return Lexicon(words, digest.hexdigest()[:12])
