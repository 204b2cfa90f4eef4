"""Read files of labelled questions: one JSON object a line with id, text and the topics that answer it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "questions"


@dataclass(frozen=True, slots=True)
class Question:
    """A question as people ask it; without topics it is out of scope, and `kind` may say why."""

    id: str
    text: str
    topics: frozenset[str]
    kind: str = ""

    @property
    def writer(self) -> str:
        """Who wrote it: the letters of the id. Figures are taken on writers whose questions were not learnt."""
        return self.id.rstrip("0123456789")


def read_questions(path: Path) -> list[Question]:
    """All questions of the file."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    rows = [json.loads(line) for line in lines]
    return [Question(row["id"], row["text"], frozenset(row["topics"]), row.get("kind", "")) for row in rows]


def read_dev(folder: Path = FOLDER) -> list[Question]:
    """The labelled questions of every writer that this project may learn from."""
    return [question for path in sorted(folder.glob("dev*.jsonl")) for question in read_questions(path)]
