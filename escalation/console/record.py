"""The tab 记录单: the form beside the running chat, saved field by field; what is unasked; what the person said."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Request

from escalation.cases import DISPOSITIONS, STATE_WORDS, State
from escalation.console.access import CaseView, Console, Visitor, act
from escalation.console.talk import LOOKS_BACK, newest_messages
from escalation.record import answers
from escalation.record.answers import Change
from escalation.record.form import Form
from escalation.record.proposals import propose
from escalation.shift.volunteers import is_volunteer
from escalation.showing import channel_word, displayable
from records.conversations import Message
from records.entries import Entry
from triage.risk import Level

_MOST_NEIGHBOURS = 10
_MOST_REASONS = 4
_LONGEST_QUOTE = 60
_LARGEST_VERSION = 2**31 - 1


def add_record(routes: APIRouter, console: Console) -> None:
    """What is written on the record, under the routes of a case."""
    desks = console.desks

    @routes.post("/record/{field}")
    async def save(request: Request, case_id: str, field: str) -> dict[str, Any]:
        """`saved` is false when somebody else changed the field after `based_on`; then `entry` is theirs."""
        visitor = await console.writing_visitor(request, "case_record")
        change = _change(field, await request.form())
        now = console.now()
        done = await console.writer.write(lambda c: desks.record.save(c, case_id, visitor.counsellor, change, now))
        with console.engine.connect() as connection:
            by = console.accounts.staff.get(connection, done.entry.by_id)
        return {"saved": not done.is_clash, "entry": entry_values(done.entry, by.display_name if by else "")}

    @routes.post("/redact/field")
    async def redact_field(request: Request, case_id: str) -> Any:
        form = await request.form()
        field, reason = str(form.get("field", "")), str(form.get("reason", ""))
        return await act(
            console, request, "case_redact",
            lambda c, who, now: desks.record.redact_field(c, case_id, who, field, reason, now),
        )  # fmt: skip

    @routes.post("/redact/note")
    async def redact_note(request: Request, case_id: str) -> Any:
        form = await request.form()
        note, reason = str(form.get("note", "")), str(form.get("reason", ""))
        return await act(
            console, request, "case_redact",
            lambda c, who, now: desks.record.redact_note(c, case_id, who, note, reason, now),
        )  # fmt: skip

    @routes.post("/merge")
    async def merge(request: Request, case_id: str) -> Any:
        form = await request.form()
        into, reason = str(form.get("into", "")), str(form.get("reason", ""))
        return await act(
            console, request, "case_merge", lambda c, who, now: desks.merging.merge(c, case_id, who, into, reason, now)
        )


def _change(field: str, form: Any) -> Change:  # Any: Starlette's form
    based_on = str(form.get("based_on", ""))
    if not (based_on.isascii() and based_on.isdigit() and int(based_on[:11]) <= _LARGEST_VERSION):
        raise HTTPException(422, "based_on must be a version")
    message_id = str(form.get("message_id", "")) or None
    return Change(field, str(form.get("value", "")), str(form.get("missing", "")), int(based_on), message_id)


def record_values(console: Console, view: CaseView) -> dict[str, Any]:
    """The record as values; every text in it is somebody's own and must be shown as text."""
    record, connection, case = console.desks.record, view.connection, view.case
    form = form_for(console, view.visitor)
    current = record.entries.current(connection, [case.id])
    entries = {key: entry for key, entry in current.items() if key in form.fields}
    spoken = newest_messages(console, connection, case.conversation_id)
    said = [message for message in spoken if message.author == "visitor" and message.body]
    plans = record.plans.of(connection, [case.contact_id])
    given = any(plan.case_id == case.id for plan in plans)
    return {
        "values": {key: entry_values(entry, view.names.get(entry.by_id, "")) for key, entry in entries.items()},
        "proposals": [
            one for one in _proposals(console, said, entries, plan_given=given) if one["field"] in form.fields
        ],
        "unasked": [field.key for field in answers.unasked(form, entries, case.level)],
        "gaps": [
            {"field": gap.field.key, "words": gap.field.words, "lacks": gap.lacks}
            for gap in answers.gaps(form, entries, case.level)
        ],
        "known": _known(console, view),
        "neighbours": _neighbours(console, view),
        "merged_into": case.merged_into,
        "writers": console.desks.desk.permissions.who("case_record"),
        "may_edit": case.state != State.MERGED and _may_on(console, view, "case_record"),
        "may_redact": _may(console, view, "case_redact"),
        "may_merge": case.state != State.MERGED and _may(console, view, "case_merge"),
    }


