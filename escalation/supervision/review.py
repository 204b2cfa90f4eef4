"""Where a review stands, and who may do what with it then. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from escalation.cases import NotAllowed
from records.reviews import Review

REVIEWED_ROLES = frozenset({"counsellor", "volunteer", "duty_lead"})  # whose growth is looked after


class Unfit(NotAllowed):
    """Something that was typed cannot be kept; `errors`: field -> words beside it."""

    def __init__(self, errors: Mapping[str, str]):
        super().__init__("还有没填对的，写在各项下面")
        self.errors = dict(errors)


class State(StrEnum):
    """Where a review stands."""

    DUE = "due"  # a supervisor looks at it next
    SIGNED = "signed"  # the counsellor reads, answers and signs next
    DONE = "done"  # by both
    SET_ASIDE = "set_aside"  # with a reason, such as a counsellor who has left


STATE_WORDS = {
    State.DUE: "等督导看",
    State.SIGNED: "等老师看过、签名",
    State.DONE: "两人都签了",
    State.SET_ASIDE: "不再需要",
}

_MOVES: dict[tuple[State, str], State] = {
    (State.DUE, "write"): State.SIGNED,
    (State.SIGNED, "write"): State.SIGNED,  # until the counsellor has signed it may be written anew; both are kept
    (State.SIGNED, "agree"): State.DONE,
    (State.DUE, "remark"): State.DUE,
    (State.SIGNED, "remark"): State.SIGNED,
    (State.DUE, "set_aside"): State.SET_ASIDE,
    (State.SIGNED, "set_aside"): State.SET_ASIDE,
}


def after(review: Review, action: str, by_id: str) -> State:
    """The state after an action of somebody; raise NotAllowed in words that say why not."""
    is_own = review.counsellor_id == by_id
    if action == "agree" and not is_own:
        raise NotAllowed("只有这位老师本人可以签名")
    if action != "agree" and is_own:
        raise NotAllowed("自己的个案要请另一位督导来看")
    try:
        return _MOVES[(State(review.state), action)]
    except KeyError:
        raise NotAllowed(f"这次复盘现在是“{STATE_WORDS[State(review.state)]}”，不能再改") from None
