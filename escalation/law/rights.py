"""What a person may ask of their records: the clock in working days, and what a deletion may take now. No I/O."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from pathlib import Path

from escalation.law.retention import ZONE
from escalation.workdays import Workdays

KIND_WORDS = {"copy": "要一份自己的记录", "correction": "更正记录", "deletion": "删除记录"}
ANSWERS = {"given": "同意", "refused": "不同意", "withdrawn": "撤回"}
WAYS = {"said": "口头说的", "written": "写在对话里", "chat": "本人发“撤回同意”"}
ASKED_BY_PEOPLE = ("said", "written")  # ways that a counsellor may write down


@dataclass(frozen=True)
class Purpose:
    """One purpose that consent is asked for, with the notice that is read out."""

    id: str
    name: str
    notice: str
    version: str
    basis: str
    review: str


@dataclass(frozen=True)
class Rights:
    """The clocks and purposes of one deployment."""

    working_days: int
    workdays: Workdays
    floor: timedelta
    arrive: timedelta
    copy_lives: timedelta
    basis: str
    purposes: dict[str, Purpose]

    def due(self, asked_at: datetime) -> datetime:
        """The end of the last working day on which the answer is in time."""
        day = self.workdays.later(asked_at.astimezone(ZONE).date(), self.working_days)
        return datetime.combine(day + timedelta(days=1), time(), ZONE).astimezone(asked_at.tzinfo)


def load_rights(workdays: Workdays, path: Path = Path(__file__).parent / "person_rights.toml") -> Rights:
    """Read and check the file; raise ValueError when a number cannot be."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    clock = raw["clock"]
    numbers = [int(clock[name]) for name in ("working_days", "floor_days", "arrive_hours", "copy_hours")]
    purposes = {entry["id"]: Purpose(**entry) for entry in raw["purpose"]}
    if min(numbers) < 1 or len(purposes) != len(raw["purpose"]):
        raise ValueError(f"{path}: every clock needs at least 1, every purpose its own id")
    days, floor, arrive, copy = numbers
    return Rights(
        days, workdays, timedelta(days=floor), timedelta(hours=arrive), timedelta(hours=copy), clock["basis"],
        purposes,
    )  # fmt: skip


class Outcome(StrEnum):
    """What a deletion comes to."""

    WAITS = "waits"  # somebody is helping this person now: first the case is closed
    HELD = "held"  # the law wants it kept; the person is told so
    PARTLY = "partly"  # name, address and files go; the record stays, seen by the privacy officer alone
    ALL = "all"


OUTCOME_WORDS = {
    Outcome.WAITS: "现在不能删：还有未结的个案，或没有办完的随访、救援、转介。办完以后再答复。",
    Outcome.HELD: "现在不能删：依法保留中。答复会告诉本人。",
    Outcome.PARTLY: "现在去掉：姓名、联系地址、渠道绑定、语音图片。记录要保存到 {until}，从现在起只有隐私专员能看。",
    Outcome.ALL: "现在全部删除：没有要保存三年的个案记录。",
}


@dataclass(frozen=True)
class Matter:
    """A case of the person, as far as deletion is concerned."""

    is_open: bool
    closed_at: datetime | None


@dataclass(frozen=True)
class Going:
    """What a deletion may take now; `stays_until` is when the last record may go."""

    outcome: Outcome
    stays_until: datetime | None = None

    @property
    def words(self) -> str:
        """What the privacy officer reads."""
        return OUTCOME_WORDS[self.outcome].format(until=local_day(self.stays_until) if self.stays_until else "")


def what_goes(matters: Sequence[Matter], *, is_held: bool, floor: timedelta, now: datetime) -> Going:
    """The rule: help under way first, then what the law holds, then the floor; the rest goes."""
    if any(matter.is_open for matter in matters):
        return Going(Outcome.WAITS)
    if is_held:
        return Going(Outcome.HELD)
    stays = max((matter.closed_at + floor for matter in matters if matter.closed_at), default=None)
    return Going(Outcome.PARTLY, stays) if stays is not None and stays > now else Going(Outcome.ALL)


def local_day(at: datetime) -> str:
    """A day as people here write it."""
    local = at.astimezone(ZONE)
    return f"{local.year}年{local.month}月{local.day}日"
