"""What the parts of a split are called on screens and paper. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from escalation.record.form import Form
from escalation.reports.case_counts import ABSENT
from escalation.reports.counting import OTHERS
from escalation.showing import channel_word
from triage.risk import Level

_WEEKDAYS = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")


@dataclass(frozen=True)
class Labels:
    """Words for every split. `titles`: article -> its title."""

    form: Form
    titles: Mapping[str, str]

    def words(self, split: str, key: str) -> str:
        """One part of a split."""
        tellers: dict[str, Callable[[str], str]] = {
            "sessions_by_channel": channel_word,
            "sessions_by_hour": lambda hour: f"{int(hour):02d}–{int(hour) + 1:02d}时",
            "sessions_by_weekday": lambda day: _WEEKDAYS[int(day)],
            "sessions_by_day": lambda day: f"{date.fromisoformat(day):%m-%d}",
            "cases_by_level": level_words,
            "cases_by_age_band": lambda code: self._answer("age_band", code),
            "cases_by_gender": lambda code: self._answer("gender", code),
            "cases_by_problem": lambda code: self._answer("problems", code),
            "answers_by_article": self._title,
        }
        return tellers[split](key)

    def _answer(self, field: str, code: str) -> str:
        if code == ABSENT:
            return "没有记录"
        return self.form.missing.get(code) or self.form.fields[field].options.get(code, code)

    def _title(self, article_id: str) -> str:
        return "其他条目" if article_id == OTHERS else f"{article_id} {self.titles.get(article_id, '')}".strip()


def level_words(code: str) -> str:
    """A level with its colour."""
    level = Level.from_code(code)
    return f"{level.label}（{level.colour}）"
