"""A screening release, and what happens when part of it does not work."""

import itertools
import shutil

import pytest

from triage.loading import RulebookError, load_rulebook
from triage.release import SHIPPED, ReleaseRefused, adopt, in_force, open_screener
from triage.risk import Level
from triage.screen import BUDGET_S, Screener

SCREENER = open_screener()
DANGER = "我已经在天台上了，马上跳下去"


@pytest.fixture
def release(tmp_path):
    for part in ("rulebook", "model", "lexicon"):
        shutil.copytree(SHIPPED / part, tmp_path / part)
    return tmp_path


def test_the_shipped_release_is_whole():
    assert SCREENER.fault == ""
    assert SCREENER.judge("你好").lame == ""
    assert SCREENER.judge(DANGER).score > 0.5


@pytest.mark.parametrize("part", ["model", "lexicon"])
def test_without_a_classifier_the_rules_work_and_every_screening_says_so(release, part):
    shutil.rmtree(release / part)
    screener = open_screener(release)
    screening = screener.judge(DANGER)
    assert screener.fault
    assert (screening.level, screening.lame, screening.score) == (Level.EMERGENCY, "missing", None)


def test_a_classifier_that_breaks_leaves_the_rules_working(monkeypatch):
    broken = open_screener()
    monkeypatch.setattr(broken._classifier, "opinion", lambda text: 1 / 0)
    screening = broken.judge(DANGER)
    assert (screening.level, screening.lame, screening.failed) == (Level.EMERGENCY, "broken", False)


def test_what_rules_heard_is_not_lowered_where_the_classifier_did_not_hear_all():
    times = itertools.count()
    slow = Screener(load_rulebook(), open_screener()._classifier, clock=lambda: next(times) * BUDGET_S * 0.6)
    screening = slow.judge("天气很好。" * 60 + DANGER)
    assert (screening.level, screening.lame) == (Level.EMERGENCY, "slow")
    assert "calm" not in {signal.scope for signal in screening.signals}


def test_a_slow_text_leaves_the_rest_to_the_rules():
    times = itertools.count()
    slow = Screener(load_rulebook(), open_screener()._classifier, clock=lambda: next(times) * BUDGET_S * 2)
    screening = slow.judge("天气很好。" * 1000 + DANGER)
    assert (screening.level, screening.lame) == (Level.EMERGENCY, "slow")


def test_a_rulebook_that_cannot_be_read_never_boots(release):
    (release / "rulebook" / "suicide.toml").write_text("[[frame")
    with pytest.raises(RulebookError, match="suicide"):
        open_screener(release)


def test_the_version_names_rules_and_classifier():
    rules, model = SCREENER.version.split(" ")
    assert rules == load_rulebook().version
    assert model.startswith("runs-")


def test_a_release_is_switched_on_and_the_one_before_stays(release, tmp_path):
    home = tmp_path / "home"
    assert in_force(home) == SHIPPED
    first = adopt(SHIPPED, home)
    rules = release / "rulebook" / "words.toml"
    rules.write_text(rules.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
    second = adopt(release, home)
    assert first != second
    assert open_screener(in_force(home)).version == second
    assert len([path for path in home.iterdir() if path.is_dir()]) == 2


def test_a_damaged_release_is_mended_by_adopting_it_again(tmp_path):
    home = tmp_path / "home"
    adopt(SHIPPED, home)
    (in_force(home) / "model" / "weights.npz").write_bytes(b"damaged")
    assert open_screener(in_force(home)).fault
    adopt(SHIPPED, home)
    assert open_screener(in_force(home)).fault == ""


def test_a_pointer_that_cannot_be_read_names_no_release_that_works(tmp_path):
    (tmp_path / "CURRENT").write_bytes(b"\xff\xfe")
    with pytest.raises(RulebookError):
        open_screener(in_force(tmp_path))


def test_a_release_whose_rules_fail_their_own_sentences_is_refused(release, tmp_path):
    (release / "rulebook" / "zz.toml").write_text(
        '[[frame]]\nid = "x.deaf"\nlevel = "high"\ncategories = ["suicide"]\nsays = "x"\n'
        'patterns = ["zzz"]\nmust_match = ["a", "b"]\nmust_not_match = ["c", "d"]\n',
        encoding="utf-8",
    )
    with pytest.raises(ReleaseRefused, match=r"x\.deaf does not find: a"):
        adopt(release, tmp_path / "home")
    assert in_force(tmp_path / "home") == SHIPPED


def test_a_release_without_a_classifier_is_refused(release, tmp_path):
    shutil.rmtree(release / "model")
    with pytest.raises(ReleaseRefused, match="cannot read the classifier"):
        adopt(release, tmp_path / "home")
