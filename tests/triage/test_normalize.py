"""The readings of a text: right offsets, stable, never an exception."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.loading import load_rulebook
from triage.normalize import OVERLAP_CHARS, WINDOW_CHARS, passages, stretches, views, windows

TABLES = load_rulebook().tables
ANY_TEXT = st.text(st.characters(), max_size=60)  # lone surrogates included
LIKE_CHAT = st.text("我想死不活了药吃,。! .*\u200b\u202e💊🔪wobuxianghuole自s4唔冇ﬁ㈱é\ud800ıİ", max_size=40)


def reads(text: str) -> set[str]:
    return {view.text for view in views(text, TABLES)}


@given(ANY_TEXT | LIKE_CHAT)
@settings(deadline=None)
def test_every_span_lies_in_the_original(text):
    for view in views(text, TABLES):
        assert len(view.offsets) == len(view.text)
        for at in range(len(view.text)):
            start, end = view.span(at, at + 1)
            assert 0 <= start < end <= len(text)


@given(ANY_TEXT | LIKE_CHAT)
@settings(deadline=None)
def test_offsets_never_go_back(text):
    for view in views(text, TABLES):
        starts = [start for start, _ in view.offsets]
        assert starts == sorted(starts)


@given(ANY_TEXT | LIKE_CHAT)
@settings(deadline=None)
def test_reading_a_reading_changes_nothing(text):
    for view in views(text, TABLES):
        if view.name == "plain":
            assert views(view.text, TABLES)[0].text == view.text
    last = views(text, TABLES)[-1].text
    assert views(last, TABLES)[-1].text == last


@given(st.text(st.characters(), max_size=300), st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_windows_cover_everything(text, times):
    long = text * times
    covered = set()
    for offset, piece in windows(long):
        assert len(piece) <= WINDOW_CHARS
        assert long[offset : offset + len(piece)] == piece
        covered.update(range(offset, offset + len(piece)))
    assert len(covered) == len(long)


def test_neighbouring_windows_overlap():
    starts = [offset for offset, _ in windows("a" * 5000)]
    assert starts[1] == WINDOW_CHARS - OVERLAP_CHARS


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("我 想 死", "我想死"),
        ("我，想，死", "我想死"),
        ("自.杀", "自杀"),
        ("自\u200b杀", "自杀"),
        ("我想歹匕", "我想死"),
        ("唔想活", "不想活"),
        ("想自殺", "想自杀"),
        ("wo bu xiang huo le", "我不想活了"),
        ("wǒ xiǎng zìshā", "我想自杀"),
        ("我想紫砂了", "我想自杀了"),
        ("🔪在手里", "刀在手里"),
        ("ＫＩＬＬ", "kill"),
    ],
)
def test_disguised_writing_is_read_as_meant(written, read):
    assert read in reads(written)


@pytest.mark.parametrize("text", ["紫砂壶泡茶", "会议4点开始", "we can do it", "今天好,明天见"])
def test_ordinary_writing_is_left_as_it_is(text):
    assert reads(text) == {text}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("我有抑鬱症", "抑郁"),
        ("他抱著貓站著", "抱着猫站着"),
        ("這本名著很好", "名著"),
        ("唔好郁", "动"),
        ("顯著改善", "显著"),
    ],
)
def test_traditional_words_are_read_as_they_are_meant(text, read):
    assert read in views(text, TABLES)[-1].text


@given(st.text(alphabet="死我想不了。！a 1\n,", max_size=300), st.integers(5, 40))
def test_the_passages_of_every_reading_cover_it_whole_and_end_with_sentences(text, longest):
    found = views(text, TABLES)
    for view in found:
        cuts = stretches(view, found[0], longest)
        assert "".join(view.text[left:right] for left, right in cuts) == view.text
        assert all(view.text[right - 1] in "。!?\n" for _, right in cuts[:-1])
    assert stretches(found[0], found[0], longest) == (list(passages(found[0].text, longest)) or [(0, 0)])
