"""May this counsellor do this to that case? Loads what the conditions of roles.toml depend on, and decides."""

from __future__ import annotations

from collections.abc import Collection
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
        """Whether the action is allowed on this case."""
        return case.id in self.allowed(connection, who, session_id, action, [case], now)

    def allowed(
        self, connection: sa.Connection, who: Counsellor, session_id: str, action: str, cases: Collection[Case],
        now: datetime,
    ) -> set[str]:  # fmt: skip
        """The cases on which the action is allowed; however many there are, the same number of queries.

        By the case's row first: conditions only ever add a right, so the queries are for those without one yet.
        """
        facts = {case.id: _facts(who, case, now) for case in cases}
        found = {case_id for case_id, known in facts.items() if self.permissions.allows(who.roles, action, known)}
        talks = {case.id: case.conversation_id for case in cases if case.id not in found}
        if not talks:
            return found
        ringing = self.alerts.ringing_in(connection, talks)
        taking_part = self.shares.taking_part(connection, talks, who.id)
        with_task = self.shares.with_task(connection, talks, who.id)
        revealed = self.shares.revealed(connection, session_id)
        shared: dict[str, datetime] = {}
        for share in self.shares.open_with(connection, who.id, now):
            shared[share.case_id] = max(share.until, shared.get(share.case_id, share.until))
        for case_id in talks:
            more = replace(
                facts[case_id], is_ringing=case_id in ringing, takes_part=case_id in taking_part,
                has_task=case_id in with_task, shared_until=shared.get(case_id), has_revealed=case_id in revealed,
            )  # fmt: skip
            if self.permissions.allows(who.roles, action, more):
                found.add(case_id)
        return found

    def lists(self, who: Counsellor, case: Case, alert: Alert | None, now: datetime) -> bool:
        """Whether a case stands in this counsellor's queue; by what its row says, without any query."""
        facts = replace(_facts(who, case, now), is_ringing=alert is not None)
        return self.permissions.allows(who.roles, "queue_row", facts)


def _facts(who: Counsellor, case: Case, now: datetime) -> CaseFacts:
    return CaseFacts(who.id, now, State(case.state), case.level, case.owner_id)
