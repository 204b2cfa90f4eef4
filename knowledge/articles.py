"""The reviewed articles: what they are, how a file is read, and how placeholders become text.

An article is a Markdown file with TOML front matter. Everything wrong with it is said at load, with file
and field, because an error at three in the morning reaches a frightened person.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, cast, get_args

Kind = Literal["clinical", "policy", "service"]
Status = Literal["verified", "second_hand", "general", "product"]

NUMBER_KEYS = frozenset(
    {"national_hotline", "local_24h", "help", "police", "ambulance", "fire", "youth", "women", "legal"}
    | {"antifraud", "disability", "health", "gov", "labour", "union", "netreport", "civil", "prosecutor"}
)
RISKS = frozenset({"safety", "medicine", "diagnosis", "legal"})
PLACEHOLDER = re.compile(r"\{\{(num|region):([a-z0-9_]+)\}\}")
_ANY_BRACES = re.compile(r"\{\{.*?\}\}|\{\{|\}\}")
_FILE = re.compile(r"\A\+\+\+\n(?P<head>.*?)\n\+\+\+\n(?P<body>.*)\Z", re.DOTALL)
_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)


class ArticleError(ValueError):
    """An article or the sources file cannot be used; the message names file and field."""


@dataclass(frozen=True, slots=True)
class Source:
    """A document that articles rest on."""

    key: str
    issuer: str
    title: str
    year: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One claim of an article and how well it is known."""

    claim: str
    status: Status
    source: str


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the long answer."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Article:
    """One reviewed answer: a short one for the chat bubble, sections for those who want more."""

    id: str
    title: str
    group: str
    audiences: tuple[str, ...]
    regional: bool
    risk: frozenset[str]
    kind: Kind
    sources: tuple[str, ...]
    review: str
    review_due: date
    related: tuple[str, ...]
    facts: tuple[Fact, ...]
    questions: tuple[str, ...]
    short: str
    sections: tuple[Section, ...]

    def is_expired(self, today: date) -> bool:
        """Past its review date an article is withheld: laws, numbers and medicine change."""
        return today > self.review_due

    @property
    def long(self) -> str:
        """The sections as Markdown."""
        return "\n\n".join(f"## {part.heading}\n{part.text}" for part in self.sections)

    @property
    def published(self) -> str:
        """Everything the public can read, for linting and placeholder checks."""
        return "\n".join([self.title, self.short, self.long, *(fact.claim for fact in self.facts)])


@dataclass(frozen=True, slots=True)
class Library:
    """All articles by id, the documents they cite, words people use for each, and decoys: questions not for us."""

    articles: Mapping[str, Article]
    sources: Mapping[str, Source]
    decoys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Changes when anything that is searched changes; ties an index to the texts it was built from."""
        seen = hashlib.sha256()
        for key in sorted(self.articles):
            article = self.articles[key]
            searched = (key, article.title, article.short, article.long, *article.questions, *self.words.get(key, ()))
            seen.update("\x1f".join(searched).encode() + b"\x1e")
        for theme, questions in self.decoys.items():
            seen.update("\x1f".join((theme, *questions)).encode() + b"\x1e")
        return seen.hexdigest()[:16]

    def cite(self, article: Article) -> str:
        """The line 来源：… for readers."""
        return self.cite_keys(article.sources)

    def cite_keys(self, keys: Iterable[str]) -> str:
        """The same of a draft; unknown keys and internal marks (general knowledge, product) are left out."""
        titles = [self.sources[key].title for key in keys if key in self.sources and key not in ("GK", "PD")]
        return "来源：" + "、".join(titles) if titles else "来源：精神卫生常识"


def parse_article(text: str, name: str) -> Article:
    """Read one article file; `name` is the file's name, used in errors and checked against the id."""
    parts = _FILE.match(text.replace("\r\n", "\n"))
    if not parts:
        raise ArticleError(f"{name}: front matter between two +++ lines is missing")
    try:
        head = tomllib.loads(parts["head"])
    except tomllib.TOMLDecodeError as error:
        raise ArticleError(f"{name}: front matter is not TOML: {error}") from error
    short, sections = _split_body(parts["body"], name)
    article = _article(_Fields(head, name), short, sections)
    if article.id != Path(name).stem:
        raise ArticleError(f"{name}: id is {article.id!r}, not the file's name")
    _check_placeholders(article, name)
    return article


def load_library(folder: Path) -> Library:
    """Read every E*.md of the folder with its sources, decoys and words; refuse unknown sources."""
    sources = _load_sources(folder / "sources.toml")
    files = sorted(folder.glob("E*.md"))
    articles = {path.stem: parse_article(path.read_text(encoding="utf-8"), path.name) for path in files}
    for article in articles.values():
        cited = {*article.sources, *(fact.source for fact in article.facts)}
        if unknown := sorted(cited - sources.keys()):
            raise ArticleError(f"{article.id}.md: sources: unknown {', '.join(unknown)}")
    decoys, words = (_load_lists(folder / name) for name in ("decoys.toml", "words.toml"))
    if unknown := sorted(words.keys() - articles.keys()):
        raise ArticleError(f"words.toml: no article {', '.join(unknown)}")
    return Library(articles, sources, decoys, words)


