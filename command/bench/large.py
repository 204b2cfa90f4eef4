"""Answering from an index far larger than ours: the library's own sentences, cut and mixed anew.

Nothing that it finds means anything; only its time does, and it is gone afterwards.
"""

from __future__ import annotations

import random
import re
import time
from dataclasses import replace
from pathlib import Path

import wiring
from command.bench.load import Timing, repeat
from command.bench.rows import Figure, Row, microseconds
from command.bench.samples import Samples, around
from knowledge.answers import Answerer
from knowledge.articles import Article, Library, load_library
from knowledge.calibrate import LIBRARY, MODEL, load_calibration
from knowledge.encoder import StaticEncoder
from knowledge.grams import grams
from knowledge.index import assemble, passages_of, store
from knowledge.lexical import Lexical

_PASSAGES, _QUESTIONS, _SENTENCES = 10, 2, 6  # an article's; sentences of a passage, as long as ours
_SENTENCE = re.compile(r"[^。！？\n]{4,}[。！？]?")


def rows(passages: int, folder: Path, samples: Samples, seconds: float) -> list[Row]:
    """What the index costs to build and an answer to find, on the clock and in processor time."""
    library = mixed_library(load_library(LIBRARY), passages)
    texts = [text for a in library.articles.values() for text in (*passages_of(a), *a.questions)]
    with _Stopwatch() as counting:
        words = Lexical.over(texts)
    with _Stopwatch() as building:
        answerer = _answerer(library, folder / "large")
    today, questions = wiring.utc_now().date(), around(samples.questions)
    with _Stopwatch() as choosing:
        found = repeat(lambda: answerer.choose(next(questions), today), seconds)
    with _Stopwatch() as scoring:
        scored = repeat(lambda: words.scores(grams(next(questions))).argmax(), seconds)
    name, plain = f"{passages:,} passages", "character BM25"
    answer = f"choosing one answer of {name}"
    return [
        Row(f"index of {name} built", "s", Figure(building.wall_s), plain, Figure(counting.wall_s)),
        Row(f"index of {name}, processor time", "s", Figure(building.cpu_s), plain, Figure(counting.cpu_s)),
        Row(answer, "us", microseconds(found), plain, microseconds(scored)),
        Row(f"{answer}, processor time", "us", choosing.each(found), plain, scoring.each(scored)),
    ]


def mixed_library(library: Library, passages: int) -> Library:
    """Articles of the library's sentences in a random order, the same for the same number."""
    chance, originals = random.Random(passages), tuple(library.articles.values())
    sentences = [s for a in originals for text in passages_of(a) for s in _SENTENCE.findall(text)]
    questions = [question for a in originals for question in a.questions]

    def text() -> str:
        return "".join(chance.choices(sentences, k=_SENTENCES))

    def article(number: int) -> Article:
        like = originals[number % len(originals)]
        sections = tuple(replace(like.sections[0], text=text()) for _ in range(_PASSAGES - 1))
        asked = tuple(chance.choices(questions, k=_QUESTIONS))
        return replace(like, id=f"X{number:06}", short=text(), sections=sections, questions=asked)

    made = (article(number) for number in range(-(-passages // _PASSAGES)))
    return Library({each.id: each for each in made}, library.sources, library.decoys)


def _answerer(library: Library, folder: Path) -> Answerer:
    encoder = StaticEncoder.load(MODEL)
    calibration = replace(load_calibration(MODEL), library_digest=library.digest)
    index = assemble(library, encoder, built_at=wiring.utc_now(), calibration=calibration)
    return Answerer(library, store(index, folder), encoder)


class _Stopwatch:
    """Seconds on the clock and of the processor, from `with` to its end."""

    def __enter__(self) -> _Stopwatch:
        self._began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_error: object) -> None:
        self.wall_s = time.perf_counter() - self._began[0]
        self.cpu_s = time.process_time() - self._began[1]

    def each(self, timing: Timing) -> Figure:
        """Processor microseconds a piece."""
        count = len(timing.latencies_ms)
        return Figure(self.cpu_s * 1e6 / count, samples=count)
