"""From a question to what may be said: reviewed articles only, rendered with this deployment's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from bot.dialogue import Found
from knowledge.answers import Answerer
from knowledge.articles import Article, Library, render

log = structlog.get_logger()
_ZONE = ZoneInfo("Asia/Shanghai")
_MORE = ("了解更多：", "了解更多:", "了解更多")


@dataclass(frozen=True)
class Answering:
    """Knowledge as the bot uses it; `answerer` is None when no index could be loaded."""

    library: Library
    answerer: Answerer | None
    numbers: Mapping[str, str]
    region: Mapping[str, str]

    def find(self, text: str, now: datetime, before: str = "") -> Found:
        """A finished answer, choices or an honest nothing; `before` is the article this conversation had last."""
        today = now.astimezone(_ZONE).date()
        wants_more = next((text[len(head) :].strip() for head in _MORE if text.startswith(head)), "")
        if (article := self._titled(wants_more or text.strip())) and not article.is_expired(today):
            return self._said(article, long=bool(wants_more))
        if self.answerer is None:
            return Found("unavailable")
        answer = self.answerer.choose(text, today, before=before)
        if answer.by_words:
            log.warning("answering.by_words", encoder=self.answerer.encoder_id)
        if answer.zone == "answer" and answer.article:
            also = self.library.articles[answer.also].title if answer.also else ""
            said = self._said(self.library.articles[answer.article], long=False)
            return replace(said, also=also, by_words=answer.by_words)
        if answer.zone == "choices":
            titles = tuple(self.library.articles[i].title for i in answer.articles[:3])
            return Found("choices", titles=titles, by_words=answer.by_words)
        return Found("abstain", kind=answer.kind)

    def short(self, article_id: str) -> str:
        """An article's short text for a counsellor to insert."""
        return render(self.library.articles[article_id].short, self.numbers, self.region)

    def suggest(self, text: str, now: datetime) -> list[tuple[str, str, str]]:
        """(id, title, short text) of the articles nearest to a text, for the counsellor."""
        if self.answerer is None:
            return []
        ids = self.answerer.suggest(text, 3, today=now.astimezone(_ZONE).date())
        return [(i, self.library.articles[i].title, self.short(i)) for i in ids]

    def _titled(self, title: str) -> Article | None:
        return next((a for a in self.library.articles.values() if a.title == title), None)

    def _said(self, article: Article, *, long: bool) -> Found:
        text = article.long if long else article.short
        return Found(
            "answer", render(text, self.numbers, self.region), self.library.cite(article), article.id,
            titles=(article.title,), has_more=not long and bool(article.sections),
        )  # fmt: skip
