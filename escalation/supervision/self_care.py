"""Care for those who care: short texts, and whom a talk is offered after a hard case. Nobody sees who reads them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from records.trainings import HardCase

HEAVY, SERIOUS = "heavy", "serious"


class BadSelfCare(Exception):
    """The texts of self-care cannot be used."""


@dataclass(frozen=True)
class SelfCare:
    """The texts, and how long a talk is offered for which reason."""

    texts: tuple[tuple[str, str], ...]  # title, body
    offered_for: Mapping[str, timedelta]
    why: Mapping[str, str]

    @property
    def look_back(self) -> timedelta:
        """The longest time that an offer stands."""
        return max(self.offered_for.values())


def load_self_care(path: Path = Path(__file__).parent / "self_care.toml") -> SelfCare:
    """Read the texts; raise BadSelfCare that says what is missing."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        offered = {HEAVY: raw["offer"]["heavy_days"], SERIOUS: raw["offer"]["serious_days"]}
        return SelfCare(
            tuple((text["title"], text["body"]) for text in raw["text"]),
            {why: timedelta(days=days) for why, days in offered.items()},
            {why: raw["why"][why] for why in offered},
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise BadSelfCare(f"{path}: {error!r}") from error


def reason(case: HardCase) -> str:
    """Why a talk is offered after this case."""
    return SERIOUS if case.is_serious else HEAVY


def offers(cases: Iterable[HardCase], care: SelfCare, now: datetime) -> list[HardCase]:
    """The cases after which a talk is offered now: not answered yet, and not too long ago."""
    return [case for case in cases if not case.answer and now - case.ended_at <= care.offered_for[reason(case)]]
