"""Every frame and scope proves itself by its own sentences; a new row is tested with the others."""

from pathlib import Path

import pytest

from triage.frames import PatternSet, loosened
from triage.loading import FOLDER, RulebookError, load_rulebook
from triage.release import unproved
from triage.risk import Level

BOOK = load_rulebook()


def test_every_frame_and_scope_passes_its_own_sentences():
    assert unproved(BOOK) == []


def test_no_scope_that_reaches_the_whole_message_lowers_an_emergency():
    assert [scope.id for scope in BOOK.scopes.scopes if scope.reach == "message" and scope.up_to > Level.HIGH] == []


def test_a_frame_that_fails_its_sentence_is_named(tmp_path):
    copy_rulebook(tmp_path)
    row = GOOD | {"pattern": "zzz", "id": "x.deaf"}
    (tmp_path / "zz.toml").write_text(FRAME.format(**row), encoding="utf-8")
    assert unproved(load_rulebook(tmp_path)) == ["x.deaf does not find: a", "x.deaf does not find: b"]


def test_the_version_names_the_content():
    assert BOOK.version == load_rulebook().version
    assert "+" in BOOK.version


def copy_rulebook(folder: Path) -> None:
    for file in FOLDER.glob("*.toml"):
        (folder / file.name).write_bytes(file.read_bytes())


FRAME = """
[[frame]]
id = "{id}"
level = "{level}"
categories = ["{category}"]
says = "x"
patterns = ['{pattern}']
must_match = ["a", "b"]
must_not_match = ["c"{more}]
"""
GOOD = {"id": "x.y", "level": "high", "category": "suicide", "pattern": "a", "more": ', "d"'}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"id": "suicide.wish"}, "used twice"),
        ({"level": "huge"}, "unknown level"),
        ({"category": "magic"}, "magic"),
        ({"pattern": "{nowhere}"}, "no word list {nowhere}"),
        ({"pattern": "("}, "is not a pattern"),
        ({"pattern": "a*"}, "matches the empty text"),
        ({"more": ""}, "needs 2 sentences"),
    ],
)
def test_a_wrong_frame_is_refused_by_file_and_name(tmp_path, change, complaint):
    copy_rulebook(tmp_path)
    row = GOOD | change
    (tmp_path / "zz.toml").write_text(FRAME.format(**row), encoding="utf-8")
    with pytest.raises(RulebookError) as refusal:
        load_rulebook(tmp_path)
    assert complaint in str(refusal.value)
    assert "zz.toml" in str(refusal.value)
    assert row["id"] in str(refusal.value)


def test_a_file_that_is_not_toml_is_refused(tmp_path):
    copy_rulebook(tmp_path)
    (tmp_path / "suicide.toml").write_text("[[frame", encoding="utf-8")
    with pytest.raises(RulebookError, match=r"suicide\.toml"):
        load_rulebook(tmp_path)


def test_a_missing_file_is_refused(tmp_path):
    copy_rulebook(tmp_path)
    (tmp_path / "scope.toml").unlink()
    with pytest.raises(RulebookError, match=r"scope\.toml"):
        load_rulebook(tmp_path)


def test_the_loose_form_of_a_pattern_matches_wherever_the_pattern_does():
    frames = BOOK.frames.by_id.values()
    patterns = PatternSet(pattern for frame in frames for pattern in frame.patterns)
    for text in (text for frame in frames for text in frame.must_match):
        encoded = text.encode()
        for index in patterns._prefilter.which(text):
            if patterns._single[index].search(encoded):
                assert patterns._loose[index].search(encoded)


def test_a_gap_that_is_bounded_becomes_unbounded_and_nothing_else_changes():
    assert loosened("割[^。!?\\n]{0,6}腕{0,2}") == "割[^。!?\\n]*腕{0,2}"
