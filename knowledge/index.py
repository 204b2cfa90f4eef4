"""The search index: vectors, BM25 arrays, and what each row belongs to.

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
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.articles import Article, Library
from knowledge.encoder import Encoder, Floats
from knowledge.lexical import Lexical, LexicalArrays
from knowledge.ranking import Calibration, CalibrationError
from knowledge.vectors import Vectors

_CURRENT, _MANIFEST = "CURRENT", "manifest.json"
_ARRAYS = tuple(field.name for field in fields(LexicalArrays) if field.name != "count")
_LEXICAL = tuple(f"{name}-{key}.npy" for name in ("passages", "questions") for key in _ARRAYS)
_PAYLOAD = ("index.faiss", "entries.json", "calibration.json", *_LEXICAL)
_TOGETHER = 256  # texts encoded between two reports of progress
Progress = Callable[[int, int], None]  # rows encoded, rows there are


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
    vectors: Vectors
    passages: Lexical
    questions: Lexical
    calibration: Calibration


def passages_of(article: Article) -> list[str]:
    """The searchable pieces of an article; each carries the title, which names what it is about."""
    return [
        f"{article.title}。{article.short}",
        *(f"{article.title}。{part.text}" for part in article.sections),
    ]


def assemble(
    library: Library,
    encoder: Encoder,
    *,
    built_at: datetime,
    calibration: Calibration,
    progress: Progress | None = None,
) -> Index:
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
    rows = _encoded(encoder, [*(text for _, text in passages), *asked], progress)
    rows = np.vstack([rows, *_middles(encoder, owners, rows[len(passages) :])])
    return Index(
        Manifest(encoder.id, library.digest, built_at.isoformat(), len(entries), int(rows.shape[1])),
        entries,
        Vectors.over(rows),
        Lexical.over(text for _, text in passages),
        Lexical.over(asked),
        calibration,
    )


def _encoded(encoder: Encoder, texts: Sequence[str], progress: Progress | None) -> Floats:
    found = []
    for first in range(0, len(texts), _TOGETHER):
        found.append(encoder.encode(texts[first : first + _TOGETHER]))
        if progress is not None:
            progress(min(first + _TOGETHER, len(texts)), len(texts))
    return np.vstack(found)


def _spoken(article: Article, library: Library) -> list[str]:
    return ["，".join(library.words[article.id])] if article.id in library.words else []


def _middles(encoder: Encoder, owners: list[str], asked: Floats) -> list[Floats]:
    """What the encoder learnt of each topic, or the mean of its questions where it learnt nothing."""
    rows: dict[str, list[int]] = {}
    for row, owner in enumerate(owners):
        rows.setdefault(owner, []).append(row)
    found = []
    for owner, own in rows.items():
        mean = asked[own].mean(axis=0)
        found.append(encoder.topics.get(owner, mean / max(float(np.linalg.norm(mean)), 1e-9)))
    return found


def build(library: Library, encoder: Encoder, folder: Path, *, built_at: datetime, calibration: Calibration) -> Index:
    """Make an index and put it in place of the one in the folder."""
    return store(assemble(library, encoder, built_at=built_at, calibration=calibration), folder)


def store(index: Index, folder: Path) -> Index:
    """Put an index in place of the one in the folder, which is kept as the version before."""
    _switch(folder, prepare(index, folder))
    return load(folder)


def prepare(index: Index, folder: Path) -> str:
    """Write a version beside the one in force and leave that one alone; returns its name."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    try:
        _write(index, fresh)
        version = _free_name(folder)
        os.rename(fresh, folder / version)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return version


def switch_to(folder: Path, library_digest: str, encoder_id: str) -> Index | None:
    """Put a stored version of just this library in force, the newest that is whole; None when there is none.

    So a change that is taken back brings the version before back at once.
    """
    for version in sorted(folder.glob("v*"), reverse=True):
        try:
            found = load_version(version)
        except IndexRefused:
            continue
        if (found.manifest.library_digest, found.manifest.encoder_id) == (library_digest, encoder_id):
            _switch(folder, version.name)
            return found
    return None