def entry_values(entry: Entry, by: str) -> dict[str, Any]:
    """One field as it stands."""
    return {
        "version": entry.version,
        "value": displayable(entry.value),
        "missing": entry.missing,
        "by": by,
        "by_id": entry.by_id,
        "at": entry.at.isoformat(),
        "message_id": entry.message_id or "",
    }


def form_for(console: Console, visitor: Visitor) -> Form:
    """The form as this visitor sees it."""
    form = console.desks.record.form
    return form.of_volunteers if is_volunteer(visitor.counsellor.roles) else form


def _may_on(console: Console, view: CaseView, action: str) -> bool:
    """Whether the visitor may do it to this case."""
    who, session_id = view.visitor.counsellor, view.visitor.session.id
    return console.desks.admission.allows_on(view.connection, who, session_id, action, view.case, console.now())


def _may(console: Console, view: CaseView, action: str) -> bool:
    return console.desks.desk.permissions.allows(view.visitor.counsellor.roles, action)


def _proposals(
    console: Console, said: list[Message], entries: dict[str, Entry], *, plan_given: bool
) -> list[dict[str, Any]]:
    record = console.desks.record
    by_id = {message.id: message for message in said}
    found = propose(record.facts, ((m.id, m.body) for m in said), entries, plan_given=plan_given)
    order = {key: place for place, key in enumerate(record.form.fields)}
    return [
        {
            "field": one.field,
            "value": displayable(one.value),
            "words": record.form.fields[one.field].words,
            "shown": displayable(record.form.fields[one.field].shown(one.value)),
            "message_id": one.message_id,
            "seq": by_id[one.message_id].seq if one.message_id else 0,
            "quote": displayable(by_id[one.message_id].body[:_LONGEST_QUOTE]) if one.message_id else "",
        }
        for one in sorted(found, key=lambda one: order[one.field])
    ]


def _known(console: Console, view: CaseView) -> dict[str, Any]:
    """What nobody needs to ask."""
    record, connection, case = console.desks.record, view.connection, view.case
    kin = record.kin(connection, case)
    contact = console.desks.people.contacts.get(connection, case.contact_id)
    first_at = record.edges.first_contact_at(connection, kin)
    return {
        "channel": channel_word(contact.channel) if contact else "",
        "first_at": first_at.isoformat() if first_at else "",
        "machine": f"{case.machine_level.colour}·{case.machine_level.label}",
        "reasons": _machine_reasons(console, view),
    }


def _machine_reasons(console: Console, view: CaseView) -> list[str]:
    """Why screening came to its level, each reason once."""
    edges, conversation_id = console.desks.record.edges, view.case.conversation_id
    rules = [
        signal["rule"]
        for signal in edges.reasons(view.connection, conversation_id, LOOKS_BACK)
        if Level.from_code(signal["level"]) == view.case.machine_level
    ]
    known = [rule for rule in dict.fromkeys(rules) if not rule.startswith("button.")]
    return [console.explain(rule) for rule in known[:_MOST_REASONS]]


def _neighbours(console: Console, view: CaseView) -> list[dict[str, Any]]:
    """The person's other cases: when, how grave, how they ended, what was promised."""
    record, connection = console.desks.record, view.connection
    found = record.edges.neighbours(connection, record.kin(connection, view.case), view.case.id)
    return [
        {
            "id": one.id,
            "case_no": one.case_no,
            "level": int(one.level),
            "level_label": f"{one.level.colour}·{one.level.label}",
            "state": one.state,
            "state_label": STATE_WORDS[State(one.state)],
            "at": one.opened_at.isoformat(),
            "disposition": DISPOSITIONS.get(one.disposition or "", ""),
            "promised": displayable(_promised(console, connection, one.id)),
        }
        for one in found[:_MOST_NEIGHBOURS]
    ]


def _promised(console: Console, connection: sa.Connection, case_id: str) -> str:
    record = console.desks.record
    return answers.words_of(record.form, record.entries.current(connection, [case_id]), "promised")
