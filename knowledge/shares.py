"""A share with its uncertainty: some hundred questions say less than two digits suggest."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True)
class Share:
    """Some of many."""

    some: int
    many: int

    @property
    def value(self) -> float:
        """The share itself; nothing of nothing is nothing."""
        return self.some / self.many if self.many else 0.0

    def interval(self, z: float = 1.96) -> tuple[float, float]:
        """Wilson's interval."""
        if not self.many:
            return 0.0, 1.0
        spread = z * sqrt(self.value * (1 - self.value) / self.many + z * z / (4 * self.many**2))
        middle, scale = self.value + z * z / (2 * self.many), 1 + z * z / self.many
        return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)

    def __str__(self) -> str:
        low, high = self.interval()
        return f"{self.value:6.1%}  [{low:.1%}, {high:.1%}]  {self.some}/{self.many}"
