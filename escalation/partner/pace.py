"""How often one address may knock at the partner's door: kept in memory, because a restart harms nobody here."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta

_MOST_KEYS = 10_000


class Pace:
    """At most so many knocks of one key within a window."""

    def __init__(self, most: int, window: timedelta):
        self.most = most
        self.window = window
        self._knocks: OrderedDict[str, deque[datetime]] = OrderedDict()

    def allows(self, key: str, now: datetime) -> bool:
        """Whether this knock is within the limit; one that is not counts as well."""
        knocks = self._knocks.setdefault(key, deque(maxlen=self.most + 1))
        self._knocks.move_to_end(key)
        if len(self._knocks) > _MOST_KEYS:
            self._knocks.popitem(last=False)
        knocks.append(now)
        while knocks and knocks[0] <= now - self.window:
            knocks.popleft()
        return len(knocks) <= self.most
