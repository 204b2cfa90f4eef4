"""The sheet as PDF: A4, one page, Chinese by the font that every reader has built in, the mark across it."""

from __future__ import annotations

import io
from html import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Frame, KeepInFrame, Paragraph, Spacer, Table

from escalation.record.sheet import Section, Sheet

_FONT = "STSong-Light"
_MARGIN = 15 * mm
_LABEL_WIDTH = 42 * mm
_WIDTH, _HEIGHT = A4
_INNER_WIDTH, _INNER_HEIGHT = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN
_TITLE = ParagraphStyle("title", fontName=_FONT, fontSize=16, leading=22, alignment=1)
_HEADING = ParagraphStyle(
    "heading", fontName=_FONT, fontSize=11.5, leading=16, spaceBefore=6, textColor=colors.HexColor("#17696c")
)
_TEXT = ParagraphStyle("text", fontName=_FONT, fontSize=10.5, leading=14.5, wordWrap="CJK")
_NOTE = "仅供救援和转介使用，只写必要的内容；请妥善保管，用后按规定销毁。"
_LINES = [
    ("GRID", (0, 0), (-1, -1), 0.4, colors.HexColor("#b8c4c5")),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("TOPPADDING", (0, 0), (-1, -1), 2),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
]
pdfmetrics.registerFont(UnicodeCIDFont(_FONT))


def to_pdf(sheet: Sheet) -> bytes:
    """One page; what would not fit is set smaller."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1)
    canvas.setTitle(f"{sheet.title} {sheet.head[0][1]}")
    _draw_mark(canvas, sheet.mark)
    story = [Paragraph(_plain(sheet.title), _TITLE), Spacer(0, 4 * mm), _table(sheet.head)]
    for section in sheet.sections:
        story += [*_heading(section), _table(section.lines)]
    story += [Spacer(0, 4 * mm), Paragraph(_plain(f"{_NOTE}　{sheet.mark}"), _TEXT)]
    whole = KeepInFrame(_INNER_WIDTH, _INNER_HEIGHT, story, mode="shrink")
    Frame(_MARGIN, _MARGIN, _INNER_WIDTH, _INNER_HEIGHT, 0, 0, 0, 0).addFromList([whole], canvas)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _heading(section: Section) -> list[Paragraph]:
    return [Paragraph(_plain(section.title), _HEADING)]


def _table(lines: tuple[tuple[str, str], ...]) -> Table:
    rows = [[Paragraph(_plain(label), _TEXT), Paragraph(_plain(text), _TEXT)] for label, text in lines]
    return Table(rows, colWidths=[_LABEL_WIDTH, _INNER_WIDTH - _LABEL_WIDTH], style=_LINES)


def _draw_mark(canvas: Canvas, mark: str) -> None:
    canvas.saveState()
    canvas.setFont(_FONT, 26)
    canvas.setFillColor(colors.HexColor("#e3e9e9"))
    canvas.translate(_WIDTH / 2, _HEIGHT / 2)
    canvas.rotate(35)
    for step in (-2, -1, 0, 1, 2):
        canvas.drawCentredString(0, step * 60 * mm, _bare(mark))
    canvas.restoreState()


def _plain(text: str) -> str:
    """Words as words, whatever they look like."""
    return escape(_bare(text), quote=False)


def _bare(text: str) -> str:
    """The built-in font knows the basic plane only; the rest is shown as a box rather than nothing."""
    return "".join(char if " " <= char <= "\uffff" and not "\ud800" <= char <= "\udfff" else "□" for char in text)
