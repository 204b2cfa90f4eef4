"""Calls of a partner that are refused: forged, too old, senseless, too large, or not to be stored now."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing

import pytest

import platforms
from bot.channels.webchat import WebChannel
from records.crypto import sign_body
from settings import load_settings
from tests.bot.channels.partner.people import stored
from tests.bot.channels.partner_platform import SECRET, WAIT_S, PartnerRig, signed
from tests.building import CRISIS, SMALL_TALK

pytestmark = pytest.mark.anyio


def forgeries(body: bytes) -> dict[str, dict[str, str]]:
    good = signed(SECRET, body)
    other = signed(SECRET, body + b" ")
    return {
        "no headers": {},
        "no signature": {"X-Hotline-Timestamp": good["X-Hotline-Timestamp"]},
        "no timestamp": {"X-Hotline-Signature": good["X-Hotline-Signature"]},
        "another secret": signed("y" * 40, body),
        "another body": other,
        "another time": {**good, "X-Hotline-Timestamp": str(int(good["X-Hotline-Timestamp"]) - 1)},
        "no version": {**good, "X-Hotline-Signature": good["X-Hotline-Signature"][3:]},
        "strange letters": {**good, "X-Hotline-Signature": "v1=é²"},
        "strange time": {"X-Hotline-Timestamp": "²", "X-Hotline-Signature": sign_body(SECRET, "²", body)},
        "endless time": {"X-Hotline-Timestamp": "9" * 500, "X-Hotline-Signature": sign_body(SECRET, "9" * 500, body)},
    }


async def test_forged_calls_and_unknown_partners_get_the_same_answer_and_leave_nothing(rig: PartnerRig) -> None:
    body = json.dumps({"id": "m-1", "person": "forged", "text": "假的"}).encode()
    answers = {
        name: await rig.http.post("/partners/cityapp/messages", content=body, headers=_latin(headers))
        for name, headers in forgeries(body).items()
    }
    answers["unknown partner"] = await rig.post_raw(body, partner="nobody")
    answers["another partner's path"] = await rig.post_raw(body, partner="CITYAPP")
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 401)
    assert len({answer.text for answer in answers.values()}) == 1
    assert stored(rig, "forged") == []


def _latin(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


@pytest.mark.parametrize(("seconds", "status"), [(-290, 202), (290, 202), (-310, 401), (310, 401)])
async def test_a_call_is_good_for_five_minutes_and_a_wrong_clock_is_told(
    rig: PartnerRig, seconds: int, status: int
) -> None:
    body = json.dumps({"id": f"m{seconds}", "person": "clock", "text": SMALL_TALK}).encode()
    answer = await rig.post_raw(body, at=time.time() + seconds)
    assert answer.status_code == status
    if status == 401:
        assert "our clock, which says 1" in answer.json()["detail"]


GOOD = {"id": "m-1", "person": "senseless", "text": "好"}
SENSELESS = {
    b"": "the body must be a JSON object",
    b"nonsense": "the body must be a JSON object",
    b"[]": "the body must be a JSON object",
    b"null": "the body must be a JSON object",
    b"[" * 100_000: "the body must be a JSON object",
    b"1" * 10_000: "the body must be a JSON object",
    b"{}": "id must be",
    b'{"messages": []}': "messages must be a list of 1 to 100",
    b'{"messages": {}}': "messages must be a list of 1 to 100",
    b'{"messages": [1]}': "messages[0] must be an object",
    json.dumps({"messages": [GOOD] * 101}).encode(): "messages must be a list of 1 to 100",
}
WRONG_FIELDS = [
    ("id", "", "id must be"), ("id", 5, "id must be"), ("id", "i" * 129, "id must be"), ("id", "a\nb", "id must be"),
    ("person", None, "person must be"), ("person", "\ud800", "person must be"), ("person", " a", "person must not"),
    ("person", ["a"], "person must be"), ("text", 1, "text must be"), ("kind", 5, "kind must be"),
    ("nickname", {}, "nickname must be"), ("scene", False, "scene must be"), ("event", "moved", "event must be"),
    ("event", [], "event must be"), ("sent_at", 1796090400, "sent_at must be"), ("is_edited", 1, "is_edited must be"),
    ("sent_at", "yesterday", "sent_at must be"), ("sent_at", "2026-12-01T10:00:00", "sent_at must be"),
    ("sent_at", "0001-01-01T00:00:00+14:00", "sent_at must be"), ("sent_at", "9999-12-31T23:59:59-08:00", "sent_at must be"), ("files", "https://a.example/1", "files must be"),
    ("files", ["https://a.example/1"] * 11, "files must be"), ("files", ["http://a.example/1"], "files[0] must be"),
    ("files", ["https://a.example/1", 2], "files[1] must be"), ("files", ["file:///etc/passwd"], "files[0] must be"),
    ("files", ["https://user:word@a.example/1"], "files[0] must be"), ("files", ["https://"], "files[0] must be"),
    ("files", ["https://a.example/" + "x" * 2048], "files[0] must be"), ("files", ["https://[::1"], "files[0] must be"),
]  # fmt: skip


async def test_a_body_that_makes_no_sense_is_refused_in_words_that_name_the_fault(rig: PartnerRig) -> None:
    cases = SENSELESS | {json.dumps({**GOOD, key: value}).encode(): words for key, value, words in WRONG_FIELDS}
    for body, words in cases.items():
        answer = await rig.post_raw(body)
        assert (answer.status_code, body[:80]) == (422, body[:80])
        assert answer.json()["detail"].startswith(words)
    assert stored(rig, "senseless") == []


async def test_a_body_beyond_one_mebibyte_is_refused_before_it_is_read(rig: PartnerRig) -> None:
    body = json.dumps({"id": "m-1", "person": "huge", "text": "a" * (1 << 20)}).encode()
    assert (await rig.post_raw(body)).status_code == 413
    assert stored(rig, "huge") == []


async def test_what_we_could_not_store_is_not_confirmed_and_comes_in_the_second_time(rig: PartnerRig) -> None:
    message = {"id": "m-1", "person": "broken-store", "text": CRISIS}
    database = rig.site.service.settings.data_dir / "hotline.db"
    with closing(sqlite3.connect(database, isolation_level=None, timeout=WAIT_S)) as other:
        other.execute("ALTER TABLE contact RENAME TO contact_away")
        try:
            refused = await rig.send(message)
        finally:
            other.execute("ALTER TABLE contact_away RENAME TO contact")
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert (await rig.send(message)).json()["repeat"] is False
    assert stored(rig, "broken-store") == [("text", CRISIS)]


async def test_without_partners_there_is_no_such_door(rig: PartnerRig) -> None:
    assert platforms.open_doors(load_settings({}), {"web": WebChannel()}, rig.site.service.intake) == ()
