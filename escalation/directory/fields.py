"""The fields of an institution as data: how each is read from a form or a cell, checked, and shown. No I/O."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

_PARTS = re.compile(r"[;；\n]+")
_CHOICE_PARTS = re.compile(r"[;；,，、\s]+")
_PHONE = re.compile(r"[0-9][0-9+\-() ]{1,24}(转[0-9]{1,6})?(\s.*)?")
_YES = frozenset({"是", "有", "1", "true", "yes", "y", "√"})
_NO = frozenset({"", "否", "无", "没有", "0", "false", "no", "n", "×"})
_MOST_PARTS = 20
Values = Mapping[str, Any]  # code -> words, numbers, lists of words, yes or no


class BadValue(Exception):
    """A value that this field cannot have, in words for the person who typed it."""


@dataclass(frozen=True)
class Field:
    """One field of the directory."""

    code: str
    words: str
    kind: str
    hint: str = ""
    longest: int = 0
    lowest: float = 0
    highest: float = 0
    required: bool = False
    vital: bool = False
    secret: bool = False
    default: Any = None
    choices: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Directory:
    """All fields, and what institutions may be."""

    fields: tuple[Field, ...]
    kinds: Mapping[str, str]

    @property
    def public(self) -> tuple[Field, ...]:
        """Fields that anybody may know."""
        return tuple(field for field in self.fields if not field.secret)

    @property
    def secret(self) -> tuple[Field, ...]:
        """Fields of the contact person."""
        return tuple(field for field in self.fields if field.secret)

    def vital_changes(self, old: Values, new: Values) -> list[str]:
        """Codes of changed fields that somebody in danger relies on."""
        return [field.code for field in self.public if field.vital and old.get(field.code) != new.get(field.code)]


def load_directory(path: Path = Path(__file__).parent / "fields.toml") -> Directory:
    """Read the fields; raise ValueError when one is of no known kind."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    kinds = dict(raw["kinds"])
    fields = tuple(Field(**{"choices": kinds if row["kind"] == "choices" else None, **row}) for row in raw["field"])
    if unknown := {field.kind for field in fields} - set(_READERS):
        raise ValueError(f"{path}: unknown kinds of fields {sorted(unknown)}")
    return Directory(fields, kinds)


def read(field: Field, text: str) -> Any:
    """The value of a form's field or a file's cell; raise BadValue in words."""
    clean = unicodedata.normalize("NFC", text).replace("\r\n", "\n").strip()
    if field.required and not clean:
        raise BadValue("不能空着")
    if field.longest and len(clean) > field.longest:
        raise BadValue(f"最多{field.longest}个字，现在{len(clean)}个")
    return _READERS[field.kind](field, clean)


def shown(field: Field, value: Any) -> str:
    """A value as a form, a file and a page show it; read() takes it back."""
    if value is None:
        return ""
    if field.kind == "yes":
        return "是" if value else "否"
    if field.kind == "list":
        return "\n".join(value)
    if field.kind == "choices":
        return "；".join((field.choices or {}).get(code, code) for code in value)
    if field.kind == "choice":
        return (field.choices or {}).get(value, str(value))
    return str(value)


def read_all(fields: tuple[Field, ...], texts: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Values of all fields, and for each that is wrong why; a field without text gets its default."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for field in fields:
        try:
            values[field.code] = read(field, texts.get(field.code, ""))
        except BadValue as error:
            errors[field.code] = str(error)
    if not {"age_from", "age_to"} & set(errors) and values.get("age_from", 0) > values.get("age_to", 120):
        errors["age_to"] = "要不小于“接收年龄从”"
    if "latitude" in values and "longitude" in values and (values["latitude"] is None) != (values["longitude"] is None):
        errors["longitude"] = "纬度和经度要么都写，要么都空着"
    return values, errors


def folded(text: str) -> str:
    """Words as they are compared: width, case and spaces do not matter."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


def search_words(directory: Directory, values: Values) -> str:
    """Everything public that one may look for, folded."""
    return folded(" ".join(shown(field, values.get(field.code)) for field in directory.public if field.kind != "yes"))


def is_fresh(verified_at: datetime | None, now: datetime, within: timedelta) -> bool:
    """Whether somebody checked the entry recently enough to rely on it in danger."""
    return verified_at is not None and now - verified_at <= within


def _line(_field: Field, text: str) -> str:
    return " ".join(text.split())


def _list(field: Field, text: str) -> list[str]:
    parts = [" ".join(part.split()) for part in _PARTS.split(text)]
    found = list(dict.fromkeys(part for part in parts if part))
    if len(found) > _MOST_PARTS:
        raise BadValue(f"最多{_MOST_PARTS}项")
    if field.code == "phones" and (bad := [part for part in found if not _PHONE.fullmatch(part)]):
        raise BadValue(f"“{bad[0][:30]}”不像电话号码；先写号码，再空一格写时段")
    return found


def _number(field: Field, text: str) -> int:
    if not text and field.default is not None:
        return int(field.default)
    digits = text.removesuffix("岁")
    if not (digits.isascii() and digits.isdigit()) or not field.lowest <= int(digits[:9]) <= field.highest:
        raise BadValue(f"要写{field.lowest}到{field.highest}的整数")
    return int(digits)


def _degrees(field: Field, text: str) -> float | None:
    if not text:
        return None
    if not re.fullmatch(r"-?[0-9]{1,3}(\.[0-9]{1,9})?", text) or not field.lowest <= float(text) <= field.highest:
        raise BadValue(f"要写{field.lowest}到{field.highest}的小数")
    return float(text)


def _yes(_field: Field, text: str) -> bool:
    word = text.lower()
    if word not in _YES | _NO:
        raise BadValue("要写“是”或“否”")
    return word in _YES


def _choice(field: Field, text: str) -> str:
    return _code(field, text) if text else str(field.default)


def _choices(field: Field, text: str) -> list[str]:
    return list(dict.fromkeys(_code(field, part) for part in _CHOICE_PARTS.split(text) if part))


def _code(field: Field, text: str) -> str:
    choices = field.choices or {}
    for code, words in choices.items():
        if text in (code, words):
            return code
    raise BadValue(f"没有“{text[:20]}”；可以写：{'、'.join(choices.values())}")


_READERS: dict[str, Callable[[Field, str], Any]] = {
    "line": _line,
    "list": _list,
    "number": _number,
    "degrees": _degrees,
    "yes": _yes,
    "choice": _choice,
    "choices": _choices,
}