def discard(folder: Path, version: str) -> None:
    """Remove a prepared version that must not come into force."""
    shutil.rmtree(folder / version, ignore_errors=True)


def load(folder: Path) -> Index:
    """Read the current index; refuse one that is not whole."""
    try:
        version = folder / (folder / _CURRENT).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise IndexRefused(f"cannot read the index in {folder} ({error}); run `hotline index`") from error
    return load_version(version)


def load_version(version: Path) -> Index:
    """Read one stored version; refuse one that is not whole."""
    try:
        manifest = Manifest(**json.loads((version / _MANIFEST).read_text(encoding="utf-8")))
        if _checksum(version) != manifest.checksum:
            raise IndexRefused(f"the index in {version} is damaged: its checksum differs; run `hotline index`")
        index = _read(version, manifest)
    except (OSError, ValueError, KeyError, TypeError, CalibrationError) as error:
        raise IndexRefused(f"cannot read the index in {version} ({error}); run `hotline index`") from error
    _check_shape(index)
    return index


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
    if version == previous:
        return
    pointer.write_text(version, encoding="utf-8")
    os.replace(pointer, folder / _CURRENT)
    for old in folder.glob("v*"):
        if old.name not in (version, previous):
            shutil.rmtree(old)


def _write(index: Index, folder: Path) -> None:
    index.vectors.save(folder / "index.faiss")
    rows = [[entry.article, entry.kind, entry.number] for entry in index.entries]
    (folder / "entries.json").write_text(json.dumps(rows), encoding="utf-8")
    for name, lexical in (("passages", index.passages), ("questions", index.questions)):
        for key in _ARRAYS:
            np.save(folder / f"{name}-{key}.npy", np.array(getattr(lexical.arrays, key)))
    (folder / "calibration.json").write_text(index.calibration.to_json(), encoding="utf-8")
    manifest = asdict(index.manifest) | {"checksum": _checksum(folder)}
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _read(folder: Path, manifest: Manifest) -> Index:
    vectors = Vectors.load(folder / "index.faiss")
    rows = json.loads((folder / "entries.json").read_text(encoding="utf-8"))
    entries = tuple(Entry(*row) for row in rows)
    passages = sum(entry.kind == "passage" for entry in entries)
    asked = sum(entry.kind in ("question", "decoy") for entry in entries)
    calibration = Calibration.from_json((folder / "calibration.json").read_text(encoding="utf-8"))
    lexical = _mapped(folder, "passages", passages), _mapped(folder, "questions", asked)
    return Index(manifest, entries, vectors, *lexical, calibration)


def _mapped(folder: Path, name: str, documents: int) -> Lexical:
    """The stored words as a memory map, shared like the vectors."""
    # asarray: the pages stay mapped, but slices are then plain arrays, which are quicker to make
    kept: dict[str, Any] = {k: np.asarray(np.load(folder / f"{name}-{k}.npy", mmap_mode="r")) for k in _ARRAYS}
    return Lexical(LexicalArrays(**kept | {"grams": tuple(kept["grams"].tolist()), "count": documents}))


def _check_shape(index: Index) -> None:
    manifest, rows, vectors = index.manifest, len(index.entries), index.vectors.rows.shape
    if not rows == manifest.rows == vectors[0] or vectors[1] != manifest.width:
        shape = f"{vectors[0]}x{vectors[1]} vectors, {rows} entries"
        raise IndexRefused(f"the index does not fit its manifest: {shape}; run `hotline index`")
    fitted = (index.calibration.encoder_id, index.calibration.library_digest)
    if fitted != (manifest.encoder_id, manifest.library_digest):
        made = f"thresholds for {fitted}, rows of {(manifest.encoder_id, manifest.library_digest)}"
        raise IndexRefused(f"the index does not fit itself: {made}; run `hotline index`")


def _checksum(folder: Path) -> str:
    seen = hashlib.sha256()
    for name in _PAYLOAD:
        with (folder / name).open("rb") as file:
            seen.update(hashlib.file_digest(file, "sha256").digest())
    return seen.hexdigest()
