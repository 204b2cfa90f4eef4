"""From what knowledge decided to what the bot may say: an answer that was found by words alone is marked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

import pytest

from bot.answering import Answering
from knowledge.answers import Answer
from knowledge.articles import load_library
from knowledge.calibrate import LIBRARY
from knowledge.in_force import Knowledge
from settings import load_settings
from tests.building import NOW


@dataclass(frozen=True)
class Decided:
    """An answerer that has made up its mind."""

    answer: Answer
    encoder_id: str = "slow"

    def choose(self, text: str, today: date, *, before: str = "") -> Answer:
        return self.answer


@pytest.mark.parametrize("by_words", [False, True])
@pytest.mark.parametrize(("zone", "article"), [("answer", "E023"), ("choices", None)])
def test_what_was_found_by_words_alone_says_so(zone: str, article: str | None, by_words: bool) -> None:
    answer = Answer(zone, article, ("E023", "E024", "E025"), 0.9, by_words=by_words)  # type: ignore[arg-type]  # a zone
    known = Knowledge(load_library(LIBRARY), Decided(answer))  # type: ignore[arg-type]  # a fake
    answering = Answering(known, load_settings({}).numbers(), {})
    found = answering.find("睡不着", NOW)
    assert (found.zone, found.by_words) == (zone, by_words)


def test_an_answer_that_breaks_a_rule_with_its_local_facts_is_not_said() -> None:
    library = load_library(LIBRARY)
    regional = next(article for article in library.articles.values() if "{{region:" in article.short)
    name = re.search(r"\{\{region:([^}|]+)", regional.short)
    assert name
    known = Knowledge(library, Decided(Answer("answer", regional.id, (regional.id,), 0.9)))  # type: ignore[arg-type]
    numbers = load_settings({}).numbers()
    good = Answering(known, numbers, {name[1]: "街道卫生中心"}).find("去哪里", NOW)
    bad = Answering(known, numbers, {name[1]: "专收疯子的医院"}).find("去哪里", NOW)
    assert (good.zone, "街道卫生中心" in good.text) == ("answer", True)
    assert (bad.zone, bad.kind, bad.text) == ("abstain", "unfit", "")
