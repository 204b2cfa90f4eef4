"""What a file of trainings would add: row by row new, the same or broken. Nothing is stored here. No I/O."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from escalation.directory.sheets import BadSheet, Rows
from escalation.supervision.duty import day
from records.staff import Counsellor
from records.trainings import Training

_ZONE = ZoneInfo("Asia/Shanghai")
COLUMNS = {
    "login": "用户名", "topic": "主题", "hours": "学时", "held": "日期", "score": "成绩", "expires": "到期日",
}  # fmt: skip
_REQUIRED = ("login", "topic", "hours", "held")
_LONGEST_TOPIC = 100
_MOST_HOURS, _MOST_SCORE = 200, 100
_EARLIEST = date(2000, 1, 1)


@dataclass(frozen=True)
class NewTraining:
    """One training as it was written down."""

    counsellor_id: str
    topic: str
    minutes: int
    held_on: date
    score: int | None = None
    expires_on: date | None = None

    @property
    def key(self) -> tuple[str, str, date]:
        """The same training of the same person is kept once."""
        return self.counsellor_id, self.topic, self.held_on


@dataclass(frozen=True)
class Line:
    """What one row of the file would do."""

    row: int  # as the spreadsheet counts
    what: str  # new | same | broken
    name: str
    training: NewTraining | None = None
    errors: tuple[tuple[str, str], ...] = ()  # column, words


@dataclass(frozen=True)
class ImportPlan:
    """What a whole file would do; `digest` says whether it still would."""

    lines: tuple[Line, ...]
    ignored: tuple[str, ...]  # columns that are not read

    def count(self, what: str) -> int:
        """How many rows are so."""
        return sum(line.what == what for line in self.lines)

    @property
    def digest(self) -> str:
        """The same only for the same file over the same ledger."""
        seen = [asdict(line) for line in self.lines]
        return hashlib.sha256(json.dumps(seen, sort_keys=True, default=str).encode()).hexdigest()


def first_moment(on: date) -> datetime:
    """Midnight of a day in Shanghai, in UTC."""
    return datetime.combine(on, time(), _ZONE).astimezone(UTC)


def read_training(
    typed: Mapping[str, str], people: Mapping[str, Counsellor], today: date
) -> tuple[NewTraining | None, dict[str, str]]:
    """One training from typed words, or what is wrong with it: field -> words. `people`: sign-in name -> account."""
    wrong: dict[str, str] = {}
    who = people.get(typed.get("login", "").strip())
    if who is None:
        wrong["login"] = "没有这个用户名的老师"
    topic = typed.get("topic", "").strip()
    if not 2 <= len(topic) <= _LONGEST_TOPIC:
        wrong["topic"] = f"请写主题，2到{_LONGEST_TOPIC}字"
    minutes = _minutes(typed.get("hours", ""))
    if minutes is None:
        wrong["hours"] = f"请填0.5到{_MOST_HOURS}的小时数，例如 3 或 1.5"
    held, expires = _date(typed.get("held", "")), _date(typed.get("expires", ""))
    if held is None or not _EARLIEST <= held <= today:
        wrong["held"] = "请填培训那天的日期，例如 2026-03-15，不能晚于今天"
    if typed.get("expires", "").strip() and (expires is None or (held is not None and expires <= held)):
        wrong["expires"] = "请填晚于培训日期的日期，没有期限就空着"
    score = typed.get("score", "").strip()
    if score and not (score.isascii() and score.isdigit() and int(score[:9]) <= _MOST_SCORE):
        wrong["score"] = f"请填0到{_MOST_SCORE}的整数，没有成绩就空着"
    if wrong or who is None or minutes is None or held is None:
        return None, wrong
    return NewTraining(who.id, topic, minutes, held, int(score) if score else None, expires), {}


def plan(cells: Rows, known: Iterable[Training], staff: Sequence[Counsellor], today: date) -> ImportPlan:
    """Compare a file with the ledger; raise BadSheet when its columns cannot be told."""
    places = {words: place for place, words in reversed(list(enumerate(cells[0]))) if words}
    if missing := [COLUMNS[key] for key in _REQUIRED if COLUMNS[key] not in places]:
        raise BadSheet(f"第1行要是列名，缺少：{'、'.join(missing)}；可以先下载模板")
    people = {who.login: who for who in staff}
    seen = {(one.counsellor_id, one.topic, day(one.held_at)) for one in known}
    lines = []
    for number, row in enumerate(cells[1:], 2):
        if not any(row):
            continue
        typed = {
            key: row[places[words]] if words in places and places[words] < len(row) else ""
            for key, words in COLUMNS.items()
        }
        line = _line(number, typed, people, seen, today)
        if line.training is not None:
            seen.add(line.training.key)
        lines.append(line)
    return ImportPlan(tuple(lines), tuple(words for words in places if words not in COLUMNS.values()))


def _line(
    number: int, typed: Mapping[str, str], people: Mapping[str, Counsellor], seen: set[tuple[str, str, date]],
    today: date,
) -> Line:  # fmt: skip
    who = people.get(typed["login"].strip())
    name = f"{who.display_name if who else typed['login'].strip()}　{typed['topic'].strip()}"
    training, wrong = read_training(typed, people, today)
    if training is None:
        return Line(number, "broken", name, errors=tuple((COLUMNS[key], words) for key, words in wrong.items()))
    return Line(number, "same" if training.key in seen else "new", name, training)


def _minutes(text: str) -> int | None:
    text = text.strip()
    if not text.isascii() or not text.replace(".", "", 1).isdigit() or len(text) > 6:
        return None
    minutes = round(float(text) * 60)
    return minutes if 30 <= minutes <= _MOST_HOURS * 60 else None


def _date(text: str) -> date | None:
    text = text.strip().replace("/", "-").replace(".", "-")
    try:
        return date(*(int(part) for part in text.split("-")))
    except (ValueError, TypeError):
        return None
