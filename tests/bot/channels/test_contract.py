"""One contract for every platform, over real sockets: what a message may go through, and what must come of it.

The table that comes out is docs/channel-contract.md; this test writes it anew when every channel has run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from records import tables as t
from tests.bot.channels.rig import Rig, Trouble, another_process, send_by, until
from tests.bot.channels.rigs import RIGS
from tests.building import CRISIS, counsellor, do, rows

pytestmark = pytest.mark.anyio
TABLE = Path(__file__).parents[3] / "docs" / "channel-contract.md"
HELLO, SAFETY, LATE, PERSON = "在吗", "不要一个人待着", "刚刚才收到", "机器人"
Case = Callable[[Rig], Awaitable[None]]
CASES: dict[str, Case] = {}


def case(words: str) -> Callable[[Case], Case]:
    """A row of the table."""

    def keep(made: Case) -> Case:
        CASES[words] = made
        return made

    return keep


def stored(rig: Rig, person: str) -> list[str]:
    """The person's messages in our database, in order."""
    store = rig.site.service.store
    with store.engine.connect() as connection:
        contact = store.contacts.find(connection, rig.name, rig.address(person))
        if contact is None:
            return []
        chat = rows(store.engine, t.conversation, contact_id=contact.id)[0].id
        return [m.body for m in store.conversations.messages(connection, chat) if m.author == "visitor"]


def dead(rig: Rig, person: str) -> list[str]:
    """Why words did not reach the person."""
    store = rig.site.service.store
    with store.engine.connect() as connection:
        contact = store.contacts.find(connection, rig.name, rig.address(person))
    assert contact is not None
    chat = rows(store.engine, t.conversation, contact_id=contact.id)[0].id
    return [row.reason for row in rows(store.engine, t.outbox, conversation_id=chat, state="dead")]


def told(rig: Rig, person: str, words: str) -> int:
    """How many bubbles with these words the person has seen."""
    return sum(words in text for text in rig.seen(person))


@case("每一种消息都留存")
async def keeps_every_kind(rig: Rig) -> None:
    for number, kind in enumerate(rig.kinds):
        assert await rig.post_kind("kinds", 100 + number, kind) < 300, kind
    await until(lambda: len(stored(rig, "kinds")) == len(rig.kinds))


@case("第一次来信，只问候一次")
async def greets_once(rig: Rig) -> None:
    await rig.post("new", 1, HELLO)
    await until(lambda: told(rig, "new", PERSON) == 1)
    await rig.post("new", 2, "谢谢")
    await until(lambda: len(rig.seen("new")) >= 2)
    assert told(rig, "new", "不能诊断也不能开药") == 1


@case("同一条消息来三次，同时来")
async def heeds_repeats(rig: Rig) -> None:
    answers = await asyncio.gather(*(rig.post("repeat", 1, CRISIS) for _ in range(3)))
    assert max(answers) < 300
    await until(lambda: bool(rig.seen("repeat")))
    assert stored(rig, "repeat") == [CRISIS]
    store = rig.site.service.store
    with store.engine.connect() as connection:
        contact = store.contacts.find(connection, rig.name, rig.address("repeat"))
    assert len(rows(store.engine, t.case_record, contact_id=contact.id)) == 1


@case("次序颠倒")
async def survives_disorder(rig: Rig) -> None:
    for number in (3, 1, 2):
        assert await rig.post("disorder", number, f"第{number}句") < 300
    await until(lambda: sorted(stored(rig, "disorder")) == ["第1句", "第2句", "第3句"])


@case("23小时前的消息：如实说明，不装作刚说")
async def is_honest_when_late(rig: Rig) -> None:
    if not rig.carries_time:
        pytest.skip("this channel tells no time")
    old = datetime.now(UTC) - timedelta(hours=23)
    status = await rig.post("late", 1, "失眠怎么办", sent_at=old)
    if rig.refuses_old:  # the platform's clock window is part of its signature
        assert 400 <= status < 500
        return
    await until(lambda: told(rig, "late", LATE) == 1)


