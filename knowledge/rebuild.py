"""Make the search index from the articles in force and the encoder: what `hotline index` runs."""

from __future__ import annotations

from collections.abc import Mapping
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
from knowledge.in_force import overlay
from knowledge.index import Index, Progress, assemble, store
from knowledge.questions_file import read_dev


def rebuild(
    folder: Path, encoder: Encoder, *, built_at: datetime, files: Mapping[str, str], progress: Progress | None = None
) -> Index:
    """Build into the folder. `files` are the deployment's own articles; they win over the shipped ones."""
    library, _ = overlay(load_library(LIBRARY), files)
    return store(make(library, encoder, built_at=built_at, progress=progress), folder)


def make(library: Library, encoder: Encoder, *, built_at: datetime, progress: Progress | None = None) -> Index:
    """An index with its thresholds: the shipped encoder's follow the articles; any other's are fitted here."""
    if isinstance(encoder, StaticEncoder):
        calibration = adapt(load_calibration(MODEL), library, encoder, read_dev())
        return assemble(library, encoder, built_at=built_at, calibration=calibration, progress=progress)
    return fitted(library, encoder, built_at, progress)


def fitted(library: Library, encoder: Encoder, built_at: datetime, progress: Progress | None = None) -> Index:
    """An index whose weights and thresholds come from what it finds for the labelled questions."""
    blank = blank_calibration(library, encoder)
    index = assemble(library, encoder, built_at=built_at, calibration=blank, progress=progress)
    questions = answerable(read_dev(), library.articles)
    calibration, _ = fit(library, encoder, questions, labelled_examples(index, encoder, questions))
    return replace(index, calibration=calibration)
