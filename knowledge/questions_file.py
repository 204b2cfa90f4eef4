"""Read a file of labelled questions: one JSON object a line with id, text and the topics that answer it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Question:
    """A question as people ask it; without topics it is out of scope."""

    id: str
    text: str
    topics: frozenset[str]


def read_questions(path: Path) -> list[Question]:
    """All questions of the file."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    rows = [json.loads(line) for line in lines]
    return [Question(row["id"], row["text"], frozenset(row["topics"])) for row in rows]
