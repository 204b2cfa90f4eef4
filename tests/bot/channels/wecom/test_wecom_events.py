"""Events of 微信客服: a chat that is opened, words that did not arrive, a message that is withdrawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.channels.wecom import welcome_name
from records import tables as t
from tests.bot.channels.wecom.people import SAFETY, greetings, hears, quiet, told_desk
from tests.bot.channels.wecom_phones import ACCOUNT
from tests.bot.channels.wecom_rig import WecomRig, eventually
from tests.building import CRISIS, SMALL_TALK, rows

pytestmark = pytest.mark.anyio


async def test_who_opens_the_chat_is_greeted_once_and_it_costs_nothing(rig: WecomRig, person: str) -> None:
    invited = rig.platform.invite(person, 1)
    await rig.bring(person, invited)
    await eventually(lambda: greetings(rig, person) == 1)
    contact, sent = rig.contact(person), rig.platform.sent[-1]
    assert contact is not None
    assert contact.scene == "poster7"
    assert sent["code"] == f"code-{person}-1"
    assert sent["msgtype"] == "msgmenu"
    engine = rig.site.service.store.engine
    await quiet(rig)
    (welcome,) = rows(engine, t.allowance, id=rig.conversation(person))
    assert (welcome.left, welcome.kept) == (0, 0)  # one was allowed, to say this
    assert welcome.until == datetime.fromtimestamp(invited["send_time"], UTC) + timedelta(seconds=20)

    await rig.post(person, 2, "你好")
    await hears(rig, person, "您好，我在")
    assert greetings(rig, person) == 1
    await quiet(rig)
    (usual,) = rows(engine, t.allowance, id=rig.conversation(person))
    assert (usual.left, usual.kept) == (rig.platform.phone(person).left, 3) == (4, 3)


def test_the_name_of_a_welcome_code_tells_nobody_who_it_is_for(person: str) -> None:
    assert person not in welcome_name(f"{ACCOUNT}/{person}")


async def test_a_welcome_told_twice_is_said_once(rig: WecomRig, person: str) -> None:
    item = rig.platform.invite(person, 1)
    await rig.bring(person, item, item)
    await rig.bring(person, item)
    await eventually(lambda: greetings(rig, person) == 1)
    assert len(rows(rig.site.service.store.engine, t.outbox, conversation_id=rig.conversation(person))) == 1


@pytest.mark.parametrize("has_code", [True, False])
async def test_who_cannot_be_greeted_on_opening_the_chat_is_greeted_when_they_write(
    rig: WecomRig, person: str, has_code: bool
) -> None:
    item = rig.platform.invite(person, 1, age_s=60)
    if not has_code:
        del item["event"]["welcome_code"]
    await rig.bring(person, item)
    assert rig.contact(person) is None

    await rig.post(person, 2, SMALL_TALK)
    await eventually(lambda: greetings(rig, person) == 1)


async def test_first_contact_is_greeted_once(rig: WecomRig, person: str) -> None:
    for number, text in enumerate(("你好", "在吗", "谢谢")):
        await rig.post(person, number, text)
    await hears(rig, person, "不客气")
    assert greetings(rig, person) == 1


async def test_words_that_did_not_arrive_are_told_to_the_desk(rig: WecomRig, person: str) -> None:
    await rig.post(person, 1, CRISIS)
    await hears(rig, person, SAFETY)
    await rig.bring(person, rig.platform.item("event_msg_send_fail", person, 2))

    contact = rig.contact(person)
    assert contact is not None
    assert contact.unreachable == "closed"
    assert [event.case_id for event in told_desk(rig, person)] == [rig.site.case_of(rig.conversation(person))]
    engine, case = rig.site.service.store.engine, rig.site.case_of(rig.conversation(person))
    await eventually(lambda: rows(engine, t.alert, case_id=case)[0].step > 0, "the next rung hears at once")

    await rig.post(person, 3, "我在")
    contact = rig.contact(person)
    assert contact is not None
    assert contact.unreachable == ""


async def test_a_withdrawn_message_stays_and_its_withdrawal_is_kept(rig: WecomRig, person: str) -> None:
    await rig.post(person, 2, "其实我不想说了", sent_at=datetime.now(UTC) - timedelta(minutes=10))
    before = rows(rig.site.service.store.engine, t.allowance, id=rig.conversation(person))
    await rig.bring(person, rig.platform.item("event_user_recall_msg", person, 3))

    assert [(m.kind, m.body) for m in rig.stored(person)] == [("text", "其实我不想说了"), ("unknown", "")]
    assert rig.stored(person)[-1].extra["edited"] is True
    after = rows(rig.site.service.store.engine, t.allowance, id=rig.conversation(person))
    assert after[0].until == before[0].until
