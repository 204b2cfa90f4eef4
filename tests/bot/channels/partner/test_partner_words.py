"""Words that go out by a partner's system: once, in order, tried again, or given up loudly."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import Response

from records import tables as t
from tests.bot.channels.partner.people import conversation_of, letters, trouble, unreachable, until
from tests.bot.channels.partner_platform import WAIT_S, PartnerRig
from tests.bot.channels.rig import Trouble
from tests.building import CRISIS, EMERGENCY, SMALL_TALK, do, rows

pytestmark = pytest.mark.anyio
HOTLINE = "12356"


async def pause_of(rig: PartnerRig) -> datetime:
    """Until when the channel waits, once it does."""
    found: list[datetime] = []

    def is_paused() -> bool:
        (rate,) = rows(rig.site.service.store.engine, t.rate, id=rig.name)
        found.extend([rate.paused_until] if rate.paused_until else [])
        return bool(found)

    await until(is_paused, "the channel waits")
    return found[0]


async def test_danger_opens_a_case_and_the_safety_reply_reaches_the_person(rig: PartnerRig) -> None:
    await rig.post("danger", 1, EMERGENCY)
    await until(lambda: rig.seen("danger"), "the safety reply")
    assert "请马上拨打120" in rig.seen("danger")[0]
    assert HOTLINE in rig.seen("danger")[0]
    assert rig.site.case_of(conversation_of(rig, "danger"))


async def test_a_counsellors_words_reach_the_person_and_say_that_a_person_speaks(rig: PartnerRig) -> None:
    await rig.post("talks", 1, CRISIS)
    case, seat = rig.site.case_of(conversation_of(rig, "talks")), rig.site.seat("lin")
    await seat.act(case, "claim")
    await seat.act(case, "reply", text="我在，你慢慢说。", reply_id="reply0partner0001")
    await until(lambda: "我在，你慢慢说。" in rig.seen("talks"), "the counsellor's words")
    said = {bubble["text"]: bubble["author"] for bubble in rig.bubbles("talks")}
    assert said["我在，你慢慢说。"] == "counsellor"


async def test_the_first_contact_is_greeted_once_with_buttons(rig: PartnerRig) -> None:
    joined = {"event": "joined", "id": "e-1", "person": "newcomer", "nickname": "小禾", "scene": "school-poster-3"}
    for _ in range(3):
        assert (await rig.send(joined)).status_code == 202
    await rig.post("newcomer", 1, "你好")
    await until(lambda: len(rig.seen("newcomer")) == 2, "greeting and hello")
    greeting, hello = rig.bubbles("newcomer")
    assert "是机器人，不是真人" in greeting["text"]
    assert {"label": "转人工", "text": "转人工"} in greeting["choices"]
    assert greeting["author"] == "bot"
    assert "是机器人，不是真人" not in hello["text"]
    with rig.site.service.store.engine.connect() as connection:
        contact = rig.site.service.store.contacts.find(connection, rig.name, "newcomer")
    assert contact is not None
    assert (contact.nickname, contact.scene) == ("小禾", "school-poster-3")


async def test_who_left_is_out_of_reach_until_they_write_again(rig: PartnerRig) -> None:
    await rig.post("goes", 1, SMALL_TALK)
    await rig.send({"event": "left", "id": "e-2", "person": "goes"})
    assert unreachable(rig, "goes") == "left"
    await rig.post("goes", 2, "我又来了")
    assert unreachable(rig, "goes") == ""


async def test_a_gone_person_is_marked_and_the_letter_is_dead_and_seen_by_the_desk(rig: PartnerRig) -> None:
    with trouble(rig, Trouble.BLOCKED):
        await rig.post("gone", 1, CRISIS)
        await until(lambda: ("dead", "left") in letters(rig, "gone"), "the dead letter")
    assert unreachable(rig, "gone") == "left"
    assert rows(
        rig.site.service.store.engine, t.event, kind="undelivered", conversation_id=conversation_of(rig, "gone")
    )


async def test_a_platform_that_was_down_gets_everything_once_in_order(rig: PartnerRig) -> None:
    with trouble(rig, Trouble.DOWN):
        await rig.post("outage", 1, CRISIS)
        await until(lambda: rig.platform.calls["outage"] >= 2, "a second try")
        assert rig.seen("outage") == []
    await until(lambda: rig.seen("outage"), "the reply after the outage")
    await until(lambda: ("sent", "") in letters(rig, "outage"), "the row is marked")
    assert len(rig.seen("outage")) == len(set(rig.seen("outage")))


async def test_a_slow_platform_holds_up_neither_crisis_on_the_web_nor_its_own_later_words(rig: PartnerRig) -> None:
    with trouble(rig, Trouble.SLOW):
        await rig.post("slow", 1, CRISIS)
        await until(lambda: rig.platform.calls["slow"], "the call that hangs")
        visitor = await rig.site.visitor()
        began = time.monotonic()
        await visitor.post(CRISIS, "m1")
        deadline = began + WAIT_S
        while len(await visitor.messages()) < 3:
            assert time.monotonic() < deadline, "never: the safety reply on the web"
        assert time.monotonic() - began < 2
    await until(lambda: rig.seen("slow"), "the reply once the platform is quick again")


async def test_when_told_to_wait_nothing_goes_out_before_that_time(rig: PartnerRig) -> None:
    began = datetime.now(UTC)
    rig.platform.answers["throttled-1"] = Response(status_code=429, headers={"Retry-After": "2"})
    await rig.post("throttled-1", 1, CRISIS)
    paused_until = await pause_of(rig)
    assert paused_until >= began + timedelta(seconds=2)
    await rig.post("throttled-2", 1, CRISIS)
    await until(lambda: rig.seen("throttled-1") and rig.seen("throttled-2"), "both replies")
    assert datetime.now(UTC) >= paused_until
    assert rig.platform.calls["throttled-1"] == 2


@pytest.mark.parametrize("retry_after", ["", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "²", "-5", "9" * 400])
async def test_nonsense_instead_of_seconds_stops_the_channel_for_a_while_at_most(
    rig: PartnerRig, retry_after: str
) -> None:
    service, person = rig.site.service, f"waits-{retry_after[:9]}"
    rig.platform.answers[person] = Response(status_code=429, headers={"Retry-After": retry_after})
    await rig.post(person, 1, CRISIS)
    paused_until, now = await pause_of(rig), datetime.now(UTC)
    assert paused_until - now < timedelta(seconds=901)
    waiting = [row.id for row in rows(service.store.engine, t.outbox, state="pending")]
    do(service.writer, lambda c: service.store.ledger.pause(c, rig.name, now, now))
    do(service.writer, lambda c: service.store.outbox.set_state(c, waiting, "pending", due_at=now))
    await until(lambda: rig.seen(person), "the reply once the time is over")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 301, 302, 307, 308])
async def test_a_refusal_is_final_and_loud_and_no_redirect_is_followed(rig: PartnerRig, status: int) -> None:
    person = f"refused-{status}"
    rig.platform.answers[person] = Response(status_code=status, headers={"Location": "/hotline"})
    await rig.post(person, 1, CRISIS)
    await until(lambda: ("dead", "refused") in letters(rig, person), "the dead letter")
    assert rig.platform.calls[person] == 1
    assert unreachable(rig, person) == ""


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
async def test_what_says_nothing_about_the_message_is_tried_again(rig: PartnerRig, status: int) -> None:
    rig.platform.answers[f"again-{status}"] = Response(status_code=status)
    await rig.post(f"again-{status}", 1, CRISIS)
    await until(lambda: rig.seen(f"again-{status}"), "the second try")


async def test_an_answer_that_got_lost_makes_no_second_bubble(rig: PartnerRig) -> None:
    before = rig.platform.repeats
    await rig.post("answer-lost", 1, CRISIS)
    await until(lambda: ("sent", "") in letters(rig, "answer-lost"), "the first delivery")
    service = rig.site.service
    (row,) = rows(service.store.engine, t.outbox, conversation_id=conversation_of(rig, "answer-lost"), state="sent")
    do(service.writer, lambda c: service.store.outbox.set_state(c, [row.id], "pending"))
    service.outbox.ring()
    await until(lambda: rig.platform.repeats > before, "the repeat with the same delivery id")
    await until(lambda: ("pending", "") not in letters(rig, "answer-lost"), "the row is marked")
    assert len(rig.seen("answer-lost")) == 1


async def test_a_long_reply_comes_in_order_in_bubbles_that_fit(rig: PartnerRig) -> None:
    await rig.post("reads", 1, CRISIS)
    case, seat = rig.site.case_of(conversation_of(rig, "reads")), rig.site.seat("lin")
    await seat.act(case, "claim")
    long = "".join(f"第{number}句话，慢慢说。" for number in range(180))
    answer = await seat.act(case, "reply", text=long, reply_id="reply0partner0002")
    assert answer.status_code < 400, answer.text
    await until(lambda: long in "".join(rig.seen("reads")), "the whole text")
