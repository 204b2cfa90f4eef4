"""Questions that had no answer: put together, masked, and turned into articles or wordings."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request

from escalation.console.access import Console, act
from escalation.console.library_values import rights
from knowledge.clusters import cluster
from knowledge.encoder import EncoderError
from records.answer_marks import DISMISSED, Asked

_LOOK_BACK = timedelta(days=90)
_MOST_QUESTIONS = 1000
_MOST_SHOWN = 60
_MOST_IDS = 1000
_NEAR_AT = 0.2  # an article less likely than this is not proposed


def add_questions(routes: APIRouter, console: Console) -> None:
    """Routes under the library's."""
    desk = console.desks.library

    @routes.get("/questions")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "library_questions")
        heaps, count = await asyncio.to_thread(_read, console)
        now = console.now()
        await console.writer.write(
            lambda c: desk.staff.audit(c, "library_questions_view", now, actor_id=visitor.id, count=count)
        )
        articles = console.articles.knowledge.library.articles
        return console.page(
            request, "library_questions.html", visitor, may=rights(console, visitor), heaps=heaps, count=count,
            days=_LOOK_BACK.days, oncall=console.oncall, articles=sorted((key, a.title) for key, a in articles.items()),
        )  # fmt: skip

    @routes.post("/questions/write")
    async def write(request: Request) -> Any:
        visitor = await console.writing_visitor(request, "library_edit")
        form, now = await request.form(), console.now()
        ids, wording = _ids(form), str(form.get("wording", ""))
        draft_id = await console.writer.write(lambda c: desk.write_answer(c, visitor.counsellor, wording, ids, now))
        return {"ok": True, "id": draft_id}

    @routes.post("/questions/add")
    async def add(request: Request) -> Any:
        visitor = await console.writing_visitor(request, "library_edit")
        form, now, library = await request.form(), console.now(), console.articles.knowledge.library
        ids, wording = _ids(form), str(form.get("wording", ""))
        article_id = str(form.get("article", "")).strip().split(" ")[0]
        draft_id = await console.writer.write(
            lambda c: desk.add_wording(c, article_id, visitor.counsellor, wording, ids, library, now)
        )
        return {"ok": True, "id": draft_id}

    @routes.post("/questions/dismiss")
    async def dismiss(request: Request) -> Any:
        ids = _ids(await request.form())
        return await act(console, request, "library_edit", lambda c, _who, _now: desk.marks.settle(c, ids, DISMISSED))


def _ids(form: Any) -> list[str]:  # Any: Starlette's form
    return str(form.get("ids", "")).split(",")[:_MOST_IDS]


def _read(console: Console) -> tuple[list[dict[str, Any]], int]:
    """Heaps of questions, the largest first, and how many questions there are."""
    since = console.now() - _LOOK_BACK
    with console.engine.connect() as connection:
        asked = console.desks.library.marks.unanswered(connection, since, _MOST_QUESTIONS)
    encoder = console.articles.knowledge.encoder
    if not asked:
        return [], 0
    try:
        numbers = cluster(encoder.encode([one.text for one in asked])) if encoder else [[n] for n in range(len(asked))]
    except EncoderError:  # a slow model of the deployment's own: each question by itself
        numbers = [[n] for n in range(len(asked))]
    return [_heap(console, [asked[n] for n in heap]) for heap in numbers[:_MOST_SHOWN]], len(asked)


def _heap(console: Console, asked: list[Asked]) -> dict[str, Any]:
    masked = [console.desks.library.masking.masked(one.text) for one in asked]
    shown = sorted((words for words in masked if words), key=lambda words: ("〔" in words, len(words)))
    example = shown[0] if shown else ""
    answer = console.articles.choose(example, console.now()) if example else None
    near = answer.articles[0] if answer and answer.articles and answer.score >= _NEAR_AT else ""
    title = console.articles.knowledge.library.articles[near].title if near else ""
    return {
        "count": len(asked), "last": max(one.at for one in asked), "example": example,
        "wording": example if "〔" not in example else "", "near": f"{near} {title}" if near else "",
        "ids": ",".join(one.message_id for one in asked),
    }  # fmt: skip
