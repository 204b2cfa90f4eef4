"""Make the search index from the articles and an encoder: what `hotline index` runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from knowledge.articles import Library, load_library
from knowledge.calibrate import (
    LIBRARY,
    MODEL,
    adapt,
    answerable,
    blank_calibration,
    fit,
    labelled_examples,
    load_calibration,
)
from knowledge.encoder import Encoder, StaticEncoder
from knowledge.index import Index, Progress, assemble, build, store
from knowledge.questions_file import read_dev


def rebuild(folder: Path, encoder: Encoder, *, built_at: datetime, progress: Progress | None = None) -> Index:
    """Build into the folder. The shipped encoder's thresholds follow the articles; any other's are fitted here."""
    library = load_library(LIBRARY)
    if isinstance(encoder, StaticEncoder):
        calibration = adapt(load_calibration(MODEL), library, encoder, read_dev())
        return build(library, encoder, folder, built_at=built_at, calibration=calibration)
    return store(fitted(library, encoder, built_at, progress), folder)


def fitted(library: Library, encoder: Encoder, built_at: datetime, progress: Progress | None = None) -> Index:
    """An index whose weights and thresholds come from what it finds for the labelled questions."""
    blank = blank_calibration(library, encoder)
    index = assemble(library, encoder, built_at=built_at, calibration=blank, progress=progress)
    questions = answerable(read_dev(), library.articles)
    calibration, _ = fit(library, encoder, questions, labelled_examples(index, encoder, questions))
    return replace(index, calibration=calibration)
