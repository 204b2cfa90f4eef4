"""A change is tried before it is in force: it must not make other answers worse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from knowledge_samples import BUILT_AT, TODAY, article_text

from knowledge.answers import Answerer
from knowledge.articles import Library, parse_article
from knowledge.calibrate import LIBRARY, MODEL, load_calibration
from knowledge.encoder import StaticEncoder
from knowledge.index import assemble, build, load, load_version
from knowledge.questions_file import Question, read_dev
from knowledge.ranking import Calibration
from knowledge.trial import Limits, Order, compare, control_questions, own_share, read_limits, try_out

LIMITS = Limits(every=1, most_lost=1, most_wrong=0, own_least=0.5)
Answers = Callable[[Library], Answerer]


@pytest.fixture
def answers(tiny_encoder: StaticEncoder, plain_calibration: Calibration) -> Answers:
    def make(library: Library) -> Answerer:
        index = assemble(library, tiny_encoder, built_at=BUILT_AT, calibration=plain_calibration)
        return Answerer(library, index, tiny_encoder, rules=())

    return make


def questions_of(library: Library) -> list[Question]:
    return [Question(text, text, frozenset({key})) for key, a in library.articles.items() for text in a.questions]


def without(library: Library, *keys: str) -> Library:
    return replace(library, articles={key: a for key, a in library.articles.items() if key not in keys})


def test_the_same_library_loses_nothing(small_library: Library, answers: Answers) -> None:
    asked = questions_of(small_library)
    verdict = compare(answers(small_library), answers(small_library), asked, LIMITS, TODAY)
    assert (verdict.is_good, verdict.asked, verdict.before, verdict.after, verdict.lost) == (True, 9, 9, 9, ())


def test_a_change_that_loses_too_many_is_refused_and_names_them(small_library: Library, answers: Answers) -> None:
    asked = questions_of(small_library)
    verdict = compare(answers(small_library), answers(without(small_library, "E901")), asked, LIMITS, TODAY)
    assert not verdict.is_good
    assert set(verdict.lost) == {"晚上睡不着", "总是失眠", "半夜老醒"}
    assert "原来答好 9 个，改后 6 个" in verdict.words


def test_answering_what_is_none_of_ours_is_refused(small_library: Library, answers: Answers) -> None:
    foreign = [Question("o1", "怎么修自行车", frozenset())]
    article = parse_article(article_text("E904", questions='["怎么修自行车", "车坏了", "链条掉了"]'), "E904.md")
    greedy = replace(small_library, articles={**small_library.articles, "E904": article})
    verdict = compare(answers(small_library), answers(greedy), foreign, LIMITS, TODAY)
    assert not verdict.is_good
    assert "不该由我们答" in verdict.words


def test_an_article_whose_wordings_lead_elsewhere_says_so(small_library: Library, answers: Answers) -> None:
    assert own_share(answers(small_library), small_library, "E901", TODAY) == 1.0
    article = small_library.articles["E901"]
    stolen = replace(article, id="E900", questions=("晚上睡不着", "总是失眠", "半夜老醒"))
    both = replace(small_library, articles={"E900": stolen, **small_library.articles})
    shares = {own_share(answers(both), both, key, TODAY) for key in ("E900", "E901")}
    assert min(shares) < 1.0


def test_the_control_questions_are_fixed_and_of_both_kinds() -> None:
    limits = read_limits()
    asked = control_questions(read_dev(), limits)
    assert asked == control_questions(read_dev(), limits)
    assert sum(bool(question.topics) for question in asked) > 400
    assert sum(not question.topics for question in asked) > 100


@pytest.fixture(scope="module")
def real_index(tmp_path_factory: pytest.TempPathFactory, library: Library, encoder: StaticEncoder) -> Path:
    folder = tmp_path_factory.mktemp("trial") / "index"
    build(library, encoder, folder, built_at=BUILT_AT, calibration=load_calibration(MODEL))
    return folder


def order(folder: Path, text: str, article: str = "E001") -> Order:
    return Order(str(folder), {}, article, text, TODAY.isoformat())


def test_a_good_change_is_prepared_and_not_yet_in_force(
    real_index: Path, library: Library, encoder: StaticEncoder
) -> None:
    before = load(real_index).manifest
    text = (LIBRARY / "E001.md").read_text(encoding="utf-8").replace("合起来就是四句话", "合起来是四句话")
    verdict = try_out(order(real_index, text), library, encoder)
    assert verdict.is_good, verdict.words
    assert load(real_index).manifest == before
    assert load_version(real_index / "v00002").manifest.library_digest != before.library_digest


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("合起来就是四句话", "疯子才不看，合起来就是四句话", "有不能说的话"),
        ('kind = "clinical"', 'kind = "poetry"', "条目读不了"),
    ],
)
def test_a_bad_change_leaves_nothing_behind(
    real_index: Path, library: Library, encoder: StaticEncoder, old: str, new: str, why: str
) -> None:
    there = sorted(real_index.iterdir())
    text = (LIBRARY / "E001.md").read_text(encoding="utf-8").replace(old, new)
    verdict = try_out(order(real_index, text), library, encoder)
    assert not verdict.is_good
    assert why in verdict.words
    assert sorted(real_index.iterdir()) == there
