"""The sheet as PDF: A4, one page, Chinese by the font that every reader has built in, the mark across it."""

from __future__ import annotations

import io

from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Frame, KeepInFrame, Paragraph, Spacer, Table

from escalation.paper import ACCENT, EDGE, FONT, HEIGHT, INNER_HEIGHT, INNER_WIDTH, MARGIN, WIDTH, draw_mark, plain
from escalation.record.sheet import Section, Sheet

_LABEL_WIDTH = 42 * mm
_TITLE = ParagraphStyle("title", fontName=FONT, fontSize=16, leading=22, alignment=1)
_HEADING = ParagraphStyle("heading", fontName=FONT, fontSize=11.5, leading=16, spaceBefore=6, textColor=ACCENT)
_TEXT = ParagraphStyle("text", fontName=FONT, fontSize=10.5, leading=14.5, wordWrap="CJK")
_NOTE = "仅供救援和转介使用，只写必要的内容；请妥善保管，用后按规定销毁。"
_LINES = [
    ("GRID", (0, 0), (-1, -1), 0.4, EDGE),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("TOPPADDING", (0, 0), (-1, -1), 2),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
]


def to_pdf(sheet: Sheet) -> bytes:
    """One page; what would not fit is set smaller."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(WIDTH, HEIGHT), pageCompression=1)
    canvas.setTitle(f"{sheet.title} {sheet.head[0][1]}")
    draw_mark(canvas, sheet.mark)
    story = [Paragraph(plain(sheet.title), _TITLE), Spacer(0, 4 * mm), _table(sheet.head)]
    for section in sheet.sections:
        story += [*_heading(section), _table(section.lines)]
    story += [Spacer(0, 4 * mm), Paragraph(plain(f"{_NOTE}　{sheet.mark}"), _TEXT)]
    whole = KeepInFrame(INNER_WIDTH, INNER_HEIGHT, story, mode="shrink")
    Frame(MARGIN, MARGIN, INNER_WIDTH, INNER_HEIGHT, 0, 0, 0, 0).addFromList([whole], canvas)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _heading(section: Section) -> list[Paragraph]:
    return [Paragraph(plain(section.title), _HEADING)]


def _table(lines: tuple[tuple[str, str], ...]) -> Table:
    rows = [[Paragraph(plain(label), _TEXT), Paragraph(plain(text), _TEXT)] for label, text in lines]
    return Table(rows, colWidths=[_LABEL_WIDTH, INNER_WIDTH - _LABEL_WIDTH], style=_LINES)
