"""A report as a workbook: one sheet a section. Numbers are numbers; every text is text, so that none is calculated."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from escalation.reports.monthly import Cell, Report, Section
from escalation.reports.pdf import MARK

_UNFIT = re.compile(r"[\[\]:*?/\\]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST_NAME = 31
_WIDTHS = (34, 26, 34, 60)


def to_xlsx(report: Report, hashed: str) -> bytes:
    """The head first, then the sections."""
    book = Workbook()
    first = book.active
    first.title = "说明"
    head: list[Sequence[Cell]] = [[report.title], *report.head, ("SHA-256", hashed), (MARK, "")]
    _fill(first, head)
    for section in report.sections:
        _fill(book.create_sheet(_UNFIT.sub(" ", section.title)[:_LONGEST_NAME]), _rows(section))
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def _rows(section: Section) -> Iterator[Sequence[Cell]]:
    yield [section.title]
    for table in section.tables:
        yield from ([], [table.title], table.columns, *table.rows)
    yield from ([], *([note] for note in section.notes))


def _fill(sheet: Worksheet, rows: Sequence[Sequence[Cell]] | Iterator[Sequence[Cell]]) -> None:
    for number, row in enumerate(rows, 1):
        for place, value in enumerate(row, 1):
            cell = sheet.cell(number, place)
            if isinstance(value, str):
                cell.value, cell.data_type, cell.number_format = _CONTROL.sub("□", value), "s", "@"
            else:
                cell.value = value
    for column, width in zip("ABCD", _WIDTHS, strict=True):
        sheet.column_dimensions[column].width = width
    sheet.oddFooter.center.text = MARK
