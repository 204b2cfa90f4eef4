"""The library: every article with what is due, a search that finds as the bot does, one article with its history."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Request

from escalation.console.access import Console, Visitor, act
from escalation.console.library_draft import add_drafts
from escalation.console.library_import import add_import
from escalation.console.library_questions import add_questions
from escalation.console.library_values import bubbles, history, rights
from escalation.library.library_desk import UNDONE, text_before
from escalation.library.states import STATE_WORDS, State
from knowledge.articles import Article
from knowledge.drafts import KINDS, PENDING, RISK_WORDS, RULES, STATUS_WORDS
from records.articles import Draft, Published

_ZONE = ZoneInfo("Asia/Shanghai")
LEAST_MARKS = 5  # fewer say nothing, and might tell who gave them
_LONGEST_SEARCH = 200
_ZONE_WORDS = {"answer": "直接回答", "choices": "给三个选择", "abstain": "说没有可靠资料"}
_VIEWS = ("all", "due", "drafts", "unhelpful")


def router(console: Console) -> APIRouter:
    """Routes of the library."""
    routes = APIRouter(prefix="/console/library")
    _add_lists(routes, console)
    add_questions(routes, console)
    add_import(routes, console)
    add_drafts(routes, console)
    _add_article(routes, console)
    return routes


@dataclass(frozen=True)
class Listed:
    """One line: a published article, a draft of a new one, or both."""

    id: str
    title: str
    group: str
    article: Article | None
    draft: Draft | None

    def due_in(self, today: date) -> int | None:
        """Days until its review; negative = the bot withholds it."""
        return (self.article.review_due - today).days if self.article else None

    def marks(self, today: date) -> list[tuple[str, str]]:
        """(kind, words) of what somebody should know about it."""
        found = []
        days = self.due_in(today)
        if days is not None and days < 0:
            found.append(("expired", "已过期或撤下，机器人不用"))
        elif days is not None and days <= RULES.due_soon_days:
            found.append(("due", f"{days} 天后到期"))
        if self.draft is not None:
            found.append((self.draft.state, STATE_WORDS[State(self.draft.state)]))
        if self.article is not None and self.article.review == PENDING:
            found.append(("pending", "审校中"))
        return found


def _add_lists(routes: APIRouter, console: Console) -> None:
    @routes.get("")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "library_view")
        view = request.query_params.get("show", "all")
        values = await asyncio.to_thread(_read_lists, console, view if view in _VIEWS else "all")
        return console.page(
            request, "library.html", visitor, may=rights(console, visitor), oncall=console.oncall, **values
        )  # fmt: skip

    @routes.get("/search.json")
    async def search(request: Request) -> Any:
        """What the bot would do with these words, and how sure it is."""
        await console.visitor(request, "library_view")
        text = request.query_params.get("text", "").strip()[:_LONGEST_SEARCH]
        answer = await asyncio.to_thread(console.articles.choose, text, console.now()) if text else None
        if answer is None:
            return {"zone": "", "articles": []}
        articles = console.articles.knowledge.library.articles
        return {
            "zone": _ZONE_WORDS[answer.zone] if not answer.kind or answer.zone != "abstain" else _silence(answer.kind),
            "score": round(answer.score * 100),
            "articles": [{"id": key, "title": articles[key].title} for key in answer.articles if key in articles],
        }

    @routes.post("/new")
    async def begin(request: Request) -> Any:
        visitor = await console.writing_visitor(request, "library_edit")
        now, desk = console.now(), console.desks.library
        return {"ok": True, "id": await console.writer.write(lambda c: desk.begin(c, visitor.counsellor, {}, now))}


def _silence(kind: str) -> str:
    return "说没有可靠资料" if kind == "out_of_scope" else "按规则不回答，请找人"


def _add_article(routes: APIRouter, console: Console) -> None:
    desk = console.desks.library

    @routes.get("/articles/{article_id}")
    async def show_article(request: Request, article_id: str) -> Any:
        visitor = await console.visitor(request, "library_view")
        values = await asyncio.to_thread(_read_article, console, article_id, visitor)
        return console.page(request, "library_article.html", visitor, oncall=console.oncall, **values)

    @routes.post("/articles/{article_id}/edit")
    async def edit(request: Request, article_id: str) -> Any:
        visitor = await console.writing_visitor(request, "library_edit")
        now, library = console.now(), console.articles.knowledge.library
        draft_id = await console.writer.write(lambda c: desk.edit(c, article_id, visitor.counsellor, library, now))
        return {"ok": True, "id": draft_id}

    @routes.post("/articles/{article_id}/undo")
    async def undo(request: Request, article_id: str) -> Any:
        number = str((await request.form()).get("number", ""))
        shown = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
        return await act(
            console, request, "library_undo", lambda c, who, now: desk.undo(c, article_id, who, shown, now)
        )  # fmt: skip

    @routes.post("/articles/{article_id}/withdraw")
    async def withdraw(request: Request, article_id: str) -> Any:
        words, library = str((await request.form()).get("words", "")), console.articles.knowledge.library
        return await act(
            console, request, "library_undo",
            lambda c, who, now: desk.withdraw(c, article_id, who, library, words, now),
        )  # fmt: skip


def _read_lists(console: Console, view: str) -> dict[str, Any]:
    desk, articles = console.desks.library, console.articles.knowledge.library.articles
    with console.engine.connect() as connection:
        drafts = {draft.article_id: draft for draft in desk.articles.open_drafts(connection)}
        changed = {version.article_id: version.at for version in desk.articles.versions(connection)}
        tallies = desk.marks.tallies(connection, changed)
    today = _today(console.now())
    rows = [Listed(key, a.title, a.group, a, drafts.get(key)) for key, a in sorted(articles.items())]
    new = [Listed(key, d.fields["title"] or "（还没有标题）", "新条目", None, d) for key, d in drafts.items()]
    rows = [row for row in new if row.id not in articles] + rows
    due = sorted((row for row in rows if _is_due(row, today)), key=lambda row: row.due_in(today) or 0)
    written = [row for row in rows if row.draft is not None]
    shown = {"all": rows, "due": due, "drafts": written, "unhelpful": []}[view]
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in shown:
        heading = "" if view == "due" else row.group
        groups.setdefault(heading, []).append(
            {"id": row.id, "title": row.title, "draft": row.draft.id if row.draft else "", "is_new": not row.article,
             "due": row.article.review_due.isoformat() if row.article else "", "marks": row.marks(today)}
        )  # fmt: skip
    marked: list[dict[str, Any]] = sorted(
        ({"id": key, "title": articles[key].title, "total": tally.total, "not_helped": tally.not_helped,
          "share": round(100 * tally.not_helped / tally.total)}
         for key, tally in tallies.items() if key in articles and tally.total >= LEAST_MARKS),
        key=lambda line: (-line["share"], -line["total"]),
    )  # fmt: skip
    return {
        "view": view, "groups": groups, "marked": marked, "least_marks": LEAST_MARKS, "total": len(articles),
        "counts": {"due": len(due), "drafts": len(written)}, "unusable": console.articles.knowledge.unusable,
        "due_soon": RULES.due_soon_days,
        "is_mute": console.articles.knowledge.answerer is None,
    }  # fmt: skip


def _is_due(row: Listed, today: date) -> bool:
    days = row.due_in(today)
    return days is not None and days <= RULES.due_soon_days


def _read_article(console: Console, article_id: str, visitor: Visitor) -> dict[str, Any]:
    desk, library = console.desks.library, console.articles.knowledge.library
    article = library.articles.get(article_id)
    if article is None:
        raise HTTPException(404, "没有这个页面")
    with console.engine.connect() as connection:
        drafts = desk.articles.open_drafts(connection, article_id)
        versions = desk.articles.versions(connection, [article_id])
        steps = desk.articles.steps(connection, article_id=article_id)
        names = {who.id: who.display_name for who in desk.staff.all(connection)}
        tally = desk.marks.tallies(connection, {v.article_id: v.at for v in versions}).get(article_id)
    today = _today(console.now())
    listed = Listed(article_id, article.title, article.group, article, drafts[0] if drafts else None)
    sources = [(key, library.sources[key]) for key in article.sources if key in library.sources]
    return {
        "article": article, "bubbles": bubbles(console, article), "marks": listed.marks(today),
        "draft": listed.draft, "is_used": not article.is_expired(today),
        "may": rights(console, visitor), "newest": _undoable(versions),
        "history": history(steps, versions, names), "sources": sources, "kinds": KINDS, "risks": RISK_WORDS,
        "statuses": STATUS_WORDS, "tally": tally if tally and tally.total >= LEAST_MARKS else None,
    }  # fmt: skip


def _undoable(versions: list[Published]) -> int:
    """The number of the newest change when the text before it can be brought back; 0 when not."""
    can = versions and versions[-1].what != UNDONE and text_before(versions) is not None
    return versions[-1].number if can else 0


def _today(now: datetime) -> date:
    return now.astimezone(_ZONE).date()
