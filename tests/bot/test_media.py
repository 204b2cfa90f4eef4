"""Files of people: fetched beside everything else, known by their bytes, kept sealed, given up loudly."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.channels import ChannelBusy, ChannelRefused, ChannelUnavailable, MediaGone, TooLarge
from bot.media_types import UNKNOWN, media_type_of
from records import tables as t
from server import sweep_once
from tests.building import CRISIS, WAIT_S, Clock, FakeChannel, connect, fetch_media, keys_said, rows, send_file
from tests.media_samples import HTML, SAMPLES, boxed, picture, voice
from wiring import Service

pytestmark = pytest.mark.anyio
MEDIA_TYPES = {
    "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp", "heic": "image/heic",
    "mp3 with tags": "audio/mpeg", "mp3": "audio/mpeg", "mp3 of 24 kHz": "audio/mpeg", "m4a": "audio/mp4",
    "aac": "audio/aac", "amr": "audio/amr", "amr wide": "audio/amr", "opus": "audio/ogg", "wav": "audio/wav",
    "silk": "audio/silk", "wechat silk": "audio/silk", "mp4": "video/mp4", "mov": "video/quicktime",
    "webm": "video/webm", "pdf": "application/pdf",
}  # fmt: skip
ODD_BYTES = {
    "a page": HTML,
    "an SVG": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "a program": b"MZ\x90\x00" + bytes(60),
    "an archive": b"PK\x03\x04" + bytes(60),
    "one byte": b"\xff",
    "two set bytes": b"\xff\xff",
    "an MP3 frame without rates": b"\xff\xfb\xf0\x00" + bytes(20),
    "Matroska": b"\x1a\x45\xdf\xa3\x42\x82\x88matroska" + bytes(80),
    "an unknown container": boxed(b"zzzz"),
    "a cut container": b"\x00\x00\x00\x18ftyp",
    "RIFF alone": b"RIFF\x00\x00\x00\x00AVI " + bytes(20),
    "text": "我想死".encode(),
}


@pytest.fixture
def platform(service: Service) -> FakeChannel:
    made = FakeChannel()
    connect(service, made)
    return made


def the_file(service: Service, **where: Any) -> Any:
    (found,) = rows(service.store.engine, t.attachment, **where)
    return found


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_is_known_by_its_first_bytes(name: str) -> None:
    assert media_type_of(SAMPLES[name]) == MEDIA_TYPES[name]


@pytest.mark.parametrize("name", ODD_BYTES)
def test_what_is_not_in_the_table_is_kept_as_unknown(name: str) -> None:
    assert media_type_of(ODD_BYTES[name]) == UNKNOWN


async def test_a_file_is_fetched_known_and_kept_sealed(service: Service, platform: FakeChannel) -> None:
    await send_file(service, platform, "image", picture(16, 16))
    assert the_file(service).state == "waiting"

    await fetch_media(service)

    kept = the_file(service)
    assert (kept.state, kept.media_type, kept.size) == ("stored", "image/png", len(picture(16, 16)))
    assert b"PNG" not in kept.body_sealed
    assert b"p1-1" not in kept.reference_sealed
    with service.store.engine.connect() as connection:
        assert service.store.attachments.read(connection, kept.id) == picture(16, 16)


async def test_what_the_platform_calls_a_file_is_not_believed(service: Service, platform: FakeChannel) -> None:
    await send_file(service, platform, "image", HTML)
    await fetch_media(service)
    assert (the_file(service).state, the_file(service).media_type) == ("stored", UNKNOWN)


async def test_a_stored_file_is_not_fetched_again(service: Service, platform: FakeChannel, clock: Clock) -> None:
    await send_file(service, platform, "file", SAMPLES["pdf"])
    for _ in range(3):
        await fetch_media(service)
        clock.forward(hours=1)
    assert platform.fetched == ["p1-1"]


@pytest.mark.parametrize(("why", "state"), [(MediaGone(), "gone"), (TooLarge(), "too_large")])
async def test_what_cannot_be_had_is_said_so_and_the_message_stays(
    service: Service, platform: FakeChannel, why: Exception, state: str
) -> None:
    await send_file(service, platform, "video", why)
    await fetch_media(service)
    assert the_file(service).state == state
    assert len(rows(service.store.engine, t.message, author="visitor")) == 1


async def test_a_file_larger_than_we_keep_is_not_kept(service: Service, platform: FakeChannel) -> None:
    service.media.longest_bytes = 1000
    await send_file(service, platform, "image", bytes(1001))
    await send_file(service, platform, "image", bytes(1000), 2)
    await fetch_media(service)
    assert sorted(row.state for row in rows(service.store.engine, t.attachment)) == ["stored", "too_large"]
    assert the_file(service, state="too_large").body_sealed is None


@pytest.mark.parametrize("why", [ChannelUnavailable(), ChannelRefused(), TimeoutError(), RuntimeError("a bug"), b""])
async def test_a_platform_that_fails_is_asked_again_less_and_less_often(
    service: Service, platform: FakeChannel, clock: Clock, why: Any
) -> None:
    await send_file(service, platform, "image", why)
    gaps: list[float] = []
    for _ in range(12):
        before = len(platform.fetched)
        began = clock()
        while len(platform.fetched) == before:
            clock.forward(seconds=1)
            await service.media.run_due()
            await service.media.drain()
        gaps.append((clock() - began).total_seconds())
    assert gaps[-1] > 100 > 5 > gaps[1]
    assert the_file(service).state == "waiting"

    platform.files["p1-1"] = picture(8, 8)
    clock.forward(minutes=10)
    await fetch_media(service)
    assert the_file(service).state == "stored"


async def test_after_a_day_of_failing_the_file_is_given_up(
    service: Service, platform: FakeChannel, clock: Clock
) -> None:
    await send_file(service, platform, "image", ChannelUnavailable())
    await fetch_media(service)
    clock.forward(hours=23.9)
    await fetch_media(service)
    assert the_file(service).state == "waiting"
    clock.forward(hours=0.5)
    await fetch_media(service)
    assert the_file(service).state == "gone"


async def test_after_a_day_in_which_we_were_away_it_is_still_tried(
    service: Service, platform: FakeChannel, clock: Clock
) -> None:
    await send_file(service, platform, "image", picture(8, 8))
    clock.forward(hours=60)
    await fetch_media(service)
    assert the_file(service).state == "stored"


async def test_a_platform_that_asks_to_wait_is_left_alone_so_long(
    service: Service, platform: FakeChannel, clock: Clock
) -> None:
    await send_file(service, platform, "image", ChannelBusy(600))
    await fetch_media(service)
    clock.forward(seconds=599)
    await fetch_media(service)
    assert len(platform.fetched) == 1
    clock.forward(seconds=1)
    await fetch_media(service)
    assert len(platform.fetched) == 2


async def test_a_platform_that_was_switched_off_gives_its_files_when_it_is_back(
    service: Service, platform: FakeChannel, clock: Clock
) -> None:
    await send_file(service, platform, "image", picture(8, 8))
    service.media.channels = {}
    await fetch_media(service)
    connect(service, platform)
    clock.forward(minutes=10)
    await fetch_media(service)
    assert the_file(service).state == "stored"


async def test_a_slow_platform_holds_up_neither_the_sweeper_nor_another_platform(service: Service) -> None:
    slow, quick = FakeChannel("slow"), FakeChannel("quick")
    connect(service, slow)
    connect(service, quick)
    goes_on = asyncio.Event()

    async def wait(_reference: str) -> None:
        await goes_on.wait()

    slow.before_fetch = wait
    for number in range(12):
        await send_file(service, slow, "image", picture(8, 8), number)
    await send_file(service, quick, "image", picture(8, 8), person="p2")

    for _ in range(4):
        await asyncio.wait_for(sweep_once(service), WAIT_S)
    async with asyncio.timeout(WAIT_S):
        while the_file(service, channel="quick").state == "waiting":
            await asyncio.sleep(0)
    assert len(slow.fetched) == 3  # its own hands and no more

    goes_on.set()
    async with asyncio.timeout(WAIT_S):
        while rows(service.store.engine, t.attachment, state="waiting"):
            await sweep_once(service)
            await service.media.drain()
    assert len(slow.fetched) == 12


async def test_a_fetch_whose_worker_died_is_made_again_and_the_dead_one_changes_nothing(
    service: Service, platform: FakeChannel, clock: Clock
) -> None:
    goes_on = asyncio.Event()

    async def wait(_reference: str) -> None:
        if len(platform.fetched) == 1:
            await goes_on.wait()

    platform.before_fetch = wait
    await send_file(service, platform, "image", picture(8, 8))
    await service.media.run_due()
    await service.media.run_due()
    clock.forward(seconds=119)
    await service.media.run_due()
    assert the_file(service).attempts == 1
    clock.forward(seconds=1)
    await service.media.run_due()
    async with asyncio.timeout(WAIT_S):
        while the_file(service).state == "waiting":
            await asyncio.sleep(0)

    platform.files["p1-1"] = HTML
    goes_on.set()
    await service.media.drain()
    assert the_file(service).media_type == "image/png"


async def test_stopping_in_the_middle_of_a_fetch_loses_nothing(
    service: Service, platform: FakeChannel, clock: Clock
) -> None:
    async def for_ever(_reference: str) -> None:
        await asyncio.Event().wait()

    platform.before_fetch = for_ever
    await send_file(service, platform, "image", picture(8, 8))
    await service.media.run_due()
    await asyncio.wait_for(service.media.stop(), WAIT_S)
    platform.before_fetch = None
    clock.forward(seconds=121)
    await fetch_media(service)
    assert the_file(service).state == "stored"


@pytest.mark.parametrize(("body", "state"), [(picture(8, 8), "stored"), (MediaGone(), "gone")])
async def test_the_desk_hears_of_a_file_of_an_open_case_only(
    service: Service, platform: FakeChannel, body: Any, state: str
) -> None:
    await send_file(service, platform, "image", body, person="calm")
    await send_file(service, platform, "image", body, person="worried", text=CRISIS)
    await fetch_media(service)
    (event,) = rows(service.store.engine, t.event, topic="desk", kind="attachment")
    (case,) = rows(service.store.engine, t.case_record)
    assert event.case_id == case.id
    assert f'"state": "{state}"' in event.data


async def test_without_a_recogniser_a_voice_is_kept_for_people(service: Service, platform: FakeChannel) -> None:
    chat, _ = await send_file(service, platform, "voice", voice(0.1))
    await fetch_media(service)
    assert the_file(service).media_type == "audio/wav"
    assert rows(service.store.engine, t.transcript) == []
    assert keys_said(service, chat)[-1] == "safety.voice"
