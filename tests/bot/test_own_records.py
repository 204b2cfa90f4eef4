"""What people ask of their records never costs them a message."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

import server
from records import tables as t
from tests.building import CRISIS, deliver, greeted, keys_said, rows, say
from wiring import Service

pytestmark = pytest.mark.anyio


class Broken:
    """A desk whose every statement the database refuses."""

    def __getattr__(self, name: str):
        return self.fails

    def fails(self, connection: sa.Connection, *_args: object, **_options: object) -> None:
        connection.execute(sa.text("INSERT INTO nowhere VALUES (1)"))


@pytest.mark.parametrize("text", ["我的记录", "撤回同意", "我今年15岁，我不想活了", f"我15岁。{CRISIS}"])
async def test_a_desk_that_fails_loses_no_message_and_calls_people_all_the_same(service: Service, text: str) -> None:
    chat, whole = greeted(service, "a"), greeted(service, "b")
    await say(service, whole, text, "m1")
    kept = service.pipeline.own_records
    service.pipeline.own_records = replace(kept, desk=Broken(), minors=Broken())  # type: ignore[arg-type]
    receipt = await say(service, chat, text, "m2")
    assert rows(service.store.engine, t.message, id=receipt.message_id)
    levels = {row.id: row.level for row in rows(service.store.engine, t.conversation)}
    assert levels[chat] == levels[whole]
    opened = {row.conversation_id for row in rows(service.store.engine, t.case_record)}
    assert (chat in opened) == (whole in opened)
    await deliver(service)
    assert keys_said(service, chat)
    if "岁" not in text:
        assert keys_said(service, chat) == ["answer.unavailable"]


async def test_a_person_who_takes_consent_back_is_not_called_any_more(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, CRISIS, "m1")
    (case,) = rows(service.store.engine, t.case_record)
    talks, now = service.store.follow_up_talks, service.now()
    service.writer.submit(lambda c: talks.add_consent(c, case.id, "agreed", "lin", now)).result(5)
    service.now.forward(minutes=1)  # type: ignore[attr-defined]
    await say(service, chat, "撤回同意", "m2")
    with service.store.engine.connect() as connection:
        assert [one.answer for one in talks.consents(connection, case.id)] == ["agreed", "refused"]
    await say(service, chat, "撤回同意", "m3")
    with service.store.engine.connect() as connection:
        assert len(talks.consents(connection, case.id)) == 2


async def test_a_sweep_that_fails_holds_up_no_delivery(service: Service) -> None:
    chat = greeted(service)
    await say(service, chat, CRISIS, "m1")

    def breaks(connection: sa.Connection, now: object) -> None:
        raise RuntimeError(f"{connection} {now}")

    service.sweeps = (breaks, *service.sweeps)
    await server.sweep_once(service)
    assert keys_said(service, chat)
