"""Cases shared by invitation: the team's list on the case page, and the small page that the invited person sees."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse

from escalation.cases import STATE_WORDS, NotAllowed, State
from escalation.console.access import CaseView, Console, Visitor, act
from escalation.console.gate import pass_gate
from escalation.console.talk import case_values
from escalation.sharing_desk import DAYS, INVITED_ROLES, Invitation, is_open
from escalation.showing import channel_word, displayable, without_numbers
from records.cases import Case
from records.shares import Share
from triage.risk import Level

_AUTHORS = {"visitor": "来访者", "bot": "机器人", "system": "系统", "counsellor": "老师"}
_KINDS = {"image": "图片", "voice": "语音", "video": "视频", "file": "文件"}


def add_sharing(routes: APIRouter, console: Console) -> None:
    """Inviting and ending, under the routes of a case."""
    desk = console.desks.sharing

    @routes.post("/share")
    async def share(request: Request, case_id: str) -> Any:
        form = await request.form()
        days = str(form.get("days", ""))
        wanted = Invitation(
            str(form.get("with", "")), int(days) if days in map(str, DAYS) else 0, str(form.get("reason", "")),
            form.get("contact") == "yes",
        )  # fmt: skip
        return await act(console, request, "case_share", lambda c, who, now: desk.invite(c, case_id, who, wanted, now))

    @routes.post("/share/end")
    async def end(request: Request, case_id: str) -> Any:
        share_id = str((await request.form()).get("share", ""))
        return await act(console, request, "case_share", lambda c, who, now: desk.end(c, case_id, who, share_id, now))


def share_values(console: Console, view: CaseView) -> dict[str, Any]:
    """Who was invited to this case, and who could be."""
    visitor, admission, now = view.visitor, console.desks.admission, console.now()
    may = admission.allows(view.connection, visitor.counsellor, visitor.session.id, "case_share", view.case.id, now)
    names, roles = view.names, admission.permissions.names
    return {
        "may": may,
        "shares": [
            {
                "id": share.id,
                "with": names.get(share.with_id, ""),
                "by": names.get(share.by_id, ""),
                "reason": displayable(share.reason),
                "contact": share.shows_contact,
                "until": share.until.isoformat(),
                "ended_at": share.ended_at.isoformat() if share.ended_at else "",
                "is_open": is_open(share, now),
            }
            for share in console.desks.sharing.shares.of_case(view.connection, view.case.id)
        ],
        "guests": [
            {"id": who.id, "name": f"{who.display_name}（{'、'.join(roles.get(r, r) for r in who.roles)}）"}
            for who in console.accounts.staff.all(view.connection)
            if may and who.is_active and INVITED_ROLES & set(who.roles)
        ],
    }


def router(console: Console) -> APIRouter:
    """What somebody sees who was invited: a list, and each case by itself."""
    routes = APIRouter(prefix="/console/invited")

    @routes.get("")
    async def show_list(request: Request) -> Any:
        visitor = await console.visitor(request, "shared_list")
        rows = await asyncio.to_thread(_read_list, console, visitor)
        return console.page(request, "shared.html", visitor, rows=rows)

    @routes.get("/{case_id}")
    async def show_case(request: Request, case_id: str) -> Any:
        visitor = await console.visitor(request, "shared_view")
        return await _case_page(console, request, visitor, case_id)

    @routes.post("/{case_id}/opinion")
    async def opinion(request: Request, case_id: str) -> Any:
        visitor = await console.visitor(request, "shared_opinion")
        await pass_gate(console, visitor, case_id)
        text = str((await request.form()).get("text", ""))
        give = console.desks.sharing.give_opinion
        try:
            await act(console, request, "shared_opinion", lambda c, who, now: give(c, case_id, who, text, now))
        except NotAllowed as error:
            return await _case_page(console, request, visitor, case_id, text=text, error=str(error))
        return RedirectResponse(f"/console/invited/{case_id}", 303)

    return routes


async def _case_page(console: Console, request: Request, visitor: Visitor, case_id: str, **typed: str) -> Any:
    """The minimum: what was said, the levels, their own opinions; every look is in the audit."""
    now = console.now()
    values = await asyncio.to_thread(_read_case, console, visitor, case_id)
    await pass_gate(console, visitor, case_id)
    await console.writer.write(lambda c: _note_view(c, console, visitor, values["share"], now))
    return console.page(request, "shared_case.html", visitor, **{"text": "", "error": "", **values, **typed})


def _note_view(connection: sa.Connection, console: Console, visitor: Visitor, share: Share, now: datetime) -> None:
    staff, minors = console.accounts.staff, console.desks.minors
    staff.audit(connection, "case_view", now, actor_id=visitor.id, object_id=share.case_id, share=share.id)
    minors.read(connection, share.case_id, visitor.counsellor, now)


def _read_list(console: Console, visitor: Visitor) -> list[dict[str, Any]]:
    with console.engine.connect() as connection:
        names = _names(console, connection)
        shares = console.desks.sharing.shares.open_with(connection, visitor.id, console.now())
        found = [(share, console.alarm.cases.get(connection, share.case_id)) for share in shares]
        return [_head(share, case, names) for share, case in found if case is not None]


def _read_case(console: Console, visitor: Visitor, case_id: str) -> dict[str, Any]:
    with console.engine.connect() as connection:
        case = console.alarm.cases.get(connection, case_id)
        shares = console.desks.sharing.shares.open_with(connection, visitor.id, console.now(), case_id)
        if case is None or not shares:
            raise HTTPException(404, "没有这个页面")
        share, names = shares[0], _names(console, connection)
        view = CaseView(connection, case, names, visitor, share.shows_contact)
        return {
            "share": share,
            "head": _head(share, case, names),
            "person": _person(console, connection, case) if share.shows_contact else None,
            "messages": [
                _message(message, shows_contact=share.shows_contact) for message in case_values(console, view)
            ],
            "levels": [
                {"at": change["at"], "from": change["from_level"].label, "to": change["to_level"].label}
                for change in console.alarm.cases.level_changes(connection, case.id)
                if change["state"] in ("in_force", "confirmed")
            ],
            "opinions": [
                {"at": note["at"], "text": displayable(note["body"])}
                for note in console.alarm.cases.notes(connection, case.id)
                if note["kind"] == "opinion" and note["by_id"] == visitor.id
            ],
        }


def _head(share: Share, case: Case, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": case.id,
        "case_no": case.case_no,
        "level": int(case.level),
        "level_label": f"{case.level.colour}·{case.level.label}",
        "state": STATE_WORDS[State(case.state)],
        "by": names.get(share.by_id, ""),
        "reason": displayable(share.reason),
        "until": share.until,
    }


def _person(console: Console, connection: sa.Connection, case: Case) -> str:
    contact = console.desks.people.contacts.get(connection, case.contact_id)
    return f"{displayable(contact.nickname) or '匿名'}（{channel_word(contact.channel)}）" if contact else ""


def _message(message: dict[str, Any], *, shows_contact: bool) -> dict[str, Any]:
    """A message without its file; numbers that could be somebody's phone only where contact details are shared."""
    words = message["text"] or message["heard"] or f"（{_KINDS.get(message['kind'], '其他内容')}，没有共享）"
    return {
        "author": message["author"],
        "who": message["who"] or _AUTHORS.get(message["author"], ""),
        "text": words if shows_contact else without_numbers(words),
        "at": message["at"],
        "level": message["level"] if message["level"] >= Level.MEDIUM else 0,
        "level_label": message["level_label"],
    }


def _names(console: Console, connection: sa.Connection) -> dict[str, str]:
    return {who.id: who.display_name for who in console.accounts.staff.all(connection)}
