"""The web chat as its page uses it: the real application, real requests, real rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

import server
from bot.channels.webchat import COOKIE, hash_token
from bot.pipeline import LONGEST_BYTES
from records import tables as t
from settings import Settings, load_settings
from tests.browsing import ORIGIN, Site
from tests.building import CRISIS, SMALL_TALK, Clock, compiled_screener, rows

pytestmark = pytest.mark.anyio


@pytest.fixture
def site(settings: Settings, clock: Clock) -> Iterator[Site]:
    app = server.build_app(settings, now=clock, screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One application for the tests that leave nothing behind but their own conversation."""
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path_factory.mktemp("shared"))})
    app = server.build_app(settings, now=Clock(), screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


@pytest.fixture
def small_site(sqlite_settings: Settings, clock: Clock) -> Iterator[Site]:
    app = server.build_app(sqlite_settings, now=clock, screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def test_a_new_visitor_is_greeted_and_told_at_once_that_a_machine_speaks(site: Site) -> None:
    person = await site.visitor()
    (greeting,) = await person.messages()
    assert greeting["author"] == "bot"
    assert "机器人" in greeting["text"]
    assert "12356" in greeting["text"]
    assert any(choice["label"] == "转人工" for choice in greeting["choices"])


async def test_the_database_keeps_the_hash_of_a_token_and_not_the_token(small_site: Site) -> None:
    person = await small_site.visitor()
    (row,) = rows(small_site.service.store.engine, t.conversation)
    assert row.token_hash == hash_token(person.token)
    assert person.token not in str(row)


async def test_the_cookie_cannot_be_read_by_scripts_nor_sent_by_other_sites(shared_site: Site) -> None:
    answer = await shared_site.browser().post("/api/chat/sessions")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie  # the embedded default has no TLS


async def test_the_cookie_insists_on_tls_where_there_is_tls(sqlite_settings: Settings, clock: Clock) -> None:
    app = server.build_app(
        sqlite_settings.model_copy(update={"public_url": "https://xin.example"}),
        now=clock,
        screener=compiled_screener(),
    )
    answer = await Site(app, app.state.service).browser().post("/api/chat/sessions")
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()
    assert "Secure" in answer.headers["set-cookie"]


async def test_a_message_is_stored_before_it_is_acknowledged(site: Site) -> None:
    person = await site.visitor()
    answer = await person.post(SMALL_TALK, "m1")
    stored = rows(site.service.store.engine, t.message, id=answer.json()["id"])
    assert answer.status_code == 202
    assert [(row.seq, row.author) for row in stored] == [(2, "visitor")]
    assert answer.json()["repeat"] is False


async def test_a_token_may_come_as_bearer_instead_of_a_cookie(shared_site: Site) -> None:
    person = await shared_site.visitor()
    answer = await shared_site.browser(Authorization=f"Bearer {person.token}").get("/api/chat/messages")
    assert len(answer.json()["messages"]) == 1


async def test_a_visitor_reads_only_the_own_conversation(shared_site: Site) -> None:
    one, other = await shared_site.visitor(), await shared_site.visitor()
    await one.post("只有我知道的事", "m1")
    assert all(message["author"] != "visitor" for message in await other.messages())


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Cookie": f"{COOKIE}=wrong"},
                                     {"Authorization": "Bearer " + "x" * 5000}])  # fmt: skip
@pytest.mark.parametrize(("method", "path"), [("POST", "messages"), ("GET", "messages"), ("GET", "events")])
async def test_without_a_good_token_nothing_is_told(
    shared_site: Site, headers: dict[str, str], method: str, path: str
) -> None:
    answer = await shared_site.browser(**headers).request(method, f"/api/chat/{path}", json={})
    assert answer.status_code == 401


async def test_a_repeated_message_is_stored_once_and_has_the_same_receipt(site: Site) -> None:
    person = await site.visitor()
    first, second = await person.post(CRISIS, "m1"), await person.post(CRISIS, "m1")
    assert second.status_code == 202
    assert second.json() == {**first.json(), "repeat": True}
    assert len(rows(site.service.store.engine, t.message, author="visitor")) == 1
    assert len(rows(site.service.store.engine, t.case_record)) == 1


