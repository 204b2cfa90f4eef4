"""Everything that happened in a case, in one line each: from the audit, levels, notes, the record and who spoke when.

Values in, values out. What somebody typed into one field within a few minutes is one line.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from escalation.record.form import Form
from escalation.record.plan import Part
from records.case_edges import Deed
from records.entries import REDACTED, Entry

_ZONE = ZoneInfo("Asia/Shanghai")
_ONE_BREATH = timedelta(minutes=5)
_LONGEST = 80
_CHANGE_WORDS = {
    "in_force": "已生效",
    "proposed": "待第二人确认",
    "confirmed": "第二人已同意",
    "refused": "第二人未同意",
}
_SPEAKERS = {"visitor": "来访者", "bot": "机器人", "counsellor": "老师", "system": "系统"}


@dataclass(frozen=True)
class Moment:
    """One line of the timeline. `kind` lets the page mark what it is about: deed, level, note, record or talk."""

    at: datetime
    kind: str
    by_id: str | None
    words: str


def load_words(path: Path = Path(__file__).parent / "timeline.toml") -> dict[str, str]:
    """What the audit's actions are called."""
    return dict(tomllib.loads(path.read_text(encoding="utf-8"))["words"])


def of_deeds(deeds: Iterable[Deed], words: Mapping[str, str], case_id: str) -> list[Moment]:
    """The audit of the case itself, and of its person and files as far as it was done in this case."""
    mine = (deed for deed in deeds if deed.detail.get("case", case_id) == case_id)
    named = ((deed, words.get(deed.action, deed.action)) for deed in mine)
    return [Moment(deed.at, "deed", deed.by_id, said) for deed, said in named if said]


def of_levels(changes: Iterable[Mapping[str, Any]]) -> list[Moment]:  # rows of the level history
    """The level history."""
    return [Moment(change["at"], "level", change["by_id"], _level_words(change)) for change in changes]


def of_notes(notes: Iterable[Mapping[str, Any]]) -> list[Moment]:  # rows of notes
    """Notes; of a redacted one only that it was there."""
    return [
        Moment(note["at"], "note", note["by_id"], "备注（已遮蔽）" if note["redacted_at"] else f"备注：{note['body']}")
        for note in notes
    ]


def of_entries(entries: Sequence[Entry], form: Form, parts: Sequence[Part]) -> list[Moment]:
    """Changes of the record and of the safety plan."""
    names = {field.key: field.words for field in form.fields.values()} | {part.field: part.words for part in parts}
    redacted = {entry.field: entry.version for entry in entries if entry.missing == REDACTED}
    by_version = {(entry.field, entry.version): entry for entry in entries}
    found: list[Moment] = []
    for entry in entries:
        later = by_version.get((entry.field, entry.version + 1))
        if later and later.by_id == entry.by_id and later.at - entry.at <= _ONE_BREATH:
            continue
        said = "（已遮蔽）" if entry.version < redacted.get(entry.field, 0) else _said(entry, form)
        found.append(Moment(entry.at, "record", entry.by_id, f"{names.get(entry.field, entry.field)}：{said}"))
    return found


def of_talk(spoken: Iterable[tuple[str, datetime]]) -> list[Moment]:
    """How much was said, hour by hour; at the hour's last word."""
    hours: dict[datetime, Counter[str]] = {}
    last: dict[datetime, datetime] = {}
    for author, at in spoken:
        hour = at.replace(minute=0, second=0, microsecond=0)
        hours.setdefault(hour, Counter())[author] += 1
        last[hour] = max(at, last.get(hour, at))
    return [
        Moment(last[hour], "talk", None, f"{hour.astimezone(_ZONE):%H}时的对话：" + "，".join(
            f"{_SPEAKERS.get(author, author)} {count} 条" for author, count in counts.most_common()))
        for hour, counts in hours.items()
    ]  # fmt: skip


def newest_first(*parts: Iterable[Moment]) -> list[Moment]:
    """All of it; what happened in one instant keeps its order."""
    return sorted((moment for part in parts for moment in part), key=lambda moment: moment.at)[::-1]


def _level_words(change: Mapping[str, Any]) -> str:
    before, to = change["from_level"], change["to_level"]
    state = _CHANGE_WORDS.get(change["state"], change["state"])
    reason = f"：{change['reason']}" if change["reason"] else ""
    return f"等级 {before.label} → {to.colour}·{to.label}，{state}{reason}"


def _said(entry: Entry, form: Form) -> str:
    if entry.missing == REDACTED:
        return f"遮蔽了内容，理由：{entry.value}"
    if entry.missing:
        reason = f"（{entry.value}）" if entry.value else ""
        return form.missing.get(entry.missing, entry.missing) + reason
    if not entry.value:
        return "清空了"
    field = form.fields.get(entry.field)
    words = field.shown(entry.value) if field else entry.value
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"
