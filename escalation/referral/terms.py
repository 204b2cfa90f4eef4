"""The words of referrals, read from terms.toml and checked at start."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from escalation.directory.fields import Directory
from escalation.record.form import Form


@dataclass(frozen=True)
class Basis:
    """A ground on which something is shared."""

    code: str
    words: str
    ask: str  # what must be written down with it
    exception: bool = False  # without consent


@dataclass(frozen=True)
class LetterField:
    """Something that a letter may say about the person."""

    code: str
    words: str
    hint: str = ""
    record: tuple[str, ...] = ()  # the fields of the record that it is first filled from


@dataclass(frozen=True)
class Terms:
    """Code -> words of everything that is chosen in a referral."""

    kinds: Mapping[str, str]
    bases: Mapping[str, Basis]
    urgencies: Mapping[str, str]
    directions: Mapping[str, str]
    methods: Mapping[str, str]
    fields: Mapping[str, LetterField]
    minimum: Mapping[str, tuple[str, ...]]


def load_terms(directory: Directory, form: Form, path: Path = Path(__file__).parent / "terms.toml") -> Terms:
    """Read the words; raise ValueError when a kind has no minimum, or a field is named that does not exist."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    fields = {row["code"]: LetterField(**{**row, "record": tuple(row.get("record", ()))}) for row in raw["field"]}
    if strange := {key for field in fields.values() for key in field.record} - set(form.fields):
        raise ValueError(f"{path}: letters are filled from fields that the record does not have: {sorted(strange)}")
    minimum = {kind: tuple(codes) for kind, codes in raw["minimum"].items()}
    if set(minimum) != set(directory.kinds):
        raise ValueError(f"{path}: [minimum] must name every kind once: {sorted(set(minimum) ^ set(directory.kinds))}")
    for kind, codes in minimum.items():
        if unknown := set(codes) - set(fields):
            raise ValueError(f"{path}: minimum of {kind} names unknown fields {sorted(unknown)}")
    return Terms(
        kinds=directory.kinds,
        bases={row["code"]: Basis(**row) for row in raw["basis"]},
        urgencies=_words(raw["urgency"]),
        directions=_words(raw["direction"]),
        methods=_words(raw["method"]),
        fields=fields,
        minimum=minimum,
    )


def _words(rows: list[dict[str, str]]) -> dict[str, str]:
    return {row["code"]: row["words"] for row in rows}
