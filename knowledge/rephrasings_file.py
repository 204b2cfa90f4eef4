"""Read labelled rephrasings: one JSON object a line with id, article, its good sentences, and ways to harm them.

Each way is [what it does, the sentence it replaces, its words]; behind the last sentence it adds one, and without
words it takes the sentence away. So a harmed text differs from a good one in a single place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "rephrasings"


@dataclass(frozen=True, slots=True)
class Rephrasing:
    """A text as a model might have answered; `harm` says what is wrong with it, and is empty when nothing is."""

    id: str
    article: str
    text: str
    harm: str = ""


def read_rephrasings(path: Path) -> list[Rephrasing]:
    """All texts of the file, each good one before those made from it."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [made for line in lines for made in _texts(json.loads(line))]


def _texts(row: Mapping[str, Any]) -> Iterator[Rephrasing]:  # Any: JSON
    good = list(row["good"])
    yield Rephrasing(row["id"], row["article"], "".join(good))
    for harm, at, words in row["bad"]:
        yield Rephrasing(row["id"], row["article"], "".join((*good[:at], words, *good[at + 1 :])), harm)
