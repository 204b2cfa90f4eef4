"""What the pages of the library show alike: bubbles, differences, history, rights."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from escalation.console.access import Console, Visitor
from escalation.library.states import DEED_WORDS, Deed
from knowledge.articles import Article, ArticleError
from knowledge.drafts import FIELDS, KINDS, Fields, source_keys
from records.articles import Published, Step

FIELD_WORDS = {
    "title": "标题", "group": "分组", "audiences": "写给谁", "regional": "要按本地情况填", "risk": "提示",
    "kind": "类别", "sources": "来源编号", "review_due": "下次审核", "related": "相关条目", "facts": "依据",
    "questions": "问法", "short": "短回答", "long": "长回答",
}  # fmt: skip
_VERSION_WORDS = {"undone": "恢复上一版", "withdrawn": "撤下"}
_ACTIONS = ("edit", "approve", "undo", "questions")


def rights(console: Console, visitor: Visitor) -> dict[str, bool]:
    """What this visitor may do in the library."""
    allows = console.desks.desk.permissions.allows
    return {action: allows(visitor.counsellor.roles, f"library_{action}") for action in _ACTIONS}


def bubbles(console: Console, article: Article) -> dict[str, str]:
    """What the person sees: the short answer with its source, and the long one behind 了解更多."""
    library = console.articles.knowledge.library
    return {
        "short": _filled(console, article.short),
        "source": library.cite(article),
        "long": _filled(console, article.long),
    }


def draft_bubbles(console: Console, fields: Fields) -> dict[str, str]:
    """The same of a draft, which may be half finished."""
    return {
        "short": _filled(console, fields["short"]),
        "source": console.articles.knowledge.library.cite_keys(source_keys(fields)),
        "long": _filled(console, fields["long"]),
    }


def differences(before: Fields, after: Fields) -> list[dict[str, Any]]:
    """Field by field the lines that are gone and those that are new."""
    found = []
    for key in FIELDS:
        old, new = before[key].splitlines(), after[key].splitlines()
        if old == new:
            continue
        if key == "kind":
            old, new = ([KINDS.get(code, code) for code in lines] for lines in (old, new))
        marked = list(difflib.unified_diff(old, new, n=0, lineterm=""))[2:]  # behind the names of the files
        lines = [(line[0], line[1:]) for line in marked if line[0] in "+-" and line[1:].strip()]
        found.append({"field": FIELD_WORDS[key], "lines": lines})
    return found


def history(steps: Sequence[Step], versions: Sequence[Published], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Everything that was done to an article, newest first; saving is left out, it says nothing."""
    done: list[dict[str, Any]] = [
        {
            "at": s.at,
            "by": names.get(s.by_id or "", "系统"),
            "what": DEED_WORDS[Deed(s.what)],
            "words": s.words,
            "is_sent_back": s.what in (Deed.RETURN, Deed.REFUSE),
        }
        for s in steps
        if s.what != Deed.SAVE
    ]
    alone = [
        {"at": v.at, "by": names.get(v.by_id, ""), "what": _VERSION_WORDS[v.what], "words": v.words}
        for v in versions
        if v.what in _VERSION_WORDS  # those published have a step of their own
    ]
    return sorted(done + alone, key=lambda line: line["at"])[::-1]


def _filled(console: Console, text: str) -> str:
    try:
        return console.articles.filled(text)
    except ArticleError:  # a placeholder that nobody knows: its finding says so
        return text
