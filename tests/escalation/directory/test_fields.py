"""Each field of the directory: read from what people type, shown so that it can be read again, errors in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.directory.fields import BadValue, is_fresh, load_directory, read, read_all, search_words, shown

DIRECTORY = load_directory()
FIELDS = {field.code: field for field in DIRECTORY.fields}
GOOD = {"name": "演示医院", "kinds": "er", "region": "演示县"}


@pytest.mark.parametrize(
    ("code", "text", "value"),
    [
        ("name", " 演示  医院 ", "演示 医院"),
        ("kinds", "医院精神科急诊；心理治疗", ["er", "therapy"]),
        ("kinds", "er,clinic、er", ["er", "clinic"]),
        ("kinds", "精神科/心理科门诊", ["clinic"]),
        ("is_24h", "是", True),
        ("is_24h", "", False),
        ("is_24h", "TRUE", True),
        ("age_from", "", 0),
        ("age_to", "", 120),
        ("age_to", "18岁", 18),
        ("latitude", "", None),
        ("latitude", "29.5", 29.5),
        ("phones", "000-0000001 24小时；000-0000002", ["000-0000001 24小时", "000-0000002"]),
        ("phones", "0000000转12 周一至周五", ["0000000转12 周一至周五"]),
        ("status", "", "active"),
        ("status", "暂停接收", "paused"),
        ("services", "失眠\n\n心理评估\n失眠", ["失眠", "心理评估"]),
    ],
)
def test_what_is_typed_becomes_a_value(code: str, text: str, value: Any) -> None:
    assert read(FIELDS[code], text) == value


@pytest.mark.parametrize(
    ("code", "text", "words"),
    [
        ("name", " ", "不能空着"),
        ("name", "长" * 101, "最多100个字，现在101个"),
        ("kinds", "医院", "没有“医院”；可以写：医院精神科急诊"),
        ("is_24h", "也许", "“是”或“否”"),
        ("age_from", "121", "0到120"),
        ("age_from", "-1", "整数"),
        ("age_from", "１８", "整数"),
        ("latitude", "91", "-90到90"),
        ("latitude", "1e1", "小数"),
        ("phones", "打前台", "“打前台”不像电话号码"),
        ("phones", "；".join(f"000{n}" for n in range(21)), "最多20项"),
        ("status", "很忙", "没有“很忙”"),
    ],
)
def test_what_cannot_be_is_refused_in_words(code: str, text: str, words: str) -> None:
    with pytest.raises(BadValue, match=words.replace("(", r"\(")):
        read(FIELDS[code], text)


@given(st.data())
def test_what_is_shown_can_be_read_again(data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(DIRECTORY.fields))
    typed = data.draw(
        st.sampled_from(["", "是", "12", "er；school", "000-1 早上", "暂停接收", "a\nb；c", "1.25", " x  y "])
    )
    try:
        value = read(field, typed)
    except BadValue:
        return
    assert read(field, shown(field, value)) == value


@given(st.text(max_size=300))
def test_no_text_breaks_a_field(text: str) -> None:
    for field in DIRECTORY.fields:
        try:
            read(field, text)
        except BadValue:
            continue


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        ({"age_from": "18", "age_to": "17"}, "age_to"),
        ({"latitude": "1"}, "longitude"),
        ({"longitude": "1"}, "longitude"),
    ],
)
def test_fields_that_belong_together_are_checked_together(texts: dict[str, str], field: str) -> None:
    _, errors = read_all(DIRECTORY.fields, {**GOOD, **texts})
    assert set(errors) == {field}


def test_every_error_of_a_form_is_told_at_once() -> None:
    _, errors = read_all(DIRECTORY.fields, {"age_from": "x"})
    assert set(errors) == {"name", "kinds", "region", "age_from"}


def test_the_words_to_search_hold_nothing_of_the_contact_person() -> None:
    values, errors = read_all(DIRECTORY.fields, {**GOOD, "contact_name": "王某", "services": "失 眠ＡＢ"})
    assert errors == {}
    found = search_words(DIRECTORY, values)
    assert "王某" not in found
    assert "失眠ab" in found
    assert "医院精神科急诊" in found


def test_a_check_holds_ninety_days_and_a_missing_one_never() -> None:
    now, within = datetime(2026, 12, 1, tzinfo=UTC), timedelta(days=90)
    assert is_fresh(now - within, now, within)
    assert not is_fresh(now - within - timedelta(seconds=1), now, within)
    assert not is_fresh(None, now, within)


def test_a_field_of_an_unknown_kind_stops_the_start(tmp_path: Path) -> None:
    table = tmp_path / "fields.toml"
    table.write_text('[[field]]\ncode = "x"\nwords = "x"\nkind = "colour"\n[kinds]\n', encoding="utf-8")
    with pytest.raises(ValueError, match="colour"):
        load_directory(table)
