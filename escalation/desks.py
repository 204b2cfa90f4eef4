"""All the desks that people work at, made from the rows: the console acts through them."""

from __future__ import annotations

from dataclasses import dataclass

from escalation.alarm import Alarm
from escalation.contact_desk import ContactDesk
from escalation.desk import Desk
from escalation.handling import Handling
from escalation.roles import Permissions
from escalation.undelivered import Undelivered
from records.store import Store


@dataclass(frozen=True)
class Desks:
    """One field a desk."""

    desk: Desk
    people: ContactDesk
    undelivered: Undelivered


def open_desks(store: Store, alarm: Alarm, permissions: Permissions) -> Desks:
    """Every desk over the same rows."""
    handling = Handling(alarm, store.staff)
    people = ContactDesk(store.cases, store.contacts, store.links, store.decisions, store.ledger, store.staff)
    return Desks(
        desk=Desk(handling, permissions),
        people=people,
        undelivered=Undelivered(alarm, people),
    )
