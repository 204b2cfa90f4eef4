"""An article out of a file somebody already has: Markdown, Word or PDF becomes the fields of a draft.

Nothing is invented: headings say where text belongs, and what has no place is kept in the notes for the editor.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from xml.etree.ElementTree import ParseError

import docx
import pypdf
from docx.opc.exceptions import OpcError
from docx.table import Table
from docx.text.paragraph import Paragraph
from pypdf.errors import PyPdfError

from knowledge.articles import ArticleError, parse_article
from knowledge.drafts import RULES, blank, cleaned, fields_of

LARGEST_FILE = 5 * 1024 * 1024
_LARGEST_UNPACKED = 40 * 1024 * 1024  # of a Word file: a small archive may hide a huge one
_MOST_PAGES = 200
_LARGEST_PAGE = 2 * 1024 * 1024  # bytes of one page's drawing commands
_MOST_CHARACTERS = 200_000
_LEAST_A_PAGE = 20  # characters; fewer on average means pictures of text
_LONGEST_HEADING = 40
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_NUMBERED = re.compile(
    r"^(?:第?[一二三四五六七八九十]+[、章节部分．.]|[（(][一二三四五六七八九十]+[）)]|\d{1,2}(?:\.\d{1,2})*[、．.]?\s)\s*(\S.*)$"
)
_MARKED = re.compile(r"^(?:[-*•·●]|\d{1,2}[、.)）])\s*")
_BROKEN_DOCX = (
    OpcError, zipfile.BadZipFile, zlib.error, ParseError, SyntaxError, KeyError, ValueError, TypeError,
    AttributeError, IndexError, OSError, NotImplementedError, RuntimeError,
)  # fmt: skip # what python-docx, lxml and zipfile raise on files that are none
_BROKEN_PDF = (
    PyPdfError, zlib.error, KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, RecursionError,
    NotImplementedError, AssertionError, RuntimeError,
)  # fmt: skip

# what a heading says about the text below it -> the field
_PLACES = (
    (re.compile(r"^(短回答|简短回答|简答|一句话|气泡|摘要|简介)$"), "short"),
    (re.compile(r"^(问法|常见问法|大家怎么问|相关问题|常见问题|怎么问)$"), "questions"),
    (re.compile(r"^(适合谁|适用人群|对象|读者|人群)$"), "audiences"),
    (re.compile(r"^(分组|分类|类别|栏目)$"), "group"),
    (re.compile(r"^(来源|参考|参考资料|参考文献|依据|出处|备注|说明|附注)$"), "notes"),
)


class BadFile(Exception):
    """The file cannot become a draft, in words that say what to do."""


@dataclass(frozen=True)
class Line:
    """One paragraph; `heading` is 0 for text, else the heading's depth."""

    heading: int
    text: str


@dataclass(frozen=True)
class Imported:
    """The fields of a draft, and what nobody could place."""

    fields: dict[str, str]
    notes: str


def read_file(name: str, body: bytes) -> Imported:
    """Read one file by its ending; raise BadFile."""
    if len(body) > LARGEST_FILE:
        raise BadFile(f"文件最大5 MB，这个有{len(body) / 1024 / 1024:.1f} MB；请删掉图片，或分成几个文件")
    readers = {".md": _read_markdown, ".docx": _read_docx, ".pdf": _read_pdf}
    reader = readers.get(PurePath(name).suffix.lower())
    if reader is None:
        hint = "旧的 .doc 请用 Word 或 WPS 另存为 .docx" if name.lower().endswith(".doc") else ""
        raise BadFile(f"只能读 .md、.docx、.pdf 文件。{hint}")
    title = PurePath(name).stem
    if reader is _read_markdown and (own := _own_format(name, body)):
        return own
    lines = [line for line in reader(body) if line.text]
    if not lines:
        raise BadFile("文件里没有文字")
    if sum(len(line.text) for line in lines) > _MOST_CHARACTERS:
        raise BadFile("文字太多，不像一个条目；请把要用的部分单独存成一个文件")
    return place(lines, title)


def place(lines: list[Line], name: str) -> Imported:
    """Sort paragraphs into fields by the headings above them."""
    fields, notes = blank(title=name), []
    at_first = lines[0].heading == 1 or (lines[0].heading and not any(line.heading == 1 for line in lines))
    if at_first:
        fields["title"], lines = lines[0].text, lines[1:]
    for heading, texts in _parts(lines):
        where = next((field for pattern, field in _PLACES if pattern.match(heading)), "")
        words = "\n".join(texts)
        if where in ("audiences", "group"):
            fields[where] = "、".join(_MARKED.sub("", text) for text in texts)
        elif where == "questions":
            fields[where] = "\n".join(_MARKED.sub("", text) for text in texts)
        elif where == "short" or (not heading and 0 < len(words) <= RULES.longest_short):
            fields["short"] = "\n".join(filter(None, (fields["short"], words)))
        elif where == "notes" or not heading or not words:
            notes.append(f"{heading}\n{words}".strip())
        else:
            fields["long"] = "\n\n".join(filter(None, (fields["long"], f"## {heading}\n{words}")))
    return Imported(cleaned(fields), "\n\n".join(notes))


