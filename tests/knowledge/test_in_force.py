"""The deployment's own articles win over the shipped ones; one that cannot be read is passed over and named."""

from __future__ import annotations

from dataclasses import replace

from knowledge_samples import article_text

from knowledge.articles import Library, Source
from knowledge.in_force import overlay


def with_source(library: Library) -> Library:
    return replace(library, sources={"SY18": Source("SY18", "卫健委", "心理健康素养十条", "2018")})


def test_a_file_of_the_deployment_wins_and_a_new_one_joins(small_library: Library) -> None:
    files = {"E901": article_text("E901", short="新的话。"), "L001": article_text("L001")}
    library, unusable = overlay(with_source(small_library), files)
    assert library.articles["E901"].short == "新的话。"
    assert set(library.articles) == {"E901", "E902", "E903", "L001"}
    assert unusable == {}


def test_without_files_the_library_is_as_shipped(small_library: Library) -> None:
    assert overlay(small_library, {}) == (small_library, {})


def test_one_that_cannot_be_read_leaves_the_shipped_text_and_says_why(small_library: Library) -> None:
    files = {"E901": "no front matter", "E902": article_text("E902", sources='["GONE"]')}
    library, unusable = overlay(with_source(small_library), files)
    assert library.articles == small_library.articles
    assert "front matter" in unusable["E901"]
    assert "GONE" in unusable["E902"]
