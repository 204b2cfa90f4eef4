"""Train the static encoder: `python -m knowledge.train --data FOLDER --minutes N --base FILE --out knowledge/model`.

In-batch softmax: a question must find its own passage among all others of the batch. Each batch also
holds every article once, a question of it against its answer, a section, its title or another question;
and every theme of decoys once, so that what is not for us has a place of its own.
After these general pairs (kept in --base, so that new labels need no new general training) the articles are
taught (teach.py): once without each writer of labelled questions, for honest figures (heldout.py, kept beside the
questions), then with all.
No text of the data is written; the model is single characters, pairs, and weights.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from knowledge.articles import Article, Library, load_library
from knowledge.calibrate import LIBRARY, in_memory
from knowledge.encoder import Floats, StaticEncoder
from knowledge.grams import grams
from knowledge.heldout import write_heldout
from knowledge.model_files import write_card, write_model
from knowledge.questions_file import FOLDER, Question, read_dev
from knowledge.ranking import Evidence
from knowledge.search import Search
from knowledge.teach import embed, lessons_of, teach

Ids = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train; the defaults are what worked."""

    minutes: float
    width: int = 256
    vocabulary: int = 88_000
    batch: int = 1024
    rate: float = 0.02
    temperature: float = 0.05
    longest: int = 144
    dropout: float = 0.2
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Material:
    """Everything to learn from, as rows of the vocabulary."""

    vocabulary: list[str]
    pairs: list[tuple[Ids, Ids]]
    topics: list[tuple[list[Ids], list[Ids]]]


