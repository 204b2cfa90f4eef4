"""The review form as data: what supervisor and counsellor look at together; checked at start. No I/O but the file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_KINDS = ("points", "yesno", "text")
_YES_NO = {"yes": "问了", "no": "没有问"}
_LONGEST = 2000


class BadReviewForm(Exception):
    """The review form cannot be used."""


@dataclass(frozen=True)
class Item:
    """One line of the form."""

    key: str
    words: str
    kind: str
    hint: str
    options: Mapping[str, str]  # code -> words; empty for texts
    is_optional: bool
    is_first: bool  # stands above the points: what went well is read first

    def fault(self, value: str) -> str:
        """Why this cannot be signed, in words for the supervisor; empty when it can."""
        if not value:
            return "" if self.is_optional else ("请写一句" if self.kind == "text" else "请选一个")
        if self.options and value not in self.options:
            return "没有这个选项"
        return f"最多{_LONGEST}字" if len(value) > _LONGEST else ""

    def shown(self, value: str) -> str:
        """An answer in words."""
        return self.options.get(value, value)


@dataclass(frozen=True)
class ReviewForm:
    """All lines, in the order in which they are read."""

    items: tuple[Item, ...]

    def taken(self, typed: Mapping[str, str]) -> dict[str, str]:
        """What belongs to the form of what was typed."""
        return {item.key: str(typed.get(item.key, "")).strip() for item in self.items}

    def faults(self, answers: Mapping[str, str]) -> dict[str, str]:
        """Line -> what is wrong with it."""
        found = {item.key: item.fault(answers.get(item.key, "")) for item in self.items}
        return {key: words for key, words in found.items() if words}


def load_review_form(path: Path = Path(__file__).parent / "form.toml") -> ReviewForm:
    """Read and check the form; raise BadReviewForm that names what cannot be used."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        points = {str(code): str(words) for code, words in (*raw["points"].items(), *raw["skip"].items())}
        options: dict[str, Mapping[str, str]] = {"points": points, "yesno": _YES_NO, "text": {}}
        items = tuple(
            Item(
                one["key"], one["words"], one["kind"], one["hint"], options[one["kind"]],
                bool(one.get("is_optional", False)), bool(one.get("is_first", False)),
            )
            for one in raw["item"]
        )  # fmt: skip
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise BadReviewForm(f"{path}: {error!r}; kinds are {', '.join(_KINDS)}") from error
    if len({item.key for item in items}) != len(items):
        raise BadReviewForm(f"{path}: a key stands twice")
    return ReviewForm(tuple(sorted(items, key=lambda item: not item.is_first)))
