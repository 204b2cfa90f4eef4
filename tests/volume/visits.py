"""Which pages there are: every GET route of the console, read from the application itself, with ids to open it with."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import FastAPI

from escalation.reports.periods import day_of, period_of
from tests.volume.seats import Marks

LEFT_OUT = {
    "/console/audit/chain.json",  # reads every row there is, at a button
    "/console/events",  # measured as a stream
    "/console/seen/{token}",  # the link of one call
    "/console/sign-in",  # whoever is signed in is sent on
    "/console/sign-in/code",
    "/console/static",
}
_WORDS = {  # what a page is asked beside its address
    "/console/audit": (
        "",
        "?case_no={case_no}",
        "?person=counsellor0",
        "?person=volume-expert",
        "?day={day}",
        "?kind=looks",
    ),
    "/console/institutions.json": ("", "?words=示例机构7"),
    "/console/library/search.json": ("?text=失眠",),
    "/console/cases/{case_id}/suggest.json": ("?text=睡不着",),
    "/console/cases/{case_id}/state.json": ("?after=0", "?after={last_seq}"),
    "/console/cases/{case_id}/timeline.json": ("", "?skip=200"),
    "/console/supervision": ("", "?show=signed", "?show=done"),
    "/console/reports": ("", "?period={month}"),
    "/console/reports/monthly": ("?period={month}&version=1", "?period={month}"),
}


@dataclass(frozen=True)
class Visit:
    """One address, and how it is called in the table."""

    name: str
    path: str


def moments(now: datetime) -> dict[str, str]:
    """The day and the month before, as addresses name them."""
    return {"day": f"{now:%Y-%m-%d}", "month": period_of("month", day_of(now)).before.code}


def visits(app: FastAPI, marks: Marks, words: dict[str, str]) -> list[Visit]:
    """Every page, once for each kind of row that it can show."""
    return [visit for path in sorted(set(_paths(app))) for visit in _visits_of(path, marks, words)]


def _paths(router: Any) -> Iterator[str]:
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _paths(inner)
        elif route.path.startswith("/console") and route.path not in LEFT_OUT and "GET" in (route.methods or ()):
            yield route.path


def _visits_of(path: str, marks: Marks, words: dict[str, str]) -> Iterator[Visit]:
    names = re.findall(r"{(\w+)}", path)
    for chosen in itertools.product(*(marks.ids[name].items() for name in names)):
        ids = {name: value for name, (_, value) in zip(names, chosen, strict=True)}
        what = " ".join(filter(None, (kind for kind, _ in chosen)))
        for question in _WORDS.get(path, ("",)):
            asked = question.format(**words) if question else ""
            yield Visit(f"{path}{question} {what}".strip(), path.format(**ids) + asked)
