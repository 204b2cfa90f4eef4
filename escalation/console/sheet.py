"""The page for rescue and referral, on the screen and as PDF; every print is in the audit."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Request, Response

from escalation.care.rescue import second_words
from escalation.cases import State
from escalation.console.access import Console, Visitor
from escalation.console.talk import newest_messages
from escalation.record.pdf import to_pdf
from escalation.record.proposals import propose
from escalation.record.sheet import PLACE_FIELDS, Print, Sheet, make_sheet
from escalation.showing import channel_word, displayable

_ZONE = ZoneInfo("Asia/Shanghai")


def add_sheet(routes: APIRouter, console: Console) -> None:
    """Both forms of the page, under the routes of a case."""

    @routes.get("/sheet")
    async def show_sheet(request: Request, case_id: str) -> Any:
        visitor = await console.visitor(request, "case_print")
        sheet = await _print(console, visitor, case_id)
        return console.page(request, "sheet.html", visitor, sheet=sheet, case_id=case_id, oncall=console.oncall)

    @routes.get("/sheet.pdf")
    async def sheet_pdf(request: Request, case_id: str) -> Response:
        visitor = await console.visitor(request, "case_print")
        sheet = await _print(console, visitor, case_id)
        body = await asyncio.to_thread(to_pdf, sheet)
        name = "".join(char for char in sheet.head[0][1] if char.isascii() and (char.isalnum() or char == "-"))
        return Response(
            body, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}.pdf"'}
        )


async def _print(console: Console, visitor: Visitor, case_id: str) -> Sheet:
    sheet = await asyncio.to_thread(_read, console, visitor, case_id)
    now = console.now()
    await console.writer.write(lambda c: _note_print(c, console, visitor, case_id, now))
    return sheet


def _note_print(connection: sa.Connection, console: Console, visitor: Visitor, case_id: str, now: datetime) -> None:
    console.accounts.staff.audit(connection, "case_print", now, actor_id=visitor.id, object_id=case_id)
    console.desks.minors.read(connection, case_id, visitor.counsellor, now)


def _read(console: Console, visitor: Visitor, case_id: str) -> Sheet:
    record = console.desks.record
    with console.engine.connect() as connection:
        case = console.alarm.cases.get(connection, case_id)
        if case is None or case.state == State.MERGED:  # a merged one is printed where it goes on
            raise HTTPException(404, "没有这个个案")
        entries = record.entries.current(connection, [case.id])
        spoken = newest_messages(console, connection, case.conversation_id)
        said = {m.id: m for m in spoken if m.author == "visitor"}
        found = propose(record.facts, ((m.id, m.body) for m in said.values()), {}, plan_given=False)
        told = {one.message_id for one in found if one.field in PLACE_FIELDS}
        told |= {entry.message_id for key, entry in entries.items() if key in PLACE_FIELDS and entry.message_id}
        quoted = [said.get(one) or console.alarm.conversations.message(connection, one) for one in told]
        quotes = sorted((m.received_at, displayable(m.body)) for m in quoted if m is not None)
        contact = console.desks.people.contacts.get(connection, case.contact_id)
        owner = console.accounts.staff.get(connection, case.owner_id) if case.owner_id else None
        rescue = _rescue(console, connection, case.id)
    who = Print(
        visitor.counsellor.display_name, console.now(), console.hotline_name, console.helpline,
        channel_word(contact.channel) if contact else "", owner.display_name if owner else "", rescue,
    )  # fmt: skip
    return make_sheet(case, record.form, entries, quotes, who)


def _rescue(console: Console, connection: sa.Connection, case_id: str) -> tuple[tuple[str, str], ...]:
    """The newest rescue's decision: who started it on what ground, and who was the second person."""
    desk = console.desks.rescue
    found = next((one for one in desk.rescues.of(connection, case_id) if one.decision == "started"), None)
    if found is None:
        return ()
    names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
    started = (
        f"{found.at.astimezone(_ZONE):%m-%d %H:%M} {names.get(found.by_id, '')}：{desk.rules.bases[found.basis].words}"
    )
    second = displayable(second_words(found, desk.rules, names))
    return (("启动", started), *((("第二人", second),) if second else ()))
