"""Words that did not arrive, end to end: the real outbox, a platform that refuses, the ladder, and the ways out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from bot.channels import ChannelRefused, OutOfReach, SendRules
from bot.messages import Arrival
from escalation.cases import NotAllowed
from escalation.undelivered import Undelivered
from records import tables as t
from records.alerts import Alert
from records.staff import Counsellor
from tests.building import CRISIS, EMERGENCY, Clock, FakeChannel, connect, counsellor, deliver, do, rows
from tests.record_samples import fill_record
from triage.risk import Level
from wiring import Service

pytestmark = pytest.mark.anyio
LIMITED = SendRules(window=timedelta(hours=48), messages=5, kept_for_people=3)
HOW = "打了紧急联系人电话，本人已接"


@dataclass
class Post:
    """One person on one platform, and a counsellor at the desk."""

    service: Service
    channel: FakeChannel
    clock: Clock
    lin: Counsellor
    ways: Undelivered

    async def hears(self, text: str, id: str = "m1") -> None:
        """The person writes, and what we say is delivered or not."""
        await self.service.intake.arrive(Arrival("wechat", "openid-1", id, "text", text))
        await self.service.pipeline.drain()
        await deliver(self.service)

    async def serve(self, text: str = CRISIS) -> None:
        """The person writes and lin takes over."""
        await self.hears(text)
        self.desk("claim")
        await deliver(self.service)

    def desk(self, action: str, *arguments: Any) -> None:
        case_id = self.case().id
        do(
            self.service.writer,
            lambda c: getattr(self.service.desk, action)(c, case_id, self.lin, *arguments, self.clock()),
        )

    async def reply(self, id: str, answer: Exception | None = None) -> None:
        """Lin writes, and the platform answers so."""
        self.channel.answers = [answer]
        self.desk("reply", "我在，先别一个人", id)
        await deliver(self.service)

    def case(self) -> Any:
        return rows(self.service.store.engine, t.case_record)[0]

    def ringing(self) -> Alert | None:
        with self.service.store.engine.connect() as connection:
            return self.service.store.alerts.ringing(connection, self.case().id)

    def sweep(self, **time: float) -> None:
        self.clock.forward(**time)
        do(self.service.writer, lambda c: self.service.alarm.sweep(c, self.clock()))

    def row(self, id: str) -> Any:
        return rows(self.service.store.engine, t.outbox, id=id)[0]

    def dead(self) -> list[str]:
        with self.service.store.engine.connect() as connection:
            return [letter.item.key for letter in self.service.store.outbox.dead(connection)]

    def go(self, way: str, id: str, *arguments: str) -> None:
        """One of the ways out, by lin."""
        do(self.service.writer, lambda c: getattr(self.ways, way)(c, id, self.lin, *arguments, self.clock()))


@pytest.fixture
def post(service: Service, clock: Clock) -> Post:
    channel = FakeChannel("wechat", rules=LIMITED)
    connect(service, channel)
    lin = counsellor(service.store, service.writer)
    return Post(service, channel, clock, lin, service.desks.undelivered)


@pytest.mark.parametrize("reason", ["blocked", "left", "closed", "used_up"])
async def test_an_undelivered_reply_rings_for_an_owned_case_and_the_next_rung_hears_at_once(
    post: Post, reason: str
) -> None:
    await post.serve()
    assert post.ringing() is None
    await post.reply("r1", OutOfReach(reason))
    assert (post.row("r1").state, post.row("r1").reason) == ("dead", reason)
    post.sweep(seconds=1)
    alert = post.ringing()
    assert alert is not None
    assert alert.step == 1
    assert post.case().owner_id == post.lin.id


async def test_the_ladder_is_climbed_to_its_top_and_not_beyond(post: Post) -> None:
    await post.serve(EMERGENCY)
    for number in range(8):
        await post.reply(f"r{number}", ChannelRefused())
        post.sweep(seconds=1)
    alert = post.ringing()
    assert alert is not None
    assert (alert.step, alert.next_at) == (3, None)
    climbed = len(rows(post.service.store.engine, t.event, kind="alert"))
    for _ in range(30):
        post.sweep(minutes=10)
    assert len(rows(post.service.store.engine, t.event, kind="alert")) == climbed


async def test_when_nobody_settles_it_the_ladder_goes_on_by_itself(post: Post) -> None:
    await post.serve(EMERGENCY)
    await post.reply("r1", ChannelRefused())
    for _ in range(5):
        post.sweep(seconds=60)
    alert = post.ringing()
    assert alert is not None
    assert alert.step == 3


async def test_settling_stops_it_and_keeps_who_and_how(post: Post) -> None:
    await post.serve()
    await post.reply("r1", OutOfReach("blocked"))
    post.go("settle", "r1", HOW)
    assert post.ringing() is None
    assert post.row("r1").state == "settled"
    assert post.dead() == []
    with post.service.store.engine.connect() as connection:
        (decision,) = post.service.store.decisions.of(connection, post.case().contact_id)
    assert (decision.kind, decision.reason, decision.by_id) == ("reached", HOW, post.lin.id)
    (event,) = rows(post.service.store.engine, t.event, kind="undelivered_settled")
    assert event.case_id == post.case().id
    assert HOW not in str(rows(post.service.store.engine, t.audit, action="undelivered_settled"))
    for _ in range(5):
        post.sweep(minutes=10)
    assert post.ringing() is None


async def test_it_is_settled_once_and_with_words(post: Post) -> None:
    await post.serve()
    await post.reply("r1", ChannelRefused())
    for how in ("", "   ", "电话", "长" * 1001):
        with pytest.raises(NotAllowed):
            post.go("settle", "r1", how)
    post.go("settle", "r1", HOW)
    for way, words in (("settle", (HOW,)), ("retry", ())):
        with pytest.raises(NotAllowed, match="已经处理过"):
            post.go(way, "r1", *words)


async def test_settling_does_not_silence_a_call_that_nobody_has_answered(post: Post) -> None:
    post.channel.answers = [OutOfReach("blocked")]
    await post.hears(CRISIS)
    (row,) = rows(post.service.store.engine, t.outbox, state="dead")
    post.go("settle", row.id, HOW)
    assert post.ringing() is not None


async def test_words_of_waiting_to_somebody_out_of_reach_neither_pile_up_nor_climb(post: Post) -> None:
    post.channel.answers = [OutOfReach("blocked")]
    await post.hears(EMERGENCY)
    steps = []
    for _ in range(120):
        post.sweep(seconds=15)
        await deliver(post.service)
        alert = post.ringing()
        assert alert is not None
        steps.append(alert.step)
    assert post.dead() == ["safety.emergency"]
    assert [key for key in said(post) if key.startswith("waiting.")] == []
    assert steps[0] == 1  # the safety words did not arrive
    assert (steps[6], max(steps)) == (1, 3)  # the others at their time
    assert len(rows(post.service.store.engine, t.event, kind="undelivered")) == 1


async def test_a_waiting_word_that_is_refused_is_no_letter_and_no_rung(post: Post) -> None:
    await post.hears(EMERGENCY)
    post.channel.answers = [ChannelRefused() for _ in range(50)]
    for second in range(15, 90, 15):
        post.sweep(seconds=15)
        await deliver(post.service)
        alert = post.ringing()
        assert alert is not None
        assert alert.step == (1 if second >= 60 else 0)
    assert post.dead() == []


def said(post: Post) -> list[str]:
    return [row.key for row in rows(post.service.store.engine, t.outbox)]


async def test_a_platform_that_takes_the_next_reply_ends_the_alarm(post: Post) -> None:
    await post.serve()
    await post.reply("r1", ChannelRefused())
    assert post.ringing() is not None
    await post.reply("r2")
    assert post.ringing() is None
    assert post.dead() == ["plain"]


@pytest.mark.parametrize("action", ["release", "close", "hand_back"])
async def test_what_rang_for_words_does_not_ring_on_when_the_case_leaves_the_counsellor(
    post: Post, action: str
) -> None:
    await post.serve()
    await post.reply("r1", ChannelRefused())
    if action == "hand_back":
        post.desk("set_level", Level.LOW, "念头已经没有了")
    fill_record(post.service, post.case().id, post.lin)
    post.desk(action, *(("calmed", "谈了睡眠，约定周五") if action == "close" else ()))
    rings = post.ringing() is not None
    assert rings == (action == "release")  # then it rings for everybody


async def test_an_undelivered_word_without_danger_is_listed_and_rings_nobody(post: Post) -> None:
    await post.serve("转人工")
    await post.reply("r1", ChannelRefused())
    assert post.dead() == ["plain"]
    assert post.ringing() is None


async def test_a_retry_goes_out_once_the_person_wrote_again(post: Post) -> None:
    await post.serve()
    await post.reply("r1", OutOfReach("blocked"))
    with pytest.raises(NotAllowed, match="再写来"):
        post.go("retry", "r1")
    await post.hears("我又回来了", "m2")
    post.go("retry", "r1")
    assert (post.row("r1").state, post.row("r1").attempts) == ("pending", 0)
    await deliver(post.service)
    assert post.row("r1").state == "sent"
    assert post.channel.heard[-1] == "我在，先别一个人"
    assert post.ringing() is None
    assert len(rows(post.service.store.engine, t.event, kind="undelivered_retried")) == 1
    assert len(rows(post.service.store.engine, t.audit, action="undelivered_retried")) == 1


async def test_a_used_up_allowance_can_be_retried_when_it_is_filled_again(post: Post) -> None:
    await post.serve()
    await post.reply("r1", OutOfReach("used_up"))
    with pytest.raises(NotAllowed):
        post.go("retry", "r1")
    await post.hears("在吗", "m2")
    post.go("retry", "r1")
    await deliver(post.service)
    assert post.row("r1").state == "sent"


async def test_a_retry_that_fails_again_is_listed_and_rings_again(post: Post) -> None:
    await post.serve()
    await post.reply("r1", OutOfReach("left"))
    await post.hears("在吗", "m2")
    await post.reply("r2")
    assert post.ringing() is None
    post.channel.answers = [OutOfReach("left")]
    post.go("retry", "r1")
    await deliver(post.service)
    assert post.dead() == ["plain"]
    assert post.ringing() is not None


async def test_a_refused_text_is_not_retried(post: Post) -> None:
    await post.serve()
    await post.reply("r1", ChannelRefused())
    with pytest.raises(NotAllowed, match="拒收"):
        post.go("retry", "r1")


async def test_crisis_stands_first_then_the_newest(post: Post, service: Service) -> None:
    connect(service, FakeChannel("fake", answers=[ChannelRefused(), ChannelRefused()]))
    await service.intake.arrive(Arrival("fake", "somebody", "f1", "text", "你好"))
    await service.pipeline.drain()
    await deliver(service)
    post.clock.forward(minutes=1)
    await post.serve()
    for number in range(2):
        post.clock.forward(minutes=1)
        await post.reply(f"r{number}", ChannelRefused())
    with service.store.engine.connect() as connection:
        found = service.store.outbox.dead(connection)
        assert service.store.outbox.count_dead(connection) == 4
        assert service.store.outbox.dead_in(connection, post.case().conversation_id) == {post.case().conversation_id}
        assert len(service.store.outbox.dead_in(connection)) == 2
    assert [letter.item.id for letter in found[:2]] == ["r1", "r0"]
    assert found[0].case_id == post.case().id
    assert [letter.case_id for letter in found[2:]] == [None, None]
