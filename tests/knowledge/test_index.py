"""The stored index: it comes back as it was, is refused when damaged, and is swapped whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from knowledge_samples import BUILT_AT

from knowledge import index as index_module
from knowledge.articles import Library
from knowledge.encoder import StaticEncoder
from knowledge.index import Index, IndexRefused, assemble, build, discard, load, prepare, switch_to
from knowledge.ranking import Calibration
from knowledge.search import Search


@pytest.fixture
def folder(tmp_path: Path, small_library: Library, tiny_encoder: StaticEncoder, plain_calibration: Calibration) -> Path:
    where = tmp_path / "index"
    build(small_library, tiny_encoder, where, built_at=BUILT_AT, calibration=plain_calibration)
    return where


def version_of(folder: Path) -> Path:
    return folder / (folder / "CURRENT").read_text()


def test_loaded_index_finds_what_the_built_one_found(
    folder: Path, small_index: Index, tiny_encoder: StaticEncoder
) -> None:
    found = Search(load(folder)).evidence("晚上睡不着", tiny_encoder)
    expected = Search(small_index).evidence("晚上睡不着", tiny_encoder)
    assert np.allclose(found.scores, expected.scores)


def test_manifest_names_encoder_library_and_time(folder: Path, small_library: Library) -> None:
    manifest = load(folder).manifest
    assert manifest.encoder_id == "tiny"
    assert manifest.library_digest == small_library.digest
    assert manifest.built_at == "2026-12-01T00:00:00+00:00"


def test_entries_are_passages_then_questions_then_topics(small_index: Index) -> None:
    kinds = [entry.kind for entry in small_index.entries]
    assert kinds == ["passage"] * 9 + ["question"] * 9 + ["topic"] * 3


def test_question_left_out_finds_less(small_index: Index, tiny_encoder: StaticEncoder) -> None:
    search, row = Search(small_index), 9
    with_it = search.evidence("晚上睡不着", tiny_encoder)
    without = search.evidence("晚上睡不着", tiny_encoder, without=(row,))
    assert small_index.entries[row].article == search.articles[0]
    assert with_it.scores[0, 0] == pytest.approx(1.0, abs=1e-4)
    assert without.scores[0, 0] < with_it.scores[0, 0]
    assert without.scores[3, 0] < with_it.scores[3, 0]


@pytest.mark.parametrize("name", ["index.faiss", "entries.json", "passages-weights.npy", "calibration.json"])
def test_damaged_file_is_refused(folder: Path, name: str) -> None:
    path = version_of(folder) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(IndexRefused, match=r"damaged.*hotline index"):
        load(folder)


@pytest.mark.parametrize("name", ["CURRENT", "v00001/index.faiss", "v00001/manifest.json"])
def test_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(IndexRefused, match="hotline index"):
        load(folder)


def test_index_of_another_shape_is_refused(folder: Path) -> None:
    path = version_of(folder) / "manifest.json"
    path.write_text(path.read_text().replace('"rows": 21', '"rows": 20'))
    with pytest.raises(IndexRefused, match="does not fit its manifest"):
        load(folder)


def test_rebuilding_keeps_exactly_one_previous_version(
    folder: Path, small_library: Library, tiny_encoder: StaticEncoder, plain_calibration: Calibration
) -> None:
    for _ in range(2):
        build(small_library, tiny_encoder, folder, built_at=BUILT_AT, calibration=plain_calibration)
    assert sorted(path.name for path in folder.iterdir()) == ["CURRENT", "v00002", "v00003"]
    assert version_of(folder).name == "v00003"


def test_failed_build_leaves_the_old_index_in_place(
    folder: Path,
    small_library: Library,
    tiny_encoder: StaticEncoder,
    plain_calibration: Calibration,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(index_module, "_write", full_disk)
    with pytest.raises(OSError, match="no space"):
        build(small_library, tiny_encoder, folder, built_at=BUILT_AT, calibration=plain_calibration)
    assert sorted(path.name for path in folder.iterdir()) == ["CURRENT", "v00001"]
    assert load(folder).manifest.rows == 21


def test_a_prepared_version_is_in_force_only_after_the_switch_and_can_be_taken_back(
    folder: Path, small_library: Library, tiny_encoder: StaticEncoder, plain_calibration: Calibration
) -> None:
    fewer = replace(small_library, articles={"E901": small_library.articles["E901"]})
    fitted = replace(plain_calibration, library_digest=fewer.digest)
    prepare(assemble(fewer, tiny_encoder, built_at=BUILT_AT, calibration=fitted), folder)
    assert load(folder).manifest.library_digest == small_library.digest
    assert switch_to(folder, fewer.digest, "tiny") is not None
    assert load(folder).manifest.library_digest == fewer.digest
    assert switch_to(folder, small_library.digest, "tiny") is not None
    assert version_of(folder).name == "v00001"
    assert sorted(path.name for path in folder.iterdir()) == ["CURRENT", "v00001", "v00002"]


def test_nothing_is_switched_to_that_is_damaged_discarded_or_another_encoders(
    folder: Path, small_library: Library, tiny_encoder: StaticEncoder, plain_calibration: Calibration
) -> None:
    fewer = replace(small_library, articles={"E901": small_library.articles["E901"]})
    fitted = replace(plain_calibration, library_digest=fewer.digest)
    index = assemble(fewer, tiny_encoder, built_at=BUILT_AT, calibration=fitted)
    (folder / prepare(index, folder) / "entries.json").write_bytes(b"broken")
    discard(folder, prepare(index, folder))
    assert switch_to(folder, fewer.digest, "tiny") is None
    assert switch_to(folder, small_library.digest, "other") is None
    assert version_of(folder).name == "v00001"
