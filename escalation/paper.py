"""What every printed page shares: the Chinese font that each reader has built in, plain words, the mark across it."""

from __future__ import annotations

from html import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

FONT = "STSong-Light"
MARGIN = 15 * mm
WIDTH, HEIGHT = A4
INNER_WIDTH, INNER_HEIGHT = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
EDGE = colors.HexColor("#b8c4c5")
ACCENT = colors.HexColor("#17696c")
_PALE = colors.HexColor("#e3e9e9")
pdfmetrics.registerFont(UnicodeCIDFont(FONT))


def draw_mark(canvas: Canvas, mark: str) -> None:
    """The same words across the page, again and again."""
    canvas.saveState()
    canvas.setFont(FONT, 26)
    canvas.setFillColor(_PALE)
    canvas.translate(WIDTH / 2, HEIGHT / 2)
    canvas.rotate(35)
    for step in (-2, -1, 0, 1, 2):
        canvas.drawCentredString(0, step * 60 * mm, bare(mark))
    canvas.restoreState()


def plain(text: str) -> str:
    """Words as words, whatever they look like."""
    return escape(bare(text), quote=False)


def bare(text: str) -> str:
    """The built-in font knows the basic plane only; the rest is shown as a box rather than nothing."""
    return "".join(char if " " <= char <= "\uffff" and not "\ud800" <= char <= "\udfff" else "□" for char in text)
