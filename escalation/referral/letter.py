"""What exactly is shared: a letter made once from what the counsellor ticked, frozen with its hash. No I/O."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from escalation.cases import NotAllowed
from escalation.referral.terms import Terms
from records.institutions import Institution
from triage.risk import Level

LONGEST_FIELD = 600
LONGEST_REASON = 1000
_LEAST_WORDS = 4


@dataclass(frozen=True)
class Draft:
    """What the counsellor filled in. `shared`: ticked field -> words."""

    institution_id: str
    kind: str
    urgency: str
    direction: str
    method: str
    reason: str
    basis: str
    basis_words: str
    is_told: bool  # without consent: the person knows what is shared
    call_back: str
    shared: Mapping[str, str]


@dataclass(frozen=True)
class Letter:
    """A letter as the partner sees it: lines of (field, its name, words)."""

    lines: tuple[tuple[str, str, str], ...]
    salt: str  # so that nobody finds the words by trying hashes

    @property
    def text(self) -> str:
        """What is sealed."""
        return json.dumps({"lines": self.lines, "salt": self.salt}, ensure_ascii=False)

    @property
    def hash(self) -> str:
        """Proof of what was shared."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()


def read_letter(text: str, expected_hash: str) -> Letter:
    """A frozen letter; raise ValueError when it is not the one that was made."""
    raw = json.loads(text)
    letter = Letter(tuple((code, words, told) for code, words, told in raw["lines"]), raw["salt"])
    if letter.hash != expected_hash:
        raise ValueError("a referral letter does not fit its hash")
    return letter


def write_letter(draft: Draft, terms: Terms, institution: Institution, sender: str, salt: str) -> Letter:
    """The letter of a checked draft; nothing stands in it that was not ticked."""
    head = [
        ("from", "发出", sender),
        ("to", "收件", institution.name),
        ("kind", "转介类型", terms.kinds[draft.kind]),
        ("urgency", "紧急程度", terms.urgencies[draft.urgency]),
        ("reason", "转介理由", draft.reason.strip()),
    ]
    told = [
        (code, field.words, draft.shared[code].strip()) for code, field in terms.fields.items() if code in draft.shared
    ]
    return Letter(tuple([*head, *told, ("call_back", "热线回电", draft.call_back.strip())]), salt)


def check(draft: Draft, terms: Terms) -> None:
    """Raise NotAllowed in words when something is missing."""
    choices = (
        ("类型", draft.kind, terms.kinds), ("紧急程度", draft.urgency, terms.urgencies),
        ("方向", draft.direction, terms.directions), ("方式", draft.method, terms.methods),
        ("依据", draft.basis, terms.bases),
    )  # fmt: skip
    for words, code, known in choices:
        if code not in known:
            raise NotAllowed(f"请选择{words}")
    for words, text in (("转介理由", draft.reason), (f"“{terms.bases[draft.basis].words}”的说明", draft.basis_words)):
        if not _LEAST_WORDS <= len(text.strip()) <= LONGEST_REASON:
            raise NotAllowed(f"请写{words}（{_LEAST_WORDS}到{LONGEST_REASON}个字）")
    if not draft.call_back.strip():
        raise NotAllowed("请写热线回电：对方有问题时打给谁")
    for code, text in draft.shared.items():
        if code not in terms.fields:
            raise NotAllowed("有一项不在可以分享的内容里，请刷新后再试")
        if not text.strip():
            raise NotAllowed(f"勾选了“{terms.fields[code].words}”，还没有写内容；不分享就去掉勾")
        if len(text) > LONGEST_FIELD:
            raise NotAllowed(f"“{terms.fields[code].words}”最多{LONGEST_FIELD}个字")


def check_institution(institution: Institution, level: Level, *, is_fresh: bool, is_drill: bool) -> None:
    """Raise NotAllowed when this institution may not be chosen for a case of this level."""
    if institution.is_drill and not is_drill:
        raise NotAllowed("这是演练用的机构，不能用在真实个案里")
    if is_drill and not institution.is_drill:
        raise NotAllowed("演练个案只能选标有“演示”的机构，免得真实的机构当真")
    if institution.fields["status"] != "active":
        raise NotAllowed("这家机构现在不接收转介，请另选")
    if level >= Level.HIGH and not is_fresh:
        raise NotAllowed(f"这家机构太久没有核实，{level.colour}色个案不能选；先打电话核实，再点“今天核实过”")


def needs_second_person(draft: Draft, terms: Terms, level: Level) -> bool:
    """Without consent at orange or red somebody else agrees before anything is shared."""
    return terms.bases[draft.basis].exception and level >= Level.HIGH
