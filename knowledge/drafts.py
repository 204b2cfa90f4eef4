"""An article as somebody writes it: fields of text, what is wrong with each, and the file that they become.

A draft may be half finished at any time; only one without findings becomes an article.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from knowledge.articles import NUMBER_KEYS, PLACEHOLDER, RISKS, Article, ArticleError, Library, parse_article
from knowledge.linter import lint

Fields = Mapping[str, str]
FIELDS = (
    "title", "group", "audiences", "regional", "risk", "kind", "sources", "review_due", "related", "facts",
    "questions", "short", "long",
)  # fmt: skip
KINDS = {"clinical": "医学与心理", "policy": "政策与电话", "service": "本服务"}
RISK_WORDS = {"safety": "涉及安全", "medicine": "涉及用药", "diagnosis": "涉及诊断", "legal": "涉及法律"}
STATUS_WORDS = {"verified": "已核对", "second_hand": "转引", "general": "常识", "product": "本服务"}
YES, NO = "是", "否"
LONGEST_TITLE = 40
LEAST_QUESTIONS = 3
PENDING = "pending"
_LISTS = ("audiences", "sources", "related", "risk")
_APART = re.compile(r"[、，,；;\s]+")
_BAR = re.compile(r"\s*[|｜]\s*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_MARKUP = re.compile(r"^#|\*\*", re.MULTILINE)
_ANY_BRACES = re.compile(r"\{\{.*?\}\}|\{\{|\}\}")


@dataclass(frozen=True, slots=True)
class ReviewRules:
    """Reviewed numbers: when an article is due again, and how long a bubble may be."""

    due_soon_days: int
    longest_short: int
    within_days: Mapping[str, int]


RULES = ReviewRules(**tomllib.loads((Path(__file__).parent / "review.toml").read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class FieldFinding:
    """One thing to mend, beside its field."""

    field: str
    words: str


def blank(**known: str) -> dict[str, str]:
    """The fields of a new draft; what is not known stays empty."""
    return dict.fromkeys(FIELDS, "") | {"regional": NO, "kind": "clinical"} | known


def cleaned(typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed, with the line ends and characters that a file can hold."""
    return {key: _CONTROL.sub("", typed.get(key, "").replace("\r\n", "\n")).strip() for key in FIELDS}


def fields_of(article: Article) -> dict[str, str]:
    """An article as fields to write on."""
    return {
        "title": article.title,
        "group": article.group,
        "audiences": "、".join(article.audiences),
        "regional": YES if article.regional else NO,
        "risk": "、".join(sorted(article.risk)),
        "kind": article.kind,
        "sources": "、".join(article.sources),
        "review_due": article.review_due.isoformat(),
        "related": "、".join(article.related),
        "facts": "\n".join(f"{fact.claim} | {STATUS_WORDS[fact.status]} | {fact.source}" for fact in article.facts),
        "questions": "\n".join(article.questions),
        "short": article.short,
        "long": article.long,
    }


def source_keys(fields: Fields) -> list[str]:
    """What a draft says that it rests on."""
    return _items(fields["sources"])


def fingerprint(article: Article) -> str:
    """Changes with anything that a draft of the article could change."""
    return hashlib.sha256(json.dumps(fields_of(article), sort_keys=True).encode()).hexdigest()[:16]


def file_of(article_id: str, fields: Fields, review: str = PENDING) -> str:
    """The article's file. Fields with findings make one that cannot be read."""
    facts = [_fact(line) for line in _lines(fields["facts"])]
    claims = [f"  {{ claim = {_toml(c)}, status = {_toml(s)}, source = {_toml(k)} }}," for c, s, k in facts]
    questions = [f"  {_toml(line)}," for line in _lines(fields["questions"])]
    lists = {key: json.dumps(_items(fields[key]), ensure_ascii=False) for key in _LISTS}
    head = [
        f"id = {_toml(article_id)}", f"title = {_toml(fields['title'])}", f"group = {_toml(fields['group'])}",
        f"audiences = {lists['audiences']}", f"regional = {'true' if fields['regional'] == YES else 'false'}",
        f"risk = {lists['risk']}", f"kind = {_toml(fields['kind'])}", f"sources = {lists['sources']}",
        f"review = {_toml(review)}", f"review_due = {fields['review_due']}", f"related = {lists['related']}",
        "facts = [", *claims, "]", "questions = [", *questions, "]",
    ]  # fmt: skip
    return "\n".join(["+++", *head, "+++", "", fields["short"], "", fields["long"], ""])


def article_of(article_id: str, fields: Fields, review: str = PENDING) -> Article:
    """The article that the fields make; raise ArticleError when they make none."""
    return parse_article(file_of(article_id, fields, review), f"{article_id}.md")


def findings(article_id: str, fields: Fields, library: Library, today: date) -> tuple[FieldFinding, ...]:
    """Everything to mend before a second person looks at it."""
    found = [*_in_head(article_id, fields, library), *_in_dates(fields, today), *_in_facts(fields, library)]
    found += [*_in_questions(article_id, fields, library), *_in_texts(fields), *_in_words(fields)]
    if not found:
        try:
            article_of(article_id, fields)
        except ArticleError as error:  # whatever the checks above do not know
            found.append(FieldFinding("title", f"还不能成为条目：{error}"))
    return tuple(found)


