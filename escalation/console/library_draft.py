"""One draft: writing with preview, findings and differences beside it; submitting; the second person's decision."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse

from escalation.console.access import Act, Console, Visitor, act
from escalation.console.library_values import FIELD_WORDS, differences, draft_bubbles, history, rights
from escalation.library.library_desk import BadDraft, Typed
from escalation.library.states import STATE_WORDS, WRITING, State
from knowledge.drafts import (
    FIELDS,
    KINDS,
    RISK_WORDS,
    STATUS_WORDS,
    FieldFinding,
    cleaned,
    fields_of,
    findings,
    fingerprint,
)  # fmt: skip
from records.articles import Draft

_ZONE = ZoneInfo("Asia/Shanghai")
_EDITABLE = (State.DRAFT, State.RETURNED)


def add_drafts(routes: APIRouter, console: Console) -> None:
    """Routes under the library's."""
    _add_reading(routes, console)
    _add_writing(routes, console)
    _add_deciding(routes, console)


def _add_reading(routes: APIRouter, console: Console) -> None:
    @routes.get("/drafts/{draft_id}")
    async def show(request: Request, draft_id: str) -> Any:
        visitor = await console.visitor(request, "library_view")
        values = await asyncio.to_thread(_read, console, draft_id, visitor)
        return console.page(request, "library_draft.html", visitor, oncall=console.oncall, **values)

    @routes.get("/drafts/{draft_id}/state.json")
    async def state(request: Request, draft_id: str) -> Any:
        await console.visitor(request, "library_view")
        draft = await asyncio.to_thread(_draft, console, draft_id)
        return {"state": draft.state, "version": draft.version}

    @routes.post("/drafts/{draft_id}/check")
    async def check(request: Request, draft_id: str) -> Any:
        """What is to be mended, how it will look and what it changes; nothing is kept."""
        await console.writing_visitor(request, "library_edit")
        fields = _typed_fields(await request.form())
        draft = await asyncio.to_thread(_draft, console, draft_id)
        return await asyncio.to_thread(_look_at, console, draft.article_id, fields)


def _add_writing(routes: APIRouter, console: Console) -> None:
    desk = console.desks.library

    @routes.post("/drafts/{draft_id}/save")
    async def save(request: Request, draft_id: str) -> Any:
        visitor = await console.writing_visitor(request, "library_edit")
        form, now = await request.form(), console.now()
        version = str(form.get("version", ""))
        typed = Typed(
            int(version) if version.isascii() and version.isdigit() and len(version) < 9 else 0,
            str(form.get("base", "")), _typed_fields(form), str(form.get("notes", "")),
        )  # fmt: skip
        number = await console.writer.write(lambda c: desk.save(c, draft_id, visitor.counsellor, typed, now))
        return {"ok": True, "version": number}

    @routes.post("/drafts/{draft_id}/submit")
    async def submit(request: Request, draft_id: str) -> Any:
        library = console.articles.knowledge.library
        return await _decided(
            console, request, "library_edit", lambda c, who, now: desk.submit(c, draft_id, who, library, now)
        )

    @routes.post("/drafts/{draft_id}/recall")
    async def recall(request: Request, draft_id: str) -> Any:
        return await act(console, request, "library_edit", lambda c, who, now: desk.recall(c, draft_id, who, now))

    @routes.post("/drafts/{draft_id}/drop")
    async def drop(request: Request, draft_id: str) -> Any:
        return await act(console, request, "library_edit", lambda c, who, now: desk.drop(c, draft_id, who, now))


def _add_deciding(routes: APIRouter, console: Console) -> None:
    desk = console.desks.library

    @routes.post("/drafts/{draft_id}/approve")
    async def approve(request: Request, draft_id: str) -> Any:
        words, library = str((await request.form()).get("words", "")), console.articles.knowledge.library
        return await _decided(
            console, request, "library_approve",
            lambda c, who, now: desk.approve(c, draft_id, who, library, words, now),
        )  # fmt: skip

    @routes.post("/drafts/{draft_id}/return")
    async def give_back(request: Request, draft_id: str) -> Any:
        words = str((await request.form()).get("words", ""))
        return await act(
            console, request, "library_approve", lambda c, who, now: desk.give_back(c, draft_id, who, words, now)
        )


async def _decided(console: Console, request: Request, action: str, work: Act) -> Any:
    try:
        return await act(console, request, action, work)
    except BadDraft as error:
        return JSONResponse({"detail": str(error), "errors": _by_field(error.findings)}, 422)


def _typed_fields(form: Any) -> dict[str, str]:  # Any: Starlette's form
    return cleaned({key: "、".join(str(part) for part in form.getlist(key)) for key in FIELDS})


def _by_field(found: tuple[FieldFinding, ...]) -> dict[str, str]:
    beside: dict[str, str] = {}
    for finding in found:
        beside[finding.field] = "；".join(filter(None, (beside.get(finding.field), finding.words)))
    return beside


def _draft(console: Console, draft_id: str) -> Draft:
    with console.engine.connect() as connection:
        draft = console.desks.library.articles.draft(connection, draft_id)
    if draft is None:
        raise HTTPException(404, "没有这个页面")
    return draft


def _look_at(console: Console, article_id: str, fields: Mapping[str, str]) -> dict[str, Any]:
    library = console.articles.knowledge.library
    published = library.articles.get(article_id)
    return {
        "errors": _by_field(findings(article_id, fields, library, _today(console.now()))),
        "bubbles": draft_bubbles(console, fields),
        "changes": differences(fields_of(published), fields) if published else [],
        "base": fingerprint(published) if published else "",
    }


def _read(console: Console, draft_id: str, visitor: Visitor) -> dict[str, Any]:
    desk, library = console.desks.library, console.articles.knowledge.library
    draft = _draft(console, draft_id)
    with console.engine.connect() as connection:
        steps = desk.articles.steps(connection, draft_id=draft_id)
        names = {who.id: who.display_name for who in desk.staff.all(connection)}
    may, state, permissions = rights(console, visitor), State(draft.state), console.desks.admission.permissions
    has_written = visitor.id in {step.by_id for step in steps if step.what in WRITING}
    return {
        "draft": asdict(draft), "state": state, "state_words": STATE_WORDS[state], "may": may,
        "is_editable": may["edit"] and state in _EDITABLE, "may_decide": may["approve"] and not has_written,
        "writers": permissions.who("library_edit"), "approvers": permissions.who("library_approve"),
        "has_written": has_written, "look": _look_at(console, draft.article_id, draft.fields),
        "history": history(steps, (), names), "field_words": FIELD_WORDS, "kinds": KINDS, "risks": RISK_WORDS,
        "statuses": STATUS_WORDS, "sources": library.sources, "is_published": draft.article_id in library.articles,
        "groups": sorted({article.group for article in library.articles.values()}),
    }  # fmt: skip


def _today(now: datetime) -> Any:
    return now.astimezone(_ZONE).date()
