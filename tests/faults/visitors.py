"""Visitors who write through a crash: each keeps a ledger and sends again, under the same id, until acknowledged."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass

from command.bench.load import Lines, ServerGone
from tests.faults.ledger import Acknowledged, Entry, Kept

HARMLESS = (
    "孩子不愿意上学怎么办",
    "心理咨询怎么收费",
    "怎么陪伴得了抑郁症的家人",
    "正念冥想怎么练习",
    "产后抑郁是什么",
)
DANGER = ("我不想活了，今晚就去死", "我已经站在天台边上了，现在就要跳下去", "我刚才把一瓶安眠药都吃了")
_AGAIN_S = 0.05
_TWICE = 0.2  # share of messages that are delivered twice at once
_LATEST_DANGER = 6  # the words of danger come with one of the first messages


@dataclass
class Writing:
    """Where the visitors write, and whether they may stop."""

    port: int
    is_over: bool = False


async def visit(writing: Writing, name: str, chance: random.Random, *, is_danger: bool) -> Entry:
    """Write until it is over; those in danger say so exactly once."""
    conversation_id, token = await _open(writing)
    entry = Entry(conversation_id, token=token)
    danger_at, number = chance.randrange(_LATEST_DANGER) if is_danger else -1, 0
    while not writing.is_over or number <= danger_at:
        words = chance.choice(DANGER if number == danger_at else HARMLESS)
        client_id = f"{name}-{number}"
        entry.sent[client_id] = f"{words}（{client_id}）"
        copies = 2 if chance.random() < _TWICE else 1
        await asyncio.gather(*(_send(writing, token, entry, client_id) for _ in range(copies)))
        await asyncio.sleep(chance.uniform(0.0, 0.03))
        number += 1
    return entry


async def _open(writing: Writing) -> tuple[str, str]:
    while True:
        try:
            async with Lines() as lines:
                answer = await (await lines.open(writing.port)).request("POST", "/api/chat/sessions")
            if answer.status == 201:
                return answer.json()["session"], answer.json()["token"]
        except ServerGone:
            pass
        await asyncio.sleep(_AGAIN_S)


async def _send(writing: Writing, token: str, entry: Entry, client_id: str) -> None:
    """Deliver until it is acknowledged; a refusal is no crash: it is written down as a loss."""
    text = entry.sent[client_id]
    body = json.dumps({"client_message_id": client_id, "text": text}).encode()
    while True:
        try:
            async with Lines() as lines:
                answer = await (await lines.open(writing.port)).request(
                    "POST", "/api/chat/messages", body, headers=f"authorization: Bearer {token}\r\n"
                )
        except ServerGone:
            await asyncio.sleep(_AGAIN_S)
            continue
        if answer.status == 202:
            entry.acknowledged.append(Acknowledged(client_id, text, answer.json()["seq"]))
            return
        if answer.status < 500:
            entry.refused.append(f"{client_id} was refused with {answer.status}")
            return
        await asyncio.sleep(_AGAIN_S)


async def read_screen(writing: Writing, entry: Entry) -> list[Kept]:
    """What the visitor's page shows after everything."""
    shown: list[Kept] = []
    async with Lines() as lines:
        connection = await lines.open(writing.port)
        while True:
            path = f"/api/chat/messages?after={shown[-1].seq if shown else 0}"
            answer = await connection.request("GET", path, headers=f"authorization: Bearer {entry.token}\r\n")
            if not (page := answer.json().get("messages")):
                return shown
            shown += [Kept(one["seq"], one["author"], one["text"]) for one in page]
