"""The search index: vectors in FAISS, BM25 arrays, and what each row belongs to.

An index is tied to one encoder and one library and says so in its manifest. `build` writes a new version
beside the old one and then replaces a single small file, so that a reader sees the old index or the new
one and never half of each; the version before is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from knowledge.articles import Article, Library
from knowledge.encoder import Encoder, Floats
from knowledge.lexical import Lexical, LexicalArrays
from knowledge.ranking import Calibration, CalibrationError

_CURRENT, _MANIFEST = "CURRENT", "manifest.json"
_PAYLOAD = ("index.faiss", "entries.json", "lexical.npz", "calibration.json")


class IndexRefused(RuntimeError):
    """The stored index is missing, damaged, or made by another encoder; build it again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the index: a passage or question of an article, a decoy (no article), or the middle of a topic."""

    article: str
    kind: str
    number: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index was made from and when, and how to tell that it is whole."""

    encoder_id: str
    library_digest: str
    built_at: str
    rows: int
    width: int
    checksum: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """Everything needed to search; rows of `vectors` are `entries`: passages, questions, decoys, topics.

    The words of decoys stand with those of the questions, so that both are weighed alike.
    """

    manifest: Manifest
    entries: tuple[Entry, ...]
    vectors: Any  # faiss.IndexFlatIP: faiss ships no types
    passages: Lexical
    questions: Lexical
    calibration: Calibration


def passages_of(article: Article) -> list[str]:
    """The searchable pieces of an article; each carries the title, which names what it is about."""
    return [
        f"{article.title}。{article.short}",
        *(f"{article.title}。{part.text}" for part in article.sections),
    ]


def assemble(library: Library, encoder: Encoder, *, built_at: datetime, calibration: Calibration) -> Index:
    """Make an index in memory."""
    articles = [library.articles[key] for key in sorted(library.articles)]
    passages = [(a.id, text) for a in articles for text in (*passages_of(a), *_spoken(a, library))]
    questions = [(a.id, text) for a in articles for text in a.questions]
    decoys = [("", text) for texts in library.decoys.values() for text in texts]
    asked = [text for _, text in (*questions, *decoys)]
    owners = [owner for owner, _ in (*questions, *decoys)]
    topics = [(owner, "") for owner in dict.fromkeys(owners)]
    kinds = (("passage", passages), ("question", questions), ("decoy", decoys), ("topic", topics))
    entries = tuple(entry for kind, pairs in kinds for entry in _entries(kind, pairs))
    rows = encoder.encode([*(text for _, text in passages), *asked])
    rows = np.vstack([rows, *_middles(encoder, owners, rows[len(passages) :])])
    faiss.omp_set_num_threads(1)  # one query is microseconds; threads would only fight the web workers
    vectors = faiss.IndexFlatIP(rows.shape[1])
    vectors.add(np.ascontiguousarray(rows, dtype=np.float32))
    return Index(
        Manifest(encoder.id, library.digest, built_at.isoformat(), len(entries), int(rows.shape[1])),
        entries,
        vectors,
        Lexical.over([text for _, text in passages]),
        Lexical.over(asked),
        calibration,
    )


def _spoken(article: Article, library: Library) -> list[str]:
    return ["，".join(library.words[article.id])] if article.id in library.words else []


def _middles(encoder: Encoder, owners: list[str], asked: Floats) -> list[Floats]:
    """What the encoder learnt of each topic, or the mean of its questions where it learnt nothing."""
    found = []
    for owner in dict.fromkeys(owners):
        mean = asked[[n for n, other in enumerate(owners) if other == owner]].mean(axis=0)
        found.append(encoder.topics.get(owner, mean / max(float(np.linalg.norm(mean)), 1e-9)))
    return found


def build(library: Library, encoder: Encoder, folder: Path, *, built_at: datetime, calibration: Calibration) -> Index:
    """Make an index and put it in place of the one in the folder, which is kept as the version before."""
    index = assemble(library, encoder, built_at=built_at, calibration=calibration)
    folder.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    try:
        _write(index, fresh)
        version = _free_name(folder)
        os.rename(fresh, folder / version)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    _switch(folder, version)
    return load(folder)


