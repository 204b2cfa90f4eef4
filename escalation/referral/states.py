"""What may happen to a referral, as tables: states, actions, whose they are, what they settle. No I/O."""

from __future__ import annotations

from enum import StrEnum

from escalation.cases import NotAllowed


class Stage(StrEnum):
    """Where a referral stands."""

    PROPOSED = "proposed"  # without consent at orange or red: a second person agrees before anything is shared
    REFUSED = "refused"
    SENT = "sent"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    RETURNED = "returned"  # the partner said what became of it; it may say more
    WITHDRAWN = "withdrawn"
    FINISHED = "finished"  # we asked in vain whether the person arrived, and leave it at that


STAGE_WORDS = {
    Stage.PROPOSED: "待第二人同意",
    Stage.REFUSED: "第二人未同意",
    Stage.SENT: "已发出，待对方确认",
    Stage.RECEIVED: "对方已收到",
    Stage.ACCEPTED: "对方已接受",
    Stage.DECLINED: "对方不能接收",
    Stage.RETURNED: "已回转",
    Stage.WITHDRAWN: "已撤回",
    Stage.FINISHED: "已了结",
}

PARTNER_STAGE_WORDS = {  # the same, as the partner reads it
    Stage.SENT: "等您回复",
    Stage.RECEIVED: "您回复过：已收到",
    Stage.ACCEPTED: "您已接受",
    Stage.RETURNED: "您已回转信息，谢谢",
}

ACTION_WORDS = {
    "make": "发起",
    "confirm": "第二人同意",
    "refuse": "第二人不同意",
    "receive": "已收到",
    "accept": "接受",
    "decline": "不能接收",
    "return": "回转信息",
    "withdraw": "撤回",
    "finish": "了结",
    "hand_over": "电话交接",
    "tell": "事后告知本人",
}

TRANSITIONS: dict[tuple[Stage, str], Stage] = {
    (Stage.PROPOSED, "confirm"): Stage.SENT,
    (Stage.PROPOSED, "refuse"): Stage.REFUSED,
    (Stage.PROPOSED, "withdraw"): Stage.WITHDRAWN,
    (Stage.SENT, "receive"): Stage.RECEIVED,
    (Stage.SENT, "accept"): Stage.ACCEPTED,
    (Stage.SENT, "decline"): Stage.DECLINED,
    (Stage.SENT, "return"): Stage.RETURNED,
    (Stage.SENT, "withdraw"): Stage.WITHDRAWN,
    (Stage.RECEIVED, "accept"): Stage.ACCEPTED,
    (Stage.RECEIVED, "decline"): Stage.DECLINED,
    (Stage.RECEIVED, "return"): Stage.RETURNED,
    (Stage.RECEIVED, "withdraw"): Stage.WITHDRAWN,
    (Stage.RECEIVED, "finish"): Stage.FINISHED,
    (Stage.ACCEPTED, "decline"): Stage.DECLINED,
    (Stage.ACCEPTED, "return"): Stage.RETURNED,
    (Stage.ACCEPTED, "withdraw"): Stage.WITHDRAWN,
    (Stage.ACCEPTED, "finish"): Stage.FINISHED,
    (Stage.RETURNED, "return"): Stage.RETURNED,
    (Stage.RETURNED, "finish"): Stage.FINISHED,
    # what is written down without a change of the stage
    (Stage.SENT, "hand_over"): Stage.SENT,
    (Stage.RECEIVED, "hand_over"): Stage.RECEIVED,
    (Stage.ACCEPTED, "hand_over"): Stage.ACCEPTED,
}

PARTNER_ACTIONS = frozenset({"receive", "accept", "decline", "return"})
READABLE = frozenset(
    {Stage.SENT, Stage.RECEIVED, Stage.ACCEPTED, Stage.RETURNED}
)  # the partner's link shows the letter
ATTENDED_WORDS = {"yes": "已到诊", "no": "没有到诊", "unknown": "不清楚"}

TASK_WORDS = {
    "second_person": "要第二人决定能不能转介",
    "call_partner": "对方没有确认，请打电话",
    "check_visit": "转介核实：问到诊了没有",
    "choose_other": "对方不能接收，请另选机构",
    "not_arrived": "没有到诊：联系本人，看还要不要转",
    "tell_person": "事后告知本人分享了什么",
}
QUEUE_TASKS = frozenset(TASK_WORDS) - {"tell_person"}  # that one waits until the danger is over
SETTLES: dict[str, frozenset[str]] = {  # action -> tasks that it answers
    "confirm": frozenset({"second_person"}),
    "refuse": frozenset({"second_person"}),
    "receive": frozenset({"call_partner"}),
    "accept": frozenset({"call_partner", "check_visit"}),
    "decline": frozenset({"call_partner", "check_visit"}),
    "return": frozenset({"call_partner", "check_visit"}),
    "withdraw": frozenset({"second_person", "call_partner", "check_visit"}),
    "finish": frozenset({"check_visit"}),
    "tell": frozenset({"tell_person"}),
}


def after(stage: Stage, action: str) -> Stage:
    """The stage after an action; raise NotAllowed in words for the counsellor."""
    try:
        return TRANSITIONS[(stage, action)]
    except KeyError:
        word = ACTION_WORDS.get(action, action)
        raise NotAllowed(f"这个转介现在是“{STAGE_WORDS[stage]}”，不能“{word}”") from None


def task_after(stage: Stage, attended: str) -> str:
    """What somebody has to do at once because of an answer; empty when nothing."""
    if stage is Stage.DECLINED:
        return "choose_other"
    return "not_arrived" if stage is Stage.RETURNED and attended == "no" else ""


def task_when_due(stage: Stage) -> str:
    """What somebody has to do when the time of a stage is up."""
    return "call_partner" if stage is Stage.SENT else "check_visit"
