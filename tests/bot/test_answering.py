"""From what knowledge decided to what the bot may say: an answer that was found by words alone is marked."""

from __future__ import annotations

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
