"""The timeline of a case, read page by page: long ones stay quick."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, HTTPException, Request

from escalation.console.access import Console, look
from escalation.record import timeline
from escalation.record.timeline import Moment, load_words
from escalation.showing import displayable

_PAGE = 100


def add_timeline(routes: APIRouter, console: Console) -> None:
    """The one route of it, under the routes of a case."""
    words = load_words()

    @routes.get("/timeline.json")
    async def timeline_json(request: Request, case_id: str, skip: int = 0) -> dict[str, Any]:
        """Newest first; `skip` says how many were read already."""
        visitor = await console.visitor(request, "case_view")
        await look(console, visitor, case_id, again=False)
        moments, names = await asyncio.to_thread(_read, console, case_id, words)
        page = moments[max(skip, 0) :][:_PAGE]
        return {
            "total": len(moments),
            "moments": [
                {
                    "at": moment.at.isoformat(), "kind": moment.kind, "by": names.get(moment.by_id or "", ""),
                    "words": displayable(moment.words),
                }
                for moment in page
            ],
        }  # fmt: skip


def _read(console: Console, case_id: str, words: dict[str, str]) -> tuple[list[Moment], dict[str, str]]:
    record, cases = console.desks.record, console.alarm.cases
    with console.engine.connect() as connection:
        case = cases.get(connection, case_id)
        if case is None:
            raise HTTPException(404, "没有这个个案")
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        files = record.edges.files_of(connection, case.conversation_id)
        until = case.closed_at or console.now()
        return timeline.newest_first(
            [Moment(case.opened_at, "deed", None, "开案" + ("（演练）" if case.is_drill else ""))],
            [Moment(at, "deed", None, "老师对来访者说了第一句话") for at in [case.first_word_at] if at],
            timeline.of_talk(record.edges.spoken(connection, case.conversation_id, case.opened_at, until)),
            timeline.of_levels(cases.level_changes(connection, case.id)),
            timeline.of_notes(cases.notes(connection, case.id)),
            timeline.of_entries(record.entries.of_case(connection, case.id), record.form, record.parts),
            timeline.of_deeds(
                record.edges.deeds(connection, [case.id, case.contact_id, *files]), words, case.id
            ),
        ), names  # fmt: skip
