"""Somebody who was called has seen it: known by the link's token, or by the browser that showed it. No sign-in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from records import events
from records.addresses import STAFF, Addresses
from records.alerts import Alerts
from records.notices import CALL, Notice, Notices
from records.staff import Staff


@dataclass(frozen=True)
class Receipts:
    """Inside the caller's transaction."""

    notices: Notices
    addresses: Addresses
    alerts: Alerts
    staff: Staff

    def by_token(self, connection: sa.Connection, token: str) -> Notice | None:
        """The call whose link this is."""
        return self.notices.by_token(connection, token)

    def by_browser(self, connection: sa.Connection, endpoint: str) -> Notice | None:
        """The last call of a counsellor's browser."""
        address = self.addresses.of_browser(connection, endpoint)
        if address is None or address.owner != STAFF:
            return None
        return self.notices.newest(connection, address.id)

    def is_answered(self, connection: sa.Connection, notice: Notice) -> bool:
        """Whether somebody has come meanwhile."""
        return notice.case_id is not None and self.alerts.ringing(connection, notice.case_id) is None

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