async def test_three_deliveries_at_once_make_one_message(site: Site) -> None:
    person = await site.visitor()
    answers = await asyncio.gather(*(person.post(CRISIS, "m1") for _ in range(3)))
    assert [answer.status_code for answer in answers] == [202] * 3
    assert sorted(answer.json()["repeat"] for answer in answers) == [False, True, True]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_a_repeat_is_known_after_a_restart_and_the_token_still_opens(settings: Settings, clock: Clock) -> None:
    app = server.build_app(settings, now=clock, screener=compiled_screener())
    person = await Site(app, app.state.service).visitor()
    first = await person.post(SMALL_TALK, "m1")
    await app.state.service.pipeline.drain()
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()

    again = server.build_app(settings, now=clock, screener=compiled_screener())
    browser = Site(again, again.state.service).browser(Authorization=f"Bearer {person.token}")
    second = await browser.post("/api/chat/messages", json={"client_message_id": "m1", "text": SMALL_TALK})
    again.state.service.writer.close()
    again.state.service.store.engine.dispose()
    assert second.json() == {**first.json(), "repeat": True}


async def test_a_message_id_used_for_other_words_is_refused(small_site: Site) -> None:
    person = await small_site.visitor()
    await person.post("第一句", "m1")
    answer = await person.post("另一句", "m1")
    assert answer.status_code == 409
    assert len(rows(small_site.service.store.engine, t.message, author="visitor")) == 1


async def test_two_visitors_may_use_the_same_message_id(shared_site: Site) -> None:
    one, other = await shared_site.visitor(), await shared_site.visitor()
    assert (await one.post("甲", "m1")).status_code == 202
    assert (await other.post("乙", "m1")).json()["repeat"] is False


async def test_sixty_four_kibibytes_are_accepted_and_one_more_is_refused(shared_site: Site) -> None:
    person = await shared_site.visitor()
    assert (await person.post("a" * LONGEST_BYTES, "m1")).status_code == 202
    assert (await person.post("a" * (LONGEST_BYTES + 1), "m2")).status_code == 413


async def test_a_body_without_end_is_cut_off(small_site: Site) -> None:
    person = await small_site.visitor()
    answer = await person.browser.post("/api/chat/messages", content=b'{"text":"' + b"a" * 2_000_000)
    assert answer.status_code == 413
    assert rows(small_site.service.store.engine, t.message, author="visitor") == []


_SENSELESS = (
        b"", b"not json", b"[]", b"null", b'"text"', b"{}", b'{"client_message_id": "", "text": "a"}',
        b'{"client_message_id": 1, "text": "a"}', b'{"client_message_id": "m", "text": 1}',
        b'{"client_message_id": "m", "text": null}', b'{"client_message_id": "m", "text": "a", "kind": 5}',
        b'{"client_message_id": "' + b"m" * 65 + b'", "text": "a"}', b"[" * 100_000, b"1" * 10_000,
        b'{"client_message_id": "a\\u0000b", "text": "a"}', b'{"client_message_id": "\\ud800", "text": "a"}',
        b'{"client_message_id": "\xff", "text": "a"}',
)  # fmt: skip


async def test_a_body_that_makes_no_sense_is_refused_in_words(site: Site) -> None:
    person = await site.visitor()
    for content in _SENSELESS:
        answer = await person.browser.post("/api/chat/messages", content=content)
        assert (answer.status_code, content[:60]) == (422, content[:60])
        assert answer.json()["detail"]


_BROKEN = (
    b"\xff\xfe\x80", b"\xe6\x88", b"\xed\xa0\x80", b"\\ud83d", b"\\u0000a\\u0000", b"\\u202e\\u2066", b"\xc0\xaf",
     b"\\ud83d\\ude00\\u200d", b"\xf4\x90\x80\x80",
)  # fmt: skip


async def test_broken_text_is_stored_and_shown_and_never_breaks_the_service(site: Site) -> None:
    for text in _BROKEN:
        person = await site.visitor()
        answer = await person.browser.post(
            "/api/chat/messages", content=b'{"client_message_id": "m1", "text": "' + text + b'"}'
        )
        assert (answer.status_code, text) == (202, text)
        assert (await person.messages(1))[0]["author"] == "visitor"


