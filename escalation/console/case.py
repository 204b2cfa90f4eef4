"""The page of one case: the live conversation with its evidence, and what a counsellor can do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, HTTPException, Request

from escalation.cases import DISPOSITIONS
from escalation.console.access import CaseView, Console, Visitor, act, look
from escalation.console.case_care import add_follow_ups, care_values
from escalation.console.case_law import add_law, law_values
from escalation.console.case_referral import add_referrals, case_referral_values, form_words
from escalation.console.case_rescue import add_rescue, rescue_values
from escalation.console.case_safeguarding import add_safeguarding, safeguarding_terms, safeguarding_values
from escalation.console.case_shown import shown_values
from escalation.console.closings import add_closing, closing_values
from escalation.console.colleagues import add_colleagues, colleagues_values
from escalation.console.gate import pass_gate
from escalation.console.person import add_decisions, person_values
from escalation.console.plan import add_plan, plan_values
from escalation.console.practice import add_practice, practice_values
from escalation.console.record import add_record, form_for, record_values
from escalation.console.sharing import add_sharing, share_values
from escalation.console.sheet import add_sheet
from escalation.console.stepping_in import add_stepping_in, stepping_in_values
from escalation.console.talk import earlier_values, last_words
from escalation.console.timeline import add_timeline
from escalation.sharing_desk import REVEAL_WORDS
from escalation.showing import displayable
from records.cases import Case
from triage.risk import Level


@dataclass(frozen=True)
class Tab:
    """One tab beside the conversation, and the templates in it."""

    name: str
    words: str
    parts: tuple[str, ...]
    needs: str = ""  # hidden from those whose roles may not do this action


TABS = (
    Tab(
        "respond",
        "应对",
        (
            "case_practice.html",
            "case_stepping_in.html",
            "case_closing.html",
            "case_plan_known.html",
            "case_person.html",
            "case_respond.html",
        ),
    ),
    Tab("record", "记录单", ("case_record.html",)),
    Tab("plan", "安全计划", ("case_plan.html",), needs="case_record"),
    Tab("rescue", "救援", ("case_rescue.html",), needs="rescue"),
    Tab("care", "随访", ("case_care.html",)),
    Tab("referral", "转介", ("case_referral.html",)),
    Tab("safeguarding", "报告与突破", ("case_safeguarding.html",)),
    Tab("colleagues", "同事", ("case_colleagues.html",)),
    Tab("law", "保护与同意", ("case_law.html",)),
    Tab("history", "经过", ("case_history.html",)),
    Tab("share", "共享", ("case_share.html",)),
)
PANELS: dict[str, Callable[[Console, CaseView], Any]] = {  # name in the page's state -> what it is read from
    "person": person_values,
    "record": record_values,
    "safety_plan": plan_values,
    "rescue": rescue_values,
    "care": care_values,
    "referral": case_referral_values,
    "safeguarding": safeguarding_values,
    "colleagues": colleagues_values,
    "stepping_in": stepping_in_values,
    "share": share_values,
    "law": law_values,
    "practice": practice_values,
    "closing": closing_values,
}
PARTS = (
    add_decisions, add_record, add_plan, add_sheet, add_timeline, add_rescue, add_follow_ups, add_referrals,
    add_safeguarding, add_colleagues, add_sharing, add_law, add_practice, add_closing, add_stepping_in,
)  # fmt: skip


def router(console: Console) -> APIRouter:
    """Case routes."""

    async def who_may_see_cases(request: Request) -> None:
        """Before anything of the request is read: a stranger learns nothing, not even from a refused form;
        a minor's case has its gate besides."""
        visitor = await console.visitor(request, "case_view")
        await pass_gate(console, visitor, request.path_params["case_id"], is_reading=request.method == "GET")

    prefix = "/console/cases/{case_id}"
    claiming = APIRouter(prefix=prefix)  # who may take a case may not always look at it before
    _add_claiming(claiming, console)
    routes = APIRouter(prefix=prefix, dependencies=[Depends(who_may_see_cases)])
    _add_reading(routes, console)
    _add_talking(routes, console)
    _add_deciding(routes, console)
    for add in PARTS:
        add(routes, console)
    both = APIRouter()
    both.include_router(claiming)
    both.include_router(routes)
    return both


