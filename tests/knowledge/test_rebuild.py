"""A foreign encoder gets weights and thresholds of its own from the labelled questions, kept with its index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from knowledge_samples import BUILT_AT, TODAY

from knowledge.answers import Answerer
from knowledge.articles import Library
from knowledge.encoder import Floats, StaticEncoder
from knowledge.index import Index, IndexRefused, load, store
from knowledge.rebuild import fitted, rebuild


class Foreign:
    """The shipped vectors under another name, without what was learnt of the articles."""

    id = "foreign"
    topics: Mapping[str, Floats] = {}

    def __init__(self, encoder: StaticEncoder) -> None:
        self._encoder = encoder

    def encode(self, texts: Sequence[str]) -> Floats:
        return self._encoder.encode(texts)


@pytest.fixture(scope="module")
def seen() -> list[tuple[int, int]]:
    return []


@pytest.fixture(scope="module")
def made(library: Library, encoder: StaticEncoder, seen: list[tuple[int, int]]) -> Index:
    return fitted(library, Foreign(encoder), BUILT_AT, lambda done, of: seen.append((done, of)))


def test_weights_and_thresholds_are_of_this_encoder_and_these_articles(made: Index, library: Library) -> None:
    calibration = made.calibration
    assert (calibration.encoder_id, calibration.library_digest) == ("foreign", library.digest)
    assert 0 < calibration.answer_at < 1
    assert calibration.by_words is not None
    assert 0 < calibration.by_words.answer_at < 1


def test_progress_ends_where_there_is_nothing_left(made: Index, seen: list[tuple[int, int]]) -> None:
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1][0] == seen[-1][1] == sum(entry.kind != "topic" for entry in made.entries)


def test_what_was_fitted_is_stored_with_the_index_and_answers(
    made: Index, library: Library, encoder: StaticEncoder, tmp_path: Path
) -> None:
    read = store(made, tmp_path)
    assert read.calibration == made.calibration
    answer = Answerer(library, read, Foreign(encoder)).choose("失眠怎么办", TODAY)
    assert (answer.zone, answer.article) == ("answer", "E023")


def test_an_index_of_the_other_encoder_is_refused(
    made: Index, library: Library, encoder: StaticEncoder, tmp_path: Path
) -> None:
    with pytest.raises(IndexRefused, match="built with foreign, not static.*run `hotline index`"):
        Answerer(library, store(made, tmp_path), encoder)


def test_thresholds_of_another_library_are_refused(made: Index, tmp_path: Path) -> None:
    store(made, tmp_path)
    path = tmp_path / "v00001" / "manifest.json"
    path.write_text(path.read_text().replace(made.manifest.library_digest, "0" * 16))
    with pytest.raises(IndexRefused, match="does not fit itself.*run `hotline index`"):
        load(tmp_path)


def test_the_shipped_encoder_keeps_the_thresholds_it_came_with(encoder: StaticEncoder, tmp_path: Path) -> None:
    made = rebuild(tmp_path, encoder, built_at=BUILT_AT, files={})
    assert made.calibration.encoder_id == encoder.id
