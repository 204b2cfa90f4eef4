"""The shipped folder is one of sentence-transformers: that library and our runtime give the same vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knowledge.calibrate import MODEL
from knowledge.encoder import EncoderError, Floats, StaticEncoder
from knowledge.sentence_encoder import SentenceEncoder
from tests.knowledge.golden import FILE, TEXTS, sentence_transformers_vectors

CLOSE = 1e-5
needs_library = [pytest.mark.transformers, pytest.mark.filterwarnings("ignore")]


def orders(vectors: Floats) -> list[list[int]]:
    """For each text, all texts from the nearest to the farthest; texts without any direction are left out."""
    known = vectors[np.linalg.norm(vectors, axis=1) > 0.5]
    return np.argsort(-(known @ known.T).round(6), axis=1, kind="stable").tolist()


@pytest.fixture(scope="module")
def library() -> Any:
    reason = "sentence-transformers is not installed here: pip install -e '.[transformers]'"
    return pytest.importorskip("sentence_transformers", reason=reason)


def test_kept_vectors_are_of_the_shipped_model(encoder: StaticEncoder) -> None:
    with np.load(FILE) as golden:
        assert str(golden["encoder_id"]) == encoder.id, "run `python -m tests.knowledge.golden`"
        assert tuple(golden["texts"].tolist()) == TEXTS


def test_our_runtime_gives_the_vectors_that_sentence_transformers_gave(encoder: StaticEncoder) -> None:
    with np.load(FILE) as golden:
        kept = golden["vectors"]
    ours = encoder.encode(TEXTS)
    assert np.abs(ours - kept).max() <= CLOSE
    assert orders(ours) == orders(kept)


class TestWithTheLibrary:
    pytestmark = needs_library

    def test_it_gives_our_vectors_in_our_order(self, library: Any, encoder: StaticEncoder) -> None:
        theirs, ours = sentence_transformers_vectors(), encoder.encode(TEXTS)
        assert np.abs(ours - theirs).max() <= CLOSE
        assert orders(ours) == orders(theirs)

    def test_what_it_saves_can_be_read_by_both(self, library: Any, encoder: StaticEncoder, tmp_path: Path) -> None:
        library.SentenceTransformer(str(MODEL), trust_remote_code=True).save(str(tmp_path))
        assert StaticEncoder.load(tmp_path).id == encoder.id
        assert np.abs(encoder.encode(TEXTS) - sentence_transformers_vectors(tmp_path)).max() <= CLOSE

    def test_it_is_not_run_without_being_trusted(self, library: Any) -> None:
        with pytest.raises(ValueError, match="trust_remote_code"):
            library.SentenceTransformer(str(MODEL))

    def test_as_a_foreign_encoder_it_gives_the_same_again(self, library: Any, encoder: StaticEncoder) -> None:
        foreign = SentenceEncoder.load(str(MODEL))
        assert np.abs(foreign.encode(TEXTS) - encoder.encode(TEXTS)).max() <= CLOSE
        assert foreign.id == SentenceEncoder.load(str(MODEL)).id
        assert foreign.id.startswith("sentence-transformers:model:")

    def test_a_folder_that_holds_no_weights_is_refused(self, library: Any, tmp_path: Path) -> None:
        (tmp_path / "modules.json").write_text("{")
        with pytest.raises(EncoderError, match="读不到这个模型"):
            SentenceEncoder.load(str(tmp_path))
