"""A visitor who asked for it is knocked at once when words come to a closed page, and never when the page shows them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

import server
from notify.carriers import Gone
from records import tables as t
from settings import Settings
from tests.browsing import ORIGIN, Site, Visitor
from tests.building import EMERGENCY, SMALL_TALK, Clock, compiled_screener, rows
from tests.notify.calling import FakeCarrier, round_of

pytestmark = pytest.mark.anyio
BROWSER = "https://fcm.googleapis.com/fcm/send/abc"
OTHER = "https://fcm.googleapis.com/fcm/send/other"


@pytest.fixture
def site(settings: Settings, clock: Clock) -> Iterator[Site]:
    with_push = settings.model_copy(update={"push_contact": "mailto:duty@x.cn"})
    app = server.build_app(with_push, now=clock, screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


@pytest.fixture
def push(site: Site) -> FakeCarrier:
    made = FakeCarrier()
    site.service.sending.carriers = {"push": made}
    return made


async def turn_on(person: Visitor, endpoint: object = BROWSER) -> int:
    return (await person.browser.post("/api/chat/reminder", json={"endpoint": endpoint})).status_code


async def read_all(person: Visitor) -> None:
    """As the page does while somebody looks at it: it asks for what comes after the newest that it shows."""
    messages = await person.messages()
    await person.messages(after=messages[-1]["seq"])


async def reminded(site: Site) -> Visitor:
    """Somebody who asked to be reminded, with nothing unread."""
    person = await site.visitor()
    assert await turn_on(person) == 204
    await read_all(person)
    return person


async def ask(site: Site, person: Visitor, id: str, text: str = SMALL_TALK) -> None:
    """The person writes, and the bot has answered."""
    await person.post(text, id)
    await site.settle()


async def after(site: Site, clock: Clock, push: FakeCarrier, seconds: float = 31) -> list[tuple[str, str]]:
    """Whom the push service was asked to wake until then, and the words that were for it."""
    clock.forward(seconds=seconds)
    await round_of(site.service.sending)
    return [(endpoint, letter.text) for endpoint, letter in push.taken]


async def test_an_answer_to_a_closed_page_knocks_with_one_neutral_line(
    site: Site, push: FakeCarrier, clock: Clock
) -> None:
    person = await reminded(site)
    await ask(site, person, "m1")
    assert await after(site, clock, push, 29) == []
    assert await after(site, clock, push, 2) == [(BROWSER, "您有一条新消息")]
    ((_, letter),) = push.taken
    assert (letter.title, letter.is_urgent) == ("您有一条新消息", False)


async def test_words_of_a_counsellor_knock_too(site: Site, push: FakeCarrier, clock: Clock) -> None:
    person = await reminded(site)
    await ask(site, person, "m1", EMERGENCY)
    await read_all(person)
    case_id, lin = site.case_of(person.conversation_id), site.seat()
    await lin.act(case_id, "claim")
    await lin.act(case_id, "reply", reply_id="a" * 32, text="我在，先坐下")
    await site.settle()
    assert await after(site, clock, push) == [(BROWSER, "您有一条新消息")]


async def test_a_page_that_shows_them_is_not_knocked_at(site: Site, push: FakeCarrier, clock: Clock) -> None:
    person = await reminded(site)
    for number in range(5):
        await ask(site, person, f"m{number}")
        clock.forward(seconds=20)
        await read_all(person)
    assert await after(site, clock, push) == []
    assert {row.state for row in rows(site.service.store.engine, t.notice)} == {"withdrawn"}


async def test_a_stream_that_is_still_open_while_nobody_reads_does_not_hold_it_back(
    site: Site, push: FakeCarrier, clock: Clock
) -> None:
    person = await reminded(site)
    stream = site.service.feed.listen("chat", person.conversation_id, None)
    listening = asyncio.ensure_future(anext(stream))
    await ask(site, person, "m1")
    assert len(await after(site, clock, push)) == 1
    listening.cancel()


async def test_asking_without_having_shown_the_words_does_not_hold_it_back(
    site: Site, push: FakeCarrier, clock: Clock
) -> None:
    person = await reminded(site)
    before = (await person.messages())[-1]["seq"]
    await ask(site, person, "m1")
    await person.messages(after=before)  # the answer may have been lost on its way
    assert len(await after(site, clock, push)) == 1


async def test_it_knocks_once_until_the_page_is_opened_again(site: Site, push: FakeCarrier, clock: Clock) -> None:
    person = await reminded(site)
    counts = []
    for number in range(3):
        await ask(site, person, f"m{number}")
        counts.append(len(await after(site, clock, push)))
    await person.messages()
    await ask(site, person, "m9")
    counts.append(len(await after(site, clock, push)))
    assert counts == [1, 1, 1, 2]


async def test_words_that_come_while_a_knock_waits_are_part_of_it(site: Site, push: FakeCarrier, clock: Clock) -> None:
    person = await reminded(site)
    await ask(site, person, "m1")
    first = (await person.messages())[-1]["seq"]
    await ask(site, person, "m2")
    await person.messages(after=first)  # it shows the first answer and not the second
    assert len(await after(site, clock, push)) == 1


async def test_waiting_notes_knock_at_nobody(site: Site, push: FakeCarrier, clock: Clock) -> None:
    person = await reminded(site)
    await ask(site, person, "m1", EMERGENCY)
    await read_all(person)
    for _ in range(3):
        now = clock.forward(seconds=60)
        await site.service.writer.write(lambda c, now=now: site.service.alarm.sweep(c, now))
        await site.settle()
    assert any("老师" in row["text"] for row in (await person.messages())[-3:])
    assert await after(site, clock, push) == []


async def test_whoever_never_asked_is_never_knocked_at(site: Site, push: FakeCarrier, clock: Clock) -> None:
    await reminded(site)
    await ask(site, await site.visitor(), "m1")
    assert await after(site, clock, push) == []


@pytest.mark.parametrize("way", ["off", "leave"])
async def test_after_turning_off_or_leaving_nothing_knocks_and_nothing_is_kept(
    site: Site, push: FakeCarrier, clock: Clock, way: str
) -> None:
    person = await reminded(site)
    await ask(site, person, "m1")
    if way == "off":
        assert (await person.browser.delete("/api/chat/reminder")).status_code == 204
    else:
        assert (await person.browser.post("/api/chat/leave")).status_code == 204
    assert await after(site, clock, push) == []
    assert rows(site.service.store.engine, t.notice_address) == []


async def test_a_browser_belongs_to_the_last_conversation_that_turned_it_on(
    site: Site, push: FakeCarrier, clock: Clock
) -> None:
    one, other = await reminded(site), await reminded(site)
    await ask(site, one, "m1")
    assert await after(site, clock, push) == []
    await ask(site, other, "m1")
    assert await after(site, clock, push) == [(BROWSER, "您有一条新消息")]


async def test_a_conversation_has_one_browser(site: Site, push: FakeCarrier, clock: Clock) -> None:
    person = await reminded(site)
    assert await turn_on(person, OTHER) == 204
    await ask(site, person, "m1")
    assert await after(site, clock, push) == [(OTHER, "您有一条新消息")]


async def test_a_browser_that_is_gone_is_forgotten_without_noise(site: Site, push: FakeCarrier, clock: Clock) -> None:
    person = await reminded(site)
    await ask(site, person, "m1")
    push.answers = [Gone()]
    await after(site, clock, push)
    assert rows(site.service.store.engine, t.notice_address) == []
    assert rows(site.service.store.engine, t.event, kind="call_failed") == []


@pytest.mark.parametrize("endpoint", ["", 7, None, "https://10.0.0.1/x", "http://fcm.googleapis.com/x", "x" * 9000])
async def test_what_is_no_browsers_address_is_refused(site: Site, endpoint: object) -> None:
    assert await turn_on(await site.visitor(), endpoint) in (413, 422)
    assert rows(site.service.store.engine, t.notice_address) == []


async def test_only_whose_conversation_it_is_may_turn_it_on_or_off(site: Site) -> None:
    person = await reminded(site)
    stranger = site.browser()
    assert (await stranger.post("/api/chat/reminder", json={"endpoint": OTHER})).status_code == 401
    assert (await stranger.delete("/api/chat/reminder")).status_code == 401
    for method in ("POST", "DELETE"):
        foreign = await person.browser.request(
            method, "/api/chat/reminder", json={"endpoint": OTHER}, headers={"Origin": f"{ORIGIN}.evil.example"}
        )
        assert foreign.status_code == 403
    assert len(rows(site.service.store.engine, t.notice_address)) == 1


async def test_without_web_push_the_page_offers_nothing(settings: Settings, clock: Clock) -> None:
    app = server.build_app(settings, now=clock, screener=compiled_screener())
    site = Site(app, app.state.service)
    person = await site.visitor()
    page = await person.browser.get("/")
    status = await turn_on(person)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()
    assert (status, 'id="reminder"' in page.text) == (404, False)


async def test_the_page_offers_it_and_the_frame_in_other_sites_pages_does_not(site: Site) -> None:
    browser = site.browser()
    assert site.service.push_key in (await browser.get("/")).text
    assert site.service.push_key not in (await browser.get("/embed")).text