def render(text: str, numbers: Mapping[str, str], region: Mapping[str, str]) -> str:
    """As people read it: numbers and local facts in place (or that nobody configured them), headings as 【words】."""

    def fill(found: re.Match[str]) -> str:
        kind, key = found.groups()
        if kind == "region":
            return region.get(key) or f"（本地信息尚未配置，请拨打{numbers['help']}询问）"
        if key not in numbers:
            raise ArticleError(f"no telephone number is configured for {key!r}")
        return numbers[key]

    return _HEADING.sub(r"【\1】", PLACEHOLDER.sub(fill, text))


class _Fields:
    """Typed reading of the front matter: every complaint names file and field."""

    def __init__(self, head: Mapping[str, object], name: str) -> None:
        self._head, self._name = head, name

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._head)

    def wrong(self, key: str, why: str) -> ArticleError:
        return ArticleError(f"{self._name}: {key}: {why}")

    def _value(self, key: str) -> object:
        if key not in self._head:
            raise self.wrong(key, "missing")
        return self._head[key]

    def text(self, key: str, allowed: Collection[str] = ()) -> str:
        value = self._value(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "expected a text")
        if allowed and value not in allowed:
            raise self.wrong(key, f"{value!r} is not one of {', '.join(sorted(allowed))}")
        return value.strip()

    def texts(self, key: str, least: int, allowed: Collection[str] = ()) -> tuple[str, ...]:
        value = self._value(key)
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
            raise self.wrong(key, "expected a list of texts")
        if len(value) < least:
            raise self.wrong(key, f"expected at least {least}, found {len(value)}")
        if len(set(value)) < len(value):
            raise self.wrong(key, "the same entry twice")
        if allowed and (unknown := set(value) - set(allowed)):
            raise self.wrong(key, f"unknown {', '.join(sorted(unknown))}")
        return tuple(item.strip() for item in value)

    def flag(self, key: str) -> bool:
        value = self._value(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "expected true or false")
        return value

    def day(self, key: str) -> date:
        value = self._value(key)
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self.wrong(key, "expected a date like 2027-11-22")
        return value

    def facts(self) -> tuple[Fact, ...]:
        value = self._value("facts")
        if not isinstance(value, list) or not value:
            raise self.wrong("facts", "expected at least one")
        return tuple(self._fact(item) for item in value)

    def _fact(self, item: object) -> Fact:
        if not isinstance(item, dict) or set(item) != {"claim", "status", "source"}:
            raise self.wrong("facts", "each needs claim, status, source")
        fields = _Fields(item, f"{self._name}: facts")
        status = fields.text("status", get_args(Status))
        return Fact(fields.text("claim"), cast(Status, status), fields.text("source"))


def _article(fields: _Fields, short: str, sections: tuple[Section, ...]) -> Article:
    return Article(
        id=fields.text("id"),
        title=fields.text("title"),
        group=fields.text("group"),
        audiences=fields.texts("audiences", 1),
        regional=fields.flag("regional"),
        risk=frozenset(fields.texts("risk", 0, RISKS)),
        kind=cast(Kind, fields.text("kind", get_args(Kind))),
        sources=fields.texts("sources", 1),
        review=fields.text("review"),
        review_due=fields.day("review_due"),
        related=fields.texts("related", 1),
        facts=fields.facts(),
        questions=fields.texts("questions", 3),
        short=short,
        sections=sections,
    )


def _split_body(body: str, name: str) -> tuple[str, tuple[Section, ...]]:
    short, *rest = _HEADING.split(body)
    if not short.strip():
        raise ArticleError(f"{name}: short answer: missing before the first heading")
    pairs = zip(rest[::2], rest[1::2], strict=True)
    sections = tuple(Section(heading, text.strip()) for heading, text in pairs)
    for section in sections:
        if not section.text:
            raise ArticleError(f"{name}: section {section.heading!r} is empty")
    return short.strip(), sections


def _check_placeholders(article: Article, name: str) -> None:
    for braces in _ANY_BRACES.findall(article.published):
        known = PLACEHOLDER.fullmatch(braces)
        if not known:
            raise ArticleError(f"{name}: placeholder {braces!r} is not {{{{num:key}}}} or {{{{region:key}}}}")
        kind, key = known.groups()
        if kind == "num" and key not in NUMBER_KEYS:
            raise ArticleError(f"{name}: placeholder: unknown number {key!r}")


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ArticleError(f"{path.name}: {error}") from error


def _load_lists(path: Path) -> dict[str, tuple[str, ...]]:
    if not path.exists():
        return {}
    fields = _Fields(_read_toml(path), path.name)
    return {theme: fields.texts(theme, 2) for theme in fields.keys}


def _load_sources(path: Path) -> dict[str, Source]:
    loaded = {}
    for key, entry in _read_toml(path).items():
        fields = _Fields(entry, f"{path.name}: {key}")
        loaded[key] = Source(key, fields.text("issuer"), fields.text("title"), fields.text("year"))
    return loaded
