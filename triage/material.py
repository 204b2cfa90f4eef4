"""What the classifier learns from: the open parts of our corpus, and public sets with a licence to train."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from triage.classifier import GRADES
from triage.concepts import Found, Lexicon
from triage.normalize import WINDOW_CHARS, Tables, views
from triage.risk import Category, Level

CORPUS = Path(__file__).parent / "corpus"
PARTS = ("dev.jsonl", "train-*.jsonl", "scenes-*.jsonl")  # scenes: never shown to those who write rules
TURNS = "conversations-dev.jsonl"
PUBLIC = "public"  # everything that is not ours; never left out, never measured
PUBLIC_WEIGHT, ORDINARY_WEIGHT = 0.1, 0.05
ORDINARY, POSTS = 2_000, 500
VARIANTS, VARIANT_WEIGHT = 3, 0.25
_SEED, _CHANCE, _SHORTEST = 7, 0.5, 2
Says = tuple[bool | None, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One text to learn from. `heads`: what it teaches each head of the classifier; None teaches nothing."""

    text: str
    part: str
    weight: float
    level: Level
    heads: Says
    truth: Says  # what is so, even where nothing is to be learned from it
    is_variant: bool = False  # made from another row; taught, never measured


def own_rows(corpus: Path = CORPUS) -> list[Row]:
    """The open parts of the corpus; the part is the writer.

    Medium messages do not teach the head of "high": they lie next to the border on purpose, and a model
    that never had to part them told danger from harmlessness better on unseen writers.
    """
    rows = []
    for path in (path for pattern in PARTS for path in sorted(corpus.glob(pattern))):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            level, named = Level(row["level"]), set(row.get("categories", ()))
            grades: Says = tuple(level >= grade for grade in GRADES)
            taught: Says = tuple(
                None if grade == Level.HIGH and level == Level.MEDIUM else says
                for grade, says in zip(GRADES, grades, strict=True)
            )
            kinds: Says = tuple(category.value in named and level > Level.NONE for category in Category)
            rows.append(Row(row["text"], path.stem, 1.0, level, taught + kinds, grades + kinds))
    return [*rows, *_calm_turns(corpus)]


def _calm_turns(corpus: Path) -> list[Row]:
    """Turns of open conversations while nothing elevated was known: alone they are no more than that."""
    says: Says = (None, False, False, False) + (None,) * len(Category)
    conversations = [json.loads(line) for line in (corpus / TURNS).read_text(encoding="utf-8").splitlines()]
    return [
        Row(text, Path(TURNS).stem, 1.0, Level(level), says, (level >= Level.LOW, *says[1:]))
        for conversation in conversations
        for text, level in zip(conversation["turns"], conversation["levels"], strict=True)
        if level <= Level.LOW
    ]


def exchanged(rows: Sequence[Row], readings: Sequence[str], lexicon: Lexicon) -> tuple[list[Row], list[str]]:
    """Variants of our own messages with some words exchanged for others of the same concept.

    They teach the words that nobody happened to write; the meaning, and so the label, stays about the same.
    """
    choose, made, texts = random.Random(_SEED), list[Row](), list[str]()
    for row, text in zip(rows, readings, strict=True):
        for _ in range(VARIANTS if row.part != PUBLIC else 0):
            variant = _exchange(text, lexicon, choose)
            if variant != text:
                made.append(replace(row, weight=VARIANT_WEIGHT, is_variant=True))
                texts.append(variant)
    return made, texts


def _exchange(text: str, lexicon: Lexicon, choose: random.Random) -> str:
    taken: list[Found] = []
    for found in sorted(lexicon.find(text), key=lambda each: each.start - each.end):
        if found.end - found.start >= _SHORTEST and all(
            found.end <= other.start or found.start >= other.end for other in taken
        ):
            taken.append(found)
    for found in sorted(taken, key=lambda each: -each.start):
        length = found.end - found.start
        others = [word for word in lexicon.words[lexicon.names[found.concept]] if abs(len(word) - length) <= 1]
        if choose.random() < _CHANCE:
            text = text[: found.start] + choose.choice(others) + text[found.end :]
    return text


def public_rows(data: Path) -> list[Row]:
    """Public sets, each for what it can teach: ordinary counselling turns, say, only what is no emergency."""
    psysuicide, turns, posts = (
        _lines(data / name)
        for name in ("psysuicide.jsonl.gz", "cpsycoun-client-turns.jsonl.gz", "cold-sample.jsonl.gz")
    )
    rows = []
    for item in psysuicide:
        level = Level(item["level"])
        known = tuple(level >= grade if grade < Level.EMERGENCY else None for grade in GRADES)
        rows.append(_public(item["text"], PUBLIC_WEIGHT, level, known))
    seen = [item["text"] for item in turns if is_taught(item["text"])][:ORDINARY]
    rows += [_public(text, ORDINARY_WEIGHT, Level.LOW, (None, None, False, False)) for text in seen]
    other = [item["text"] for item in posts][:POSTS]
    return rows + [_public(text, ORDINARY_WEIGHT, Level.NONE, (False,) * len(GRADES)) for text in other]


def is_taught(text: str) -> bool:
    """A tenth of the ordinary turns, by their content: the others stay unseen, to measure false alarms."""
    return zlib.crc32(text.encode()) % 10 == 0


def _public(text: str, weight: float, level: Level, grades: Says) -> Row:
    says = grades + (None,) * len(Category)
    return Row(text, PUBLIC, weight, level, says, says)


def _lines(path: Path) -> Iterable[dict[str, Any]]:  # Any: JSON
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def reading(text: str, tables: Tables) -> str:
    """What the classifier reads of a message: its most undone reading."""
    return views(text[:WINDOW_CHARS], tables)[-1].text