def load(folder: Path) -> Index:
    """Read the current index; refuse one that is not whole."""
    try:
        version = folder / (folder / _CURRENT).read_text(encoding="utf-8").strip()
        manifest = Manifest(**json.loads((version / _MANIFEST).read_text(encoding="utf-8")))
        if _checksum(version) != manifest.checksum:
            raise IndexRefused(f"the index in {version} is damaged: its checksum differs; run `hotline index`")
        index = _read(version, manifest)
    except (OSError, ValueError, KeyError, TypeError, CalibrationError) as error:
        raise IndexRefused(f"cannot read the index in {folder} ({error}); run `hotline index`") from error
    _check_shape(index)
    return index


def rows_of(index: Index) -> Floats:
    """All vectors as one array: with every row asked for, a product is quicker than a search, which also sorts."""
    return np.asarray(index.vectors.reconstruct_n(0, index.vectors.ntotal), dtype=np.float32)


def _entries(kind: str, pairs: list[tuple[str, str]]) -> list[Entry]:
    numbers: dict[str, count[int]] = {}
    return [Entry(article, kind, next(numbers.setdefault(article, count()))) for article, _ in pairs]


def _free_name(folder: Path) -> str:
    taken = {path.name for path in folder.iterdir()}
    return next(name for name in (f"v{n:05d}" for n in count(1)) if name not in taken and _after(name, taken))


def _after(name: str, taken: set[str]) -> bool:
    return all(name > other for other in taken if other.startswith("v"))


def _switch(folder: Path, version: str) -> None:
    pointer = folder / f".{_CURRENT}-{version}"
    previous = (folder / _CURRENT).read_text(encoding="utf-8").strip() if (folder / _CURRENT).exists() else ""
    pointer.write_text(version, encoding="utf-8")
    os.replace(pointer, folder / _CURRENT)
    for old in folder.glob("v*"):
        if old.name not in (version, previous):
            shutil.rmtree(old)


def _write(index: Index, folder: Path) -> None:
    faiss.write_index(index.vectors, str(folder / "index.faiss"))
    rows = [[entry.article, entry.kind, entry.number] for entry in index.entries]
    (folder / "entries.json").write_text(json.dumps(rows), encoding="utf-8")
    arrays = {**_pack("passages", index.passages), **_pack("questions", index.questions)}
    np.savez(folder / "lexical.npz", **arrays)
    (folder / "calibration.json").write_text(index.calibration.to_json(), encoding="utf-8")
    manifest = asdict(index.manifest) | {"checksum": _checksum(folder)}
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _read(folder: Path, manifest: Manifest) -> Index:
    faiss.omp_set_num_threads(1)
    try:
        vectors = faiss.read_index(str(folder / "index.faiss"), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:  # faiss raises nothing narrower
        raise ValueError(str(error)) from error
    rows = json.loads((folder / "entries.json").read_text(encoding="utf-8"))
    with np.load(folder / "lexical.npz") as arrays:
        passages, questions = _unpack("passages", arrays), _unpack("questions", arrays)
    calibration = Calibration.from_json((folder / "calibration.json").read_text(encoding="utf-8"))
    return Index(manifest, tuple(Entry(*row) for row in rows), vectors, passages, questions, calibration)


def _check_shape(index: Index) -> None:
    manifest, rows = index.manifest, len(index.entries)
    topics = sum(entry.kind == "topic" for entry in index.entries)
    lexical = index.passages.arrays.count + index.questions.arrays.count + topics
    if not rows == manifest.rows == index.vectors.ntotal == lexical or index.vectors.d != manifest.width:
        shape = f"{index.vectors.ntotal}x{index.vectors.d} vectors, {rows} entries, {lexical} texts"
        raise IndexRefused(f"the index does not fit its manifest: {shape}; run `hotline index`")


def _pack(name: str, lexical: Lexical) -> dict[str, Any]:
    packed = asdict(lexical.arrays)
    return {f"{name}_{key}": np.array(value) for key, value in packed.items()}


def _unpack(name: str, arrays: Any) -> Lexical:
    kept = {key: arrays[f"{name}_{key}"] for key in LexicalArrays.__slots__}
    return Lexical(LexicalArrays(**kept | {"grams": tuple(kept["grams"].tolist()), "count": int(kept["count"])}))


def _checksum(folder: Path) -> str:
    seen = hashlib.sha256()
    for name in _PAYLOAD:
        seen.update((folder / name).read_bytes())
    return seen.hexdigest()
