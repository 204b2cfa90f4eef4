"""The six parts of a safety plan, and the plan as one text. Values in, values out after the start."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "plan."
LEAST_PARTS = 2
LONGEST_PART = 1000


@dataclass(frozen=True)
class Part:
    """One part; its rows in the record carry `field`."""

    key: str
    words: str
    hint: str

    @property
    def field(self) -> str:
        """The field of the record that keeps it."""
        return _PREFIX + self.key


def load_parts(path: Path = Path(__file__).parent / "plan.toml") -> tuple[Part, ...]:
    """The parts in the order in which the person reads them."""
    return tuple(Part(**raw) for raw in tomllib.loads(path.read_text(encoding="utf-8"))["part"])


def is_plan_field(field: str) -> bool:
    """Whether a field of the record belongs to the plan, and so to the person rather than to one case."""
    return field.startswith(_PREFIX)


def compose(parts: tuple[Part, ...], words: Mapping[str, str]) -> str:
    """The plan as the person reads it: numbered steps, empty ones left out."""
    written = [(part, words.get(part.key, "").strip()) for part in parts]
    steps = [(part.words, text) for part, text in written if text]
    return "\n\n".join(f"{number}. {title}\n{text}" for number, (title, text) in enumerate(steps, 1))
