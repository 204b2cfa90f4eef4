"""The fixed words of every notice, by key: reviewed data, checked at start."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_ALLOWED = frozenset({"colour", "waited", "link"})  # nothing else may leave: least of all words of people


class BadWords(Exception):
    """A fixed text of a notice cannot be used."""


@dataclass(frozen=True)
class Text:
    """A title (subject of a mail, head of a notification) and the whole text."""

    title: str
    text: str

    def fill(self, params: Mapping[str, str], link: str) -> str:
        """The text with its parameters."""
        return self.text.format(**{name: "" for name in _ALLOWED} | dict(params) | {"link": link}).strip()


def load_words(path: Path = Path(__file__).parent / "texts.toml") -> Mapping[str, Text]:
    """Key such as call.climbed -> its text; raise BadWords that names the key."""
    words = {}
    for group, entries in tomllib.loads(path.read_text(encoding="utf-8")).items():
        for name, entry in entries.items():
            key = f"{group}.{name}"
            if set(entry) != {"title", "text"}:
                raise BadWords(f"{key} needs exactly a title and a text")
            wanted = {field for _, field, _, _ in string.Formatter().parse(entry["title"] + entry["text"])} - {None}
            if unknown := wanted - _ALLOWED:
                raise BadWords(f"{key} may name only {sorted(_ALLOWED)}, not {sorted(map(str, unknown))}")
            words[key] = Text(entry["title"], entry["text"])
    return words
