"""What may become of a draft, and who may say so. Pure: the desk loads, this decides."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from escalation.cases import NotAllowed


class State(StrEnum):
    """Where a draft stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPROVED = "approved"  # the machine tries it and puts it in force
    PUBLISHED = "published"
    DROPPED = "dropped"


class Deed(StrEnum):
    """What is done to it."""

    MAKE = "made"
    SAVE = "saved"
    SUBMIT = "submitted"
    RECALL = "recalled"
    RETURN = "returned"
    APPROVE = "approved"
    REFUSE = "refused"  # by the machine: the trial failed
    PUBLISH = "published"  # by the machine
    DROP = "dropped"


STATE_WORDS = {
    State.DRAFT: "修改中", State.SUBMITTED: "待审", State.RETURNED: "退回修改",
    State.APPROVED: "已批准，正在检查和发布",
    State.PUBLISHED: "已发布", State.DROPPED: "已放弃",
}  # fmt: skip
DEED_WORDS = {
    Deed.MAKE: "新建草稿", Deed.SAVE: "保存", Deed.SUBMIT: "提交审核", Deed.RECALL: "取回修改", Deed.RETURN: "退回",
    Deed.APPROVE: "批准", Deed.REFUSE: "检查没有通过", Deed.PUBLISH: "发布", Deed.DROP: "放弃",
}  # fmt: skip
WRITING = frozenset({Deed.MAKE, Deed.SAVE})  # whoever did these wrote it
_AFTER: dict[tuple[State, Deed], State] = {
    (State.DRAFT, Deed.SAVE): State.DRAFT,
    (State.RETURNED, Deed.SAVE): State.DRAFT,
    (State.DRAFT, Deed.SUBMIT): State.SUBMITTED,
    (State.SUBMITTED, Deed.RECALL): State.DRAFT,
    (State.SUBMITTED, Deed.RETURN): State.RETURNED,
    (State.SUBMITTED, Deed.APPROVE): State.APPROVED,
    (State.APPROVED, Deed.REFUSE): State.RETURNED,
    (State.APPROVED, Deed.PUBLISH): State.PUBLISHED,
    (State.DRAFT, Deed.DROP): State.DROPPED,
    (State.RETURNED, Deed.DROP): State.DROPPED,
}


def after(state: State, deed: Deed) -> State:
    """The state after a deed; raise NotAllowed when it cannot be done now."""
    if (state, deed) not in _AFTER:
        raise NotAllowed(f"这份稿子现在是“{STATE_WORDS[state]}”，不能{DEED_WORDS[deed]}；请刷新页面看看")
    return _AFTER[state, deed]


def check_second_person(who: str, writers: Collection[str | None]) -> None:
    """Whoever wrote any of it decides nothing about it."""
    if who in writers:
        raise NotAllowed("这份稿子您自己写过，要由另一位专家来审")
