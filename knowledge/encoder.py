"""Turn text into vectors with a static table: one int8 row per character or run, summed and normalised.

It needs numpy only and microseconds a query, and on questions about mental health it was as good as the
small transformers whose licences would not let us ship them. Anything with `id`, `encode` and `topics` can stand in.
Its folder is one of sentence-transformers too: `character_grams.py` gives that library the same vectors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.grams import grams

Floats = NDArray[np.float32]


_MODULES = [{"idx": 0, "name": "0", "path": "", "type": "knowledge.character_grams.CharacterGrams"}]
_LIBRARY: Mapping[str, object] = {
    "model_type": "SentenceTransformer",
    "prompts": {},
    "default_prompt_name": None,
    "similarity_fn_name": "cosine",
}


class EncoderError(RuntimeError):
    """The encoder cannot be read, its files do not fit together, or it gave no vectors."""


class Encoder(Protocol):
    """Unit vectors for texts; `id` changes whenever the vectors would."""

    @property
    def id(self) -> str: ...

    def encode(self, texts: Sequence[str]) -> Floats:
        """One row of length 1 a text, or of zeros where nothing in the text is known."""
        ...

    @property
    def topics(self) -> Mapping[str, Floats]:
        """What was learnt to lie in the middle of an article's questions; "" is what no article answers."""
        ...


class StaticEncoder:
    """The project's own encoder: weights.npy (int8), scales.npy, topics.npy, model.json (vocabulary, articles).

    modules.json and config_sentence_transformers.json beside them tell sentence-transformers how to read it.
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        weights: NDArray[np.int8],
        scales: Floats,
        id: str,
        *,
        topics: Mapping[str, Floats] | None = None,
    ) -> None:
        if not len(vocabulary) == len(weights) == len(scales):
            counts = f"{len(vocabulary)}, {len(weights)}, {len(scales)}"
            raise EncoderError(f"vocabulary, weights and scales differ in length: {counts}")
        self._rows = {gram: row for row, gram in enumerate(vocabulary)}
        self.weights, self.scales, self._id = weights, scales, id
        self._topics = topics or {}

    @classmethod
    def load(cls, folder: Path) -> StaticEncoder:
        """Read a trained model; the weights stay memory-mapped, so workers share them."""
        try:
            card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            weights = np.load(folder / "weights.npy", mmap_mode="r")
            scales = np.load(folder / "scales.npy")
            topics = dict(zip(card["topics"], np.load(folder / "topics.npy"), strict=True))
        except (OSError, ValueError, KeyError) as error:
            raise EncoderError(f"cannot read the encoder in {folder}: {error}") from error
        return cls(card["vocabulary"].split("\n"), weights, scales, card["id"], topics=topics)

    def save(self, folder: Path) -> None:
        """Write what `load` reads, and sentence-transformers too."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "weights.npy", self.weights)
        np.save(folder / "scales.npy", self.scales)
        self.save_topics(folder)
        (folder / "modules.json").write_text(json.dumps(_MODULES, indent=1) + "\n", encoding="utf-8")
        library = json.dumps(_LIBRARY, indent=1)
        (folder / "config_sentence_transformers.json").write_text(library + "\n", encoding="utf-8")

    def save_topics(self, folder: Path) -> None:
        """Only what was learnt of each article, into a folder that has the rest."""
        np.save(folder / "topics.npy", np.array(list(self._topics.values()), dtype=np.float32))
        card = {"id": self._id, "topics": list(self._topics), "vocabulary": "\n".join(self._rows)}
        (folder / "model.json").write_text(json.dumps(card, ensure_ascii=False), encoding="utf-8")

    def with_topics(self, learnt: Mapping[str, Floats]) -> StaticEncoder:
        """The same table, knowing more articles."""
        topics = {**self._topics, **learnt}
        return StaticEncoder(tuple(self._rows), self.weights, self.scales, self._id, topics=topics)

    @property
    def id(self) -> str:
        """Name, size and checksum of the weights."""
        return self._id

    @property
    def topics(self) -> Mapping[str, Floats]:
        """Vectors of the articles it was taught."""
        return self._topics

    @property
    def width(self) -> int:
        """Length of a vector."""
        return int(self.weights.shape[1])

    def rows(self, text: str) -> list[int]:
        """The rows whose sum is the text's direction."""
        return [self._rows[gram] for gram in grams(text) if gram in self._rows]

    def encode(self, texts: Sequence[str]) -> Floats:
        """Vectors of the texts, in their order."""
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            if known := self.rows(text):
                np.matmul(self.scales[known], self.weights[known].astype(np.float32), out=row)
                row /= np.linalg.norm(row) or 1.0
        return vectors