def _in_head(article_id: str, fields: Fields, library: Library) -> Iterator[FieldFinding]:
    title = fields["title"]
    if not title or len(title) > LONGEST_TITLE:
        yield FieldFinding("title", f"写一个不超过{LONGEST_TITLE}个字的标题")
    others = [other for key, other in library.articles.items() if key != article_id]
    if any(other.title == title for other in others):
        yield FieldFinding("title", "另一个条目已经叫这个标题")
    if not fields["group"]:
        yield FieldFinding("group", "选一个分组")
    if not _items(fields["audiences"]):
        yield FieldFinding("audiences", "写给谁看的？至少一个，用顿号隔开")
    if fields["kind"] not in KINDS:
        yield FieldFinding("kind", "选一个类别")
    if unknown := set(_items(fields["risk"])) - RISKS:
        yield FieldFinding("risk", f"没有这种提示：{'、'.join(sorted(unknown))}")
    for key, words in _strange(fields["sources"], library.sources):
        yield FieldFinding("sources", words or f"来源表里没有 {key}")
    known = library.articles.keys() - {article_id}
    for key, words in _strange(fields["related"], known):
        yield FieldFinding("related", words or f"没有编号是 {key} 的其他条目")
    for key in ("sources", "related", "audiences"):
        if len(set(_items(fields[key]))) < len(_items(fields[key])):
            yield FieldFinding(key, "同一个写了两遍")


def _strange(text: str, known: Container[str]) -> Iterator[tuple[str, str]]:
    """Keys that are not known; or that there is none at all, in words."""
    if not _items(text):
        yield "", "至少写一个"
    yield from ((key, "") for key in _items(text) if key not in known)


def _in_dates(fields: Fields, today: date) -> Iterator[FieldFinding]:
    try:
        due = date.fromisoformat(fields["review_due"])
    except ValueError:
        yield FieldFinding("review_due", "写成 2027-11-22 这样的日期")
        return
    within = RULES.within_days.get(fields["kind"], 0)
    if not today < due <= today + timedelta(days=within):
        yield FieldFinding("review_due", f"这一类最迟 {today + timedelta(days=within)} 要再审，也不能是今天以前")


def _in_facts(fields: Fields, library: Library) -> Iterator[FieldFinding]:
    lines = _lines(fields["facts"])
    if not lines:
        yield FieldFinding("facts", "至少写一条依据：说法 | 已核对 | 来源编号")
    for number, line in enumerate(lines, 1):
        claim, status, source = _fact(line)
        if not claim or status not in STATUS_WORDS:
            states = "、".join(STATUS_WORDS.values())
            yield FieldFinding("facts", f"第{number}行写成：说法 | {states} 之一 | 来源编号")
        elif source not in library.sources:
            yield FieldFinding("facts", f"第{number}行：来源表里没有 {source or '（空）'}")


def _in_questions(article_id: str, fields: Fields, library: Library) -> Iterator[FieldFinding]:
    asked = _lines(fields["questions"])
    if len(asked) < LEAST_QUESTIONS:
        yield FieldFinding("questions", f"至少写{LEAST_QUESTIONS}种问法，一行一种，用老百姓的话")
    for question in sorted({line for line in asked if asked.count(line) > 1}):
        yield FieldFinding("questions", f"“{question}”写了两遍")
    owned = library.articles[article_id].questions if article_id in library.articles else ()
    fresh = [line for line in asked if line not in owned]
    for key, other in library.articles.items():
        for line in (line for line in fresh if key != article_id and line in other.questions):
            yield FieldFinding("questions", f"“{line}”已经是 {key}《{other.title}》的问法")


def _in_texts(fields: Fields) -> Iterator[FieldFinding]:
    short, long = fields["short"], fields["long"]
    length = len(PLACEHOLDER.sub("12356", short))
    if not short:
        yield FieldFinding("short", "写短回答：聊天气泡里的话")
    if length > RULES.longest_short:
        yield FieldFinding("short", f"一个气泡最多{RULES.longest_short}字，现在{length}字；多的放到长回答")
    if _MARKUP.search(short):
        yield FieldFinding("short", "气泡里不能有 # 标题或 ** 粗体")
    if not long.startswith("## "):
        yield FieldFinding("long", "长回答从一个小标题开始，例如：## 了解更多")
    parts = re.split(r"^## +.+$", long, flags=re.MULTILINE)[1:]
    if any(not part.strip() for part in parts):
        yield FieldFinding("long", "有小标题下面是空的")


def _in_words(fields: Fields) -> Iterator[FieldFinding]:
    """What the lexicon forbids, and placeholders that nobody can fill."""
    claims = "\n".join(_fact(line)[0] for line in _lines(fields["facts"]))
    for key, text in (*((key, fields[key]) for key in ("title", "short", "long")), ("facts", claims)):
        for wrong in lint(text):
            yield FieldFinding(key, f"“{wrong.found}”：{wrong.advice}")
        for braces in _ANY_BRACES.findall(text):
            known = PLACEHOLDER.fullmatch(braces)
            if not known or (known[1] == "num" and known[2] not in NUMBER_KEYS):
                yield FieldFinding(key, f"{braces} 填不进去：电话写 {{{{num:help}}}} 这样的占位，不写号码")


def _fact(line: str) -> tuple[str, str, str]:
    claim, status, source = (*_BAR.split(line.strip()), "", "", "")[:3]
    codes = {words: code for code, words in STATUS_WORDS.items()}
    return claim, codes.get(status, status), source


def _items(text: str) -> list[str]:
    return [item for item in _APART.split(text) if item]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _toml(text: str) -> str:
    """A JSON string of these characters is a TOML string too."""
    return json.dumps(text, ensure_ascii=False)
