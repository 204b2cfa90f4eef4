"""The page of one case: the live conversation with its evidence, and what a counsellor can do."""

from __future__ import annotations

import asyncio
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, HTTPException, Request

from escalation.cases import DISPOSITIONS, STATE_WORDS, State
from escalation.console.access import Console, Visitor, act
from escalation.console.files import file_values
from escalation.console.person import add_decisions, person_values
from escalation.console.queue import case_row
from escalation.desk import Desk
from escalation.showing import displayable
from records.cases import Case
from records.conversations import Message
from triage.agreement import LAMENESS
from triage.risk import Level

CATEGORY_WORDS = {
    "suicide": "自杀",
    "self_harm": "自伤",
    "harm_others": "伤害他人",
    "psychosis": "幻觉妄想",
    "abuse": "遭受暴力或侵害",
    "panic_medical": "急性身体不适",
    "third_party": "涉及他人安危",
}
SCOPE_WORDS = {
    "negation": "否定说法",
    "idiom": "惯用语",
    "quote": "引用",
    "knowledge": "知识提问",
    "history": "过去的事",
    "game": "游戏或影视",
    "supposition": "假设或比喻",
    "accident": "意外或日常用药",
    "calm": "文字模型没有听出危险",
}


def router(console: Console) -> APIRouter:
    """Case routes."""

    async def who_may_see_cases(request: Request) -> None:
        """Before anything of the request is read: a stranger learns nothing, not even from a refused form."""
        await console.visitor(request, "case_view")

    routes = APIRouter(prefix="/console/cases/{case_id}", dependencies=[Depends(who_may_see_cases)])
    _add_reading(routes, console)
    _add_talking(routes, console)
    _add_deciding(routes, console)
    add_decisions(routes, console)
    return routes


async def _look(console: Console, visitor: Visitor, case_id: str, *, again: bool) -> None:
    """Every view is in the audit: a page each time, its live refreshes once a sign-in."""
    key = (visitor.session.id, case_id)
    if again or key not in console.viewed:
        now = console.now()
        await console.writer.write(lambda c: console.desk.look(c, case_id, visitor.counsellor, now))
        console.viewed.add(key)


def _add_reading(routes: APIRouter, console: Console) -> None:
    @routes.get("")
    async def show_case(request: Request, case_id: str) -> Any:
        visitor = await console.visitor(request, "case_view")
        await _look(console, visitor, case_id, again=True)
        values = await asyncio.to_thread(_read_case, console, case_id, visitor)
        return console.page(
            request,
            "case.html",
            visitor,
            dispositions=DISPOSITIONS,
            levels=list(Level),
            oncall=console.oncall,
            **values,
        )

    @routes.get("/state.json")
    async def state_json(request: Request, case_id: str, after: int = 0) -> Any:
        """What an open case page refreshes itself from: new messages and those with files, state, proposal."""
        visitor = await console.visitor(request, "case_view")
        await _look(console, visitor, case_id, again=False)
        values = await asyncio.to_thread(_read_case, console, case_id, visitor)
        return {
            "messages": [m for m in values["messages"] if m["seq"] > after or m["files"] or m["heard"]],
            **{key: values[key] for key in ("row", "person", "proposal", "changes", "notes", "waiting", "is_owner")},
        }

    @routes.get("/suggest.json")
    async def suggest_json(request: Request, case_id: str, text: str = "") -> Any:
        visitor = await console.visitor(request, "library_search")
        await _look(console, visitor, case_id, again=False)
        values = await asyncio.to_thread(_read_case, console, case_id, visitor)
        last = next((m["text"] or m["heard"] for m in reversed(values["messages"]) if m["author"] == "visitor"), "")
        found = await asyncio.to_thread(console.articles.suggest, (text or last)[:500], console.now())
        return {"articles": [{"id": i, "title": title, "text": short} for i, title, short in found]}


def _add_talking(routes: APIRouter, console: Console) -> None:
    desk = console.desk

    @routes.post("/claim")
    async def claim(request: Request, case_id: str) -> Any:
        return await act(console, request, "case_claim", lambda c, who, now: desk.claim(c, case_id, who, now))

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
    desk = console.desk

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


