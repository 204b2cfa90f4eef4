"""Every frame and scope proves itself by its own sentences; a new row is tested by itself."""

from pathlib import Path

import pytest

from triage.frames import Frame
from triage.loading import FOLDER, RulebookError, load_rulebook
from triage.normalize import views
from triage.risk import Level
from triage.scope import Scope

BOOK = load_rulebook()
FRAMES = tuple(BOOK.frames.by_id.values())
SAID = [pytest.param(f, s, id=f"{f.id}: {s}") for f in FRAMES for s in f.must_match]
TWINS = [pytest.param(f, s, id=f"{f.id}: {s}") for f in FRAMES for s in f.must_not_match]
LOWERED = [pytest.param(c, s, id=f"{c.id}: {s}") for c in BOOK.scopes.scopes for s in c.must_match]
KEPT = [pytest.param(c, s, id=f"{c.id}: {s}") for c in BOOK.scopes.scopes for s in c.must_not_match]


@pytest.mark.parametrize(("frame", "sentence"), SAID)
def test_a_frame_finds_its_sentence_at_its_level(frame: Frame, sentence: str, screener):
    found = [s for s in screener.judge(sentence).signals if s.rule == frame.id]
    assert frame.level in {s.level for s in found}


@pytest.mark.parametrize(("frame", "sentence"), TWINS)
def test_a_frame_leaves_its_harmless_twin(frame: Frame, sentence: str, screener):
    found = [s for s in screener.judge(sentence).signals if s.rule == frame.id and not s.scope]
    assert found == []


@pytest.mark.parametrize(("scope", "sentence"), LOWERED)
def test_a_scope_lowers_its_sentence(scope: Scope, sentence: str, screener):
    speaking = {found.id for v in views(sentence, BOOK.tables) for found, _, _ in BOOK.scopes.read(v.text)}
    assert scope.id in speaking
    assert screener.judge(sentence).level <= max(scope.lowers_to, Level.LOW)


@pytest.mark.parametrize(("scope", "sentence"), KEPT)
def test_a_scope_does_not_hide_danger(scope: Scope, sentence: str, screener):
    assert screener.judge(sentence).level > scope.lowers_to


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