def read_pairs(folder: Path) -> Iterator[tuple[str, str]]:
    """Question and passage of every pairs file in the folder."""
    for path in sorted(folder.glob("pairs-*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                pair = json.loads(line)
                yield pair["query"], pair["passage"]


def article_targets(article: Article) -> list[str]:
    """What a question about the article should find; the answer itself counts twice."""
    answer = f"{article.title} {article.short}"
    return [answer, answer, article.title, *(f"{article.title} {part.text}" for part in article.sections)]


def topics_of(library: Library) -> list[tuple[Sequence[str], Sequence[str]]]:
    """Questions and what they should find, for each article and each theme of decoys."""
    articles = [(a.questions, article_targets(a)) for a in library.articles.values()]
    return [*articles, *((texts, (theme, *texts)) for theme, texts in library.decoys.items())]


def gather(plan: Plan, data: Path, library: Library) -> Material:
    """Read all texts, choose the vocabulary by frequency, and write the texts as rows of it."""
    pairs = [(grams(query), grams(passage)) for query, passage in read_pairs(data)]
    own = [([grams(q) for q in asked], [grams(t) for t in found]) for asked, found in topics_of(library)]
    counts: Counter[str] = Counter()
    for query, passage in pairs:
        counts.update(query)
        counts.update(passage)
    for questions, targets in own:
        for unit in (*questions, *targets):
            counts.update(dict.fromkeys(unit, 20))
    vocabulary = [gram for gram, count in counts.most_common(plan.vocabulary) if count > 1]
    rows = {gram: row for row, gram in enumerate(vocabulary)}

    def ids(found: list[str]) -> Ids:
        return np.array([rows[gram] for gram in found if gram in rows] or [0], dtype=np.int32)

    return Material(
        vocabulary,
        [(ids(query), ids(passage)) for query, passage in pairs],
        [([ids(q) for q in questions], [ids(t) for t in targets]) for questions, targets in own],
    )


class Batches:
    """Endless batches: every topic once, the rest from the pairs, in an order fixed by the seed."""

    def __init__(self, plan: Plan, material: Material) -> None:
        self._plan, self._material = plan, material
        self._random = np.random.default_rng(plan.seed)
        self._order: list[int] = []

    def next(self) -> tuple[list[Ids], list[Ids]]:
        """Questions and what each must find."""
        chosen = [self._own_pair(*topic) for topic in self._material.topics]
        while len(chosen) < self._plan.batch:
            chosen.append(self._material.pairs[self._next_pair()])
        return [self._thin(query) for query, _ in chosen], [self._thin(passage) for _, passage in chosen]

    def _next_pair(self) -> int:
        if not self._order:
            self._order = self._random.permutation(len(self._material.pairs)).tolist()
        return self._order.pop()

    def _own_pair(self, questions: list[Ids], targets: list[Ids]) -> tuple[Ids, Ids]:
        asked, other = self._random.choice(len(questions), 2, replace=False)
        if self._random.random() < 0.4:
            return questions[asked], questions[other]
        return questions[asked], targets[self._random.integers(len(targets))]

    def _thin(self, ids: Ids) -> Ids:
        """Drop some units at random: a little noise, and long passages cost less."""
        keep = int(min(len(ids) * (1 - self._plan.dropout) + 1, self._plan.longest))
        return ids if keep >= len(ids) else self._random.choice(ids, keep, replace=False)


def train(plan: Plan, material: Material, say: Console) -> Floats:
    """Fit the table for the planned minutes and return its weights."""
    # torch is not part of the running service, so its types are unknown to the checker.
    torch: Any = import_module("torch")
    torch.manual_seed(plan.seed)
    table = torch.nn.EmbeddingBag(len(material.vocabulary), plan.width, mode="sum", sparse=True)
    torch.nn.init.normal_(table.weight, std=0.1)
    optimiser = torch.optim.SparseAdam(table.parameters(), lr=plan.rate)
    batches, start, step, losses = Batches(plan, material), time.monotonic(), 0, [0.0]
    while (spent := (time.monotonic() - start) / (plan.minutes * 60)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = plan.rate * max(0.02, 1 - spent)
        loss = _loss(torch, table, batches.next(), plan.temperature)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step, losses = step + 1, [*losses[-49:], loss.item()]
        if step % 50 == 0:
            say.print(f"step {step}  {spent:.0%}  loss {np.mean(losses):.3f}")
    weights: Floats = table.weight.detach().numpy()
    return weights


def _loss(torch: Any, table: Any, batch: tuple[list[Ids], list[Ids]], temperature: float) -> Any:
    queries, passages = (embed(torch, table, texts) for texts in batch)
    scores = queries @ passages.T / temperature
    right = torch.arange(len(scores))
    loss = torch.nn.functional.cross_entropy
    return (loss(scores, right) + loss(scores.T, right)) / 2


def main() -> None:
    """Train on the data folder and write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with pairs-*.jsonl.gz; not needed when --base exists")
    parser.add_argument("--minutes", type=float, default=16.0)
    parser.add_argument("--base", type=Path, required=True, help="the table after the general pairs (.npz)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "model")
    parser.add_argument("--questions", type=Path, default=FOLDER)
    options = parser.parse_args()
    say, library = Console(), load_library(LIBRARY)
    if not options.base.exists():
        learn_pairs(Plan(minutes=options.minutes), options.data, library, options.base, say)
    with np.load(options.base) as base:
        vocabulary, weights, facts = base["vocabulary"].tolist(), base["weights"], str(base["facts"])
    questions = read_dev(options.questions)
    found: dict[str, Evidence] = {}
    for writer in sorted({question.writer for question in questions}):
        others = [question for question in questions if question.writer != writer]
        taught = teach(vocabulary, weights, lessons_of(library, others))
        with TemporaryDirectory() as folder:
            write_model(Path(folder), taught.vocabulary, taught.weights, taught.topics)
            found |= look_up(library, Path(folder), [q for q in questions if q.writer == writer])
        say.print(f"taught without {writer}")
    lessons = lessons_of(library, questions)
    taught = teach(vocabulary, weights, lessons)
    name = write_model(options.out, taught.vocabulary, taught.weights, taught.topics)
    write_heldout(options.questions, sorted(library.articles), found)
    size = f"{len(taught.vocabulary)} units of {weights.shape[1]} numbers"
    write_card(
        options.out, name, f"{facts}; then {len(lessons)} labelled texts of {len(library.articles)} articles; {size}"
    )
    say.print(f"wrote {name}; now run `python -m knowledge.calibrate`")


def learn_pairs(plan: Plan, data: Path, library: Library, out: Path, say: Console) -> None:
    """The general part: keep the table and what it was made from."""
    material = gather(plan, data, library)
    facts = f"{len(material.pairs)} pairs and {len(material.topics)} topics for {plan.minutes:g} minutes"
    say.print(f"{facts}, {len(material.vocabulary)} units")
    weights = train(plan, material, say)
    np.savez(out, vocabulary=np.array(material.vocabulary), weights=weights, facts=np.array(facts))


def look_up(library: Library, model: Path, questions: Sequence[Question]) -> dict[str, Evidence]:
    """What an index with this model finds for each question."""
    encoder = StaticEncoder.load(model)
    search = Search(in_memory(library, encoder))
    return {question.id: search.evidence(question.text, encoder) for question in questions}


if __name__ == "__main__":
    main()
