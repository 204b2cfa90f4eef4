"""Passing a case on to a named colleague: the owner keeps it until that one accepts. No I/O; `now` is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from escalation.cases import NotAllowed
from escalation.shift.presence import Person, State
from escalation.shift.volunteers import may_take
from records.transfers import ASSIGNMENT, Summary, Transfer
from triage.risk import Level

LONGEST = 2000
_LEAST = 2
_PARTS = {"said": "对方说了什么", "promised": "答应了什么（没有就写“没有”）", "next": "接下来要做什么"}
NOTHING = frozenset({"没有", "无", "暂无"})


class Request(StrEnum):
    """What became of a request."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    VOID = "void"  # the case moved otherwise meanwhile


WORDS = {
    Request.ASKED: "等对方答复",
    Request.ACCEPTED: "已接过去",
    Request.DECLINED: "没有接",
    Request.EXPIRED: "没有答复",
    Request.WITHDRAWN: "已撤回",
    Request.VOID: "个案已换人，作废",
}


@dataclass(frozen=True)
class AnswerTimes:
    """How long a colleague has to answer."""

    urgent: timedelta  # orange and red
    others: timedelta

    def answer_by(self, level: Level, now: datetime) -> datetime:
        """When a request made now runs out."""
        return now + (self.urgent if level >= Level.HIGH else self.others)


def check_summary(summary: Summary) -> Summary:
    """The summary without spaces around; raise NotAllowed that names the missing part."""
    tidy = Summary(summary.said.strip(), summary.promised.strip(), summary.next.strip())
    for name, words in _PARTS.items():
        length = len(getattr(tidy, name))
        if length < _LEAST and getattr(tidy, name) not in NOTHING:
            raise NotAllowed(f"请写明：{words}")
        if length > LONGEST:
            raise NotAllowed(f"“{words}”最多 {LONGEST} 字")
    return tidy


def check_colleague(person: Person | None, own_id: str, level: Level) -> None:
    """Only somebody else who is on duty and may have a case at this level can be asked."""
    if person is None or person.id == own_id:
        raise NotAllowed("请选择一位在岗的同事")
    if person.state is not State.ON:
        raise NotAllowed(f"{person.name} 现在不在岗，请换一位同事")
    if not may_take(person.roles, level):
        raise NotAllowed(f"{person.name} 是志愿者，只接绿色、蓝色个案，请换一位同事")


def stands(request: Transfer, owner_id: str | None, *, waits: bool) -> bool:
    """Whether the case is still where it was asked for: with its owner, or, when a lead asked, waiting for somebody."""
    return waits and owner_id != request.to_id if request.kind == ASSIGNMENT else owner_id == request.from_id


def check_answer(request: Transfer, now: datetime, *, stands: bool) -> None:
    """Whether a request can still be answered."""
    if request.state != Request.ASKED:
        raise NotAllowed(f"这个请求已经结束：{WORDS[Request(request.state)]}")
    if not stands:
        raise NotAllowed("个案已经换了人，不用再答复")
    if now >= request.answer_by:
        where = "个案还在等人接手，可以直接去接" if request.kind == ASSIGNMENT else "个案还在原来的老师那里"
        raise NotAllowed(f"已经过了答复时间，{where}")


def outcome(*, stands: bool) -> Request:
    """What an unanswered request becomes when its time has run out."""
    return Request.EXPIRED if stands else Request.VOID
