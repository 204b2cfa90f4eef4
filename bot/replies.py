"""Fixed texts by key, and the whole messages that mean one thing; both are reviewed data, checked at start."""

from __future__ import annotations

import re
import string
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from knowledge.linter import lint
from records.outbox_rows import PLAIN, Pending

FOLDER = Path(__file__).parent / "texts"
GREETING = "greeting.first"  # who we are, and that a program answers
_NUMBER = re.compile(r"\{n:([a-z_0-9]+)\}")
_LONGEST_PHRASE = 40
_TRIMMED = string.punctuation + string.whitespace + "，。！？、～…“”"


class BadTexts(Exception):
    """A fixed text cannot be used."""


@dataclass(frozen=True)
class Replies:
    """Renders fixed texts. Phone numbers come from the settings only."""

    texts: Mapping[str, str]
    hotline_name: str

    def render(self, key: str, params: Mapping[str, str] | None = None) -> str:
        """The text of a key with its parameters; raise KeyError for an unknown key."""
        filled = self.texts[key]
        for name, value in {"hotline_name": self.hotline_name, **(params or {})}.items():
            filled = filled.replace("{" + name + "}", str(value))
        return filled

    def text_of(self, item: Pending) -> str:
        """The words of an outbox row, with the numbers of today's settings; empty when this version lacks them."""
        if item.key == PLAIN:
            return item.text
        return self.render(item.key, item.params) if item.key in self.texts else ""


@dataclass(frozen=True)
class Intents:
    """Whole messages that mean one thing."""

    phrases: Mapping[str, str]  # trimmed phrase -> intent
    begins: Mapping[str, str]  # folded beginning -> intent, whatever follows

    def of(self, text: str) -> str:
        """The heading in intents.toml that the message stands under; empty when it is not one of the phrases."""
        whole = self.phrases.get(trimmed(text), "") if len(text) < _LONGEST_PHRASE else ""
        if whole:
            return whole
        start = _folded(text[:_LONGEST_PHRASE]).lstrip()
        return next((intent for words, intent in self.begins.items() if start.startswith(words)), "")


def load_replies(numbers: Mapping[str, str], hotline_name: str, folder: Path = FOLDER) -> Replies:
    """Read the texts and fill in the numbers; raise BadTexts that names the key."""
    raw = tomllib.loads((folder / "zh.toml").read_text())
    texts = {}
    for group, entries in raw.items():
        for name, text in entries.items():
            key = f"{group}.{name}"
            for wanted in _NUMBER.findall(text):
                if not numbers.get(wanted):
                    raise BadTexts(f"text {key} needs the number {wanted!r}, which the settings do not have")
            if wrong := lint(_NUMBER.sub("", text)):
                raise BadTexts(f"text {key} says {wrong[0].found!r}: {wrong[0].advice}")
            texts[key] = _NUMBER.sub(lambda found: numbers[found[1]], text)
    return Replies(texts, hotline_name)


def load_intents(folder: Path = FOLDER) -> Intents:
    """Read the phrases; raise BadTexts when one phrase has two meanings."""
    raw = tomllib.loads((folder / "intents.toml").read_text())
    phrases: dict[str, str] = {}
    for intent, entry in raw.items():
        for phrase in entry["phrases"]:
            if phrases.setdefault(trimmed(phrase), intent) != intent:
                raise BadTexts(f"phrase {phrase!r} stands under two intents")
    begins = {_folded(words): intent for intent, entry in raw.items() for words in entry.get("begins", ())}
    return Intents(phrases, begins)


def trimmed(text: str) -> str:
    """What of a message is compared with a phrase: no case, no full width, no marks around it."""
    return _folded(text).strip(_TRIMMED)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
