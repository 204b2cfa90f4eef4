"""Grounds, recipients, clocks and forms of safeguarding: reviewed data, checked at start."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from escalation.safeguarding.states import CLOCKS, STARTS, TELLING, TRANSITIONS

FOLDER = Path(__file__).parent
_KINDS = frozenset({"words", "line", "choice", "many", "time", "flag", "staff", "messages", "share", "basis"})
_STATUSES = frozenset({"V", "V2", "GK", "PD"})


@dataclass(frozen=True)
class Basis:
    """Why the law asks for it or allows it. `review`: pending until a lawyer has read it."""

    words: str
    article: str
    status: str
    review: str
    offered: frozenset[str]


@dataclass(frozen=True)
class Share:
    """One thing that may be given away."""

    words: str
    is_minimum: bool
    offered: frozenset[str]


@dataclass(frozen=True)
class Clock:
    """Until when something is done, and how often it is called for afterwards."""

    words: str
    within: timedelta
    again: timedelta


@dataclass(frozen=True)
class Field:
    """One field of a form; with `when` it is asked for only while another field has that value."""

    name: str
    kind: str
    words: str
    options: str = ""
    hint: str = ""
    optional: bool = False
    least: int = 2  # characters
    when: tuple[str, str] | None = None


@dataclass(frozen=True)
class Form:
    """What one action asks; `title` where the button alone does not say it."""

    words: str
    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Terms:
    """The reviewed data with this deployment's numbers filled in."""

    numbers: str
    bases: Mapping[str, Basis]
    options: Mapping[str, Mapping[str, str]]
    shares: Mapping[str, Share]
    clocks: Mapping[str, Clock]
    forms: Mapping[tuple[str, str], Form]

    def bases_of(self, kind: str) -> dict[str, Basis]:
        """The grounds that a kind of matter offers."""
        return {code: basis for code, basis in self.bases.items() if kind in basis.offered}

    def shares_of(self, kind: str) -> dict[str, Share]:
        """What a kind of matter may give away."""
        return {code: share for code, share in self.shares.items() if kind in share.offered}


def load_terms(numbers: Mapping[str, str], report_within: timedelta, folder: Path = FOLDER) -> Terms:
    """Read and check the data; raise ValueError that names what is wrong."""
    raw = tomllib.loads((folder / "terms.toml").read_text(encoding="utf-8"))
    forms = tomllib.loads((folder / "forms.toml").read_text(encoding="utf-8"))["form"]

    def filled(text: str) -> str:
        for name, number in numbers.items():
            text = text.replace("{n:" + name + "}", number)
        return text

    terms = Terms(
        numbers=filled(raw["numbers"]["report"]),
        bases={
            one["code"]: Basis(one["words"], one["article"], one["status"], one["review"], frozenset(one["for"]))
            for one in raw["basis"]
        },
        options={
            name: {code: filled(words) for code, words in entries.items()} for name, entries in raw["options"].items()
        },
        shares={one["code"]: Share(one["words"], one["minimum"], frozenset(one["for"])) for one in raw["share"]},
        clocks={one["code"]: _clock(one, report_within) for one in raw["clock"]},
        forms={(one["of"], one["action"]): _form(one) for one in forms},
    )
    _check(terms)
    return terms


def _clock(raw: Mapping[str, Any], report_within: timedelta) -> Clock:  # Any: TOML
    within = timedelta(minutes=raw["within"]) or report_within
    return Clock(raw["words"], within, timedelta(minutes=raw["again"]))


def _form(raw: Mapping[str, Any]) -> Form:  # Any: TOML
    fields = tuple(
        Field(**{**one, "when": (one["when"]["field"], one["when"]["is"]) if "when" in one else None})
        for one in raw["fields"]
    )
    return Form(raw["words"], raw.get("title", ""), fields)


def _check(terms: Terms) -> None:
    told = {("breach", action) for action in TELLING}
    wanted = {(kind, action) for kind, _, action in TRANSITIONS} | {(kind, "make") for kind in STARTS} | told
    if odd := wanted ^ set(terms.forms):
        raise ValueError(f"forms.toml: these forms are missing or unknown: {sorted(odd)}")
    if odd_clocks := CLOCKS ^ set(terms.clocks):
        raise ValueError(f"terms.toml: these clocks are missing or unknown: {sorted(odd_clocks)}")
    if strange := {basis.status for basis in terms.bases.values()} - _STATUSES:
        raise ValueError(f"terms.toml: unknown status {sorted(strange)}")
    if any(clock.again <= timedelta() for clock in terms.clocks.values()):
        raise ValueError("terms.toml: a clock needs `again` above 0")
    for form in terms.forms.values():
        for field in form.fields:
            if field.kind not in _KINDS or (field.kind in ("choice", "many") and field.options not in terms.options):
                raise ValueError(f"forms.toml: field {field.name} has an unknown kind or options")
