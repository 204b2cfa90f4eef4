"""One page for 120, 110 or another institution: who, where, what danger, what was done, call-back. No transcript.

Only what these people need to act (the least that serves, as the rules on breaking confidentiality demand); what
nobody knows yet is said to be unknown, for whoever goes there must not take silence for "no".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from escalation.record.answers import is_filled
from escalation.record.form import Form
from records.cases import Case
from records.entries import REDACTED, Entry

_ZONE = ZoneInfo("Asia/Shanghai")
_UNKNOWN = "还不知道"
_LONGEST_QUOTE = 120
_LONGEST_ANSWER = 300
PLACE_FIELDS = ("location", "third_place", "alone_now", "companion")  # of these the person's own words are quoted
# section -> its fields; a star marks those that are named even when nobody knows
_SECTIONS = {
    "本人": ("called", "age_band*", "gender", "source", "third_relation", "anonymous"),
    "在哪里": ("location*", "third_place", "region"),
    "联系方式": ("phone*",),
    "什么危险": (
        "current_act*", "ideation", "plan", "plan_time", "means_access*", "means_category", "means_distance",
        "preparation", "substance_now", "psychosis_command", "harm_others", "harm_target", "minor_harm",
        "past_attempts", "disability",
    ),
    "身边有谁": ("alone_now*", "companion*", "third_together"),
    "已经做了什么": ("done", "rescue_reached", "safety_plan", "promised"),
}  # fmt: skip


@dataclass(frozen=True)
class Section:
    """A heading with its lines (what, answer)."""

    title: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Sheet:
    """The page. `mark` says who printed it when, across the page."""

    title: str
    head: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    mark: str


@dataclass(frozen=True)
class Print:
    """Who prints, when, for which hotline; the words on the page that come from no field."""

    by: str
    at: datetime
    hotline_name: str
    helpline: str
    channel: str
    owner: str
    rescue: tuple[tuple[str, str], ...] = ()  # who decided on it, and on what ground


def make_sheet(
    case: Case, form: Form, entries: Mapping[str, Entry], quotes: Sequence[tuple[datetime, str]], who: Print
) -> Sheet:
    """The page of a case as it stands now; `quotes`: when, and what the person said about place and company."""
    sections = [_section(title, keys, form, entries) for title, keys in _SECTIONS.items()]
    spoken = tuple((f"{at.astimezone(_ZONE):%m-%d %H:%M}", f"“{_cut(text, _LONGEST_QUOTE)}”") for at, text in quotes)
    said = Section("来访者说到地点和陪伴的原话", spoken)
    called_back = Section(
        "回电", (("热线", f"{who.hotline_name} {who.helpline}"), ("负责的老师", who.owner or "值班长"))
    )
    decided = Section("谁决定救援", who.rescue)
    head = (
        ("个案号", case.case_no + ("（演练）" if case.is_drill else "")),
        ("等级", f"{case.level.colour}·{case.level.label}"),
        ("渠道", who.channel),
        ("打印时间", f"{who.at.astimezone(_ZONE):%Y-%m-%d %H:%M}"),
    )
    mark = f"{who.by} {who.at.astimezone(_ZONE):%Y-%m-%d %H:%M} 打印"
    kept = tuple(section for section in (*sections, said, decided, called_back) if section.lines)
    return Sheet("救援与转介联系单", head, kept, mark)


def _section(title: str, keys: Sequence[str], form: Form, entries: Mapping[str, Entry]) -> Section:
    lines = []
    for marked in keys:
        key = marked.removesuffix("*")
        if answer := _answer(form, key, entries.get(key)):
            lines.append((form.fields[key].words, answer))
        elif marked != key:
            lines.append((form.fields[key].words, _UNKNOWN))
    return Section(title, tuple(lines))


def _answer(form: Form, key: str, entry: Entry | None) -> str:
    if entry is None or not is_filled(entry) or entry.missing == REDACTED:
        return ""
    if entry.missing:
        reason = f"（{_cut(entry.value, _LONGEST_QUOTE)}）" if entry.value else ""
        return form.missing[entry.missing] + reason
    return _cut(form.fields[key].shown(entry.value), _LONGEST_ANSWER)


def _cut(text: str, longest: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else f"{flat[:longest]}…"
