"""Teach the encoder its articles: after the general pairs, each labelled text must find the middle of its topic.

A softmax over all articles and "" (what no article answers) moves the table and one vector an article, so that
the words which tell neighbours apart gain weight and the others lose it. Part of `python -m knowledge.train`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.articles import Library
from knowledge.encoder import Floats
from knowledge.grams import grams
from knowledge.index import passages_of
from knowledge.questions_file import Question

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lesson:
    """A text, the articles it belongs to (none: nobody's), and how much it counts."""

    text: str
    topics: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Course:
    """How to teach; the defaults are what worked."""

    rounds: int = 6
    batch: int = 256
    rate: float = 0.01
    scale: float = 10.0
    dropout: float = 0.5
    longest: int = 140
    rows: int = 92_000
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Taught:
    """A table and what it learnt of each article."""

    vocabulary: list[str]
    weights: Floats
    topics: dict[str, Floats]


def lessons_of(library: Library, questions: Sequence[Question]) -> list[Lesson]:
    """Everything with a label: the articles' questions, titles, passages and words, decoys, labelled questions."""
    lessons = []
    for article in library.articles.values():
        own = (article.id,)
        lessons += [Lesson(text, own) for text in (article.title, *article.questions)]
        lessons += [Lesson(text, own, 0.5) for text in passages_of(article)]
        lessons += [Lesson(word, own, 0.3) for word in library.words.get(article.id, ())]
    lessons += [Lesson(text, (), 0.5) for texts in library.decoys.values() for text in texts]
    return lessons + [Lesson(question.text, tuple(sorted(question.topics))) for question in questions]


def teach(
    vocabulary: Sequence[str], weights: Floats, lessons: Sequence[Lesson], course: Course | None = None
) -> Taught:
    """Move the table towards the lessons; returns a smaller one: the lessons' units and the most frequent others."""
    course = course or Course()
    kept, table = _chosen(vocabulary, weights, lessons, course.rows)
    fitted, topics = _fit(kept, table, lessons, course)
    return Taught(*learnt(kept, fitted), topics)


def learnt(vocabulary: Sequence[str], weights: Floats) -> tuple[list[str], Floats]:
    """Without the units that no lesson moved from zero: they say nothing, and every row has to be shipped."""
    moved = np.abs(weights).max(axis=1).nonzero()[0].tolist()
    return [vocabulary[row] for row in moved], weights[moved]


def _chosen(
    vocabulary: Sequence[str], weights: Floats, lessons: Sequence[Lesson], most: int
) -> tuple[list[str], Floats]:
    """Rows to keep; units of the lessons that the general pairs did not have start at zero."""
    wanted = dict.fromkeys(gram for lesson in lessons for gram in grams(lesson.text))
    before = {gram: row for row, gram in enumerate(vocabulary)}
    known = [gram for gram in wanted if gram in before]
    others = [gram for gram in vocabulary if gram not in wanted]
    kept = [*wanted, *others[: max(0, most - len(wanted))]][:most]
    table = np.zeros((len(kept), weights.shape[1]), dtype=np.float32)
    scale = np.linalg.norm(weights[[before[gram] for gram in known]], axis=1).mean() if known else 1.0
    for row, gram in enumerate(kept):
        if gram in before:
            table[row] = weights[before[gram]] / scale
    return kept, table


def _fit(
    vocabulary: Sequence[str], weights: Floats, lessons: Sequence[Lesson], course: Course
) -> tuple[Floats, dict[str, Floats]]:
    # torch is not part of the running service, so its types are unknown to the checker.
    torch: Any = import_module("torch")
    torch.manual_seed(course.seed)
    random = np.random.default_rng(course.seed)
    rows = {gram: row for row, gram in enumerate(vocabulary)}
    texts = [np.array([rows[g] for g in grams(lesson.text) if g in rows] or [0]) for lesson in lessons]
    names, wanted = targets(lessons)
    table = torch.nn.EmbeddingBag.from_pretrained(torch.tensor(weights), freeze=False, mode="sum", sparse=True)
    topics = torch.nn.Parameter(_middles(torch, table, texts, torch.tensor(wanted)))
    optimisers = (
        torch.optim.SparseAdam(table.parameters(), lr=course.rate),
        torch.optim.Adam([topics], lr=course.rate),
    )
    counts, target = torch.tensor([lesson.weight for lesson in lessons]), torch.tensor(wanted)
    batches = [
        batch for _ in range(course.rounds) for batch in np.array_split(
            random.permutation(len(lessons)), max(1, len(lessons) // course.batch))
    ]  # fmt: skip
    for step, batch in enumerate(batches):
        vectors = embed(torch, table, [_thin(texts[n], course, random) for n in batch])
        scores = course.scale * vectors @ torch.nn.functional.normalize(topics, dim=1).T
        loss = -(torch.log_softmax(scores, 1) * target[batch]).sum(1).mul(counts[batch]).mean()
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = course.rate * max(0.02, 1 - step / len(batches))
            optimiser.zero_grad()
        loss.backward()
        for optimiser in optimisers:
            optimiser.step()
    middles = torch.nn.functional.normalize(topics, dim=1).detach().numpy()
    return table.weight.detach().numpy(), dict(zip(names, middles, strict=True))


def targets(lessons: Sequence[Lesson]) -> tuple[list[str], Floats]:
    """The topics in order, and for each lesson how its certainty is shared among them."""
    names = sorted({topic for lesson in lessons for topic in lesson.topics or ("",)})
    column = {name: n for n, name in enumerate(names)}
    wanted = np.zeros((len(lessons), len(names)), dtype=np.float32)
    for row, lesson in enumerate(lessons):
        for topic in lesson.topics or ("",):
            wanted[row, column[topic]] = 1 / max(1, len(lesson.topics))
    return names, wanted


def _middles(torch: Any, table: Any, texts: Sequence[Ids], wanted: Any) -> Any:
    with torch.no_grad():
        return torch.nn.functional.normalize(wanted.T @ embed(torch, table, texts), dim=1)


def embed(torch: Any, table: Any, texts: Sequence[NDArray[np.integer[Any]]]) -> Any:
    """The encoder's vectors, for torch to learn from."""
    offsets = np.cumsum([0, *(len(text) for text in texts[:-1])])
    summed = table(torch.from_numpy(np.concatenate(texts).astype(np.int64)), torch.from_numpy(offsets))
    return torch.nn.functional.normalize(summed, dim=1)


def _thin(text: Ids, course: Course, random: np.random.Generator) -> Ids:
    """Drop some units at random, so that no single word decides."""
    keep = min(max(1, round(len(text) * (1 - course.dropout))), course.longest)
    return text if keep >= len(text) else random.choice(text, keep, replace=False)
