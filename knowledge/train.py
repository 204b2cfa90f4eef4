"""Train the static encoder: `python -m knowledge.train --data FOLDER --minutes N --out knowledge/model`.

In-batch softmax: a question must find its own passage among all others of the batch. Each batch also
holds every article once, a question of it against its answer, a section, its title or another question;
and every theme of decoys once, so that what is not for us has a place of its own.
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
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from knowledge.articles import Article, Library, load_library
from knowledge.encoder import Floats
from knowledge.grams import grams
from knowledge.model_files import write_card, write_model

Ids = NDArray[np.int32]
LIBRARY = Path(__file__).parent / "library"


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train; the defaults are what worked."""

    minutes: float
    width: int = 256
    vocabulary: int = 58_000
    batch: int = 1024
    rate: float = 0.02
    temperature: float = 0.05
    longest: int = 160
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
    queries, passages = (_embed(torch, table, texts) for texts in batch)
    scores = queries @ passages.T / temperature
    right = torch.arange(len(scores))
    loss = torch.nn.functional.cross_entropy
    return (loss(scores, right) + loss(scores.T, right)) / 2


def _embed(torch: Any, table: Any, texts: list[Ids]) -> Any:
    offsets = np.cumsum([0, *(len(text) for text in texts[:-1])])
    summed = table(torch.from_numpy(np.concatenate(texts).astype(np.int64)), torch.from_numpy(offsets))
    return torch.nn.functional.normalize(summed, dim=1)


def main() -> None:
    """Train on the data folder and write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with pairs-*.jsonl.gz")
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "model")
    options = parser.parse_args()
    say, plan = Console(), Plan(minutes=options.minutes)
    material = gather(plan, options.data, load_library(LIBRARY))
    counts = f"{len(material.pairs)} pairs, {len(material.topics)} topics"
    say.print(f"{counts}, {len(material.vocabulary)} units")
    weights = train(plan, material, say)
    name = write_model(options.out, material.vocabulary, weights)
    facts = f"{counts}, {len(material.vocabulary)} units of {plan.width} numbers, {plan.minutes:g} minutes"
    write_card(options.out, name, facts)
    say.print(f"wrote {name}")


if __name__ == "__main__":
    main()
