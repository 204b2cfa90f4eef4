"""The whole ladder outside the screens: a message in danger, nobody comes, real carriers, receipts, and the claim."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import Response

import server
from escalation.practice.drill_desk import Asked
from escalation.practice.plans import Wanted
from notify.push_key import load_push_key
from records import tables as t
from records.addresses import MAIL, PUSH, SMS, STAFF
from settings import load_settings
from tests.browsing import Seat, Site
from tests.building import EMERGENCY, Clock, compiled_screener, counsellor, do, rows, say, visitor
from tests.notify.calling import round_of
from tests.notify.certificate import make_certificate
from tests.notify.gateways import SECRET, Robot, SmsGateway, robot, sms_gateway
from tests.notify.mail_server import PASSWORD, USER, MailServer, mail_server
from tests.notify.push_service import PushService, push_service

pytestmark = pytest.mark.anyio
ONCALL_PHONE, ONCALL_MAIL = "13900000009", "oncall@county.test"
LEAD_PHONE, LEAD_MAIL, SUPERVISOR_PHONE = "13800000001", "lead@county.test", "13800000002"


@dataclass
class Town:
    """The service with every carrier, and the other side of each."""

    site: Site
    clock: Clock
    sms: SmsGateway
    mail: MailServer
    robot: Robot
    push: PushService

    async def pass_time(self, seconds: float) -> None:
        """The sweeper and the sender work as time goes by."""
        for _ in range(round(seconds)):
            self.clock.forward(seconds=1)
            await self.site.service.writer.write(lambda c: self.site.service.alarm.sweep(c, self.clock()))
            await round_of(self.site.service.sending)

    def called_at(self, seat: Seat, carrier: str, address: str) -> None:
        service = self.site.service
        do(
            service.writer,
            lambda c: service.store.addresses.add(c, STAFF, seat.counsellor.id, carrier, address, self.clock()),
        )

    async def queue_row(self, seat: Seat) -> dict[str, Any]:
        (row,) = (await seat.browser.get("/console/queue.json")).json()["rows"]
        return dict(row)

    def numbers(self) -> list[str]:
        return [number for number, _ in self.sms.sent]

    async def danger(self) -> str:
        """Somebody writes that they are dying; returns the case."""
        service = self.site.service
        conversation_id = visitor(service.store, service.writer, now=self.clock())
        await say(service, conversation_id, EMERGENCY)
        return self.site.case_of(conversation_id)


@pytest.fixture
async def town(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with AsyncExitStack() as stack:
        sms = await stack.enter_async_context(sms_gateway(clock))
        group = await stack.enter_async_context(robot(clock))
        mail = await stack.enter_async_context(mail_server(certificate))
        push = await stack.enter_async_context(push_service(clock, certificate))
        settings = load_settings(
            {
                "HOTLINE_DATA_DIR": str(tmp_path / "data"), "HOTLINE_PUBLIC_URL": "https://hotline.test",
                "HOTLINE_SMS_URL": sms.url, "HOTLINE_SMS_SECRET": SECRET, "HOTLINE_WECOM_ROBOT_URL": group.url,
                "HOTLINE_SMTP_URL": f"smtps://{USER.replace('@', '%40')}:{PASSWORD.replace('@', '%40').replace(':', '%3A')}@localhost:{mail.port}",
                "HOTLINE_MAIL_FROM": USER, "HOTLINE_ONCALL_NAME": "王主任", "HOTLINE_ONCALL_PHONE": ONCALL_PHONE,
                "HOTLINE_ONCALL_MAIL": ONCALL_MAIL, "HOTLINE_PUSH_CONTACT": f"mailto:{USER}",
                "HOTLINE_PUSH_HOSTS": push.origin.removeprefix("https://"), "HOTLINE_WAITING_NOTE_S": "1000000",
            }
        )  # fmt: skip
        app = server.build_app(settings, now=clock, screener=compiled_screener())
        service = app.state.service
        service.sending.spread = lambda: 0.0
        yield Town(Site(app, service), clock, sms, mail, group, push)
        await service.http.aclose()
        service.writer.close()
        service.store.engine.dispose()


def seats(town: Town) -> tuple[Seat, Seat, Seat]:
    """A counsellor with a browser, a duty lead with phone and mail, a supervisor with a phone; https cookies."""
    lin, lead, zhao = town.site.seat("lin"), town.site.seat("lead", "duty_lead"), town.site.seat("zhao", "supervisor")
    for seat in (lin, lead, zhao):
        seat.browser.base_url = "https://hotline.test"  # type: ignore[assignment]  # httpx takes a text
        seat.browser.headers["Origin"] = "https://hotline.test"
        seat.browser.cookies.set("__Host-xindeng", seat.cookie)
    key = load_push_key(town.site.service.settings.push_key).public
    town.called_at(lin, PUSH, town.push.subscribe(key))
    town.called_at(lead, SMS, LEAD_PHONE)
    town.called_at(lead, MAIL, LEAD_MAIL)
    town.called_at(zhao, SMS, SUPERVISOR_PHONE)
    return lin, lead, zhao


def link_of(town: Town, number: str) -> str:
    text = next(text for to, text in town.sms.sent if to == number)
    found = re.search(r"https://hotline\.test(/console/seen/\S+)", text)
    assert found, text
    return found[1]


async def test_while_nobody_claims_each_rung_calls_the_right_people(town: Town) -> None:
    lin, _, _ = seats(town)
    await town.danger()
    await town.pass_time(1)
    assert (len(town.push.knocks), town.numbers(), town.mail.taken, town.robot.said) == (1, [], [], [])
    await town.pass_time(60)
    assert town.numbers() == [LEAD_PHONE]
    assert [to for to, _ in town.mail.taken] == [LEAD_MAIL]
    assert town.sms.sent[0][1].startswith(
        "【值班提醒】有红色警报 60 秒无人接手，请立即打开值班台 https://hotline.test/"
    )
    assert (await town.queue_row(lin))["called"] == "已通知全体坐席 1 人、值班长 1 人、值班群，还没有人看到"
    await town.pass_time(60)
    assert town.numbers() == [LEAD_PHONE, SUPERVISOR_PHONE]
    await town.pass_time(60)
    assert town.numbers() == [LEAD_PHONE, SUPERVISOR_PHONE, ONCALL_PHONE]
    assert [to for to, _ in town.mail.taken] == [LEAD_MAIL, ONCALL_MAIL]
    assert len(town.robot.said) == 3
    assert (await town.queue_row(lin))["rung"] == "外部值守"
    await town.pass_time(300)
    assert (len(town.numbers()), len(town.robot.said), len(town.push.knocks)) == (3, 3, 1)


async def test_nothing_that_was_written_or_who_wrote_it_leaves(town: Town) -> None:
    seats(town)
    await town.danger()
    await town.pass_time(200)
    left = [text for _, text in town.sms.sent] + [said["content"] for said in town.robot.said]
    left += [mail.as_string() + mail.get_content() for _, mail in town.mail.taken]
    left += [str(headers) for _, headers in town.push.knocks]
    assert len(left) >= 9
    assert not any(word in text for text in left for word in (EMERGENCY, "安眠药", "visitor", "local-2026"))


async def test_whoever_was_called_says_that_it_was_seen_and_the_queue_shows_it(town: Town) -> None:
    lin, lead, _ = seats(town)
    case_id = await town.danger()
    await town.pass_time(61)
    phone = town.site.browser(Host="hotline.test")
    link = link_of(town, LEAD_PHONE)
    page = await phone.get(link)
    assert "我看到了" in page.text
    assert (await town.queue_row(lin))["called"].endswith("还没有人看到")  # a program that looks at links is nobody
    done = await phone.post(link)
    assert "已记下：您看到了" in done.text
    assert "现在打开值班台处理" in done.text
    assert (await town.queue_row(lin))["called"] == "已通知全体坐席 1 人、值班长 1 人、值班群，1 人已看到"
    store = town.site.service.store
    (seen,) = rows(store.engine, t.audit, action="call_seen")
    assert (seen.actor_id, seen.object_id) == (lead.counsellor.id, case_id)
    assert len(rows(store.engine, t.event, kind="call_seen", case_id=case_id)) == 1
    assert (
        rows(store.engine, t.notice_address, owner_id=lead.counsellor.id, carrier=SMS)[0].confirmed_at == town.clock()
    )


async def test_a_claim_withdraws_what_has_not_gone_out_and_ends_the_ladder(town: Town) -> None:
    lin, _, _ = seats(town)
    case_id = await town.danger()
    town.sms.answers = [Response(status_code=503) for _ in range(100)]
    await town.pass_time(61)
    assert (await lin.act(case_id, "claim")).json()["ok"] is True
    town.sms.answers = []
    await town.pass_time(400)
    assert town.numbers() == []
    states = {row.state for row in rows(town.site.service.store.engine, t.notice, carrier="sms")}
    assert states == {"withdrawn"}
    row = await town.queue_row(lin)
    assert (row["called"], row["not_called"], row["ringing"]) == ("", "", False)


async def test_who_opens_the_link_after_the_claim_hears_that_somebody_has_come(town: Town) -> None:
    lin, _, _ = seats(town)
    case_id = await town.danger()
    await town.pass_time(61)
    await lin.act(case_id, "claim")
    done = await town.site.browser(Host="hotline.test").post(link_of(town, LEAD_PHONE))
    assert "这个警报已经有人接手" in done.text


async def test_a_gateway_that_is_away_is_seen_in_the_queue_and_delays_no_other_carrier(town: Town) -> None:
    lin, _, _ = seats(town)
    await town.danger()
    town.sms.answers = [Response(status_code=500) for _ in range(1000)]
    await town.pass_time(185)
    assert [to for to, _ in town.mail.taken] == [LEAD_MAIL, ONCALL_MAIL]
    row = await town.queue_row(lin)
    assert row["not_called"] == "外部通知发不出去：督导 1 人"
    assert row["called"].startswith("已通知全体坐席 1 人、值班长 1 人")


async def test_who_is_away_or_has_paused_is_not_called(town: Town) -> None:
    _, lead, zhao = seats(town)
    service = town.site.service
    do(service.writer, lambda c: service.store.staff.change(c, zhao.counsellor.id, is_active=False))
    for address in rows(service.store.engine, t.notice_address, owner_id=lead.counsellor.id):
        do(service.writer, lambda c, id=address.id: service.store.addresses.change(c, id, is_on=False))
    await town.danger()
    await town.pass_time(130)
    assert (town.numbers(), town.mail.taken) == ([], [])


async def test_a_call_for_help_reaches_supervisors_outside_and_says_nothing_of_why(town: Town) -> None:
    lin, _, zhao = seats(town)
    case_id = await town.danger()
    await lin.act(case_id, "claim")
    assert (await lin.act(case_id, "help", why="要不要报警")).status_code == 200
    await town.pass_time(1)
    ((number, text),) = town.sms.sent
    assert (number, text.partition("，")[0]) == (SUPERVISOR_PHONE, "【值班提醒】有同事正在等您帮忙")
    assert (await zhao.act(case_id, "help/answer", words="来了")).status_code == 200
    await town.pass_time(60)
    assert town.numbers() == [SUPERVISOR_PHONE]


async def test_a_drill_stays_on_the_screens(town: Town) -> None:
    seats(town)
    service = town.site.service
    conversation_id = do(
        service.writer,
        lambda c: service.store.conversations.open(
            c, channel="web", external_id="drill", now=town.clock(), is_drill=True
        ),
    )
    await say(service, conversation_id, EMERGENCY)
    await town.pass_time(200)
    assert rows(service.store.engine, t.notice) == []


@pytest.mark.parametrize("calls_people", [True, False])
async def test_a_planned_drill_calls_people_only_when_its_plan_says_so_and_says_that_it_is_one(
    town: Town, calls_people: bool
) -> None:
    seats(town)
    service, now = town.site.service, town.clock()
    desk, wanted = service.desks.drills, Wanted("one_red", 1, now, True, calls_people)
    lead = counsellor(service.store, service.writer, "planner", "duty_lead")
    plan_id = do(service.writer, lambda c: desk.plan(c, lead, wanted, now, may_hide=False))
    run = do(service.writer, lambda c: desk.begin(c, desk.token(plan_id), Asked(), now))
    person = await town.site.visitor(**{"X-Hotline-Drill": desk.proof(run.id)})
    await say(service, person.conversation_id, EMERGENCY)  # its cookie is for https
    await town.pass_time(200)
    assert (ONCALL_PHONE in town.numbers()) is calls_people
    assert all("这是演练，不是真实警报" in text for _, text in town.sms.sent)


async def test_words_that_did_not_arrive_call_in_words_of_their_own(town: Town) -> None:
    lin, _, _ = seats(town)
    case_id = await town.danger()
    await lin.act(case_id, "claim")
    service = town.site.service
    case = rows(service.store.engine, t.case_record, id=case_id)[0]
    do(service.writer, lambda c: service.alarm.cannot_reach(c, service.store.cases.get(c, case.id), town.clock()))
    await town.pass_time(2)
    assert [number for number in town.numbers()] == [LEAD_PHONE]
    assert "回复送不到对方" in town.sms.sent[0][1]


async def test_new_danger_calls_again_and_louder(town: Town) -> None:
    seats(town)
    service = town.site.service
    conversation_id = visitor(service.store, service.writer, "other", now=town.clock())
    await say(service, conversation_id, "我想死", "m1")
    town.clock.forward(seconds=600)
    await town.pass_time(1)
    calm = len(town.numbers())
    await say(service, conversation_id, EMERGENCY, "m2")
    await town.pass_time(61)
    assert (calm, town.numbers()) == (1, [LEAD_PHONE, LEAD_PHONE])
    assert "黄色警报 10 分钟" in town.sms.sent[0][1]
    assert "红色警报 60 秒" in town.sms.sent[1][1]
