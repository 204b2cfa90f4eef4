"""Sealing: any text comes back, only in its own place, only with the right key; the file shows nothing."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wiring
from escalation.record.answers import Change
from records import tables as t
from records.crypto import SAMPLE_KEY, BadKeyFile, Vault, WrongKey, load_vault
from records.database import check_key
from records.store import Store
from settings import Settings
from tests.building import CRISIS, WAIT_S, counsellor, deliver, do, rows, say, small_vault, visitor
from tests.record_samples import fill_record
from triage.risk import Level
from wiring import Service

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates and NUL too
CANARY = "金丝雀住在红星路八号"


@given(ANY_TEXT)
def test_any_text_opens_as_it_was_sealed(text: str) -> None:
    vault = small_vault()
    assert vault.open(vault.seal(text, "message.body", "m1"), "message.body", "m1") == text


@pytest.mark.parametrize(("where", "row"), [("message.body", "m2"), ("note.body", "m1")])
def test_a_sealed_text_does_not_open_in_another_place(where: str, row: str) -> None:
    vault = small_vault()
    with pytest.raises(WrongKey):
        vault.open(vault.seal("text", "message.body", "m1"), where, row)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    vault = small_vault()
    sealed = bytearray(vault.seal("今天很难过", "message.body", "m1"))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(WrongKey):
        vault.open(bytes(sealed), "message.body", "m1")


@given(st.binary(max_size=60))
def test_what_was_never_sealed_is_refused_in_our_own_words(raw: bytes) -> None:
    with pytest.raises(WrongKey):
        small_vault().open(raw, "message.body", "m1")


def test_old_keys_still_open_after_a_new_one_seals() -> None:
    old = small_vault()
    new = Vault({**old.keys, 2: b"n" * 32}, 2, old.index_key)

    assert new.open(old.seal("before", "message.body", "m1"), "message.body", "m1") == "before"
    with pytest.raises(WrongKey):
        old.open(new.seal("after", "message.body", "m1"), "message.body", "m1")


def test_the_same_text_never_looks_the_same_twice() -> None:
    assert len({small_vault().seal("text", "message.body", "m1") for _ in range(100)}) == 100


def test_the_blind_index_finds_a_value_and_needs_the_key() -> None:
    here, elsewhere = small_vault(), Vault({1: b"k" * 32}, 1, b"x" * 32)
    assert here.blind_index(" 13800000000 ") == here.blind_index("13800000000")
    assert here.blind_index("13800000000") != here.blind_index("13800000001")
    assert here.blind_index("13800000000") != elsewhere.blind_index("13800000000")


def test_the_published_sample_key_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"current": 1, "keys": {"1": SAMPLE_KEY}, "index_key": SAMPLE_KEY}))
    assert load_vault(path).is_sample
    assert not load_vault(tmp_path / "own.json").is_sample


def test_a_key_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "keys.json"
    made = load_vault(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_vault(path) == made


def test_processes_that_start_together_share_one_new_key(tmp_path: Path) -> None:
    for turn in range(20):
        path, ready = tmp_path / f"{turn}.json", threading.Barrier(8)
        found: list[Vault] = []

        def start(path=path, ready=ready, found=found) -> None:
            ready.wait()
            found.append(load_vault(path))

        threads = [threading.Thread(target=start) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S)
        assert len(found) == 8
        assert all(vault == load_vault(path) for vault in found)
        assert not list(tmp_path.glob("*.new*"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "{}",
        '{"keys": {}, "current": 1, "index_key": ""}',
        '{"keys": {"1": "c2hvcnQ="}, "current": 1, "index_key": ""}',
        json.dumps({"keys": {"1": SAMPLE_KEY}, "current": 2, "index_key": SAMPLE_KEY}),
        json.dumps({"keys": {"300": SAMPLE_KEY}, "current": 300, "index_key": SAMPLE_KEY}),
        json.dumps({"keys": {"1": SAMPLE_KEY}, "current": 1, "index_key": ""}),
    ],
)
def test_a_damaged_key_file_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(BadKeyFile, match=r"keys\.json"):
        load_vault(path)
    assert path.read_text() == text


def test_a_database_refuses_a_wrong_key_and_still_opens_with_the_right_one(store: Store) -> None:
    with pytest.raises(WrongKey):
        check_key(store.engine, small_vault(), "local")
    check_key(store.engine, store.vault, "local")


def test_the_service_does_not_start_with_a_wrong_key(sqlite_settings: Settings, tmp_path: Path) -> None:
    wiring.open_store(sqlite_settings).engine.dispose()
    with pytest.raises(WrongKey):
        wiring.open_store(sqlite_settings.model_copy(update={"key_file": tmp_path / "other.json"}))


@pytest.mark.anyio
async def test_no_word_of_a_person_stands_readable_in_the_database(service: Service) -> None:
    chat = visitor(service.store, service.writer, f"openid-{CANARY}")
    await say(service, chat, f"{CRISIS}。{CANARY}")
    case_id = rows(service.store.engine, t.case_record)[0].id
    lin = counsellor(service.store, service.writer)
    now = service.now()
    do(service.writer, lambda c: service.desk.claim(c, case_id, lin, now))
    do(service.writer, lambda c: service.desk.reply(c, case_id, lin, f"我在，{CANARY}", "r1", now))
    do(service.writer, lambda c: service.desk.note(c, case_id, lin, f"备注{CANARY}", now))
    do(service.writer, lambda c: service.desk.set_level(c, case_id, lin, Level.LOW, f"理由{CANARY}", now))
    for part in service.desks.record.parts:
        words = Change(part.field, f"{part.words}{CANARY}", "", 0)
        do(service.writer, lambda c, words=words: service.desks.record.save(c, case_id, lin, words, now))
    do(service.writer, lambda c: service.desks.record.give_plan(c, case_id, lin, now))
    fill_record(service, case_id, lin, CANARY)
    await deliver(service)
    do(service.writer, lambda c: service.desk.close(c, case_id, lin, "calmed", f"小结：{CANARY}", now))

    for table in t.metadata.sorted_tables:
        for row in rows(service.store.engine, table):
            for value in row:
                shown = value if isinstance(value, bytes) else str(value).encode()
                assert CANARY.encode() not in shown
                assert json.dumps(CANARY).strip('"').encode() not in shown
    for file in service.settings.data_dir.glob("hotline.db*"):
        assert CANARY.encode() not in file.read_bytes()
