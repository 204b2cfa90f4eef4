"""What the visitors of the bench write: real questions, ordinary words, words of danger."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.questions_file import read_dev
from triage import loading
from triage.risk import Level
from triage.screen import Screener

_CORPUS = loading.FOLDER.parent / "corpus" / "dev.jsonl"
_CRISES = (
    "我不想活了，今晚就去死",
    "我已经站在天台边上了，现在就要跳下去",
    "我刚才把一瓶安眠药都吃了",
    "我想自杀，刀就在手里",
)


class NoSamples(Exception):
    """The rulebook finds no danger in the bench's words of danger: nothing could be measured."""


@dataclass(frozen=True)
class Samples:
    """Texts by what they are for."""

    questions: tuple[str, ...]  # without danger: each gets exactly one reply
    crises: tuple[str, ...]
    mixed: tuple[str, ...]  # of every level, for screening


def load_samples(screener: Screener) -> Samples:
    """Read the texts and sort them by what this rulebook says."""
    asked = [question.text for question in read_dev()]
    lines = _CORPUS.read_text(encoding="utf-8").splitlines()
    crises = tuple(text for text in _CRISES if screener.judge(text).level >= Level.HIGH)
    if not crises:
        raise NoSamples(NoSamples.__doc__)
    harmless = tuple(text for text in asked if not screener.judge(text).signals)
    return Samples(harmless, crises, tuple(json.loads(line)["text"] for line in lines if line.strip()))


def around(texts: tuple[str, ...]) -> Iterator[str]:
    """The texts again and again."""
    return itertools.cycle(texts)
