"""Stored vectors: exact or through a graph they find the same, and they are read without being copied."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from knowledge_samples import BUILT_AT

from knowledge.articles import Library
from knowledge.calibrate import blank_calibration
from knowledge.encoder import Floats, StaticEncoder
from knowledge.index import Index, assemble
from knowledge.questions_file import read_dev
from knowledge.search import Search
from knowledge.vectors import Vectors, VectorsError

MAPS = Path("/proc/self/maps")
ASKED = read_dev()[::20]
INSIDE = [question.text for question in ASKED if question.topics]


@pytest.fixture(scope="module")
def rows() -> Floats:
    made = np.random.default_rng(5).normal(size=(500, 16)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def exact(library: Library, encoder: StaticEncoder) -> Index:
    return assemble(library, encoder, built_at=BUILT_AT, calibration=blank_calibration(library, encoder))


@pytest.fixture(scope="module")
def graph(exact: Index) -> Index:
    return replace(exact, vectors=Vectors.over(exact.vectors.rows, exact_up_to=0))


def test_few_rows_are_compared_one_by_one(rows: Floats) -> None:
    assert Vectors.over(rows).is_exact
    assert not Vectors.over(rows, exact_up_to=499).is_exact


@pytest.mark.parametrize("exact_up_to", [0, 1000])
def test_stored_rows_come_back_and_find_the_same(rows: Floats, tmp_path: Path, exact_up_to: int) -> None:
    made = Vectors.over(rows, exact_up_to=exact_up_to)
    made.save(tmp_path / "rows")
    read = Vectors.load(tmp_path / "rows")
    assert read.is_exact is made.is_exact
    assert np.array_equal(read.rows, rows)
    assert np.array_equal(read.nearest(rows[7], 5), made.nearest(rows[7], 5))
    assert read.nearest(rows[7], 5)[0] == 7


@pytest.mark.skipif(not MAPS.exists(), reason="only Linux shows what is mapped")
@pytest.mark.parametrize("exact_up_to", [0, 1000])
def test_rows_that_were_read_are_no_copy(rows: Floats, tmp_path: Path, exact_up_to: int) -> None:
    Vectors.over(rows, exact_up_to=exact_up_to).save(tmp_path / "rows")
    read = Vectors.load(tmp_path / "rows")
    assert not read.rows.flags.owndata
    assert str(tmp_path / "rows") in MAPS.read_text()


def test_no_more_rows_come_back_than_there_are(rows: Floats) -> None:
    assert len(Vectors.over(rows[:3], exact_up_to=0).nearest(rows[0], 10)) == 3


def test_a_file_that_holds_no_vectors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b"no index at all, but long enough to be looked into")
    with pytest.raises(VectorsError):
        Vectors.load(tmp_path / "rows")


def test_through_the_graph_the_same_article_comes_first(exact: Index, graph: Index, encoder: StaticEncoder) -> None:
    one, other = Search(exact), Search(graph)
    firsts = [
        (
            one.evidence(text, encoder).scores.sum(axis=0).argmax(),
            other.evidence(text, encoder).scores.sum(axis=0).argmax(),
        )
        for text in INSIDE
    ]
    assert [text for text, (first, found) in zip(INSIDE, firsts, strict=True) if first != found] == []


def test_through_the_graph_nothing_that_speaks_for_silence_is_missed(
    exact: Index, graph: Index, encoder: StaticEncoder
) -> None:
    one, other = Search(exact), Search(graph)
    for question in ASKED:
        compared, found = one.evidence(question.text, encoder), other.evidence(question.text, encoder)
        assert (found.decoy_vector, found.nobody) == pytest.approx((compared.decoy_vector, compared.nobody), abs=1e-5)


def test_a_question_left_out_is_left_out_of_the_graph_too(
    graph: Index, encoder: StaticEncoder, library: Library
) -> None:
    search, row = Search(graph), next(n for n, entry in enumerate(graph.entries) if entry.kind == "question")
    entry = graph.entries[row]
    text, column = library.articles[entry.article].questions[entry.number], search.articles.index(entry.article)
    assert search.evidence(text, encoder).scores[0, column] == pytest.approx(1.0, abs=1e-4)
    assert search.evidence(text, encoder, without=(row,)).scores[0, column] < 0.999