@case("伪造的消息：拒绝，不留痕迹")
async def refuses_forgery(rig: Rig) -> None:
    assert 400 <= await rig.forge("forged", 1, CRISIS) < 500
    assert stored(rig, "forged") == []


@case("损坏、超大、不是消息的内容：拒绝，照常服务")
async def refuses_what_is_broken(rig: Rig) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><xml>&b;</xml>'
    for body in (b"", b"\xff\xfe\x00", b"{" * 5000, b"<xml>" * 5000, bomb, b"x" * 2_000_000):
        assert 400 <= await rig.post_broken(body) < 500, body[:20]
    await rig.post("after-broken", 1, HELLO)
    await until(lambda: told(rig, "after-broken", PERSON) == 1)


@case("平台中断：恢复后送达一次")
async def waits_for_a_platform_that_is_down(rig: Rig) -> None:
    _needs_a_wire(rig)
    rig.trouble(Trouble.DOWN)
    await rig.post("down", 1, CRISIS)
    # tried in vain, or said in the platform's own call, or still waiting at the platform
    await until(lambda: _tried(rig, "down") or bool(rig.seen("down")) or not stored(rig, "down"))
    rig.trouble(Trouble.NONE)
    await until(lambda: bool(rig.seen("down")))
    assert len(rig.seen("down")) == 1


@case("平台很慢：别的渠道不受影响")
async def holds_up_nobody_while_a_platform_is_slow(rig: Rig) -> None:
    _needs_a_wire(rig)
    rig.trouble(Trouble.SLOW)
    await rig.post("slow", 1, CRISIS)
    visitor = await rig.site.visitor()
    visitor.browser.headers["Authorization"] = f"Bearer {visitor.token}"  # the cookie is for https only
    assert (await visitor.post(CRISIS, "w1")).status_code == 202
    began = asyncio.get_running_loop().time()
    await until(lambda: _web_answered(rig, visitor.conversation_id))
    waited = asyncio.get_running_loop().time() - began
    rig.trouble(Trouble.NONE)
    assert waited < rig.site.service.settings.outbox_lease_s
    await until(lambda: bool(rig.seen("slow")))


@case("平台要求稍等：照办，只送一次")
async def honours_throttling(rig: Rig) -> None:
    _needs_a_wire(rig)
    rig.trouble(Trouble.THROTTLED)
    await rig.post("throttled", 1, CRISIS)
    await until(lambda: bool(rig.seen("throttled")))
    assert len(rig.seen("throttled")) == 1


@case("本人拉黑或取消关注：进入“未送达”，危机时升级")
async def tells_when_somebody_is_out_of_reach(rig: Rig) -> None:
    _needs_a_wire(rig)
    await _reply_fails(rig, "blocked", Trouble.BLOCKED)
    store = rig.site.service.store
    with store.engine.connect() as connection:
        contact = store.contacts.find(connection, rig.name, rig.address("blocked"))
    assert contact.unreachable in ("blocked", "left")
    assert rows(store.engine, t.event, kind="undelivered")


@case("平台额度用完：进入“未送达”，危机时升级")
async def tells_when_the_quota_is_used_up(rig: Rig) -> None:
    if not rig.has_quota:
        pytest.skip("this platform has no quota")
    await _reply_fails(rig, "quota", Trouble.QUOTA)
    assert {"used_up", "closed"} & set(dead(rig, "quota"))


@case("访问令牌失效：换新后送达")
async def renews_a_token(rig: Rig) -> None:
    if not rig.has_token:
        pytest.skip("this platform has no access token")
    rig.trouble(Trouble.TOKEN_EXPIRED)
    await rig.post("token", 1, CRISIS)
    await until(lambda: bool(rig.seen("token")))
    assert len(rig.seen("token")) == 1


