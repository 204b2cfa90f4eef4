"""The person of a case: name (masked unless the visitor may see it), channel, reach, what people decide about them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from escalation.cases import NoSuchCase
from escalation.console.access import CaseView, Console, act
from escalation.showing import channel_word, displayable, masked
from records.contacts import Contact

_LONGEST_NAME = 60
_DECISION_WORDS = {"blocked": "屏蔽", "unblocked": "解除屏蔽", "reached": "用其他方式联系"}


def add_decisions(routes: APIRouter, console: Console) -> None:
    """What may be decided, under the routes of a case."""
    people = console.desks.people

    @routes.post("/block")
    async def block(request: Request, case_id: str) -> Any:
        reason = str((await request.form()).get("reason", ""))
        return await act(
            console, request, "contact_block", lambda c, who, now: people.block(c, case_id, who, reason, now)
        )

    @routes.post("/unblock")
    async def unblock(request: Request, case_id: str) -> Any:
        reason = str((await request.form()).get("reason", ""))
        return await act(
            console, request, "contact_block", lambda c, who, now: people.unblock(c, case_id, who, reason, now)
        )

    @routes.post("/plan")
    async def plan(request: Request, case_id: str) -> Any:
        text = str((await request.form()).get("text", ""))
        return await act(
            console, request, "contact_plan", lambda c, who, now: people.set_plan(c, case_id, who, text, now)
        )

    @routes.post("/reveal")
    async def reveal(request: Request, case_id: str) -> Any:
        visitor = await console.visitor(request, "contact_reveal")
        why = str((await request.form()).get("why", ""))
        return await act(
            console,
            request,
            "contact_reveal",
            lambda c, who, now: console.desks.sharing.reveal(c, case_id, who, visitor.session.id, why, now),
        )


def person_values(console: Console, view: CaseView) -> dict[str, Any]:
    """The person as values; every text is somebody's own and must be shown as text."""
    people, connection, case, names = console.desks.people, view.connection, view.case, view.names
    contact = people.contacts.get(connection, case.contact_id)
    if contact is None:
        raise NoSuchCase("个案的来访者不存在")
    now = console.now()
    reach = people.reach(connection, contact, case.conversation_id, now)
    plan = people.decisions.plan(connection, people.kin(connection, contact))
    return {
        "name": _name(contact, view),
        "is_masked": not view.shows_contact,
        "channel": channel_word(contact.channel),
        "scene": displayable(contact.scene),
        "reach": reach.words,
        "is_open": reach.is_open,
        "left": reach.left,
        "closes_in_s": reach.until and (reach.until - now).total_seconds(),
        "bubble_bytes": console.longest_bubble(contact.channel),
        "is_blocked": contact.blocked_at is not None,
        "decisions": [
            {
                "what": _DECISION_WORDS.get(decision.kind, decision.kind),
                "by": names.get(decision.by_id, ""),
                "reason": displayable(decision.reason),
                "at": decision.at.isoformat(),
            }
            for decision in people.decisions.of(connection, contact.id)
        ],
        "plan": plan and {"text": displayable(plan.text), "by": names.get(plan.by_id, ""), "at": plan.at.isoformat()},
        "others": _others(console, view, contact),
    }


def _others(console: Console, view: CaseView, contact: Contact) -> list[dict[str, Any]]:
    """The other conversations of a linked person."""
    if contact.person_id is None:
        return []
    connection, found = view.connection, []
    contacts = console.desks.people.contacts.of_person(connection, contact.person_id)
    for thread in console.desks.people.links.threads(connection, contact.person_id):
        other = contacts.get(thread.contact_id)
        if other is not None and other.id != contact.id:
            found.append(
                {
                    "id": thread.conversation_id,
                    "name": _name(other, view),
                    "channel": channel_word(other.channel),
                    "level": int(thread.level),
                    "level_label": f"{thread.level.colour}·{thread.level.label}",
                    "case_id": thread.case_id,
                    "case_no": thread.case_no,
                    "at": thread.last_message_at.isoformat() if thread.last_message_at else "",
                }
            )
    return found


def _name(contact: Contact, view: CaseView) -> str:
    name = displayable(contact.nickname)[:_LONGEST_NAME]
    return name if view.shows_contact else masked(name)
