"""A person's copy of their own records: what was said and what they agreed to, as data and as a readable page."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from datetime import datetime

from escalation.law.retention import ZONE
from escalation.law.rights import ANSWERS
from escalation.showing import displayable
from records.consents import Consent
from records.conversations import Message

PATH = "/my-records"
_SPEAKERS = {"visitor": "您", "bot": "机器人", "counsellor": "值班老师（真人）", "system": "系统"}
_KINDS = {"voice": "（语音）", "image": "（图片）", "video": "（视频）", "file": "（文件）"}
_NOTE = "这是您和我们说过的话。为了保护隐私，老师的姓名不在里面；值班记录里老师自己的判断也不在里面。"


def make_copy(talk: Sequence[Message], consents: Sequence[Consent], now: datetime) -> str:
    """The copy as JSON text, a stable format: made_at, messages, consents."""
    return json.dumps(
        {
            "made_at": now.isoformat(),
            "messages": [
                {
                    "at": message.received_at.isoformat(),
                    "from": message.author,
                    "kind": message.kind,
                    "text": displayable(message.body),
                }
                for message in sorted(talk, key=lambda message: (message.received_at, message.seq))
            ],
            "consents": [
                {"purpose": given.purpose, "answer": given.answer, "at": given.at.isoformat()} for given in consents
            ],
        },
        ensure_ascii=False,
        indent=1,
    )


def as_page(copy: str, purposes: dict[str, str]) -> str:
    """The same for reading; every text is shown as text."""
    raw = json.loads(copy)
    lines = "".join(
        f"<dt>{_when(one['at'])} {_SPEAKERS.get(one['from'], '')}</dt>"
        f"<dd>{_KINDS.get(one['kind'], '')}{_shown(one['text'])}</dd>"
        for one in raw["messages"]
    )
    given = "".join(
        f"<li>{_when(one['at'])} {html.escape(purposes.get(one['purpose'], one['purpose']))}："
        f"{ANSWERS.get(one['answer'], one['answer'])}</li>"
        for one in raw["consents"]
    )
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>我的记录</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex">'
        '<link rel="stylesheet" href="/chat/own-copy.css"></head><body><main>'
        f"<h1>我的记录</h1><p>{_NOTE}</p><p>制作于 {_when(raw['made_at'])}</p>"
        f"<h2>说过的话</h2><dl>{lines}</dl><h2>同意的事</h2><ul>{given or '<li>没有登记</li>'}</ul>"
        "</main></body></html>"
    )


def _when(at: str) -> str:
    return datetime.fromisoformat(at).astimezone(ZONE).strftime("%Y-%m-%d %H:%M")


def _shown(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")
