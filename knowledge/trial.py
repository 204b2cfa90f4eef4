"""Try an article before it is put in force: build the index with it and ask the control questions again.

Runs as a process of its own (`python -m knowledge.trial`, an order as JSON on standard input), because it takes
seconds of computing and people's messages must not wait for them.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from knowledge.answers import Answerer
from knowledge.articles import Library, load_library
from knowledge.calibrate import LIBRARY, MODEL
from knowledge.encoder import Encoder
from knowledge.in_force import overlay
from knowledge.index import IndexRefused, discard, load, load_version, prepare
from knowledge.linter import lint
from knowledge.questions_file import Question, read_dev
from knowledge.rebuild import make
from knowledge.sentence_encoder import open_encoder

CONTROL = Path(__file__).parent / "control.toml"
_MOST_SHOWN = 20
_NICENESS = 10  # people's messages go first


@dataclass(frozen=True, slots=True)
class Limits:
    """How far answers may get worse by one change; reviewed data."""

    every: int
    most_lost: int
    most_wrong: int
    own_least: float


@dataclass(frozen=True, slots=True)
class Order:
    """What to try: the files in force, and one of them changed; no article = only build the index."""

    folder: str
    files: Mapping[str, str]
    article: str
    text: str
    today: str
    encoder: str = ""  # HOTLINE_ENCODER


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it went. `lost`: questions that were answered well and no longer are, up to twenty."""

    is_good: bool
    why: str = ""
    asked: int = 0
    before: int = 0
    after: int = 0
    lost: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """For the people who wrote and approved the article."""
        counts = f"对照问题 {self.asked} 个：原来答好 {self.before} 个，改后 {self.after} 个。" if self.asked else ""
        lost = f"答得不如以前的：{'；'.join(self.lost)}" if self.lost else ""
        return "".join((self.why, counts, lost))


def read_limits(path: Path = CONTROL) -> Limits:
    """The shipped limits."""
    return Limits(**tomllib.loads(path.read_text(encoding="utf-8")))


def control_questions(questions: Sequence[Question], limits: Limits) -> list[Question]:
    """The fixed part of the labelled questions."""
    return list(questions[:: limits.every])


def is_well_answered(answerer: Answerer, question: Question, today: date) -> bool:
    """The right article, or among the choices; and nothing at all for what is none of ours."""
    answer = answerer.choose(question.text, today)
    if not question.topics:
        return answer.zone != "answer"
    return answer.article in question.topics if answer.zone == "answer" else bool(question.topics & set(answer.choices))


def compare(before: Answerer, after: Answerer, questions: Sequence[Question], limits: Limits, today: date) -> Verdict:
    """Ask both the same; too large a drop is refused."""
    was = [is_well_answered(before, question, today) for question in questions]
    now = [is_well_answered(after, question, today) for question in questions]
    pairs = list(zip(questions, was, now, strict=True))
    lost = tuple(question.text for question, old, new in pairs if old and not new)
    inside = sum(old - new for question, old, new in pairs if question.topics)
    outside = sum(old - new for question, old, new in pairs if not question.topics)
    figures = Verdict(True, "", len(questions), sum(was), sum(now), lost[:_MOST_SHOWN])
    if outside > limits.most_wrong:
        return replace(figures, is_good=False, why="改后会回答不该由我们答的问题，没有发布。")
    if inside > limits.most_lost:
        return replace(figures, is_good=False, why="改后别的问题答得比以前差，没有发布。")
    return figures


def own_share(answerer: Answerer, library: Library, article: str, today: date) -> float:
    """How many of an article's own wordings lead to it."""
    asked = library.articles[article].questions
    found = [answerer.choose(text, today) for text in asked]
    return sum(article in (answer.article, *answer.choices) for answer in found) / len(asked)


def try_out(order: Order, shipped: Library, encoder: Encoder) -> Verdict:
    """Build beside the index in force; what is refused leaves nothing behind."""
    folder, today, limits = Path(order.folder), date.fromisoformat(order.today), read_limits()
    current, _ = overlay(shipped, order.files)
    changed, unusable = overlay(shipped, {**order.files, order.article: order.text} if order.article else order.files)
    if order.article in unusable:
        return Verdict(False, f"条目读不了：{unusable[order.article]}。")
    version = prepare(make(changed, encoder, built_at=datetime.now(UTC)), folder)
    if not order.article:
        return Verdict(True)
    after = Answerer(changed, load_version(folder / version), encoder)  # as it lies on the disk, with its checksum
    verdict = _judge(order.article, changed, after, limits, today)
    if verdict.is_good:
        before = _answerer(folder, current, encoder)
        verdict = compare(before, after, control_questions(read_dev(), limits), limits, today)
    if not verdict.is_good:
        discard(folder, version)
    return verdict


def _judge(article: str, library: Library, answerer: Answerer, limits: Limits, today: date) -> Verdict:
    if wrong := lint(library.articles[article].published):
        return Verdict(False, f"有不能说的话：“{wrong[0].found}”。")
    share = own_share(answerer, library, article, today)
    if share < limits.own_least:
        return Verdict(False, f"它自己的问法只有 {share:.0%} 能找到它，和别的条目太像，没有发布。")
    return Verdict(True)


def _answerer(folder: Path, library: Library, encoder: Encoder) -> Answerer:
    """What answers now; built in memory where the stored index is another one's."""
    try:
        return Answerer(library, load(folder), encoder)
    except IndexRefused:
        return Answerer(library, make(library, encoder, built_at=datetime.now(UTC)), encoder)


def main() -> None:
    """Read the order, print the verdict."""
    os.nice(_NICENESS)
    order = Order(**json.load(sys.stdin))
    verdict = try_out(order, load_library(LIBRARY), open_encoder(order.encoder, MODEL))
    json.dump(asdict(verdict), sys.stdout)


if __name__ == "__main__":
    main()
