"""Whether a passage bears a sentence, and numbers written in different ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.numerals import numbers_of, value_of
from knowledge.rephrase import load_rules
from knowledge.support import doubt, likeness

RULES = load_rules()
PASSAGE = "躺了约20分钟还清醒，就起来，到灯暗的地方坐坐，困了再回床，不看钟。"


def why(sentence: str, passage: str = PASSAGE) -> str:
    return doubt((sentence,), passage, RULES.words, RULES.support)


@pytest.mark.parametrize(
    "sentence",
    [
        PASSAGE,
        "要是躺了约二十分钟还清醒，就起来，到灯暗的地方去坐坐，困了再回床上，别看钟。",
        "躺了約20分鐘還清醒，就起來，到燈暗的地方坐坐，睏了再回床，不看鐘。",
    ],
)
def test_the_same_in_other_words_stands(sentence: str) -> None:
    assert why(sentence) == ""


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("躺了约30分钟还清醒，就起来，到灯暗的地方坐坐，困了再回床，不看钟。", "number"),
        ("躺了约20分钟还清醒，就起来，到灯暗的地方坐坐，困了再回床，看钟。", "negation"),
        ("躺了约20分钟还清醒，就别起来，到灯暗的地方坐坐，困了再回床，不看钟。", "negation"),
        ("躺了约20分钟还清醒，必须起来，到灯暗的地方坐坐，困了再回床，不看钟。", "duty"),
        ("躺了约20分钟还清醒，就起来吃药，到灯暗的地方坐坐，困了再回床，不看钟。", "treatment"),
        ("躺了约20分钟还清醒，就起来，到灯暗的地方跑跑步听歌曲，困了再回床，不看钟。", "new"),
        ("躺了约20分钟还清醒，不看钟。", "lost"),
        ("躺了约20分钟 still awake，就起来，到灯暗的地方坐坐，困了再回床，不看钟。", "language"),
        ("躺了约20分钟还清醒，马上起来，到灯暗的地方坐坐，困了再回床，不看钟。", "urgency"),
        ("我躺了约20分钟还清醒，就起来，到灯暗的地方坐坐，困了再回床，不看钟。", "self"),
    ],
)
def test_a_changed_meaning_has_its_reason(sentence: str, reason: str) -> None:
    assert why(sentence) == reason


@given(st.text(max_size=60))
def test_any_text_has_an_answer_and_every_share_is_one(text: str) -> None:
    assert isinstance(why(text), str)
    near = likeness(text, PASSAGE, RULES.words)
    assert 0.0 <= near.covered <= 1.0
    assert 0.0 <= near.kept <= 1.0


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("每周合计约150分钟", ("每周", "150分")),
        ("每天三到五分钟", ("每天", "3到", "5分")),
        ("二十分钟后", ("20分",)),
        ("5样看得见的，两件事", ("5样", "2件")),
        ("一起慢慢来，一时难过，一个人", ()),
        ("做一次，等一周，停一个月", ("1次", "1周", "1个")),
        ("两三岁，几分钟", ("两三岁", "几分")),
        ("多半很累", ()),
    ],
)
def test_numbers_are_read_alike(text: str, numbers: tuple[str, ...]) -> None:
    assert numbers_of(text, ("多半",)) == numbers


@pytest.mark.parametrize(("numeral", "value"), [("十", "10"), ("十五", "15"), ("二十", "20"), ("一百零三", "103"), ("三千二百", "3200"), ("两", "2"), ("几十", "几十"), ("三五", "三五"), ("37.2", "37.2"), ("0", "0")])  # fmt: skip
def test_a_numeral_has_its_value(numeral: str, value: str) -> None:
    assert value_of(numeral) == value
