"""A practice over the real service: only one counsellor meets the caller, nothing rings, and a restart loses nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from escalation.cases import NoSuchCase, NotAllowed, State
from records import tables as t
from records.cases import Case
from records.staff import Counsellor
from records.transfers import Summary
from tests.building import Clock, counsellor, deliver, do, rows
from triage.risk import Level
from wiring import Service

pytestmark = pytest.mark.anyio


@dataclass
class Studio:
    """The service, a counsellor who practises, and a colleague."""

    service: Service
    clock: Clock
    lin: Counsellor
    zhang: Counsellor

    def act(self, method: Any, *arguments: Any, **options: Any) -> Any:
        """One transaction; `now` is added."""
        return do(self.service.writer, lambda c: method(c, *arguments, self.clock(), **options))

    def start(self, code: str = "plan", who: Counsellor | None = None) -> str:
        return str(self.act(self.service.desks.practices.start, who or self.lin, code))

    def case(self, case_id: str) -> Case:
        with self.service.store.engine.connect() as connection:
            found = self.service.store.cases.get(connection, case_id)
        assert found is not None
        return found

    async def pass_time(self, seconds: int) -> None:
        """The sweeper goes round while time goes by."""
        for _ in range(seconds):
            self.clock.forward(seconds=1)
            for sweep in self.service.sweeps:
                await self.service.writer.write(lambda c, sweep=sweep: sweep(c, now=self.clock()))
            await self.service.practising.run_due()
            await deliver(self.service)

    async def reply(self, case_id: str, words: str) -> None:
        self.act(self.service.desk.reply, case_id, self.lin, words, secrets.token_hex(16))
        await deliver(self.service)

    def said(self, case_id: str) -> list[str]:
        """What the caller wrote."""
        with self.service.store.engine.connect() as connection:
            found = self.service.store.conversations.messages(connection, self.case(case_id).conversation_id)
        return [message.body for message in found if message.author == "visitor"]

    def why(self, case_id: str) -> str:
        (row,) = rows(self.service.store.engine, t.practice, case_id=case_id)
        return str(row.why)


@pytest.fixture
def studio(service: Service, clock: Clock) -> Iterator[Studio]:
    people = [counsellor(service.store, service.writer, name) for name in ("lin", "zhang")]
    return Studio(service, clock, *people)


async def test_the_caller_tells_the_story_and_answers_what_is_asked(studio: Studio) -> None:
    case_id = studio.start()
    await studio.pass_time(25)
    assert studio.said(case_id) == ["在吗", "我不想活了，今晚就去死", "就我一个人在家"]
    assert studio.case(case_id).level is Level.HIGH
    await studio.reply(case_id, "您是想自杀吗？现在身边有人吗")
    await studio.pass_time(30)
    told = studio.said(case_id)[3:]
    assert told == ["你是真人吗，别给我发那种固定的话", "是，我是认真的", "我哥晚上十点回来"]


async def test_nothing_of_a_practice_rings_or_calls_whatever_is_said_and_however_long_nobody_answers(
    studio: Studio,
) -> None:
    case_id = studio.start("edge")
    await studio.pass_time(400)
    assert studio.case(case_id).level is Level.EMERGENCY
    assert {row.state for row in rows(studio.service.store.engine, t.alert)} == {"answered"}
    assert rows(studio.service.store.engine, t.notice) == []
    (stint,) = rows(studio.service.store.engine, t.stint)
    assert (stint.warned_at, stint.called_at) == (None, None)


async def test_the_bot_says_nothing_in_a_practice(studio: Studio) -> None:
    case_id = studio.start("worn_out")
    await studio.pass_time(20)
    await studio.service.pipeline.drain()
    conversation = studio.case(case_id).conversation_id
    assert {row.origin for row in rows(studio.service.store.engine, t.outbox, conversation_id=conversation)} <= {
        "system"
    }


async def test_a_practice_belongs_to_one_counsellor_and_is_given_to_nobody(studio: Studio) -> None:
    case_id, desks = studio.start(), studio.service.desks
    await studio.pass_time(10)
    refused = [
        (desks.desk.release, case_id, studio.lin),
        (desks.desk.hand_back, case_id, studio.lin),
        (desks.shift.passing.ask, case_id, studio.lin, studio.zhang.id, Summary("说了", "没有", "再问")),
        (desks.shift.guiding.take_over, case_id, studio.zhang, "我来试试看"),
    ]
    for method, *arguments in refused:
        with pytest.raises(NotAllowed, match="练习"):
            studio.act(method, *arguments)
    with pytest.raises(NoSuchCase):
        studio.act(desks.practices.end, case_id, studio.zhang)
    assert studio.case(case_id).owner_id == studio.lin.id


async def test_one_practice_at_a_time_and_an_own_one_for_each(studio: Studio) -> None:
    studio.start()
    with pytest.raises(NotAllowed, match="已有一个练习"):
        studio.start()
    studio.start(who=studio.zhang)
    with pytest.raises(NotAllowed, match="请选择"):
        studio.start("nobody", who=studio.zhang)


async def test_a_restart_neither_repeats_nor_loses_a_line(studio: Studio) -> None:
    case_id = studio.start()
    await studio.pass_time(3)
    desk = studio.service.desks.practices
    studio.clock.forward(seconds=6)
    before = studio.act(desk.listen, case_id)
    assert before is not None  # the process dies before the line is written, or right after
    for _ in range(2):
        await studio.service.practising.run_due()
        await studio.service.practising.run_due()
    await studio.reply(case_id, "您是想自杀吗")  # what comes between changes what is said next, not what was said
    await studio.pass_time(60)
    said = studio.said(case_id)
    assert said[:2] == ["在吗", "我不想活了，今晚就去死"]
    assert len(said) == len(set(said)) == 5


async def test_whoever_has_enough_ends_it_and_nothing_stays(studio: Studio) -> None:
    case_id = studio.start()
    await studio.pass_time(10)
    studio.act(studio.service.desks.practices.end, case_id, studio.lin)
    await studio.pass_time(40)
    assert (studio.case(case_id).state, studio.why(case_id)) == (State.CLOSED, "ended")
    assert len(studio.said(case_id)) == 2
    assert rows(studio.service.store.engine, t.follow_up) == []


async def test_a_practice_may_be_closed_like_a_case_also_in_orange_and_is_over_then(studio: Studio) -> None:
    case_id = studio.start("plan")
    await studio.pass_time(10)
    desk = replace(studio.service.desk, closing_checks=())  # what a record must hold: tests of the record
    studio.act(desk.close, case_id, studio.lin, "calmed", "练习了安全评估")
    await studio.pass_time(30)
    assert (studio.why(case_id), len(studio.said(case_id)), studio.case(case_id).state) == ("closed", 2, State.CLOSED)


@pytest.mark.parametrize(("minutes", "replies", "why"), [(21, False, "silent"), (91, True, "long")])
async def test_a_forgotten_practice_ends_by_itself_and_says_so(
    studio: Studio, minutes: int, replies: bool, why: str
) -> None:
    case_id = studio.start("passive")
    for _ in range(minutes // 10):
        studio.clock.forward(minutes=10)
        if replies:
            await studio.reply(case_id, "我在听")
        await studio.pass_time(1)
    studio.clock.forward(minutes=2)
    await studio.pass_time(1)
    assert (studio.why(case_id), studio.case(case_id).state) == (why, State.CLOSED)


async def test_practising_is_never_counted(studio: Studio) -> None:
    case_id = studio.start("edge")
    await studio.pass_time(5)
    assert studio.case(case_id).is_drill
    floor = studio.service.desks.shift.floor
    with studio.service.store.engine.connect() as connection:
        assert floor.week(connection, studio.clock()) == {}
        assert [person.levels for person in floor.people(connection, studio.clock())] == [(), ()]
