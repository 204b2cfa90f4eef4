"""What may happen to a case, as tables: states, actions, levels, who may lower what. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from triage.risk import Level


class State(StrEnum):
    """Where a case stands."""

    NEW = "new"  # nobody has it; its alert rings
    IN_SERVICE = "in_service"  # a counsellor owns the conversation, the bot is silent
    WAITING_USER = "waiting_user"  # handed back to the bot, still the counsellor's to close
    RESCUE = "rescue"  # rescuers were called; the counsellor goes on talking
    CLOSING = "closing"  # orange or red: the counsellor is done, a second person signs; the bot talks, danger rings
    FOLLOW_UP = "follow_up"  # has its record, and calls to the person are still planned; the bot talks
    CLOSED = "closed"
    MERGED = "merged"  # it goes on in another case of the same person


ENDED = (State.CLOSED, State.MERGED)  # the same as records.tables.cases.ENDED
_STEPS_ALONE = 1


class NotAllowed(Exception):
    """This is not allowed now."""


class SomebodyElse(Exception):
    """Another counsellor was faster."""


class NoSuchCase(Exception):
    """There is no such case."""


SERVED = frozenset({State.IN_SERVICE, State.RESCUE})  # a counsellor owns the conversation
LEFT = frozenset({State.WAITING_USER, State.CLOSING})  # the bot talks: danger calls a person again
RESTING = frozenset({State.FOLLOW_UP, State.CLOSING})  # nobody is on the way, nothing rings

TRANSITIONS: dict[tuple[State, str], State] = {
    (State.NEW, "claim"): State.IN_SERVICE,
    (State.WAITING_USER, "claim"): State.IN_SERVICE,
    (State.WAITING_USER, "recall"): State.NEW,
    (State.IN_SERVICE, "hand_back"): State.WAITING_USER,
    (State.IN_SERVICE, "release"): State.NEW,
    (State.IN_SERVICE, "pass_on"): State.IN_SERVICE,
    (State.RESCUE, "pass_on"): State.RESCUE,
    (State.IN_SERVICE, "close"): State.CLOSED,
    (State.WAITING_USER, "close"): State.CLOSED,
    **{(state, "merge"): State.MERGED for state in State if state not in (State.MERGED, State.RESCUE)},
    (State.IN_SERVICE, "follow_up"): State.FOLLOW_UP,
    (State.WAITING_USER, "follow_up"): State.FOLLOW_UP,
    (State.IN_SERVICE, "submit"): State.CLOSING,
    (State.CLOSING, "sign"): State.CLOSED,
    (State.CLOSING, "follow_up"): State.FOLLOW_UP,
    (State.CLOSING, "send_back"): State.IN_SERVICE,
    (State.CLOSING, "recall"): State.NEW,
    (State.CLOSING, "claim"): State.IN_SERVICE,
    (State.FOLLOW_UP, "claim"): State.IN_SERVICE,
    (State.FOLLOW_UP, "reopen"): State.NEW,
    (State.FOLLOW_UP, "finish"): State.CLOSED,
    (State.CLOSED, "reopen"): State.NEW,
    (State.NEW, "rescue"): State.RESCUE,
    (State.IN_SERVICE, "rescue"): State.RESCUE,
    (State.WAITING_USER, "rescue"): State.RESCUE,
    (State.CLOSING, "rescue"): State.RESCUE,
    (State.FOLLOW_UP, "rescue"): State.RESCUE,
    (State.CLOSED, "rescue"): State.RESCUE,  # opened again in the same step
    (State.RESCUE, "end_rescue"): State.IN_SERVICE,  # with an outcome and a supervisor, see care/rescue.py
}

ACTION_WORDS = {
    "claim": "接手",
    "recall": "重新呼叫",
    "hand_back": "交还机器人",
    "release": "放回队列",
    "pass_on": "换人",
    "close": "结案",
    "submit": "提交结案",
    "sign": "签字结案",
    "send_back": "退回",
    "merge": "并入别的个案",
    "follow_up": "结案并转入随访",
    "finish": "结束随访",
    "reopen": "重新打开",
    "rescue": "启动救援",
    "end_rescue": "结束救援",
}

STATE_WORDS = {
    State.NEW: "待接手",
    State.IN_SERVICE: "服务中",
    State.WAITING_USER: "已交还机器人，待结案",
    State.RESCUE: "救援中",
    State.CLOSING: "待签结案",
    State.FOLLOW_UP: "随访中",
    State.CLOSED: "已结案",
    State.MERGED: "已并入别的个案",
}

DISPOSITIONS = {
    "calmed": "情绪平稳，约定再联系方式",
    "companion": "已有具体的人陪伴",
    "rescue": "已由120/110接手",
    "referred": "已转介医疗或其他机构",
    "information": "已提供信息",
    "left": "来访者中途离开，已留联系方式",
    "mistaken": "经人工判断不是危机",
}


def after(state: State, action: str) -> State:
    """The state after an action; raise NotAllowed in words for the counsellor."""
    try:
        return TRANSITIONS[(state, action)]
    except KeyError:
        word, where = ACTION_WORDS.get(action, action), STATE_WORDS[state]
        raise NotAllowed(f"个案现在是“{where}”，不能{word}") from None


@dataclass(frozen=True)
class LevelChange:
    """What a wish to change the level becomes: in force at once, or proposed until a second person agrees."""

    to: Level
    needs_second_person: bool


def change_level(current: Level, wanted: Level, reason: str, *, lowered_from: Level | None = None) -> LevelChange:
    """Raising is free. One person alone lowers by one step and not from orange or red; more needs a second person.

    `lowered_from`: where the steps that the same person took alone just before began; they count as one lowering.
    """
    if wanted == current:
        raise NotAllowed("等级没有变化")
    if not reason.strip():
        raise NotAllowed("请写明调整等级的理由")
    steps = (lowered_from or current) - wanted
    return LevelChange(wanted, wanted < current and (current >= Level.HIGH or steps > _STEPS_ALONE))


def check_not_practice(practised_by: str | None) -> None:
    """A practice belongs to one counsellor: it is not given to others, only ended."""
    if practised_by is not None:
        raise NotAllowed("这是练习，只属于练习的老师：不想继续，请按“结束练习”")


def check_hand_back(level: Level) -> None:
    """From a person back to the bot only from green or blue."""
    if level > Level.LOW:
        raise NotAllowed(f"{level.colour}色个案不能交还机器人；请先评估并调整等级，或继续服务")


def check_closing(level: Level, disposition: str, summary: str, *, may_close_high: bool) -> None:
    """What a record needs before a case may be closed."""
    if disposition not in DISPOSITIONS:
        raise NotAllowed("请选择处置结果")
    if len(summary.strip()) < 5:
        raise NotAllowed("请写小结（至少五个字）：说了什么、做了什么、约定了什么")
    if level >= Level.HIGH and not may_close_high:
        raise NotAllowed(f"{level.colour}色个案请“提交结案”，由督导签字；或先经第二人确认调低等级")
