"""One shift to the next: what stands in it, what it takes to sign, and the seal that nothing was changed. No I/O."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from escalation.cases import NotAllowed
from records.handovers import Handover

LONGEST = 4000
_LEAST_REASON = 4
LEAD = "duty_lead"


@dataclass(frozen=True)
class OpenCase:
    """A case that the next shift goes on with."""

    case_id: str
    case_no: str
    level: int
    label: str
    state: str
    owner: str  # empty: nobody has it
    due: str  # what is due next, in words


@dataclass(frozen=True)
class Line:
    """Something the next shift must know: a promise, or words that did not arrive."""

    case_no: str
    by: str
    words: str
    at: str


@dataclass(frozen=True)
class Due:
    """Something the next shift must do for a person, and until when."""

    case_id: str
    case_no: str
    level: int
    words: str
    who: str  # empty: nobody in particular
    by: str
    is_late: bool


@dataclass(frozen=True)
class Snapshot:
    """All that is handed over."""

    cases: Sequence[OpenCase]
    due: Sequence[Due]
    promises: Sequence[Line]
    undelivered: Sequence[Line]
    remarks: str  # equipment and what else the next shift must know
    reason: str  # why orange or red cases stay without an owner


def unassigned(cases: Sequence[OpenCase]) -> list[OpenCase]:
    """Orange and red cases that nobody has."""
    return [case for case in cases if not case.owner and case.level >= 3]


def check_out(snapshot: Snapshot) -> None:
    """What the outgoing lead needs to sign; raise NotAllowed in words."""
    if len(snapshot.remarks) > LONGEST or len(snapshot.reason) > LONGEST:
        raise NotAllowed(f"备注和原因最多各 {LONGEST} 字")
    left = unassigned(snapshot.cases)
    if left and len(snapshot.reason.strip()) < _LEAST_REASON:
        numbers = "、".join(case.case_no for case in left[:3])
        raise NotAllowed(f"还有 {len(left)} 个橙色、红色个案没人接（{numbers}）：请先安排人接手，或写明原因再签字")


def check_in(handover: Handover, who_id: str) -> None:
    """What the incoming lead needs to sign."""
    if handover.in_id is not None:
        raise NotAllowed("这份交接已经有两个人签字了")
    if handover.out_id == who_id:
        raise NotAllowed("交班和接班要两个人签：请接班的值班长用自己的账号签字")
    if not is_intact(handover):
        raise NotAllowed("这份交接的封存校验不对，请不要签字，马上告诉系统管理员")


def check_end(roles: Sequence[str], last: tuple[str, bool] | None, reason: str) -> None:
    """A lead ends the shift when both have signed, or says why not."""
    if LEAD not in roles or (last is not None and last[1]):
        return
    if len(reason.strip()) >= _LEAST_REASON:
        return
    what = "还没有交班，请先到“交接班”签字" if last is None else "接班的值班长还没有签字"
    raise NotAllowed(f"{what}。确实要现在结束，请写明原因（会留在审计里）")


def frozen(snapshot: Snapshot) -> str:
    """The snapshot as it is sealed: one text for one content."""
    return json.dumps(dataclasses.asdict(snapshot), ensure_ascii=False, sort_keys=True)


def opened(text: str) -> Mapping[str, Any]:  # JSON of a Snapshot, perhaps of an older version
    """A sealed snapshot to be read."""
    found: Mapping[str, Any] = json.loads(text)
    return found


def out_digest(text: str, out_id: str, at: datetime) -> str:
    """Changes when a letter, the signer or the time changes."""
    return _digest(text, out_id, at.isoformat())


def in_digest(handover: Handover, in_id: str, at: datetime) -> str:
    """The second signature is over the first."""
    return _digest(handover.digest, in_id, at.isoformat())


def is_intact(handover: Handover) -> bool:
    """Whether snapshot and signatures are as they were made."""
    if handover.digest != out_digest(handover.snapshot, handover.out_id, handover.out_at):
        return False
    if handover.in_id is None or handover.in_at is None:
        return handover.in_digest is None
    return handover.in_digest == in_digest(handover, handover.in_id, handover.in_at)


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()
