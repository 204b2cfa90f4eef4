"""The monthly report as a value: sections, tables, notes; the same for screen, paper, workbook and terminal. No I/O."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from escalation.reports.indicators import HIDDEN, Definitions, View
from escalation.reports.labels import Labels
from escalation.reports.periods import ZONE, Period

Cell = str | int
_INDICATOR_COLUMNS = ("指标", "结果", "依据", "口径")
_COUNT_COLUMNS = ("项目", "数")
_STATUS_WORDS = {"V": "", "GK": "（公式待确认）", "PD": ""}


class BadLayout(Exception):
    """The layout of the monthly report cannot be used."""


@dataclass(frozen=True)
class Heading:
    """One section as the layout names it."""

    title: str
    counts: tuple[tuple[str, str], ...] = ()
    indicators: tuple[str, ...] = ()
    splits: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    is_quality: bool = False  # gets the notes that are made from the data


@dataclass(frozen=True)
class Table:
    """A table with its heading row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Section:
    """What stands under one heading."""

    title: str
    tables: tuple[Table, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """A whole report."""

    title: str
    head: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Making:
    """What a report says of itself."""

    hotline_name: str
    period: Period
    now: datetime
    version: int = 0  # 0 = not frozen
    reason: str = ""


def compose(view: View, layout: tuple[Heading, ...], labels: Labels, making: Making) -> Report:
    """Fill the layout."""
    notes = quality_notes(view, making)
    sections = tuple(_section(heading, view, labels, notes if heading.is_quality else ()) for heading in layout)
    kind = {"month": "月报", "quarter": "季报", "year": "年报"}.get(making.period.kind, "日报")
    head = [
        ("统计期", f"{making.period.words}（北京时间 {making.period.first} 零点起，到 {making.period.end} 零点前）"),
        ("统计时刻", f"{making.now.astimezone(ZONE):%Y-%m-%d %H:%M}"),
        ("版本", f"第 {making.version} 版" if making.version else "预览，没有冻结"),
        *([("更正说明", making.reason)] if making.reason else []),
        ("范围", _scope(view)),
        ("口径", f"指标定义 {view.definitions.digest[:12]}，见各表“口径”和附注"),
    ]
    return Report(f"{making.hotline_name} {making.period.words}{kind}", tuple(head), sections)


def _scope(view: View) -> str:
    least = view.definitions.numbers.least_shown
    hidden = f"1到{least - 1}的小数和能推出它们的数不显示（{HIDDEN}）"
    return f"对外，{hidden}" if view.is_outside else "内部，含小数，不得外传"


def _section(heading: Heading, view: View, labels: Labels, made: tuple[str, ...]) -> Section:
    tables = []
    if heading.counts:
        rows = tuple((words, _cell(view.count(name))) for name, words in heading.counts)
        tables.append(Table("数量", _COUNT_COLUMNS, rows))
    if heading.indicators:
        tables.append(Table("指标", _INDICATOR_COLUMNS, tuple(_indicator(view, one) for one in heading.indicators)))
    tables += [split_table(view, labels, name, title) for name, title in heading.splits]
    return Section(heading.title, tuple(tables), (*heading.notes, *made))


def split_table(view: View, labels: Labels, name: str, title: str) -> Table:
    """The parts of a split."""
    rows = tuple((labels.words(name, key), _cell(view.cell(name, key))) for key in view.tally.splits[name])
    return Table(title, ("类别", "数"), rows)


def _indicator(view: View, indicator_id: str) -> tuple[Cell, ...]:
    figure = view.figure(indicator_id)
    each = figure.indicator
    meaning = f"{each.part_words}／{each.whole_words}" if each.whole_words else each.part_words
    return (each.name, figure.words, figure.detail, meaning + _STATUS_WORDS[each.status])


def quality_notes(view: View, making: Making) -> tuple[str, ...]:
    """What a reader must know of the data: gaps, clocks, what is left out. Made from the counts themselves."""
    count, numbers = view.count, view.definitions.numbers
    late, ahead = numbers.late // timedelta(minutes=1), numbers.ahead // timedelta(minutes=1)
    drills, merged = _cell(count("drill_cases")), _cell(count("merged_cases"))
    gaps = {"age": "年龄", "gender": "性别", "region": "县区、乡镇", "problems": "问题类型"}
    notes = [f"写明{words}的个案：{_of(count(f'cases_with_{key}'), count('cases'))}。" for key, words in gaps.items()]
    notes += [
        f"前后都评了痛苦分的个案：{_of(count('cases_ended_rated'), count('cases_ended'))}；没有评的不进缓解率。",
        f"写好后超过{late}分钟才到的消息：{_of(count('messages_late'), count('messages'))}。",
        f"发送方时钟快{ahead}分钟以上的消息：{_cell(count('messages_ahead'))}。时刻一律按本服务收到时计。",
        f"没有计入：演练个案 {drills}，并入别的个案 {merged}（按并入后的个案计一次）。",
        "个案、会话、请求按开始的时刻归入统计期；随访按窗口结束的时刻；转介、救援按发出、启动的时刻。",
        "百分数取两位小数；分母为零写“无数据”，不写0%。区间为95%威尔逊区间。",
        "接通、等待只看值班台；电话不在内。",
    ]
    if making.now < making.period.until:
        notes.insert(0, "统计期还没有结束，以下是到统计时刻为止的数。")
    return tuple(notes)


def _of(part: int | None, whole: int | None) -> str:
    if part is None or whole is None:
        return f"{_cell(part)}/{_cell(whole)}"
    return f"{part}/{whole}" + (f"（{part / whole:.2%}）" if whole else "（无数据）")


def _cell(count: int | None) -> Cell:
    return HIDDEN if count is None else count


def to_json(report: Report) -> str:
    """The one text of a report: what is hashed and kept."""
    return json.dumps(asdict(report), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def from_json(text: str) -> Report:
    """A kept report."""
    raw = json.loads(text)
    sections = tuple(
        Section(
            one["title"],
            tuple(Table(t["title"], tuple(t["columns"]), tuple(map(tuple, t["rows"]))) for t in one["tables"]),
            tuple(one["notes"]),
        )
        for one in raw["sections"]
    )
    return Report(raw["title"], tuple((key, value) for key, value in raw["head"]), sections)


def load_layout(definitions: Definitions, path: Path = Path(__file__).parent / "monthly.toml") -> tuple[Heading, ...]:
    """Read the layout; every indicator stands in it once. Raise BadLayout."""
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))["section"]
        layout = tuple(_heading(row) for row in rows)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadLayout(f"{path}: {error!r}") from error
    placed = sorted(name for heading in layout for name in heading.indicators)
    if placed != sorted(each.id for each in definitions.indicators):
        raise BadLayout(f"{path}: every indicator stands under one heading, and no other")
    return layout


def _heading(row: Mapping[str, Any]) -> Heading:  # TOML
    return Heading(
        row["title"], tuple((name, words) for name, words in row.get("counts", ())), tuple(row.get("indicators", ())),
        tuple((name, title) for name, title in row.get("splits", ())), tuple(row.get("notes", ())),
        row.get("is_quality", False),
    )  # fmt: skip
