"""Files of the directory: CSV and XLSX become rows of text, and rows become files that no spreadsheet calculates with.

A cell that begins with = + - @ would be run as a formula by the program that opens the file; such a cell is text.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import Workbook, load_workbook
from openpyxl.utils.exceptions import InvalidFileException

LARGEST_FILE = 1024 * 1024
MOST_ROWS = 10_000
_MOST_COLUMNS = 60
_LARGEST_UNPACKED = 64 * 1024 * 1024  # of a workbook: a small archive may hide a huge one
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ZIP = b"PK\x03\x04"
_BROKEN = (
    zipfile.BadZipFile, InvalidFileException, ParseError, zlib.error, KeyError, ValueError, TypeError, IndexError,
    AttributeError, OSError, NotImplementedError, RuntimeError,
)  # fmt: skip # what openpyxl and zipfile raise on files that are none
Rows = list[list[str]]


class BadSheet(Exception):
    """The file cannot be read, in words for the person who chose it."""


def read_sheet(body: bytes) -> Rows:
    """The rows of a CSV (UTF-8 or GB18030) or XLSX file as text; raise BadSheet."""
    if len(body) > LARGEST_FILE:
        raise BadSheet(f"文件最大1 MB，这个有{len(body) / LARGEST_FILE:.1f} MB，请拆成几个文件")
    rows = _read_xlsx(body) if body.startswith(_ZIP) else _read_csv(body)
    if len(rows) - 1 > MOST_ROWS:
        raise BadSheet(f"一个文件最多{MOST_ROWS}行，请拆成几个文件")
    if not rows:
        raise BadSheet("文件是空的")
    return rows


def csv_file(rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV file that Excel opens with the right characters."""
    sink = io.StringIO()
    csv.writer(sink).writerows([safe(cell) for cell in row] for row in rows)
    return sink.getvalue().encode("utf-8-sig")


def xlsx_file(rows: Iterable[Sequence[str]]) -> bytes:
    """A workbook whose cells are all text."""
    book = Workbook(write_only=False)
    sheet = book.active
    for number, row in enumerate(rows, 1):
        for place, text in enumerate(row, 1):
            cell = sheet.cell(number, place)
            cell.value, cell.data_type, cell.number_format = text, "s", "@"
    sheet.freeze_panes = "A2"
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def safe(text: str) -> str:
    """A cell that a spreadsheet shows and does not run."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _text(value: Any) -> str:  # Any: what a workbook holds
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    text = str(value).replace("_x000D_", "").strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _read_csv(body: bytes) -> Rows:
    words = _decoded(body)
    first = words.split("\n", 1)[0]
    delimiter = "\t" if "\t" in first and "," not in first else ","
    try:
        return [
            [_text(cell) for cell in row[:_MOST_COLUMNS]]
            for row in csv.reader(io.StringIO(words, newline=""), delimiter=delimiter)
        ]
    except csv.Error as error:
        raise BadSheet("这不是能读的CSV文件；请用Excel或WPS另存为“CSV UTF-8”或XLSX") from error


def _decoded(body: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            words = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in words:
            return words
    raise BadSheet("文字编码读不懂；请用Excel或WPS另存为“CSV UTF-8”或XLSX")


def _read_xlsx(body: bytes) -> Rows:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _LARGEST_UNPACKED:
                raise BadSheet("工作簿解开以后太大，请只留一张表，另存后再试")
            if any(_declares_entities(archive, member) for member in archive.infolist()):
                raise BadSheet("工作簿里有不该有的内容，请另存为新的XLSX再试")
        book = load_workbook(io.BytesIO(body), read_only=True, data_only=False)
        sheet = book.worksheets[0]
        rows = sheet.iter_rows(max_row=MOST_ROWS + 2, values_only=True)
        found = [_trimmed([_text(cell) for cell in row[:_MOST_COLUMNS]]) for row in rows]
        book.close()
    except _BROKEN as error:
        raise BadSheet("这不是能读的XLSX文件；请另存为新的XLSX，或“CSV UTF-8”") from error
    while found and not found[-1]:
        found.pop()
    return found


def _trimmed(row: list[str]) -> list[str]:
    while row and not row[-1]:
        row.pop()
    return row


def _declares_entities(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    with archive.open(member) as part:
        return member.filename.endswith((".xml", ".rels")) and b"<!" in part.read(1024).replace(b"<!--", b"")
