"""Files of the directory: encodings, formulas that stay text, sizes, and files that are none."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from escalation.directory.sheets import LARGEST_FILE, MOST_ROWS, BadSheet, csv_file, read_sheet, safe, xlsx_file

ROWS = [["名称", "电话和时段"], ["演示医院", "000-1 24小时"], ["龘医院", "多行\n第二行"]]
CELLS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufeff\ufffe\uffff"), max_size=20
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_both_usual_encodings_are_read(encoding: str) -> None:
    body = '名称,电话和时段\r\n演示医院,000-1 24小时\r\n龘医院,"多行\n第二行"\r\n'.encode(encoding)
    assert read_sheet(body) == ROWS


def test_a_file_with_tabs_is_read_too() -> None:
    assert read_sheet("名称\t地区\n演示医院\t演示县".encode()) == [["名称", "地区"], ["演示医院", "演示县"]]


@pytest.mark.parametrize("write", [csv_file, xlsx_file])
def test_what_is_written_is_read_again(write: object) -> None:
    assert read_sheet(write(ROWS)) == ROWS  # type: ignore[operator]


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
@pytest.mark.parametrize("write", [csv_file, xlsx_file])
def test_a_cell_that_would_be_run_is_text(write: object, start: str) -> None:
    cell = f'{start}HYPERLINK("http://evil.example")'
    body = write([["名称"], [cell]])  # type: ignore[operator]
    assert read_sheet(body) == [["名称"], [cell]]
    if write is xlsx_file:
        found = load_workbook(io.BytesIO(body)).active["A2"]
        assert (found.data_type, found.value) == ("s", cell)
    else:
        assert f"'{start}" in body.decode("utf-8-sig")


def test_a_formula_in_a_workbook_is_read_as_its_text() -> None:
    book = Workbook()
    book.active.append(["名称"])
    book.active.append(["=1+1"])
    sink = io.BytesIO()
    book.save(sink)
    assert read_sheet(sink.getvalue()) == [["名称"], ["=1+1"]]


def test_numbers_dates_and_yes_become_words() -> None:
    book = Workbook()
    book.active.append(["名称", "接收年龄从", "24小时"])
    book.active.append(["演示医院", 18.0, True])
    sink = io.BytesIO()
    book.save(sink)
    assert read_sheet(sink.getvalue())[1] == ["演示医院", "18", "是"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=5))
def test_any_words_survive_a_csv(rows: list[list[str]]) -> None:
    head = [["名称", "地区"]]
    wanted = [[cell.strip() for cell in row] for row in rows]
    stripped = [
        [cell[1:] if cell[:1] == "'" and cell[1:2] in tuple("=+-@") else cell for cell in row] for row in wanted
    ]
    assert read_sheet(csv_file(head + wanted)) == head + stripped


def test_ten_thousand_rows_are_read_and_one_more_is_refused_in_words() -> None:
    rows = [["名称", "地区"], *([f"演示{n}", "演示县"] for n in range(MOST_ROWS))]
    assert len(read_sheet(csv_file(rows))) == MOST_ROWS + 1
    assert len(read_sheet(xlsx_file(rows))) == MOST_ROWS + 1
    for write in (csv_file, xlsx_file):
        with pytest.raises(BadSheet, match="最多10000行"):
            read_sheet(write([*rows, ["多的", "演示县"]]))


def test_a_megabyte_is_read_and_more_is_refused_in_words() -> None:
    line = ("演示医院,演示县，" + "长" * 40 + "\n").encode()
    body = "名称,地区\n".encode() + line * ((LARGEST_FILE - 20) // len(line))
    body += b"x" * (LARGEST_FILE - len(body))
    assert len(read_sheet(body)) > 5000
    with pytest.raises(BadSheet, match="最大1 MB"):
        read_sheet(body + b"x")


@pytest.mark.parametrize(
    "body",
    [b"", b"\x00\x01\x02" * 50, b"PK\x03\x04 not a workbook", b"\xff\xfe\x0b\x4e\x2c\x00", b"%PDF-1.7 \x00\xff\xfa"],
)
def test_a_file_that_is_none_is_refused_in_words(body: bytes) -> None:
    with pytest.raises(BadSheet, match="[一-龥]"):
        read_sheet(body)


def workbook_with(name: str, body: bytes) -> bytes:
    source, sink = zipfile.ZipFile(io.BytesIO(xlsx_file(ROWS))), io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.infolist():
            target.writestr(member.filename, body if member.filename == name else source.read(member.filename))
        if name not in source.namelist():
            target.writestr(name, body)
    return sink.getvalue()


def test_a_small_archive_that_hides_a_huge_one_is_refused() -> None:
    with pytest.raises(BadSheet, match="太大"):
        read_sheet(workbook_with("xl/media/x.bin", b"0" * (65 * 1024 * 1024)))


def test_a_workbook_that_declares_entities_is_refused() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa">]><l>&a;</l>'
    with pytest.raises(BadSheet, match="不该有"):
        read_sheet(workbook_with("xl/workbook.xml", bomb))


@given(st.text(max_size=20))
def test_a_safe_cell_never_begins_like_a_formula(text: str) -> None:
    assert not safe(text).startswith(("=", "+", "-", "@", "\t", "\r"))
