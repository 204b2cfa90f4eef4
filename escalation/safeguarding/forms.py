"""A form as it was typed becomes what is kept, or says beside each field what is missing. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from escalation.cases import NotAllowed
from escalation.safeguarding.terms import Field, Form, Terms

_ZONE = ZoneInfo("Asia/Shanghai")
_LONGEST = 4000
_CLOCKS_DIFFER = timedelta(minutes=5)  # the browser's and ours
Raw = Mapping[str, str]
Given = dict[str, Any]  # JSON: what is kept


class Incomplete(NotAllowed):
    """Something in the form is missing; `errors` says what, field by field."""

    def __init__(self, errors: Mapping[str, str]):
        super().__init__("还没有填完：" + "；".join(errors.values()))
        self.errors = dict(errors)


class _Missing(Exception):
    """What one field lacks, in words."""


@dataclass(frozen=True)
class Asked:
    """What a form is read against: whose kind it is, who may be named, whose words may be picked."""

    terms: Terms
    kind: str
    now: datetime
    staff: Collection[str] = ()
    messages: Collection[str] = ()


def read(form: Form, raw: Raw, asked: Asked) -> Given:
    """The fields that are asked for, checked; raise Incomplete."""
    given: Given = {}
    errors: dict[str, str] = {}
    for field in form.fields:
        if field.when is not None and given.get(field.when[0]) != field.when[1]:
            continue
        try:
            value = _READERS[field.kind](field, raw, asked)
        except _Missing as missing:
            errors[field.name] = str(missing)
            continue
        if value:
            given[field.name] = value
        elif not field.optional:
            errors[field.name] = f"请填“{field.words}”"
    if "share" in given and "more" not in given and _gives_more(given, asked):
        errors["more"] = "请写明为什么要给得更多，或者去掉"
    if errors:
        raise Incomplete(errors)
    return given


def _gives_more(given: Given, asked: Asked) -> bool:
    return any(not asked.terms.shares[code].is_minimum for code in given["share"])


def _words(field: Field, raw: Raw, _asked: Asked) -> str:
    text = raw.get(field.name, "").strip()
    if len(text) > _LONGEST:
        raise _Missing(f"“{field.words}”最多{_LONGEST}个字")
    if text and len(text) < field.least:
        raise _Missing(f"“{field.words}”请写得具体些（至少{field.least}个字）")
    return text


def _choice(field: Field, raw: Raw, asked: Asked) -> str:
    code = raw.get(field.name, "")
    return code if code in asked.terms.options[field.options] else ""


def _basis(field: Field, raw: Raw, asked: Asked) -> str:
    code = raw.get(field.name, "")
    return code if code in asked.terms.bases_of(asked.kind) else ""


def _many(field: Field, raw: Raw, asked: Asked) -> list[str]:
    return [code for code in asked.terms.options[field.options] if raw.get(f"{field.name}:{code}") == "yes"]


def _flag(field: Field, raw: Raw, _asked: Asked) -> bool:
    return raw.get(field.name) == "yes"


def _time(field: Field, raw: Raw, asked: Asked) -> str:
    """As the browser's local time; what has not happened yet cannot be written down."""
    text = raw.get(field.name, "").strip()
    if not text:
        return ""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _Missing(f"“{field.words}”要像 2026-12-01 09:30") from None
    at = at if at.tzinfo else at.replace(tzinfo=_ZONE)
    if at > asked.now + _CLOCKS_DIFFER:
        raise _Missing(f"“{field.words}”还没有到")
    return at.astimezone(_ZONE).isoformat()


def _staff(field: Field, raw: Raw, asked: Asked) -> list[str]:
    return [one for one in asked.staff if raw.get(f"{field.name}:{one}") == "yes"]


def _messages(field: Field, raw: Raw, asked: Asked) -> list[str]:
    return [one for one in asked.messages if raw.get(f"{field.name}:{one}") == "yes"]


def _share(field: Field, raw: Raw, asked: Asked) -> dict[str, str]:
    texts = {code: raw.get(f"{field.name}:{code}", "").strip() for code in asked.terms.shares_of(asked.kind)}
    if any(len(text) > _LONGEST for text in texts.values()):
        raise _Missing(f"“{field.words}”每一项最多{_LONGEST}个字")
    return {code: text for code, text in texts.items() if text}


_READERS: Mapping[str, Callable[[Field, Raw, Asked], Any]] = {
    "words": _words, "line": _words, "choice": _choice, "many": _many, "time": _time, "flag": _flag, "staff": _staff,
    "messages": _messages, "share": _share, "basis": _basis,
}  # fmt: skip