@pytest.mark.parametrize("kind", ["voice", "image", "video", "sticker", "place", "file", "unknown", "hologram"])
async def test_every_kind_of_message_is_kept(shared_site: Site, kind: str) -> None:
    person = await shared_site.visitor()
    answer = await person.post("", "m1", kind=kind)
    (stored,) = rows(shared_site.service.store.engine, t.message, id=answer.json()["id"])
    assert answer.status_code == 202
    assert stored.kind == (kind if kind != "hologram" else "unknown")


async def test_messages_come_in_the_order_in_which_they_were_numbered(site: Site) -> None:
    person = await site.visitor()
    for number in range(10):
        await person.post(f"第{number}句", f"m{number}")
    await site.settle()
    shown = await person.messages()
    assert [message["seq"] for message in shown] == list(range(1, len(shown) + 1))
    assert [m["text"] for m in shown if m["author"] == "visitor"] == [f"第{number}句" for number in range(10)]


async def test_any_number_may_be_asked_after(site: Site) -> None:
    person = await site.visitor()
    for after in (-1, 0, 99999999999, 10**30):
        answer = await person.browser.get("/api/chat/messages", params={"after": after})
        assert answer.status_code == 200
        assert len(answer.json()["messages"]) == (1 if after <= 0 else 0)


async def test_the_page_hears_that_a_person_has_taken_over(small_site: Site) -> None:
    person, seat = await small_site.visitor(), small_site.seat("lin")
    await person.post(CRISIS, "m1")
    before = (await person.browser.get("/api/chat/messages")).json()["with_person"]
    await seat.act(small_site.case_of(person.conversation_id), "claim")
    after = (await person.browser.get("/api/chat/messages")).json()["with_person"]
    assert (before, after) == (False, True)


async def test_a_left_device_forgets_and_the_counsellor_is_told(small_site: Site) -> None:
    person = await small_site.visitor()
    answer = await person.browser.post("/api/chat/leave", headers={"Origin": ORIGIN})
    assert answer.status_code == 204
    assert (await person.browser.get("/api/chat/messages")).status_code == 401
    left = rows(small_site.service.store.engine, t.event, kind="visitor_left")
    assert [event.conversation_id for event in left] == [person.conversation_id]


async def test_leaving_without_a_session_is_no_fault(shared_site: Site) -> None:
    assert (await shared_site.browser().post("/api/chat/leave")).status_code == 204


async def test_a_drill_needs_the_proof_of_its_day(shared_site: Site, clock: Clock) -> None:
    good = shared_site.service.store.vault.sign("drill", clock().strftime("%Y-%m-%d"))
    late = shared_site.service.store.vault.sign("drill", "2020-01-01")
    for proof, is_drill in ((good, True), (late, False), ("", False), ("1", False)):
        answer = await shared_site.browser().post("/api/chat/sessions", headers={"X-Hotline-Drill": proof})
        assert answer.json()["drill"] is is_drill


async def test_the_case_of_a_drill_is_marked_as_one(small_site: Site, clock: Clock) -> None:
    proof = small_site.service.store.vault.sign("drill", clock().strftime("%Y-%m-%d"))
    person = await small_site.visitor(**{"X-Hotline-Drill": proof})
    await person.post(CRISIS, "m1")
    assert [row.is_drill for row in rows(small_site.service.store.engine, t.case_record)] == [True]


@pytest.mark.parametrize("path", ["sessions", "messages", "leave"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://hotline.test.evil.example"])
async def test_another_site_may_not_send_in_a_visitors_name(shared_site: Site, path: str, origin: str) -> None:
    person = await shared_site.visitor()
    answer = await person.browser.post(
        f"/api/chat/{path}", json={"client_message_id": "m1", "text": "x"}, headers={"Origin": origin}
    )
    assert answer.status_code == 403
    assert [message["author"] for message in await person.messages()] == ["bot"]


async def test_the_page_and_its_files_are_served_and_nothing_else(shared_site: Site) -> None:
    browser = shared_site.browser()
    page = await browser.get("/")
    assert page.status_code == 200
    assert "12356" in page.text
    for name in ("wire.js", "icon.svg"):
        assert (await browser.get(f"/chat/{name}")).status_code == 200
    for name in ("chat.html", "webchat.py", "..%2fwebchat.py", "%2e%2e/webchat.py"):
        assert (await browser.get(f"/chat/{name}")).status_code == 404
