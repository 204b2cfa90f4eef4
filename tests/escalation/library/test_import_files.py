"""A file becomes a draft: headings place the text, nothing is invented, and what cannot be read says what to do."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections import Counter
from pathlib import Path

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from escalation.library.importing import LARGEST_FILE, BadFile, Imported, read_file
from knowledge.articles import parse_article
from knowledge.calibrate import LIBRARY
from knowledge.drafts import blank, fields_of

WORDS = "一二三四考试紧张"
MARKDOWN = """# 考试前紧张怎么办

先慢慢呼气，再做会做的题。

## 问法
- 考试好紧张
- 一考试就手抖

## 适用人群
学生
家长

## 接下来可以做
- 早点睡
- 说出来

## 参考资料
某某手册 2019
"""


def word_file(*paragraphs: tuple[str, str]) -> bytes:
    document = docx.Document()
    for style, text in paragraphs:
        document.add_paragraph(text, style=style)
    sink = io.BytesIO()
    document.save(sink)
    return sink.getvalue()


def pdf_file(*lines: str, pages: int = 1) -> bytes:
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    sink = io.BytesIO()
    canvas = Canvas(sink)
    for _ in range(pages):
        canvas.setFont("STSong-Light", 12)
        for number, line in enumerate(lines):
            canvas.drawString(60, 780 - 24 * number, line)
        canvas.showPage()
    canvas.save()
    return sink.getvalue()


def placed(found: Imported) -> dict[str, str]:
    """What was filled in beyond an empty draft."""
    return {key: text for key, text in found.fields.items() if text != blank()[key]}


def test_markdown_is_placed_by_its_headings_and_the_rest_is_kept_as_notes() -> None:
    found = read_file("考试.md", MARKDOWN.encode())
    assert placed(found) == {
        "title": "考试前紧张怎么办",
        "short": "先慢慢呼气，再做会做的题。",
        "questions": "考试好紧张\n一考试就手抖",
        "audiences": "学生、家长",
        "long": "## 接下来可以做\n- 早点睡\n- 说出来",
    }
    assert found.notes == "参考资料\n某某手册 2019"


def test_a_word_file_says_the_same() -> None:
    body = word_file(
        ("Title", "考试前紧张怎么办"), ("Normal", "先慢慢呼气。"), ("Heading 1", "问法"), ("List Bullet", "考试好紧张"),
        ("Heading 1", "接下来可以做"), ("Normal", "早点睡。"),
    )  # fmt: skip
    assert placed(read_file("稿.docx", body)) == {
        "title": "考试前紧张怎么办",
        "short": "先慢慢呼气。",
        "questions": "考试好紧张",
        "long": "## 接下来可以做\n早点睡。",
    }


def test_a_table_of_a_word_file_is_not_lost() -> None:
    document = docx.Document()
    document.add_heading("睡眠", 1)
    document.add_heading("作息表", 2)
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "22点", "放下手机"
    sink = io.BytesIO()
    document.save(sink)
    assert "22点 | 放下手机" in read_file("表.docx", sink.getvalue()).fields["long"]


def test_a_pdf_is_read_by_lines() -> None:
    body = pdf_file(
        "考试前紧张怎么办", "先慢慢呼气，不着急，", "再做会做的题。", "一、接下来可以做", "早点睡，睡前不看手机。"
    )
    assert placed(read_file("稿.pdf", body)) == {
        "title": "考试前紧张怎么办",
        "short": "先慢慢呼气，不着急，再做会做的题。",
        "long": "## 接下来可以做\n早点睡，睡前不看手机。",
    }


def test_a_long_text_without_headings_goes_to_the_notes_whole() -> None:
    text = "这是一句很长的话。" * 40
    found = read_file("无标题.md", text.encode())
    assert placed(found) == {"title": "无标题"}
    assert found.notes == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_encodings_of_office_programs_are_read(encoding: str) -> None:
    assert read_file("a.md", MARKDOWN.encode(encoding)).fields["title"] == "考试前紧张怎么办"


def test_a_file_of_our_own_format_comes_back_as_it_is() -> None:
    path = LIBRARY / "E023.md"
    text = path.read_text(encoding="utf-8")
    assert read_file("E023.md", text.encode()).fields == fields_of(parse_article(text, path.name))
    with pytest.raises(BadFile, match="条目文件里有错"):
        read_file("E023.md", text.replace('kind = "clinical"', 'kind = "x"').encode())


def scanned() -> bytes:
    writer = PdfWriter()
    for _ in range(3):
        writer.add_blank_page(200, 200)
    sink = io.BytesIO()
    writer.write(sink)
    return sink.getvalue()


def locked() -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf_file("有字的一页"))))
    writer.encrypt("secret", algorithm="RC4-128")
    sink = io.BytesIO()
    writer.write(sink)
    return sink.getvalue()


def bomb() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\0" * (60 * 1024 * 1024))
    return sink.getvalue()


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("a.md", b"x" * (LARGEST_FILE + 1), "5 MB"),
        ("a.doc", b"x", "另存为 .docx"),
        ("a.exe", b"x", "只能读"),
        ("a", b"x", "只能读"),
        ("a.md", b"  \n", "没有文字"),
        ("a.md", b"\x00\x01\x02", "UTF-8"),
        ("a.md", ("字" * 200_001).encode(), "文字太多"),
        ("a.docx", b"not a zip", "Word"),
        ("a.docx", b"PK\x03\x04broken", "Word"),
        ("a.docx", bomb(), "解开以后太大"),
        ("a.docx", word_file(), "没有文字"),
        ("a.pdf", b"not a pdf", "PDF"),
        ("a.pdf", b"%PDF-1.7\nbroken", "PDF"),
        ("a.pdf", scanned(), "扫描件"),
        ("a.pdf", locked(), "密码"),
        ("a.pdf", pdf_file("一页", pages=201), "200页"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("a") else "",
)
def test_what_cannot_be_read_says_what_to_do(name: str, body: bytes, words: str) -> None:
    with pytest.raises(BadFile, match=words):
        read_file(name, body)


@settings(max_examples=200)
@given(
    st.sampled_from([".md", ".docx", ".pdf"]),
    st.binary(max_size=300),
    st.sampled_from([b"", b"PK\x03\x04", b"%PDF-1.4\n"]),
)
def test_whatever_bytes_come_they_are_read_or_refused_in_words(ending: str, body: bytes, head: bytes) -> None:
    with contextlib.suppress(BadFile):
        read_file(f"文件{ending}", head + body)


@given(st.lists(st.text(alphabet=f"#- {WORDS}。，\n", max_size=30), max_size=20))
def test_no_word_of_a_markdown_file_is_lost(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        found = read_file("稿.md", text.encode())
    except BadFile:
        return
    kept = "".join([*found.fields.values(), found.notes])
    assert Counter(c for c in text if c in WORDS) <= Counter(c for c in kept if c in WORDS)


def test_every_shipped_article_can_be_imported() -> None:
    for path in sorted(Path(LIBRARY).glob("E00*.md")):
        assert read_file(path.name, path.read_bytes()).fields["title"]
