"""Building and asking the index from the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import knowing
import wiring
from bot.answering import Answering
from knowledge import index
from knowledge.articles import load_library
from knowledge.calibrate import LIBRARY, MODEL
from knowledge.encoder import StaticEncoder
from knowledge.in_force import overlay
from knowledge.index import IndexRefused, Progress
from knowledge.rebuild import rebuild
from knowledge.sentence_encoder import open_encoder
from records.articles import Texts
from settings import Settings


@dataclass(frozen=True)
class Built:
    """What `hotline index` made."""

    articles: int
    rows: int
    folder: Path


def build_index(settings: Settings, progress: Progress | None = None) -> Built:
    """Check every article and build the index, with thresholds for the encoder; the index before is kept."""
    folder = settings.data_dir / "index"
    encoder = open_encoder(settings.encoder, MODEL)
    files = _texts(settings).files
    made = rebuild(folder, encoder, built_at=wiring.utc_now(), files=files, progress=progress)
    articles = {entry.article for entry in made.entries if entry.article}
    return Built(len(articles), made.manifest.rows, folder)


def ensure_index(settings: Settings) -> None:
    """Build the index when there is none, or when articles or encoder changed since.

    With a foreign encoder that takes minutes; there a missing or old index is refused when it is loaded.
    """
    if settings.encoder:
        return
    try:
        found = index.load(settings.data_dir / "index")
        library, _ = overlay(load_library(LIBRARY), _texts(settings).files)
        fits = found.manifest.library_digest == library.digest
        fits = fits and found.manifest.encoder_id == StaticEncoder.load(MODEL).id
    except IndexRefused:
        fits = False
    if not fits:
        build_index(settings)


def _texts(settings: Settings) -> Texts:
    store = wiring.open_store(settings)
    try:
        return knowing.texts_in_force(store)
    finally:
        store.engine.dispose()


def load_answering(settings: Settings) -> Answering:
    """Knowledge as the service has it, the articles of this deployment among it; what is wrong with it is raised."""
    return knowing.load_answering(settings, _texts(settings), strict=True)


@dataclass(frozen=True)
class Asker:
    """Answers lines in the stable format of `hotline ask`."""

    answering: Answering

    def line(self, line: Mapping[str, Any]) -> dict[str, Any]:  # JSON
        """One question."""
        text, now = str(line.get("text", "")), wiring.utc_now()
        answer = self.answering.choose(text, now)
        if answer is None:
            raise IndexRefused("there is no index; run `hotline index`")
        found = self.answering.find(text, now)
        shown = found.text or "、".join(found.titles)
        return {
            "id": line.get("id"), "zone": answer.zone, "article": answer.article if answer.zone == "answer" else None,
            "articles": list(answer.articles), "score": round(answer.score, 4), "text": shown,
            **({"by_words": True} if answer.by_words else {}),
        }  # fmt: skip


def open_asker(settings: Settings) -> Asker:
    """Load knowledge as the service does."""
    return Asker(load_answering(settings))
