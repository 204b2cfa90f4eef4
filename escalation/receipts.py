"""Somebody who was called has seen it: known by the link's token, or by the browser that showed it. No sign-in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from escalation.alarm import overdue_s
from escalation.routing import Clocks
from records import events
from records.addresses import STAFF, Addresses
from records.alerts import Alerts
from records.matters import Matters
from records.notices import CALL, Notice, Notices
from records.staff import Staff


class Standing(StrEnum):
    """How it stands with what somebody was called for."""

    ANSWERED = "answered"
    RINGS = "rings"
    LATE = "late"  # it rings, and the promised time is over
    UNDONE = "undone"  # a clock beside the ladder has run out


@dataclass(frozen=True)
class Receipts:
    """Inside the caller's transaction."""

    notices: Notices
    addresses: Addresses
    alerts: Alerts
    staff: Staff
    matters: Matters
    clocks: Clocks

    def by_token(self, connection: sa.Connection, token: str) -> Notice | None:
        """The call whose link this is."""
        return self.notices.by_token(connection, token)

    def by_browser(self, connection: sa.Connection, endpoint: str) -> Notice | None:
        """The last call of a counsellor's browser."""
        address = self.addresses.of_browser(connection, endpoint)
        if address is None or address.owner != STAFF:
            return None
        return self.notices.newest(connection, address.id)

    def stands(self, connection: sa.Connection, notice: Notice, now: datetime) -> Standing:
        """Whether somebody has come meanwhile, or the thing that was late is done."""
        if notice.case_id is None:
            is_undone = self.matters.is_open(connection, notice.alert_id or "")
            return Standing.UNDONE if is_undone else Standing.ANSWERED
        alert = self.alerts.ringing(connection, notice.case_id)
        if alert is None:
            return Standing.ANSWERED
        return Standing.LATE if overdue_s(alert, self.clocks, now) > 0 else Standing.RINGS

    def see(self, connection: sa.Connection, notice: Notice, now: datetime) -> None:
        """Keep that it was seen, by whom where that is known; the address is proven by it. Twice changes nothing."""
        if not self.notices.see(connection, notice.id, notice.counsellor_id or "", now):
            return
        address = self.addresses.get(connection, notice.address_id)
        if address is not None and address.confirmed_at is None:
            self.addresses.change(connection, address.id, confirmed_at=now)
        if notice.kind == CALL:
            events.append(
                connection, self.notices.district, "desk", "call_seen", now, case_id=notice.case_id, notice=notice.id
            )
            self.staff.audit(
                connection, "call_seen", now, actor_id=notice.counsellor_id, object_id=notice.case_id,
                notice=notice.id,
            )  # fmt: skip
