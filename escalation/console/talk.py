"""What was said in a case, as its page shows it: each message with its evidence, its files and what was heard."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from escalation.console.access import CaseView, Console
from escalation.console.files import file_values
from escalation.showing import displayable
from records.cases import Case
from records.conversations import Message
from triage.agreement import LAMENESS
from triage.risk import Level

_BEFORE = timedelta(days=1)
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


def message_values(console: Console, view: CaseView) -> list[dict[str, Any]]:
    """Every message of the case's conversation with what screening saw in it, oldest first."""
    why = console.alarm.conversations.assessments(view.connection, view.case.conversation_id)
    found = all_messages(console, view.connection, view.case.conversation_id)
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


def belongs(case: Case, message: Mapping[str, Any]) -> bool:
    """What was said around this case; a conversation may hold years of others."""
    at = datetime.fromisoformat(message["at"])
    return case.opened_at - _BEFORE <= at and (case.closed_at is None or at <= case.closed_at)


def all_messages(console: Console, connection: sa.Connection, conversation_id: str) -> list[Message]:
    """Every message of a conversation, oldest first."""
    found: list[Message] = []
    while page := console.alarm.conversations.messages(
        connection, conversation_id, after=found[-1].seq if found else 0
    ):
        found += page
    return found


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