@case("访问令牌在两个进程里同时失效：各最多换新一次，每条只送达一次")
async def renews_a_token_of_two_processes(rig: Rig) -> None:
    if not rig.has_token:
        pytest.skip("this platform has no access token")
    people = [f"{process}-{number}" for process in ("one", "other") for number in range(3)]
    for number, person in enumerate(people):
        await rig.post(person, 300 + number, HELLO)
    await until(lambda: all(rig.seen(person) for person in people))
    async with another_process(rig) as other:
        processes = [rig.site.service] * 3 + [other] * 3
        before = rig.tokens_fetched()
        rig.trouble(Trouble.TOKEN_EXPIRED)
        await asyncio.gather(*(send_by(rig, *pair) for pair in zip(processes, people, strict=True)))
    assert [told(rig, person, f"{person}，我在") for person in people] == [1] * len(people)
    assert 1 <= rig.tokens_fetched() - before <= 2


def _needs_a_wire(rig: Rig) -> None:
    if not rig.has_wire:
        pytest.skip("people read from our own store")


async def _reply_fails(rig: Rig, person: str, trouble: Trouble) -> None:
    """A counsellor answers somebody in danger, and the words do not arrive."""
    service = rig.site.service
    await rig.post(person, 1, CRISIS)
    await until(lambda: bool(rig.seen(person)))
    with service.store.engine.connect() as connection:
        contact = service.store.contacts.find(connection, rig.name, rig.address(person))
    (case_row,) = rows(service.store.engine, t.case_record, contact_id=contact.id)
    who = counsellor(service.store, service.writer, f"lin-{rig.name}-{person}")
    rig.trouble(trouble)
    do(service.writer, lambda c: service.desk.claim(c, case_row.id, who, service.now()))
    do(
        service.writer,
        lambda c: service.desk.reply(c, case_row.id, who, "我在", f"r-{rig.name}-{person}", service.now()),
    )
    await until(lambda: bool(rows(service.store.engine, t.event, kind="undelivered", case_id=case_row.id)))
    rig.trouble(Trouble.NONE)
    await until(lambda: bool(rows(service.store.engine, t.alert, case_id=case_row.id, state="ringing")))


def _tried(rig: Rig, person: str) -> bool:
    store = rig.site.service.store
    with store.engine.connect() as connection:
        contact = store.contacts.find(connection, rig.name, rig.address(person))
    if contact is None:
        return False
    chat = rows(store.engine, t.conversation, contact_id=contact.id)[0].id
    return any(row.attempts for row in rows(store.engine, t.outbox, conversation_id=chat))


def _web_answered(rig: Rig, conversation_id: str) -> bool:
    found = rows(rig.site.service.store.engine, t.message, conversation_id=conversation_id, author="bot")
    return len(found) >= 2  # the greeting and the safety words


@pytest.fixture(scope="module")
def matrix():
    """Channel -> case -> what came out; a complete one becomes the table in the documentation."""
    found: dict[str, dict[str, str]] = {}
    yield found
    if set(found) == set(RIGS) and all(set(cells) == set(CASES) for cells in found.values()):
        TABLE.write_text(_table(found), encoding="utf-8")


@pytest.mark.parametrize("name", sorted(RIGS))
async def test_a_channel_keeps_the_contract(name: str, tmp_path: Path, subtests, matrix) -> None:
    cells = matrix.setdefault(name, {})
    async with RIGS[name](tmp_path) as rig:
        for words, run in CASES.items():
            cells[words] = "✗"
            with subtests.test(words):
                try:
                    await run(rig)
                    cells[words] = "✓"
                except pytest.skip.Exception:
                    cells[words] = "–"
                finally:
                    rig.trouble(Trouble.NONE)


def _table(found: dict[str, dict[str, str]]) -> str:
    names = sorted(found)
    lines = [
        "# Every channel, every case",
        "",
        "Written by `pytest tests/bot/channels/test_contract.py`: our whole service over real sockets, beside local "
        "servers that speak each platform's protocol. ✓ kept, – the platform has no such thing.",
        "",
        "| | " + " | ".join(names) + " |",
        "|---" * (len(names) + 1) + "|",
        *(f"| {words} | " + " | ".join(found[name][words] for name in names) + " |" for words in CASES),
    ]
    return "\n".join(lines) + "\n"