def _add_reading(routes: APIRouter, console: Console) -> None:
    @routes.get("")
    async def show_case(request: Request, case_id: str) -> Any:
        visitor = await console.visitor(request, "case_view")
        await look(console, visitor, case_id, again=True)
        values = await asyncio.to_thread(_read_case, console, case_id, visitor)
        return console.page(
            request, "case.html", visitor, dispositions=DISPOSITIONS, levels=list(Level), tabs=TABS,
            unfit={tab.name for tab in TABS if tab.needs and not console.may(visitor, tab.needs)},
            purposes=console.desks.rights.rights.purposes.values(),
            oncall=console.oncall, form=form_for(console, visitor), plan_parts=console.desks.record.parts,
            referral_form=form_words(console), safeguarding_terms=safeguarding_terms(console),
            reveal_words=REVEAL_WORDS, **values,
        )  # fmt: skip

    @routes.get("/state.json")
    async def state_json(request: Request, case_id: str, after: int = 0) -> Any:
        """What an open case page refreshes itself from: new messages and those with files, state, proposal."""
        visitor = await console.visitor(request, "case_view")
        await look(console, visitor, case_id, again=False)
        values = await asyncio.to_thread(_read_case, console, case_id, visitor, after)
        shown: dict[str, Any] = values["shown"]
        return {**shown, "messages": [m for m in shown["messages"] if m["seq"] > after or m["files"] or m["heard"]]}

    @routes.get("/messages.json")
    async def messages_json(request: Request, case_id: str, before: int) -> Any:
        """The page of messages before a number."""
        visitor = await console.visitor(request, "case_view")
        await look(console, visitor, case_id, again=False)
        return {"messages": await asyncio.to_thread(_read_earlier, console, case_id, visitor, before)}

    @routes.get("/suggest.json")
    async def suggest_json(request: Request, case_id: str, text: str = "") -> Any:
        visitor = await console.visitor(request, "library_search")
        await look(console, visitor, case_id, again=False)
        asked = text or await asyncio.to_thread(_last_words, console, case_id)
        found = await asyncio.to_thread(console.articles.suggest, asked[:500], console.now())
        return {"articles": [{"id": i, "title": title, "text": short} for i, title, short in found]}


def _add_claiming(routes: APIRouter, console: Console) -> None:
    @routes.post("/claim")
    async def claim(request: Request, case_id: str) -> Any:
        floor = console.desks.shift.floor
        return await act(console, request, "case_claim", lambda c, who, now: floor.claim(c, case_id, who, now))


def _add_talking(routes: APIRouter, console: Console) -> None:
    desk = console.desks.desk

    @routes.post("/reply")
    async def reply(request: Request, case_id: str) -> Any:
        form = await request.form()
        text, reply_id = str(form.get("text", "")), str(form.get("reply_id", ""))
        if not (reply_id.isascii() and reply_id.isalnum()) or not 16 <= len(reply_id) <= 40:
            raise HTTPException(422, "reply_id must be 16 to 40 letters or digits")
        return await act(
            console, request, "case_reply", lambda c, who, now: desk.reply(c, case_id, who, text, reply_id, now)
        )

    @routes.post("/note")
    async def note(request: Request, case_id: str) -> Any:
        text = str((await request.form()).get("text", ""))
        return await act(console, request, "case_note", lambda c, who, now: desk.note(c, case_id, who, text, now))

    @routes.post("/release")
    async def release(request: Request, case_id: str) -> Any:
        return await act(console, request, "case_release", lambda c, who, now: desk.release(c, case_id, who, now))

    @routes.post("/hand-back")
    async def hand_back(request: Request, case_id: str) -> Any:
        return await act(console, request, "case_release", lambda c, who, now: desk.hand_back(c, case_id, who, now))


def _add_deciding(routes: APIRouter, console: Console) -> None:
    desk = console.desks.desk

    @routes.post("/level")
    async def level(request: Request, case_id: str) -> Any:
        form = await request.form()
        to, reason = _level(str(form.get("level", ""))), str(form.get("reason", ""))
        return await act(
            console, request, "case_level", lambda c, who, now: desk.set_level(c, case_id, who, to, reason, now)
        )

    @routes.post("/level/decision")
    async def decide(request: Request, case_id: str) -> Any:
        agree = (await request.form()).get("agree") == "yes"
        return await act(
            console,
            request,
            "case_level_confirm",
            lambda c, who, now: desk.decide_lowering(c, case_id, who, agree=agree, now=now),
        )

    @routes.post("/close")
    async def close(request: Request, case_id: str) -> Any:
        form = await request.form()
        disposition, summary = str(form.get("disposition", "")), str(form.get("summary", ""))
        return await act(
            console,
            request,
            "case_close",
            lambda c, who, now: desk.close(c, case_id, who, disposition, summary, now),
        )


def _level(code: str) -> Level:
    try:
        return Level.from_code(code)
    except ValueError as error:
        raise HTTPException(422, str(error)) from None


def _last_words(console: Console, case_id: str) -> str:
    with console.engine.connect() as connection:
        return displayable(last_words(console, connection, _case(console, connection, case_id).conversation_id))


def _read_earlier(console: Console, case_id: str, visitor: Visitor, before: int) -> list[dict[str, Any]]:
    with console.engine.connect() as connection:
        case = _case(console, connection, case_id)
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        return earlier_values(console, CaseView(connection, case, names, visitor, shows_contact=False), before)


def _case(console: Console, connection: sa.Connection, case_id: str) -> Case:
    case = console.alarm.cases.get(connection, case_id)
    if case is None:
        raise HTTPException(404, "没有这个个案")
    return case


def _read_case(console: Console, case_id: str, visitor: Visitor, after: int | None = None) -> dict[str, Any]:
    with console.engine.connect() as connection:
        case = _case(console, connection, case_id)
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        shows_contact = console.desks.admission.allows(
            connection, visitor.counsellor, visitor.session.id, "contact_view", case.id, console.now()
        )
        view = CaseView(connection, case, names, visitor, shows_contact)
        shown = {**shown_values(console, view, after), **{name: read(console, view) for name, read in PANELS.items()}}
        return {"case": case, "row": shown["row"], "shown": shown}
