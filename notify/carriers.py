"""What carries a notice to a person: one small class a carrier, all behind the same three outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Refused(Exception):
    """The carrier will never take this notice."""


class Gone(Refused):
    """The address exists no more: it is forgotten."""


class Later(Exception):
    """Not now; after so many seconds where the carrier said how long."""

    def __init__(self, retry_after_s: float | None = None):
        super().__init__(self.__doc__)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Letter:
    """What a carrier is given. `id` is the same at every try, so that the other side can know a repeat."""

    id: str
    title: str
    text: str
    is_urgent: bool  # a call of the ladder


class Carrier(Protocol):
    """One way to a person."""

    @property
    def per_second(self) -> float | None:
        """What the other side takes; None = as it comes."""
        ...

    async def send(self, address: str, letter: Letter) -> str:
        """Send; returns the carrier's own number for it, or "". Raise Refused, Gone or Later."""
        ...


_LONGEST_WAIT_S = 3600.0


def retry_after_s(value: str, usual_s: float) -> float:
    """Seconds of a Retry-After header; a date, nonsense or nothing counts as the usual wait."""
    is_number = value.isascii() and value.isdigit() and len(value) < 10
    return min(max(float(value), 1.0), _LONGEST_WAIT_S) if is_number else usual_s
