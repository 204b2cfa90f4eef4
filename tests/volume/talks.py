"""What was said in one conversation, and every row that the service leaves behind while it is said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from knowledge.questions_file import read_dev
from records.conversations import body_hash
from tests.volume.heap import DAY, SECOND, Heap, instant
from triage.memory import Memory
from triage.risk import Level

SESSION = 20  # messages in one go; then the person comes back another day
_PAUSE = 40 * SECOND
_LOST_SHARE = 0.00001  # words that did not arrive and nobody has dealt with yet
_CHANNELS = ("web",) * 6 + ("wechat",) * 3 + ("partner",)
_VERSION = "2026.11+volume"
_SIGNALS = {
    0: "[]",
    1: '[{"rule": "distress.sadness.words", "start": 0, "end": 4, "level": "low", "scope": ""}]',
    2: '[{"rule": "suicide.plain.wish", "start": 0, "end": 3, "level": "medium", "scope": ""}]',
    3: '[{"rule": "suicide.plan", "start": 0, "end": 6, "level": "high", "scope": ""}]',
    4: '[{"rule": "suicide.act", "start": 0, "end": 6, "level": "emergency", "scope": ""}]',
}
_DANGER = ("最近压力很大，很难过", "我想死", "我已经写好遗书，今晚就跳楼", "我刚刚吞了一瓶安眠药")
_COUNSELLOR = (
    "我在，你慢慢说。",
    "谢谢你愿意告诉我。现在身边有人吗？",
    "听起来这段时间真的很难熬。",
    "我们一起想想今晚怎么过。",
)
_BOT = (
    "睡不着的时候，可以先离开床，做一件安静的事，有困意再回来。白天固定时间起床，下午以后不喝咖啡和浓茶。如果连续几周都这样，建议到睡眠门诊看一看。",
    "焦虑的时候，身体会先紧张起来。可以试着把呼气放慢一点，数到六；再看看周围，说出五样看得见的东西。它不能解决问题，但能让您先缓一缓。",
    "孩子不愿意上学，背后常常有说不出口的原因。先不急着讲道理，找一个平静的时候问问他在学校里最难受的是哪一刻。",
)


@dataclass(frozen=True)
class Span:
    """A case inside a conversation: from the message that opened it to the last one that was said in it."""

    case_id: str
    level: int
    first: int
    last: int
    counsellor_id: str | None  # who answers; None while nobody has claimed it


@dataclass(frozen=True)
class Talk:
    """One conversation as it is to be written."""

    id: str
    contact_id: str
    channel: str
    opened_at: int
    until: int
    count: int
    spans: Sequence[Span]
    person_id: str | None = None
    owner_id: str | None = None


@dataclass(frozen=True)
class Opening:
    """When and by which message a case was opened, and when its last word was said."""

    at: int
    message_id: str
    ended_at: int


class Talks:
    """Writes conversations."""

    def __init__(self, heap: Heap):
        self._heap = heap
        asked = sorted({question.text for question in read_dev()})[:400]
        self._asked = [(text, body_hash("text", text)) for text in asked]
        self._danger = [(text, body_hash("text", text)) for text in _DANGER]
        self._answers = [(text, body_hash("text", text)) for text in _BOT]
        self._human = [(text, body_hash("text", text)) for text in _COUNSELLOR]

    def channel(self) -> str:
        """Where somebody comes from."""
        return self._heap.dice.choice(_CHANNELS)

    def write(self, talk: Talk) -> list[Opening]:
        """All rows of the conversation; when each of its cases began."""
        heap = self._heap
        self._open(talk)
        sessions = max(1, -(-talk.count // SESSION))
        gap = max((talk.until - talk.opened_at) // sessions, SESSION * _PAUSE)
        spans, found = {span.first: span for span in talk.spans}, []
        current: Span | None = None
        opening = (0, "")
        at = talk.opened_at
        for seq in range(1, talk.count + 1):
            at = min(talk.opened_at + (seq - 1) // SESSION * gap, talk.until) + (seq - 1) % SESSION * _PAUSE
            if seq in spans:
                current = spans[seq]
            message_id = self._message(talk, seq, at, current)
            if seq in spans:
                opening = (at, message_id)
            heap.tell("chat", "message", at, talk.id, message=message_id, seq=seq)
            if current is not None:
                heap.tell("desk", "message", at, talk.id, current.case_id, message=message_id, seq=seq)
                if seq == current.last:
                    found.append(Opening(*opening, at))
                    current = None
        return found

    def _open(self, talk: Talk) -> None:
        heap = self._heap
        worst = max((span.level for span in talk.spans), default=0)
        is_over = talk.until < heap.now - DAY
        level = Level(min(worst, 1) if is_over else worst)
        memory = Memory(level=level, peak=level, peak_at=instant(talk.until) if level else None).to_dict()
        address = f"{talk.channel}-{talk.contact_id}"
        heap.add(
            "contact", talk.contact_id, channel=talk.channel, external_index=heap.vault.blind_index(address),
            external_sealed=address, nickname_sealed="小林" if talk.channel == "wechat" else None,
            person_id=talk.person_id, created_at=talk.opened_at,
        )  # fmt: skip
        heap.add(
            "conversation", talk.id, contact_id=talk.contact_id, channel=talk.channel, epoch=2 * len(talk.spans),
            owner_id=talk.owner_id, last_seq=talk.count, memory=json.dumps(memory), level=int(level),
            token_hash=heap.id() if talk.channel == "web" else None, opened_at=talk.opened_at,
            last_message_at=talk.until, disclosed_at=talk.opened_at,
        )  # fmt: skip
        if talk.channel == "wechat":
            heap.add("allowance", talk.id, left=3, until=talk.until + 2 * DAY, kept=1)

    def _message(self, talk: Talk, seq: int, at: int, span: Span | None) -> str:
        if span is not None and seq == span.first:
            return self._visitor(talk, seq, at, self._danger[max(span.level, 1) - 1], span.level)
        if seq % 2 == (span.first % 2 if span is not None else 1):
            return self._visitor(talk, seq, at, self._heap.dice.choice(self._asked), 0)
        if span is not None and span.counsellor_id is not None:
            said = self._heap.dice.choice(self._human)
            return self._said(talk, seq, at, said, author="counsellor", author_id=span.counsellor_id, lane=0)
        extra: dict[str, Any] = {"article": f"E{self._heap.dice.randrange(1, 60):03d}", "key": "plain"}
        return self._said(talk, seq, at, self._heap.dice.choice(self._answers), author="bot", lane=1, extra=extra)

    def _visitor(self, talk: Talk, seq: int, at: int, words: tuple[str, str], level: int) -> str:
        heap, (text, digest) = self._heap, words
        message_id = heap.add(
            "message", conversation_id=talk.id, seq=seq, author="visitor", kind="text", channel=talk.channel,
            external_id=f"{talk.id}:{seq}", body_hash=digest, body_sealed=text, extra="{}", received_at=at,
            handling="done",
        )  # fmt: skip
        heap.add(
            "assessment", conversation_id=talk.id, message_id=message_id, level=level, conversation_level=level,
            categories='["suicide"]' if level > 1 else "[]", signals=_SIGNALS[level], version=_VERSION,
            score=0.9 if level > 2 else 0.002, at=at,
        )  # fmt: skip
        roll = heap.dice.random()
        if roll < 0.01:
            settled = None if roll < 0.002 else "dismissed"
            heap.add("unanswered", message_id, conversation_id=talk.id, settled=settled, at=at)
        elif roll < 0.03:
            article = f"E{heap.dice.randrange(1, 60):03d}"
            heap.add("answer_mark", message_id, conversation_id=talk.id, article_id=article, helped=roll < 0.025, at=at)
        elif roll < 0.035:
            self._file(talk, message_id, at)
        return message_id

    def _file(self, talk: Talk, message_id: str, at: int) -> None:
        self._heap.add(
            "attachment", message_id=message_id, conversation_id=talk.id, channel=talk.channel, kind="image",
            state="stored", attempts=1, due_at=at, media_type="image/png", size=4, reference_sealed=message_id,
            body_sealed="iVBORw==",
        )  # fmt: skip

    def _said(
        self, talk: Talk, seq: int, at: int, words: tuple[str, str], *, author: str, lane: int,
        author_id: str | None = None, extra: dict[str, Any] | None = None,
    ) -> str:  # fmt: skip
        heap, (text, digest) = self._heap, words
        if heap.dice.random() < _LOST_SHARE:
            heap.add(
                "outbox", seq=0, conversation_id=talk.id, channel=talk.channel, lane=lane, origin=author,
                origin_id=author_id, epoch=0, key="plain", body_sealed=text, extra="{}", state="dead",
                reason="refused", attempts=3, due_at=at, made_at=at, finished_at=at,
            )  # fmt: skip
        row_id = heap.add(
            "outbox", seq=seq, conversation_id=talk.id, channel=talk.channel, lane=lane, origin=author,
            origin_id=author_id, epoch=0, key="plain", body_sealed=text, extra=json.dumps(extra or {}), state="sent",
            attempts=1, due_at=at, made_at=at, finished_at=at,
        )  # fmt: skip
        return heap.add(
            "message", conversation_id=talk.id, seq=seq, author=author, author_id=author_id, kind="text",
            channel=talk.channel, external_id=row_id, body_hash=digest, body_sealed=text,
            extra=json.dumps(extra or {"key": "plain"}), received_at=at, handling="done",
        )  # fmt: skip
