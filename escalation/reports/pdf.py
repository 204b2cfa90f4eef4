"""A report on paper: A4, as many pages as it needs, the mark across each, the hash at its foot."""

from __future__ import annotations

import io
from functools import partial

from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import CondPageBreak, Flowable, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as Grid

from escalation.paper import ACCENT, EDGE, FONT, HEIGHT, INNER_WIDTH, MARGIN, WIDTH, bare, draw_mark, plain
from escalation.reports.monthly import Report, Section, Table

MARK = "统计口径见附注"
_TITLE = ParagraphStyle("title", fontName=FONT, fontSize=16, leading=22, alignment=1)
_HEADING = ParagraphStyle(
    "heading", fontName=FONT, fontSize=12, leading=17, spaceBefore=8, spaceAfter=2, textColor=ACCENT
)
_NAME = ParagraphStyle("name", fontName=FONT, fontSize=9.5, leading=14, spaceBefore=4, spaceAfter=1)
_TEXT = ParagraphStyle("text", fontName=FONT, fontSize=9, leading=12.5, wordWrap="CJK")
_FOOT = 8 * mm
_LINES = [
    ("GRID", (0, 0), (-1, -1), 0.4, EDGE),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("TOPPADDING", (0, 0), (-1, -1), 1),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
]
_WIDTHS = {2: (0.62, 0.38), 3: (0.4, 0.25, 0.35), 4: (0.21, 0.2, 0.29, 0.3)}
_WIDE_FROM = 8  # a two-column table with more rows stands in two halves side by side


def to_pdf(report: Report, hashed: str) -> bytes:
    """The same report gives the same pages."""
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=(WIDTH, HEIGHT), leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN,
        bottomMargin=MARGIN + 4 * mm, title=bare(report.title), invariant=1,
    )  # fmt: skip
    story: list[Flowable] = [Paragraph(plain(report.title), _TITLE), Spacer(0, 3 * mm)]
    story.append(_grid([[label, text] for label, text in report.head], (0.16, 0.84)))
    for section in report.sections:
        story += _section(section)
    decorate = partial(_decorate, hashed=hashed)
    document.build(story, onFirstPage=decorate, onLaterPages=decorate)
    return out.getvalue()


def _decorate(canvas: Canvas, document: SimpleDocTemplate, *, hashed: str) -> None:
    draw_mark(canvas, MARK)
    canvas.saveState()
    canvas.setFont(FONT, 7.5)
    canvas.drawString(MARGIN, _FOOT, f"SHA-256 {hashed}")
    canvas.drawRightString(WIDTH - MARGIN, _FOOT, f"{MARK}　第 {document.page} 页")
    canvas.restoreState()


def _section(section: Section) -> list[Flowable]:
    story: list[Flowable] = [CondPageBreak(35 * mm), Paragraph(plain(section.title), _HEADING)]
    for table in section.tables:
        story += [CondPageBreak(22 * mm), Paragraph(plain(table.title), _NAME), _table(table)]
    return [*story, *(Paragraph(plain(f"· {note}"), _TEXT) for note in section.notes)]


def _table(table: Table) -> Grid:
    rows = [[str(cell) for cell in row] for row in table.rows]
    columns = list(table.columns)
    if len(columns) == 2 and len(rows) >= _WIDE_FROM:
        half = (len(rows) + 1) // 2
        right = [*rows[half:], *[["", ""]] * (half - len(rows[half:]))]
        rows, columns = [left + other for left, other in zip(rows[:half], right, strict=True)], columns * 2
        return _grid([columns, *rows], (0.36, 0.14, 0.36, 0.14))
    return _grid([columns, *rows], _WIDTHS[len(columns)])


def _grid(rows: list[list[str]], shares: tuple[float, ...]) -> Grid:
    cells = [[Paragraph(plain(cell), _TEXT) for cell in row] for row in rows]
    return Grid(cells, colWidths=[INNER_WIDTH * share for share in shares], style=_LINES, hAlign="LEFT")
