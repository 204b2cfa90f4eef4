"""Make the search index from the shipped articles and encoder: what `hotline index` runs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from knowledge.articles import load_library
from knowledge.calibrate import LIBRARY, MODEL, adapt, load_calibration
from knowledge.encoder import StaticEncoder
from knowledge.index import Index, build
from knowledge.questions_file import read_dev


def rebuild(folder: Path, *, built_at: datetime, library_folder: Path = LIBRARY, model: Path = MODEL) -> Index:
    """Build into the folder; thresholds follow the articles when these changed since calibration."""
    library, encoder = load_library(library_folder), StaticEncoder.load(model)
    calibration = adapt(load_calibration(model), library, encoder, read_dev())
    return build(library, encoder, folder, built_at=built_at, calibration=calibration)