def _read_case(console: Console, case_id: str, visitor: Visitor) -> dict[str, Any]:
    desk = console.desk
    with console.engine.connect() as connection:
        case = desk.alarm.cases.get(connection, case_id)
        if case is None:
            raise HTTPException(404, "没有这个个案")
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        alert = desk.alarm.alerts.ringing(connection, case.id)
        changes = _changes(desk, connection, case, names)
        has_lost = desk.alarm.outbox.dead_in(connection, case.conversation_id)
        return {
            "case": case,
            "row": case_row(console, case, alert, names, console.now(), has_lost_words=bool(has_lost)),
            "person": person_values(console, connection, case, names),
            "is_owner": case.owner_id == visitor.id and case.state == State.IN_SERVICE,
            "messages": _messages(console, connection, case, names),
            "changes": changes,
            "proposal": next((change for change in changes if change["state"] == "proposed"), None),
            "notes": _notes(desk, connection, case, names),
            "waiting": desk.alarm.outbox.waiting(connection, case.conversation_id),
            "state_words": STATE_WORDS,
        }


def _changes(desk: Desk, connection: sa.Connection, case: Case, names: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "id": change["id"],
            "from": change["from_level"].label,
            "to": change["to_level"].label,
            "to_colour": change["to_level"].colour,
            "state": change["state"],
            "by_id": change["by_id"],
            "by": names.get(change["by_id"] or "", "系统筛查"),
            "second": names.get(change["second_id"] or "", ""),
            "reason": change["reason"],
            "at": change["at"].isoformat(),
        }
        for change in desk.alarm.cases.level_changes(connection, case.id)
    ]


def _notes(desk: Desk, connection: sa.Connection, case: Case, names: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"by": names.get(note["by_id"], ""), "text": displayable(note["body"]), "at": note["at"].isoformat()}
        for note in desk.alarm.cases.notes(connection, case.id)
    ]


def _messages(console: Console, connection: sa.Connection, case: Case, names: dict[str, str]) -> list[dict[str, Any]]:
    conversations = console.desk.alarm.conversations
    why = conversations.assessments(connection, case.conversation_id)
    found: list[Message] = []
    while page := conversations.messages(connection, case.conversation_id, after=found[-1].seq if found else 0):
        found += page
    other = [message.id for message in found if message.kind != "text"]
    files = console.attachments.of_messages(connection, other)
    heard = console.transcripts.texts(connection, other)
    return [
        {
            **_message(console, message, why.get(message.id), names),
            "heard": displayable(heard.get(message.id, "")),
            "files": [file_values(item) for item in files.get(message.id, ())],
        }
        for message in found
    ]


def _message(
    console: Console, message: Message, why: Any, names: dict[str, str]
) -> dict[str, Any]:  # why: an assessment's values
    level: Level = why["level"] if why else Level.NONE
    return {
        "id": message.id,
        "seq": message.seq,
        "author": message.author,
        "who": names.get(message.author_id or "", ""),
        "kind": message.kind,
        "text": displayable(message.body),
        "at": message.received_at.isoformat(),
        "level": int(level),
        "level_label": level.label,
        "level_code": level.code,
        "failed": bool(why and why["failed"]),
        "categories": [CATEGORY_WORDS.get(c, c) for c in why["categories"]] if why else [],
        "reasons": [_reason(console, signal) for signal in why["signals"]] if why else [],
        "version": why["version"] if why else "",
        "score": why["score"] if why else None,
        "lame": LAMENESS.get(why["lame"], why["lame"]) if why else "",
    }


def _reason(console: Console, signal: dict[str, Any]) -> dict[str, Any]:
    says = "来访者按了“紧急求助”" if signal["rule"] == "button.emergency" else console.explain(signal["rule"])
    return {
        "rule": signal["rule"], "says": says, "start": signal["start"], "end": signal["end"],
        "level": Level.from_code(signal["level"]).label, "scope": SCOPE_WORDS.get(signal["scope"], signal["scope"]),
    }  # fmt: skip
