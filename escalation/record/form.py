"""The record form as data: fields, kinds of answers, the four kinds of no answer; checked at start."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from triage.risk import Level

_KINDS = ("text", "choice", "choices", "number", "yesno", "place")
_YES_NO = {"yes": "是", "no": "否"}
_LONGEST_TEXT = 2000
_MOST = 100


class BadForm(Exception):
    """The record form cannot be used."""


@dataclass(frozen=True)
class Field:
    """One question of the form. A number lies between 0 and 100."""

    key: str
    words: str
    short: str  # in the line of what is unasked
    kind: str  # one of _KINDS
    options: Mapping[str, str]  # code -> words; of choice, choices and yesno
    is_quick: bool
    required_at: Level | None  # to be answered before a case of this level or above is closed
    needs_reason: bool  # in orange and red any kind of no answer needs a reason
    moot_when: Mapping[str, str]  # other field -> its answer that leaves nothing to ask here
    question: str  # what may be asked in the chat
    hint: str
    is_for_rescue: bool  # where and how rescuers find somebody: no volunteer asks, sees or writes it

    def problem(self, value: str) -> str:
        """Why this is no answer, in words for the counsellor; empty when it is one. Empty text empties the field."""
        if not value:
            return ""
        if self.kind == "number" and not (value.isascii() and value.isdigit() and int(value[:9]) <= _MOST):
            return f"“{self.words}”请填0到{_MOST}的整数"
        if self.options and set(self.codes(value)) - set(self.options):
            return f"“{self.words}”没有这个选项"
        if self.kind in ("choice", "yesno") and "," in value:
            return f"“{self.words}”只能选一个"
        return f"“{self.words}”最多{_LONGEST_TEXT}字" if len(value) > _LONGEST_TEXT else ""

    def codes(self, value: str) -> list[str]:
        """The chosen options of an answer."""
        return value.split(",") if value else []

    def shown(self, value: str) -> str:
        """An answer in words."""
        if not self.options:
            return value
        return "、".join(self.options.get(code, code) for code in self.codes(value))


@dataclass(frozen=True)
class Group:
    """Fields that stand together."""

    key: str
    words: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Form:
    """The whole form. `missing`: the kinds of no answer; `unasked`: what matters first at a level."""

    groups: tuple[Group, ...]
    missing: Mapping[str, str]
    unasked: Mapping[Level, tuple[str, ...]]

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Every field by its key."""
        return {field.key: field for group in self.groups for field in group.fields}

    @cached_property
    def quick(self) -> tuple[Field, ...]:
        """What is asked first."""
        return tuple(field for field in self.fields.values() if field.is_quick)

    @cached_property
    def of_volunteers(self) -> Form:
        """What volunteers see and write."""
        groups = (replace(g, fields=tuple(f for f in g.fields if not f.is_for_rescue)) for g in self.groups)
        unasked = {
            level: tuple(key for key in keys if not self.fields[key].is_for_rescue)
            for level, keys in self.unasked.items()
        }
        return replace(self, groups=tuple(groups), unasked=unasked)


def load_form(path: Path = Path(__file__).parent / "form.toml") -> Form:
    """Read and check the form; raise BadForm that names what cannot be used."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        groups = tuple(Group(g["key"], g["words"], tuple(map(_field, g["field"]))) for g in raw["group"])
        unasked = {Level.from_code(code): tuple(keys) for code, keys in raw["unasked"].items()}
        form = Form(groups, dict(raw["missing"]), unasked)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadForm(f"{path}: {error!r}") from error
    _check(form, path)
    return form


def _field(raw: dict[str, Any]) -> Field:  # raw: TOML
    return Field(
        key=raw["key"],
        words=raw["words"],
        short=raw.get("short", raw["words"]),
        kind=raw["kind"],
        options=_YES_NO if raw["kind"] == "yesno" else dict(raw.get("options", {})),
        is_quick=raw.get("quick", False),
        required_at=Level.from_code(raw["required_at"]) if "required_at" in raw else None,
        needs_reason=raw.get("needs_reason", False),
        moot_when=dict(raw.get("moot_when", {})),
        question=raw.get("question", ""),
        hint=raw.get("hint", ""),
        is_for_rescue=raw.get("for_rescue", False),
    )


def _check(form: Form, path: Path) -> None:
    keys = [field.key for group in form.groups for field in group.fields]
    if twice := {key for key in keys if keys.count(key) > 1}:
        raise BadForm(f"{path}: {sorted(twice)} stand twice")
    for field in form.fields.values():
        if field.kind not in _KINDS:
            raise BadForm(f"{path}: {field.key}: kind {field.kind!r} is none of {_KINDS}")
        if bool(field.options) != (field.kind in ("choice", "choices", "yesno")):
            raise BadForm(f"{path}: {field.key}: options belong to choices, and choices need them")
        for other, answer in field.moot_when.items():
            if other not in form.fields or answer not in form.fields[other].options:
                raise BadForm(f"{path}: {field.key}: moot_when names no answer of {other!r}")
        if any("," in code or not code for code in field.options):
            raise BadForm(f"{path}: {field.key}: a code is empty or has a comma")
    for level in Level:
        for key in form.unasked.get(level, ("",)):
            if key not in form.fields or not form.fields[key].question:
                raise BadForm(f"{path}: unasked at {level.code}: {key!r} is no field with a question")
