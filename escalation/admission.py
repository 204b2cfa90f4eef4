"""May this counsellor do this to that case? Loads what the conditions of roles.toml depend on, and decides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import State
from escalation.permissions import CaseFacts, Permissions
from records.alerts import Alert, Alerts
from records.cases import Case, Cases
from records.shares import Shares
from records.staff import Counsellor


@dataclass(frozen=True)
class Admission:
    """Decides on the rows as they are inside the caller's transaction."""

    permissions: Permissions
    cases: Cases
    alerts: Alerts
    shares: Shares

    def allows(
        self, connection: sa.Connection, who: Counsellor, session_id: str, action: str, case_id: str | None,
        now: datetime,
    ) -> bool:  # fmt: skip
        """Whether the action is allowed (on this case); on a case that is not there nothing is."""
        if case_id is None:
            return self.permissions.allows(who.roles, action)
        case = self.cases.get(connection, case_id)
        return case is not None and self.allows_on(connection, who, session_id, action, case, now)

    def allows_on(
        self, connection: sa.Connection, who: Counsellor, session_id: str, action: str, case: Case, now: datetime
    ) -> bool:  # fmt: skip
        """By the case's row first: conditions only ever add a right, so the other queries are for who has none yet."""
        facts = _facts(who, case, now)
        if self.permissions.allows(who.roles, action, facts):
            return True
        shares = self.shares.open_with(connection, who.id, now, case.id)
        more = replace(
            facts,
            is_ringing=self.alerts.ringing(connection, case.id) is not None,
            takes_part=self.shares.takes_part(connection, case.id, case.conversation_id, who.id),
            has_task=self.shares.has_task(connection, case.id, who.id),
            shared_until=max((share.until for share in shares), default=None),
            has_revealed=self.shares.has_revealed(connection, case.id, session_id),
        )
        return self.permissions.allows(who.roles, action, more)

    def lists(self, who: Counsellor, case: Case, alert: Alert | None, now: datetime) -> bool:
        """Whether a case stands in this counsellor's queue; by what its row says, without any query."""
        facts = replace(_facts(who, case, now), is_ringing=alert is not None)
        return self.permissions.allows(who.roles, "queue_row", facts)


def _facts(who: Counsellor, case: Case, now: datetime) -> CaseFacts:
    return CaseFacts(who.id, now, State(case.state), case.level, case.owner_id)
