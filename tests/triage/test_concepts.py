"""The lexicon: found in texts, checked when read."""

import pytest

from triage.classifier import LEXICON
from triage.concepts import LexiconError, load_lexicon


def write(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8")


def test_every_word_of_a_text_is_found_where_it_stands(tmp_path):
    write(tmp_path, "a.toml", '[edge]\nsays = "边缘"\nwords = ["窗台", "台"]\n[step]\nsays = "跨"\nwords = ["跨出"]')
    lexicon = load_lexicon(tmp_path)
    found = [(lexicon.names[each.concept], each.start, each.end) for each in lexicon.find("我跨出窗台")]
    assert found == [("step", 1, 3), ("edge", 3, 5), ("edge", 4, 5)]


def test_a_word_at_the_end_of_a_text_is_found_once(tmp_path):
    write(tmp_path, "a.toml", '[blade]\nsays = "刀"\nwords = ["刀", "刀片", "刀子上"]')
    assert [(each.start, each.end) for each in load_lexicon(tmp_path).find("一把刀")] == [(2, 3)]


def test_a_word_may_have_two_meanings(tmp_path):
    write(tmp_path, "a.toml", '[a]\nsays = "甲"\nwords = ["走了"]\n[b]\nsays = "乙"\nwords = ["走了"]')
    assert len(load_lexicon(tmp_path).find("他走了")) == 2


@pytest.mark.parametrize(
    "text",
    ["[a", '[a]\nsays = "甲"\nwords = []', '[a]\nwords = ["x"]', '[a]\nsays = "甲"\nwords = [""]'],
)
def test_a_bad_file_is_refused_with_its_name(tmp_path, text):
    write(tmp_path, "bad.toml", text)
    with pytest.raises(LexiconError, match="bad.toml"):
        load_lexicon(tmp_path)


def test_a_concept_stands_in_one_file(tmp_path):
    for name in ("a.toml", "b.toml"):
        write(tmp_path, name, '[same]\nsays = "同"\nwords = ["同"]')
    with pytest.raises(LexiconError, match="two files"):
        load_lexicon(tmp_path)


def test_the_version_follows_the_words(tmp_path):
    write(tmp_path, "a.toml", '[a]\nsays = "甲"\nwords = ["一"]')
    before = load_lexicon(tmp_path).version
    write(tmp_path, "a.toml", '[a]\nsays = "甲"\nwords = ["二"]')
    assert load_lexicon(tmp_path).version != before


def test_the_shipped_lexicon_is_large_and_without_stray_spaces():
    lexicon = load_lexicon(LEXICON)
    assert len(lexicon.names) > 100
    assert all(word == word.strip() for words in lexicon.words.values() for word in words)