def _parts(lines: list[Line]) -> Iterator[tuple[str, list[str]]]:
    """Each heading with the paragraphs below it; what stands before the first one has none."""
    heading, texts = "", list[str]()
    for line in lines:
        if line.heading:
            if heading or texts:
                yield heading, texts
            heading, texts = line.text, []
        else:
            texts.append(line.text)
    yield heading, texts


def _own_format(name: str, body: bytes) -> Imported | None:
    """A file of our own library, with its front matter."""
    text = _decoded(body)
    if not text.startswith("+++\n"):
        return None
    head = re.search(r'^id = "([^"]*)"', text, re.MULTILINE)
    try:
        article = parse_article(text, f"{head[1] if head else PurePath(name).stem}.md")
    except ArticleError as error:
        raise BadFile(f"条目文件里有错：{error}") from error
    return Imported(fields_of(article), "")


def _decoded(body: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text.replace("\r\n", "\n")
    raise BadFile("文字编码读不懂；请另存为 UTF-8")


def _read_markdown(body: bytes) -> Iterator[Line]:
    for raw in _decoded(body).splitlines():
        found = _HEADING.match(raw.strip())
        yield Line(len(found[1]), found[2]) if found else Line(0, raw.strip())


def _read_docx(body: bytes) -> list[Line]:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _LARGEST_UNPACKED:
                raise BadFile("文件解开以后太大；请删掉图片，另存以后再试")
        document = docx.Document(io.BytesIO(body))
        return [line for block in document.iter_inner_content() for line in _docx_lines(block)]
    except _BROKEN_DOCX as error:
        raise BadFile(
            "这不是能读的 Word 文件（也可能设了密码）；请用 Word 或 WPS 去掉密码，另存为 .docx 再试"
        ) from error


def _docx_lines(block: Paragraph | Table) -> Iterator[Line]:
    if isinstance(block, Table):
        for row in block.rows:
            yield Line(0, " | ".join(dict.fromkeys(cell.text.strip() for cell in row.cells)))
        return
    style = (block.style.name or "") if block.style else ""
    depth = re.search(r"(?:heading|标题)\s*(\d)", style, re.IGNORECASE)
    is_title = style.lower() in ("title", "标题")
    yield Line(1 if is_title else int(depth[1]) if depth else 0, block.text.strip())


def _read_pdf(body: bytes) -> list[Line]:
    try:
        reader = pypdf.PdfReader(io.BytesIO(body))
        if reader.is_encrypted and not reader.decrypt(""):
            raise BadFile("这个 PDF 设了密码；请去掉密码再试")
        if len(reader.pages) > _MOST_PAGES:
            raise BadFile(f"PDF 最多{_MOST_PAGES}页；请把要用的几页单独存成一个文件")
        pages = [_page_text(page) for page in reader.pages]
    except _BROKEN_PDF as error:
        raise BadFile("这不是能读的 PDF 文件；请重新导出，或把文字复制到 .docx 再试") from error
    if sum(len(page.strip()) for page in pages) < _LEAST_A_PAGE * len(pages):
        raise BadFile("这个 PDF 里是图片，没有文字（扫描件）；请先做文字识别，或把文字打进 .docx 再试")
    return _pdf_lines("\n".join(pages))


def _page_text(page: pypdf.PageObject) -> str:
    contents = page.get_contents()
    if contents is not None and len(contents.get_data()) > _LARGEST_PAGE:
        raise BadFile("PDF 里有一页特别大；请把要用的文字复制到 .docx 再试")
    return page.extract_text() or ""


def _pdf_lines(text: str) -> list[Line]:
    """A PDF knows lines, no paragraphs: a line that does not end a sentence goes on in the next one."""
    found: list[Line] = []
    for raw in text.splitlines():
        line = raw.strip()
        marked = _NUMBERED.match(line)
        if not line or (line.isdigit() and len(line) < 4):  # a page's number
            continue
        if marked and len(line) <= _LONGEST_HEADING and not line.endswith(("。", "；", "，", "：")):
            found.append(Line(2, marked[1]))
        elif not found and len(line) <= _LONGEST_HEADING and not line.endswith("。"):
            found.append(Line(1, line))
        elif found and not found[-1].heading and not found[-1].text.endswith(("。", "？", "！", "：", "；", "”")):
            found[-1] = Line(0, found[-1].text + line)
        else:
            found.append(Line(0, line))
    return found
