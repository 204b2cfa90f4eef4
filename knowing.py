"""What the service answers from: shipped articles, this deployment's own over them, the index, and how it changes."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog

from bot.answering import Answering
from escalation.library.library_desk import LibraryDesk
from escalation.library.publishing import Answers, Publishing, try_apart
from knowledge import index as knowledge_index
from knowledge.answers import Answerer
from knowledge.articles import Library, load_library
from knowledge.calibrate import LIBRARY, MODEL
from knowledge.encoder import Encoder, EncoderError
from knowledge.in_force import Knowledge, overlay
from knowledge.index import IndexRefused
from knowledge.ranking import CalibrationError
from knowledge.sentence_encoder import open_encoder
from knowledge.timely import TimelyEncoder
from records.articles import Texts
from records.store import Store
from records.writer import Writer
from settings import Settings

log = structlog.get_logger()


def load_answering(settings: Settings, texts: Texts, *, strict: bool = False) -> Answering:
    """Knowledge, or an honest nothing when the index cannot be used: screening and alarms need none of it.

    `strict`: raise what is wrong instead, for commands that are about answers.
    """
    region = tomllib.loads(settings.region_file.read_text()) if settings.region_file else {}
    return Answering(load_knowledge(settings, texts, strict=strict), settings.numbers(), region)


def load_knowledge(settings: Settings, texts: Texts, *, strict: bool = False) -> Knowledge:
    """The shipped articles with this deployment's own over them, and their index."""
    library, unusable = load_articles(texts)
    for article, why in unusable.items():
        log.error("knowledge.article_unusable", article=article, why=why)
    try:
        encoder = open_encoder(settings.encoder, MODEL)
        encoder = TimelyEncoder(encoder) if settings.encoder else encoder
        answerer = Answerer(library, _index_for(library, encoder, settings.data_dir / "index"), encoder)
    except (IndexRefused, EncoderError, CalibrationError, OSError) as error:
        if strict:
            raise
        log.error("knowledge.unavailable", error=str(error))
        return Knowledge(library, release=texts.release, unusable=unusable)
    return Knowledge(library, answerer, encoder, texts.release, unusable)


def load_articles(texts: Texts) -> tuple[Library, Mapping[str, str]]:
    """The shipped articles with this deployment's own over them, and which of those cannot be read."""
    return overlay(load_library(LIBRARY), texts.files)


def _index_for(library: Library, encoder: Encoder, folder: Path) -> knowledge_index.Index:
    found = knowledge_index.load(folder)
    if (found.manifest.library_digest, found.manifest.encoder_id) == (library.digest, encoder.id):
        return found
    if kept := knowledge_index.switch_to(folder, library.digest, encoder.id):
        return kept
    raise IndexRefused("the articles or the encoder changed since the index was built; run `hotline index`")


def texts_in_force(store: Store) -> Texts:
    """The articles that this deployment wrote itself."""
    with store.engine.connect() as connection:
        return store.articles.texts(connection)


def make_publishing(
    settings: Settings, store: Store, writer: Writer, desk: LibraryDesk, answers: Answers, now: Callable[[], datetime]
) -> Publishing:  # fmt: skip
    """What puts approved articles in force."""
    return Publishing(
        store.engine, writer, desk, answers, partial(load_knowledge, settings),
        (settings.data_dir / "index").resolve(), now, try_apart,
        partial(log.error, "library.trial_failed"), settings.encoder,
    )  # fmt: skip
