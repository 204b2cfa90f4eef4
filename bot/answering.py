"""From a question to what may be said: reviewed articles only, rendered with this deployment's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import structlog

from bot.dialogue import Found
from knowledge.answers import Answer
from knowledge.articles import Article, Library, render
from knowledge.in_force import Knowledge
from knowledge.linter import FILLED, lint

log = structlog.get_logger()
_ZONE = ZoneInfo("Asia/Shanghai")
_MORE = ("了解更多：", "了解更多:", "了解更多")


@dataclass
class Answering:
    """Knowledge as the bot uses it. `knowledge` is replaced as a whole; each answer comes from one of them."""

    knowledge: Knowledge
    numbers: Mapping[str, str]
    region: Mapping[str, str]

    def find(self, text: str, now: datetime, before: str = "") -> Found:
        """A finished answer, choices or an honest nothing; `before` is the article this conversation had last."""
        known, today = self.knowledge, _today(now)  # once: it may be replaced meanwhile
        library, answerer = known.library, known.answerer
        wants_more = next((text[len(head) :].strip() for head in _MORE if text.startswith(head)), "")
        if (article := _titled(library, wants_more or text.strip())) and not article.is_expired(today):
            return self._said(library, article, long=bool(wants_more))
        if answerer is None:
            return Found("unavailable")
        answer = answerer.choose(text, today, before=before)
        if answer.by_words:
            log.warning("answering.by_words", encoder=answerer.encoder_id)
        if answer.zone == "answer" and answer.article:
            also = library.articles[answer.also].title if answer.also else ""
            said = self._said(library, library.articles[answer.article], long=False)
            return replace(said, also=also, by_words=answer.by_words)
        if answer.zone == "choices":
            titles = tuple(library.articles[i].title for i in answer.articles[:3])
            return Found("choices", titles=titles, by_words=answer.by_words)
        return Found("abstain", kind=answer.kind)

    def short(self, article_id: str) -> str:
        """An article's short text for a counsellor to insert."""
        return self.filled(self.knowledge.library.articles[article_id].short)

    def filled(self, text: str) -> str:
        """A text of an article with this deployment's numbers and local facts."""
        return render(text, self.numbers, self.region)

    def suggest(self, text: str, now: datetime) -> list[tuple[str, str, str]]:
        """(id, title, short text) of the articles nearest to a text, for the counsellor."""
        known = self.knowledge
        if known.answerer is None:
            return []
        ids, library = known.answerer.suggest(text, 3, today=_today(now)), known.library
        return [(i, library.articles[i].title, self.filled(library.articles[i].short)) for i in ids]

    def choose(self, text: str, now: datetime) -> Answer | None:
        """What the bot would do with a question, with its certainty; None without an index."""
        answerer = self.knowledge.answerer
        return answerer.choose(text, _today(now)) if answerer else None

    def _said(self, library: Library, article: Article, *, long: bool) -> Found:
        text = self.filled(article.long if long else article.short)
        if broken := _broken_rules(text):  # a fact of the district's settings, or a rule newer than the article
            log.error("answering.unfit", article=article.id, rules=broken)
            return Found("abstain", kind="unfit")
        return Found(
            "answer", text, library.cite(article), article.id,
            titles=(article.title,), has_more=not long and bool(article.sections),
        )  # fmt: skip


@lru_cache(maxsize=1024)  # the same few hundred texts all day; a millisecond each
def _broken_rules(text: str) -> tuple[str, ...]:
    return tuple(sorted({finding.rule for finding in lint(text, without=FILLED)}))


def _today(now: datetime) -> date:
    return now.astimezone(_ZONE).date()


def _titled(library: Library, title: str) -> Article | None:
    return next((a for a in library.articles.values() if a.title == title), None)
