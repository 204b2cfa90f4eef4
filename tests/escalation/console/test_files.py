"""Voices, pictures and files in the console: who may see them, under which headers, and what the case page says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import server
from bot.channels import ChannelUnavailable, MediaGone, TooLarge
from escalation.alarm import Danger
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site
from tests.building import (
    EMERGENCY,
    SMALL_TALK,
    Clock,
    FakeChannel,
    compiled_screener,
    connect,
    do,
    fetch_media,
    rows,
    send_file,
)
from tests.media_samples import HTML, SAMPLES, picture, voice

pytestmark = pytest.mark.anyio
CANARY = '"><img src=x onerror=alert(1)>\r\nSet-Cookie: a=b; filename="x.html"'
INLINE = {
    "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp", "mp3": "audio/mpeg",
    "m4a": "audio/mp4", "aac": "audio/aac", "opus": "audio/ogg", "wav": "audio/wav", "mp4": "video/mp4",
    "mov": "video/quicktime", "webm": "video/webm",
}  # fmt: skip
DOWNLOADED = {name: body for name, body in SAMPLES.items() if name not in INLINE and "mp3" not in name} | {
    "a page": HTML, "an SVG": b"<svg onload='alert(1)'/>", "text": "我想死".encode(),
}  # fmt: skip


@dataclass
class Ward:
    """A console beside a platform whose people send files; everybody here is in danger."""

    site: Site
    platform: FakeChannel
    people: int = 0

    async def person(self, kind: str, body: Any, text: str = EMERGENCY, **more: Any) -> tuple[str, str]:
        """Somebody new sends a file; (conversation, file) after it was fetched."""
        self.people += 1
        service, name = self.site.service, f"p{self.people}"
        chat, message_id = await send_file(service, self.platform, kind, body, person=name, text=text, **more)
        await fetch_media(service)
        (found,) = rows(service.store.engine, t.attachment, message_id=message_id)
        return chat, found.id

    async def shown(self, seat: Seat, conversation_id: str) -> dict[str, Any]:
        """The only message of the case as its page gets it."""
        case_id = self.site.case_of(conversation_id)
        state = (await seat.browser.get(f"/console/cases/{case_id}/state.json")).json()
        (found,) = [message for message in state["messages"] if message["author"] == "visitor"]
        return dict(found)

    def views(self, file_id: str) -> list[Any]:
        return rows(self.site.service.store.engine, t.audit, action="file_view", object_id=file_id)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """One application for all: every test brings its own people."""
    app = server.build_app(
        load_settings({"HOTLINE_DATA_DIR": str(tmp_path_factory.mktemp("files"))}),
        now=Clock(),
        screener=compiled_screener(),
    )
    service = app.state.service
    ward = Ward(Site(app, service), FakeChannel())
    connect(service, ward.platform)
    yield ward
    service.writer.close()
    service.store.engine.dispose()


@pytest.fixture
def ward(made: Ward) -> Ward:
    return made


async def test_whoever_may_read_the_case_sees_its_files_and_nobody_else(ward: Ward) -> None:
    _, file_id = await ward.person("image", picture(8, 8))
    for role in ("counsellor", "duty_lead", "supervisor"):
        answer = await ward.site.seat(role, role).browser.get(f"/console/files/{file_id}")
        assert (role, answer.status_code, answer.content) == (role, 200, picture(8, 8))
    assert (await ward.site.seat("root", "admin").browser.get(f"/console/files/{file_id}")).status_code == 404
    assert (await ward.site.browser().get(f"/console/files/{file_id}")).status_code == 401


async def test_a_file_outside_any_case_an_unknown_and_a_forbidden_one_look_the_same(ward: Ward) -> None:
    _, calm = await ward.person("image", picture(8, 8), SMALL_TALK)
    _, waiting = await ward.person("image", ChannelUnavailable())
    _, danger = await ward.person("image", picture(8, 8))
    lin, admin = ward.site.seat("lin"), ward.site.seat("root", "admin")
    answers = [await lin.browser.get(f"/console/files/{id}") for id in (calm, waiting, "0" * 32, "x")]
    answers.append(await admin.browser.get(f"/console/files/{danger}"))
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, '{"detail":"没有这个页面"}')}
    assert ward.views(calm) == ward.views(waiting) == []


async def test_the_file_of_a_closed_case_can_still_be_read(ward: Ward) -> None:
    chat, file_id = await ward.person("image", picture(8, 8))
    case_id, service = ward.site.case_of(chat), ward.site.service
    do(service.writer, lambda c: c.execute(t.case_record.update().where(t.case_record.c.id == case_id).values(state="closed")))  # fmt: skip
    assert (await ward.site.seat().browser.get(f"/console/files/{file_id}")).status_code == 200


async def test_every_look_at_a_file_is_in_the_audit_once_a_sign_in(ward: Ward) -> None:
    chat, file_id = await ward.person("voice", voice(0.5))
    seats = [ward.site.seat("lin"), ward.site.seat("wang")]
    for seat in seats:
        for part in ("bytes=0-1", "bytes=2-", ""):
            await seat.browser.get(f"/console/files/{file_id}", headers={"Range": part})
    assert [row.actor_id for row in ward.views(file_id)] == [seat.counsellor.id for seat in seats]
    assert all(ward.site.case_of(chat) in row.detail for row in ward.views(file_id))


@pytest.mark.parametrize("name", INLINE)
async def test_what_browsers_show_is_shown_under_its_true_type(ward: Ward, name: str) -> None:
    _, file_id = await ward.person("file", SAMPLES[name])
    answer = await ward.site.seat().browser.get(f"/console/files/{file_id}")
    assert answer.content == SAMPLES[name]
    assert answer.headers["content-type"] == INLINE[name]
    assert answer.headers["content-disposition"].startswith(f'inline; filename="file-{file_id[:8]}.')
    assert_guarded(answer.headers)


@pytest.mark.parametrize("name", DOWNLOADED)
async def test_everything_else_is_a_download_of_no_type(ward: Ward, name: str) -> None:
    _, file_id = await ward.person("file", DOWNLOADED[name])
    answer = await ward.site.seat().browser.get(f"/console/files/{file_id}")
    assert answer.content == DOWNLOADED[name]
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="file-{file_id[:8]}.')
    assert_guarded(answer.headers)


def assert_guarded(headers: Any) -> None:
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"


async def test_a_name_that_somebody_else_chose_reaches_no_header_and_no_page(ward: Ward) -> None:
    ward.platform.files[CANARY] = HTML
    chat, file_id = await ward.person("file", HTML, f"{EMERGENCY} {CANARY}", files=(CANARY,))
    seat = ward.site.seat()
    answer = await seat.browser.get(f"/console/files/{file_id}")
    assert answer.headers["content-disposition"] == f'attachment; filename="file-{file_id[:8]}.bin"'
    assert "set-cookie" not in answer.headers
    page = (await seat.browser.get(f"/console/cases/{ward.site.case_of(chat)}")).text
    assert "<img src=x" not in page
    assert (await ward.shown(seat, chat))["files"][0]["name"] == f"file-{file_id[:8]}.bin"


BYTES = bytes(range(100))


@pytest.mark.parametrize(
    ("wanted", "status", "part", "says"),
    [
        ("bytes=0-9", 206, BYTES[:10], "bytes 0-9/100"),
        ("bytes=90-", 206, BYTES[90:], "bytes 90-99/100"),
        ("bytes=-5", 206, BYTES[95:], "bytes 95-99/100"),
        ("bytes=-500", 206, BYTES, "bytes 0-99/100"),
        ("bytes=50-5000", 206, BYTES[50:], "bytes 50-99/100"),
        ("bytes=99-99", 206, BYTES[99:], "bytes 99-99/100"),
        ("bytes=100-", 416, b"", "bytes */100"),
        ("bytes=20-10", 416, b"", "bytes */100"),
        ("bytes=-0", 416, b"", "bytes */100"),
        ("bytes=-", 200, BYTES, None),
        ("bytes=0-1,5-6", 200, BYTES, None),
        ("lines=0-1", 200, BYTES, None),
        ("bytes=" + "9" * 400 + "-", 200, BYTES, None),
    ],
)
async def test_players_may_ask_for_parts(ward: Ward, wanted: str, status: int, part: bytes, says: str | None) -> None:
    _, file_id = await ward.person("voice", BYTES)
    answer = await ward.site.seat().browser.get(f"/console/files/{file_id}", headers={"Range": wanted})
    assert (answer.status_code, answer.content, answer.headers.get("content-range")) == (status, part, says)
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("kind", "body", "shown", "note", "state"),
    [
        ("image", picture(8, 8), "image", "", ""),
        ("voice", SAMPLES["wav"], "audio", "", ""),
        ("voice", SAMPLES["mp4"], "audio", "", ""),
        ("video", SAMPLES["mp4"], "video", "", ""),
        ("file", SAMPLES["pdf"], "download", "", ""),
        ("image", SAMPLES["heic"], "download", "浏览器显示不了这种图片，请下载后看", ""),
        ("voice", SAMPLES["amr"], "download", "浏览器放不了这种语音，请下载后听", ""),
        ("voice", SAMPLES["wechat silk"], "download", "浏览器放不了这种语音，请下载后听", ""),
        ("image", HTML, "download", "", ""),
        ("image", ChannelUnavailable(), "download", "", "还在下载"),
        ("voice", MediaGone(), "download", "", "平台已无法取回"),
        ("video", TooLarge(), "download", "", "文件太大"),
    ],
)
async def test_the_case_page_knows_how_to_show_each_file(
    ward: Ward, kind: str, body: Any, shown: str, note: str, state: str
) -> None:
    chat, _ = await ward.person(kind, body)
    (file,) = (await ward.shown(ward.site.seat(), chat))["files"]
    assert (file["kind"], file["shown"], file["note"], file["state_words"]) == (kind, shown, note, state)


async def test_what_a_machine_heard_comes_beside_the_message_with_its_reasons(ward: Ward) -> None:
    chat, _ = await ward.person("voice", voice(0.1), "")
    service = ward.site.service
    (message,) = rows(service.store.engine, t.message, conversation_id=chat, author="visitor")

    def hear(connection: Any) -> None:
        transcripts = service.store.transcripts
        transcripts.expect(connection, message.id, chat, service.now())
        (item,) = transcripts.take(connection, service.now(), service.now(), 1)
        transcripts.keep(connection, item, f"{EMERGENCY}{CANARY}", "whisper-1")
        screening = service.pipeline.screen(EMERGENCY)
        store = service.store.conversations
        store.add_assessment(connection, chat, message.id, screening, screening.level, service.now())
        conversation = store.get(connection, chat)
        assert conversation is not None
        service.alarm.raise_case(
            connection, conversation, Danger(screening.level, "risk", message.id, ()), service.now()
        )

    do(service.writer, hear)
    seat = ward.site.seat()
    shown = await ward.shown(seat, chat)
    assert (shown["text"], shown["heard"], shown["level_code"]) == ("", f"{EMERGENCY}{CANARY}", "emergency")
    assert shown["reasons"]
    case_id = ward.site.case_of(chat)
    page = (await seat.browser.get(f"/console/cases/{case_id}")).text
    assert "<img src=x" not in page
    again = (await seat.browser.get(f"/console/cases/{case_id}/state.json?after=100")).json()["messages"]
    assert [m["heard"] for m in again] == [shown["heard"]]  # it may have come after its message was drawn
