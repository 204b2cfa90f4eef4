"""What the bot says next. Values in, values out: the pipeline loads, this decides, the outbox sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.messages import Choice
from knowledge.answers import OUT_OF_SCOPE
from triage.risk import Level

DISCLOSE_AGAIN_AFTER = timedelta(hours=2)  # 人工智能拟人化互动服务管理暂行办法 art 18: remind in long use
_ZONE = ZoneInfo("Asia/Shanghai")
_PERSON = Choice("转人工", "转人工")
HELPFUL, UNHELPFUL = "helpful", "unhelpful"
COMPLAINT = "complaint"
_MARKS = (Choice("有帮助", "有帮助"), Choice("没帮助", "没帮助"))
_TALK = frozenset({"hello", "thanks", "exit", HELPFUL, UNHELPFUL})
_ABSTAIN = {
    "dose": "answer.abstain_dose",
    "interaction": "answer.abstain_dose",
    "drug_choice": "answer.abstain_dose",
    "other_medicine": "answer.abstain_medical",
    "private": "answer.abstain_private",
    "injection": "answer.abstain_injection",
    "language": "answer.abstain_language",
    "chat": "answer.abstain_chat",
    "abuse": "answer.abstain_abuse",
}


@dataclass(frozen=True)
class Found:
    """What knowledge offers: a finished answer, three choices, or nothing."""

    zone: str  # answer | choices | abstain | unavailable
    text: str = ""
    source: str = ""
    article: str = ""
    titles: tuple[str, ...] = ()  # for choices
    has_more: bool = False
    kind: str = ""  # why it abstains
    also: str = ""  # title of a second article that was asked for
    by_words: bool = False  # found without the encoder, which failed; kept with the message


@dataclass(frozen=True)
class Reply:
    """One bubble: a fixed text by key, or finished text under the key `plain`."""

    key: str
    text: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)  # JSON: article id, choices


@dataclass(frozen=True)
class Remark:
    """What the library's editors should know: a question had no answer, or an answer helped or did not."""

    article: str = ""  # that was marked; empty = a question without an answer
    helped: bool = False


@dataclass(frozen=True)
class Turn:
    """Everything the bot says to one message."""

    replies: tuple[Reply, ...]
    disclosed: bool = False
    remark: Remark | None = None


def next_turn(
    *,
    level: Level,
    intent: str,
    found: Found,
    safety_asked_at: datetime | None,
    disclosed_at: datetime | None,
    now: datetime,
) -> Turn:
    """The bot's words for a message at none or low; the higher levels are spoken to by receive."""
    replies: list[Reply] = []
    remind = must_disclose(disclosed_at, now)
    if remind:
        replies.append(Reply("greeting.again"))
    if level > Level.LOW:  # it rose while the answer was looked up: receive has spoken, people are called
        return Turn(())
    if level == Level.LOW:
        replies += _to_distress(found, safety_asked_at, now)
    elif intent in _TALK:
        replies.append(Reply(f"talk.{intent}", extra=buttons((_PERSON,)) if intent == UNHELPFUL else {}))
    elif intent != COMPLAINT:  # answered when it was stored
        replies.append(_knowledge(found))
    return Turn(tuple(replies), disclosed=remind)


def remark(intent: str, found: Found, before: str, level: Level) -> Remark | None:
    """What to keep of a message for the editors; nothing of people in distress."""
    if intent in (HELPFUL, UNHELPFUL):
        return Remark(before, helped=intent == HELPFUL) if before else None
    is_open = found.zone == "abstain" and found.kind == OUT_OF_SCOPE and not intent
    return Remark() if is_open and level == Level.NONE else None


def _to_distress(found: Found, safety_asked_at: datetime | None, now: datetime) -> list[Reply]:
    """Reflect and ask the one direct question first; an answer may come with it; never a bare "I do not know"."""
    asked = was_asked(safety_asked_at, now)
    replies = [] if asked else [Reply("safety.low", extra=buttons((_PERSON,)))]
    if found.zone == "answer" or (asked and found.zone == "choices"):
        return [*replies, _knowledge(found)]
    return replies or [Reply("safety.low_again", extra=buttons((_PERSON,)))]


def was_asked(safety_asked_at: datetime | None, now: datetime) -> bool:
    """Whether our direct question about danger still stands."""
    return safety_asked_at is not None and now - safety_asked_at < DISCLOSE_AGAIN_AFTER


def must_disclose(disclosed_at: datetime | None, now: datetime) -> bool:
    """Say again that this is a machine: each new day and every two hours of use."""
    if disclosed_at is None:
        return True
    new_day = disclosed_at.astimezone(_ZONE).date() != now.astimezone(_ZONE).date()
    return new_day or now - disclosed_at >= DISCLOSE_AGAIN_AFTER


def buttons(choices: tuple[Choice, ...]) -> dict[str, Any]:
    """Buttons as the channels carry them."""
    return {"choices": [{"label": choice.label, "text": choice.text} for choice in choices]}


TOPIC_BUTTONS = buttons(
    (
        Choice("睡不着怎么办", "失眠怎么办"),
        Choice("心里很焦虑", "老是心慌害怕怎么办"),
        Choice("我是不是抑郁了", "抑郁症有哪些症状"),
        Choice("孩子不肯上学", "孩子死活不去上学怎么办"),
        Choice("怎么帮家人", "家人有抑郁我怎么帮"),
        Choice("转人工", "转人工"),
    )
)


def _knowledge(found: Found) -> Reply:
    if found.zone == "answer":
        return Reply("plain", _answer_text(found), _answer_extra(found))
    if found.zone == "choices":
        choices = tuple(Choice(title, title) for title in found.titles)
        return Reply("answer.choices", extra={**buttons((*choices, _PERSON)), **_marked(found)})
    if found.zone == "unavailable":
        return Reply("answer.unavailable", extra=buttons((_PERSON,)))
    return Reply(_ABSTAIN.get(found.kind, "answer.abstain"), extra=buttons((_PERSON,)))


def _answer_text(found: Found) -> str:
    return f"{found.text}\n{found.source}" if found.source else found.text


def _answer_extra(found: Found) -> dict[str, Any]:
    more = [Choice("了解更多", f"了解更多：{found.titles[0]}")] if found.has_more and found.titles else []
    if found.also:
        more.append(Choice(found.also, found.also))
    return {"article": found.article, **buttons((*more, *_MARKS)), **_marked(found)}


def _marked(found: Found) -> dict[str, Any]:
    return {"by_words": True} if found.by_words else {}
