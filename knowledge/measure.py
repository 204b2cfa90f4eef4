"""How good are the answers? `python -m knowledge.measure FILE` on a file of labelled questions.

Every share comes with its 95 % Wilson interval and beside plain BM25 in the same run; a few hundred questions
say less than two digits suggest.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from knowledge.answers import Answer, Answerer
from knowledge.articles import Library, load_library
from knowledge.calibrate import LIBRARY, MODEL, adapt, load_calibration
from knowledge.encoder import StaticEncoder
from knowledge.grams import grams
from knowledge.index import assemble, passages_of
from knowledge.lexical import Lexical
from knowledge.questions_file import FOLDER, Question, read_dev, read_questions
from knowledge.shares import Share

# kinds of questions out of scope that use the words of our articles
NEAR = frozenset({"near_other", "dose", "interaction", "drug_choice", "other_medicine", "private"})


def recall(ranked: Sequence[Sequence[str]], questions: Sequence[Question], depth: int) -> Share:
    """How often a right article is among the first `depth`, over in-scope questions."""
    pairs = [(found, q) for found, q in zip(ranked, questions, strict=True) if q.topics]
    return Share(sum(bool(q.topics & set(found[:depth])) for found, q in pairs), len(pairs))


def reciprocal_rank(ranked: Sequence[Sequence[str]], questions: Sequence[Question]) -> float:
    """Mean of 1 / place of the first right article (0 when it is not in the list)."""
    places = [
        next((1 / (n + 1) for n, name in enumerate(found) if name in q.topics), 0.0)
        for found, q in zip(ranked, questions, strict=True)
        if q.topics
    ]
    return float(np.mean(places)) if places else 0.0


def zone_shares(answers: Sequence[Answer], questions: Sequence[Question]) -> dict[str, Share]:
    """Answered, wrong, offered, silent: for in-scope and out-of-scope questions."""
    pairs = list(zip(answers, questions, strict=True))
    inside = [(a, q) for a, q in pairs if q.topics]
    outside = [a for a, q in pairs if not q.topics]
    given = [(a, q) for a, q in inside if a.zone == "answer"]
    offered = [(a, q) for a, q in inside if a.zone == "choices"]
    return {
        "in scope: answered": Share(len(given), len(inside)),
        "in scope: wrong among answered": Share(sum(a.article not in q.topics for a, q in given), len(given)),
        "in scope: choices": Share(len(offered), len(inside)),
        "in scope: right one among choices": Share(
            sum(bool(q.topics & set(a.choices)) for a, q in offered), len(offered)
        ),
        "in scope: abstained": Share(sum(a.zone == "abstain" for a, _ in inside), len(inside)),
        "in scope: abstained by rule": Share(sum(a.kind not in ("", "out_of_scope") for a, _ in inside), len(inside)),
        "out of scope: answered": Share(sum(a.zone == "answer" for a in outside), len(outside)),
        "out of scope: choices": Share(sum(a.zone == "choices" for a in outside), len(outside)),
        "out of scope: abstained": Share(sum(a.zone == "abstain" for a in outside), len(outside)),
    }


def kind_shares(answers: Sequence[Answer], questions: Sequence[Question]) -> dict[str, Share]:
    """How often each kind of out-of-scope question was answered, where the file names kinds."""
    outside = [(a, q.kind) for a, q in zip(answers, questions, strict=True) if not q.topics and q.kind]
    given = {kind: [a.zone == "answer" for a, other in outside if other == kind] for _, kind in outside}
    if given:
        given["near, all kinds"] = [a.zone == "answer" for a, kind in outside if kind in NEAR]
    return {f"out of scope, {kind}: answered": Share(sum(given[kind]), len(given[kind])) for kind in sorted(given)}


def bm25_alone(library: Library, questions: Sequence[Question], depth: int = 5) -> list[list[str]]:
    """The baseline: best row of plain BM25 over the same passages and questions."""
    rows = [(a.id, text) for a in library.articles.values() for text in (*passages_of(a), *a.questions)]
    lexical = Lexical.over([text for _, text in rows])
    ranked = []
    for question in questions:
        order = lexical.scores(grams(question.text)).argsort()[::-1]
        ranked.append(list(dict.fromkeys(rows[row][0] for row in order[:200]))[:depth])
    return ranked


def report(library: Library, answerer: Answerer, questions: Sequence[Question], today: date) -> Table:
    """All figures of one file as a table."""
    answers = [answerer.choose(question.text, today) for question in questions]
    table = Table("figure", "value  [95 % interval]  counts")
    for name, ranked in (
        ("fused", [answer.articles for answer in answers]),
        ("BM25 alone", bm25_alone(library, questions)),
    ):
        table.add_row(f"{name}: recall@1", str(recall(ranked, questions, 1)))
        table.add_row(f"{name}: recall@3", str(recall(ranked, questions, 3)))
        table.add_row(f"{name}: MRR@5", f"{reciprocal_rank(ranked, questions):6.3f}")
    for name, share in (zone_shares(answers, questions) | kind_shares(answers, questions)).items():
        table.add_row(name, str(share))
    return table


def main() -> None:
    """Measure the shipped model on a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=FOLDER / "dev.jsonl")
    parser.add_argument("--model", type=Path, default=MODEL)
    options = parser.parse_args()
    library, encoder = load_library(LIBRARY), StaticEncoder.load(options.model)
    calibration = adapt(load_calibration(options.model), library, encoder, read_dev())
    now = datetime.now(UTC)
    index = assemble(library, encoder, built_at=now, calibration=calibration)
    questions = [q for q in read_questions(options.file) if not q.topics or q.topics & library.articles.keys()]
    answerer = Answerer(library, index, encoder)
    Console().print(report(library, answerer, questions, now.date()))


if __name__ == "__main__":
    main()
