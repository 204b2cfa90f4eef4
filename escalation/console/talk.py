"""What was said in a case, as its page shows it: each message with its evidence, its files and what was heard."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from escalation.console.access import CaseView, Console
from escalation.console.files import file_values
from escalation.showing import displayable
from records.conversations import Message
from triage.agreement import LAMENESS
from triage.risk import Level

_BEFORE = timedelta(days=1)
ON_PAGE = 200  # messages that a page shows at first, and with each "更早的消息"
LOOKS_BACK = 600  # messages in which something is looked for, such as answers to the record
CATEGORY_WORDS = {
    "suicide": "自杀",
    "self_harm": "自伤",
    "harm_others": "伤害他人",
    "psychosis": "幻觉妄想",
    "abuse": "遭受暴力或侵害",
    "panic_medical": "急性身体不适",
    "third_party": "涉及他人安危",
}
SCOPE_WORDS = {
    "negation": "否定说法",
    "idiom": "惯用语",
    "quote": "引用",
    "knowledge": "知识提问",
    "history": "过去的事",
    "game": "游戏或影视",
    "supposition": "假设或比喻",
    "accident": "意外或日常用药",
    "calm": "文字模型没有听出危险",
}


def message_values(console: Console, view: CaseView, after: int | None = None) -> list[dict[str, Any]]:
    """The newest messages, all of those after a number, with what screening saw in them, oldest first."""
    conversation_id = view.case.conversation_id
    begin = _last_seq(console, view.connection, conversation_id) - ON_PAGE
    return _values(console, view, messages_after(console, view.connection, conversation_id, min(begin, after or begin)))


def earlier_values(console: Console, view: CaseView, before: int) -> list[dict[str, Any]]:
    """The page of messages before a number, oldest first."""
    begin = max(before - 1 - ON_PAGE, 0)
    found = console.alarm.conversations.messages(
        view.connection, view.case.conversation_id, after=begin, limit=max(before - 1 - begin, 0)
    )
    return _values(console, view, found)


def case_values(console: Console, view: CaseView) -> list[dict[str, Any]]:
    """What was said around this case, oldest first; a conversation may hold years of others."""
    case, talk = view.case, console.alarm.conversations

    def received_at(seq: int) -> datetime:
        return talk.messages(view.connection, case.conversation_id, after=seq - 1, limit=1)[0].received_at

    numbers = range(1, _last_seq(console, view.connection, case.conversation_id) + 1)
    begin = bisect_left(numbers, case.opened_at - _BEFORE, key=received_at)
    end = bisect_right(numbers, case.closed_at, lo=begin, key=received_at) if case.closed_at else len(numbers)
    found = talk.messages(view.connection, case.conversation_id, after=begin, limit=end - begin)
    return _values(console, view, found)


def _values(console: Console, view: CaseView, found: Sequence[Message]) -> list[dict[str, Any]]:
    why = console.alarm.conversations.assessments(view.connection, [m.id for m in found if m.author == "visitor"])
    other = [message.id for message in found if message.kind != "text"]
    files = console.attachments.of_messages(view.connection, other)
    heard = console.transcripts.texts(view.connection, other)
    return [
        {
            **_message(console, message, why.get(message.id), view.names),
            "heard": displayable(heard.get(message.id, "")),
            "files": [file_values(item) for item in files.get(message.id, ())],
        }
        for message in found
    ]


def newest_messages(
    console: Console, connection: sa.Connection, conversation_id: str, count: int = LOOKS_BACK
) -> list[Message]:
    """The last so many messages of a conversation, oldest first."""
    last = _last_seq(console, connection, conversation_id)
    return messages_after(console, connection, conversation_id, last - count)


def messages_after(console: Console, connection: sa.Connection, conversation_id: str, seq: int) -> list[Message]:
    """Every message after a number, oldest first."""
    found: list[Message] = []
    while page := console.alarm.conversations.messages(
        connection, conversation_id, after=found[-1].seq if found else seq
    ):
        found += page
    return found


def last_words(console: Console, connection: sa.Connection, conversation_id: str) -> str:
    """What the person said last, in writing or as a machine heard it; empty when that is long ago."""
    spoken = newest_messages(console, connection, conversation_id, ON_PAGE)
    newest = next((message for message in reversed(spoken) if message.author == "visitor"), None)
    if newest is None:
        return ""
    return newest.body or console.transcripts.texts(connection, [newest.id]).get(newest.id, "")


def _last_seq(console: Console, connection: sa.Connection, conversation_id: str) -> int:
    """Messages of a conversation are numbered without a gap."""
    conversation = console.alarm.conversations.get(connection, conversation_id)
    return conversation.last_seq if conversation else 0


def _message(
    console: Console, message: Message, why: Any, names: Mapping[str, str]
) -> dict[str, Any]:  # why: an assessment's values
    level: Level = why["level"] if why else Level.NONE
    return {
        "id": message.id,
        "seq": message.seq,
        "author": message.author,
        "who": names.get(message.author_id or "", ""),
        "kind": message.kind,
        "text": displayable(message.body),
        "at": message.received_at.isoformat(),
        "level": int(level),
        "level_label": level.label,
        "level_code": level.code,
        "failed": bool(why and why["failed"]),
        "categories": [CATEGORY_WORDS.get(c, c) for c in why["categories"]] if why else [],
        "reasons": [_reason(console, signal) for signal in why["signals"]] if why else [],
        "version": why["version"] if why else "",
        "score": why["score"] if why else None,
        "lame": LAMENESS.get(why["lame"], why["lame"]) if why else "",
    }


def _reason(console: Console, signal: dict[str, Any]) -> dict[str, Any]:
    says = "来访者按了“紧急求助”" if signal["rule"] == "button.emergency" else console.explain(signal["rule"])
    return {
        "rule": signal["rule"], "says": says, "start": signal["start"], "end": signal["end"],
        "level": Level.from_code(signal["level"]).label, "scope": SCOPE_WORDS.get(signal["scope"], signal["scope"]),
    }  # fmt: skip
