"""What WeChat and WeCom share, against another implementation of the envelope and a platform over real sockets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import secrets
import struct
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import xmltodict
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from fastapi import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException

import wiring
from bot.channels import ChannelBusy, ChannelRefused, ChannelUnavailable, MediaGone, OutOfReach
from bot.channels.tencent import Api, BadEnvelope, BrokenXml, Envelope, is_aes_key, legal, read_xml, refusals
from bot.channels.wechat_api import REFUSALS, fetch_token
from records.writer import Writer
from settings import load_settings
from tests.bot.channels.rig import Trouble
from tests.bot.channels.wechat_platform import AES_KEY, APP_ID, SECRET, TOKEN, Platform, sign, standing
from tests.building import Clock

ENVELOPE = Envelope(TOKEN, AES_KEY, APP_ID)
THEIRS = WeChatCrypto(TOKEN, AES_KEY, APP_ID)
SEND, TOKENS = "/cgi-bin/message/custom/send", "/cgi-bin/stable_token"
patient = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=3000)


# --- the envelope ---


@patient
@given(texts)
def test_what_we_seal_the_other_implementation_reads(text: str) -> None:
    encrypted, nonce, timestamp = ENVELOPE.seal(text), "n0nce", "1796090000"
    signature = ENVELOPE.signature(timestamp, nonce, encrypted)
    assert signature == sign(TOKEN, timestamp, nonce, encrypted)
    assert THEIRS.decrypt_message({"Encrypt": encrypted}, signature, timestamp, nonce) == text


@patient
@given(texts)
def test_what_the_other_implementation_seals_we_read(text: str) -> None:
    sealed = xmltodict.parse(THEIRS.encrypt_message(text, "n0nce", "1796090000"))["xml"]
    ENVELOPE.check(sealed["MsgSignature"], sealed["TimeStamp"], sealed["Nonce"], sealed["Encrypt"])
    assert ENVELOPE.open(sealed["Encrypt"]) == text


@patient
@given(st.lists(st.text(max_size=20), min_size=1, max_size=4), st.text(max_size=50))
def test_only_the_right_signature_fits(parts: list[str], guess: str) -> None:
    good = ENVELOPE.signature(*parts)
    ENVELOPE.check(good, *parts)
    for wrong in (guess, good[:-1], good.upper() + "0", ""):
        with pytest.raises(BadEnvelope):
            ENVELOPE.check(wrong, *parts)
    with pytest.raises(BadEnvelope):
        Envelope("another token", AES_KEY, APP_ID).check(good, *parts)


def test_the_same_text_is_never_sealed_twice_alike() -> None:
    assert len({ENVELOPE.seal("我在") for _ in range(50)}) == 50


@pytest.mark.parametrize("receiver", ["wx0000000000000000", "", APP_ID + "x", APP_ID[:-1], "公众号"])
def test_what_is_meant_for_another_receiver_is_refused(receiver: str) -> None:
    sealed = Envelope(TOKEN, AES_KEY, receiver).seal("<xml/>")
    with pytest.raises(BadEnvelope):
        ENVELOPE.open(sealed)
    with pytest.raises(InvalidAppIdException):
        THEIRS.decrypt_message({"Encrypt": sealed}, sign(TOKEN, "1", "n", sealed), "1", "n")


def test_what_another_key_sealed_is_refused() -> None:
    with pytest.raises(BadEnvelope):
        ENVELOPE.open(Envelope(TOKEN, "b" * 43, APP_ID).seal("<xml/>"))


def encrypted(plain: bytes) -> str:
    """These very bytes under the key, padding and all."""
    key = base64.b64decode(AES_KEY + "=")
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()


def whole(content: bytes = b"<xml/>", size: int | None = None, receiver: str = APP_ID) -> bytes:
    """A plain envelope without its padding."""
    return b"r" * 16 + struct.pack("!I", len(content) if size is None else size) + content + receiver.encode()


def padded(plain: bytes) -> bytes:
    pad = 32 - len(plain) % 32
    return plain + bytes([pad]) * pad


@pytest.mark.parametrize("pad", [b"\x00" * 32, b"\x21" * 32, b"\xff" * 32, b"\x02\x01\x02\x02"])
def test_a_wrong_padding_is_refused(pad: bytes) -> None:
    body = whole(b"x" * (64 - 20 - len(APP_ID)))
    assert ENVELOPE.open(encrypted(padded(body)))  # the same with the right padding
    with pytest.raises(BadEnvelope):
        ENVELOPE.open(encrypted((body + pad)[: (len(body + pad)) // 16 * 16]))


@pytest.mark.parametrize("size", [0, 5, 7, 10_000, 2**32 - 1])
def test_a_wrong_length_is_refused(size: int) -> None:
    with pytest.raises(BadEnvelope):
        ENVELOPE.open(encrypted(padded(whole(size=size))))


@patient
@given(st.data())
def test_whatever_is_cut_or_changed_is_refused(data: st.DataObject) -> None:
    raw = base64.b64decode(ENVELOPE.seal("今晚就跳楼"))
    cut = raw[: data.draw(st.integers(0, len(raw) - 1))]
    place, bit = data.draw(st.integers(len(raw) - 32, len(raw) - 1)), data.draw(st.integers(0, 7))
    changed = bytes([*raw[:place], raw[place] ^ (1 << bit), *raw[place + 1 :]])  # its receiver or its padding
    for wrong in (cut, changed):
        with pytest.raises(BadEnvelope):
            ENVELOPE.open(base64.b64encode(wrong).decode())


@patient
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: base64.b64encode(raw).decode()))
def test_whatever_comes_it_is_opened_or_refused(text: str) -> None:
    with pytest.raises(BadEnvelope):
        ENVELOPE.open(text)


def test_a_broken_character_does_not_lose_the_message() -> None:
    assert ENVELOPE.open(encrypted(padded(whole(b"\xe6\x88\x91\xff")))) == "我\ufffd"


@pytest.mark.parametrize(
    ("key", "is_good"), [(AES_KEY, True), ("", False), ("a" * 42, False), ("a" * 44, False), ("a" * 42 + "=", False), ("密" * 43, False)]
)  # fmt: skip
def test_a_key_that_is_none_is_seen_at_start(key: str, is_good: bool) -> None:
    assert is_aes_key(key) is is_good


# --- XML ---


HOSTILE = {
    "a bomb": b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10 if n else b"&a;" * 10) for n in range(12))
    + b"]><xml><Content>&a11;</Content></xml>",
    "a quadratic bomb": b'<!DOCTYPE l [<!ENTITY a "' + b"a" * 50_000 + b'">]><xml>' + b"&a;" * 50_000 + b"</xml>",
    "a file": b'<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><Content>&a;</Content></xml>',
    "a foreign DTD": b'<!DOCTYPE xml SYSTEM "http://127.0.0.1:9/x.dtd"><xml><Content>1</Content></xml>',
    "a parameter entity": b'<!DOCTYPE l [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x">%a;]><xml><Content>1</Content></xml>',
    "a DTD behind a comment": b'<!-- --><!DOCTYPE l [<!ENTITY a "b">]><xml><Content>&a;</Content></xml>',
    "a DTD behind an instruction": b'<?xml version="1.0"?><?x y?><!DOCTYPE l [<!ENTITY a "b">]><xml>&a;</xml>',
    "other letters": '<!DOCTYPE l [<!ENTITY a "b">]><xml>&a;</xml>'.encode("utf-16"),
    "an unknown entity": b"<xml><Content>&nbsp;</Content></xml>",
    "very deep": b"<xml>" + b"<a>" * 140_000 + b"</a>" * 140_000 + b"</xml>",
    "very deep and open": b"<xml>" + b"<a>" * 300_000,
    "very many": b"<xml>" + b"<a/>" * 250_000 + b"</xml>",
    "very many attributes": b"<xml " + b" ".join(b'a%d=""' % n for n in range(90_000)) + b">",
    "sections that never end": b"<xml>" + b"<![CDATA[" * 110_000,
    "spaces": b" " * 1_000_000,
    "no head that ends": b"<?xml " + b" " * 1_000_000,
    "no characters": b"\x00" * 1_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_xml_is_refused_in_no_time(name: str) -> None:
    before = time.process_time()
    with pytest.raises(BrokenXml):
        read_xml(HOSTILE[name])
    assert time.process_time() - before < 0.5


@patient
@given(st.binary(max_size=300) | st.text(alphabet="<>&;/![]CDATA?xml \x00", max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for whole in (raw, b"<xml><Content>" + raw + b"</Content></xml>"):
        with contextlib.suppress(BrokenXml):
            assert isinstance(read_xml(whole), dict)


@patient
@given(st.text(max_size=200))
def test_words_between_marks_are_read_as_they_are(text: str) -> None:
    words = text.replace("]]>", "").replace("\r", "\n")
    raw = f"<xml><Content><![CDATA[{words}]]></Content></xml>".encode("utf-8", "surrogatepass")
    found = read_xml(raw)["Content"] or ""
    assert found == legal(raw.decode("utf-8", "replace"))[len("<xml><Content><![CDATA[") : -len("]]></Content></xml>")].strip()  # fmt: skip


def test_markup_that_a_person_writes_is_only_words() -> None:
    words = '<!DOCTYPE html [<!ENTITY a "b">]>' + "<a>" * 2000
    assert read_xml(f"<xml><Content><![CDATA[{words}]]></Content></xml>".encode())["Content"] == words


def test_a_declaration_and_a_byte_order_mark_change_nothing() -> None:
    raw = '\ufeff<?xml version="1.0" encoding="gbk"?>\n<xml a="1"><Content>失眠</Content></xml>'.encode()
    assert read_xml(raw) == {"Content": "失眠"}


# --- calls with a token that all processes share ---


@contextlib.asynccontextmanager
async def process(
    folder: Path, platform: Platform, token_source: Callable[..., Any] | None = None
) -> AsyncIterator[Api]:
    """One process: its own connections to the one database, its own calls."""
    store = wiring.open_store(load_settings({"HOTLINE_DATA_DIR": str(folder)}))
    writer = Writer(store.engine)
    async with httpx.AsyncClient(timeout=5) as http:
        source = token_source or partial(fetch_token, APP_ID, SECRET)
        yield Api("wechat", http, platform.address, source, REFUSALS, store.channel_state, writer, platform.now)
    writer.close()
    store.engine.dispose()


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    async with standing(Clock()) as made:
        yield made


@pytest.fixture
async def api(tmp_path: Path, platform: Platform) -> AsyncIterator[Api]:
    async with process(tmp_path, platform) as made:
        yield made


async def menu_of(api: Api) -> None:
    """A call that works whenever the token does: the account has no menu."""
    with pytest.raises(ChannelRefused):
        await api.get("/cgi-bin/menu/get")


@pytest.mark.anyio
async def test_two_processes_that_start_at_once_ask_for_one_token(tmp_path: Path, platform: Platform) -> None:
    async with process(tmp_path, platform) as one, process(tmp_path, platform) as two:
        await asyncio.gather(*(menu_of(api) for _ in range(8) for api in (one, two)))
        assert platform.calls[TOKENS] <= 2  # one wave: at most once each
        assert len(platform.tokens) == 1
        assert await one.token() == await two.token()


@pytest.mark.anyio
async def test_a_token_that_expires_in_two_processes_at_once_is_renewed_in_one_wave(
    tmp_path: Path, platform: Platform
) -> None:
    async with process(tmp_path, platform) as one, process(tmp_path, platform) as two:
        await asyncio.gather(menu_of(one), menu_of(two))
        for wave in range(3):
            before = platform.calls.copy()
            platform.tokens.clear()
            await asyncio.gather(*(menu_of(api) for _ in range(8) for api in (one, two)))
            assert platform.calls[TOKENS] - before[TOKENS] <= 2, wave
            assert platform.calls["/cgi-bin/menu/get"] - before["/cgi-bin/menu/get"] <= 2 * 16


@pytest.mark.anyio
async def test_processes_whose_fetches_end_each_others_tokens_come_to_rest(tmp_path: Path, platform: Platform) -> None:
    """Not so with the stable token; but a platform that gives every asker a new one must not make us ask for ever."""

    async def jealous(_http: httpx.AsyncClient, _base_url: str) -> Any:
        platform.calls[TOKENS] += 1
        token = secrets.token_hex(8)
        platform.tokens = {token: platform.now().replace(year=2030)}
        return {"access_token": token, "expires_in": 7200}

    async with process(tmp_path, platform, jealous) as one, process(tmp_path, platform, jealous) as two:
        for _ in range(6):
            await asyncio.gather(*(_try(api) for _ in range(8) for api in (one, two)))
        before = platform.calls[TOKENS]
        assert before <= 12
        await asyncio.gather(*(menu_of(api) for api in (one, two)))
        assert platform.calls[TOKENS] <= before + 1


async def _try(api: Api) -> None:
    with contextlib.suppress(ChannelRefused, ChannelUnavailable):
        await api.get("/cgi-bin/menu/get")


@pytest.mark.anyio
async def test_a_restart_needs_no_new_token_and_no_token_lies_open_in_the_database(
    tmp_path: Path, platform: Platform
) -> None:
    async with process(tmp_path, platform) as first:
        token = await first.token()
    async with process(tmp_path, platform) as second:
        assert await second.token() == token
    assert platform.calls[TOKENS] == 1
    assert not any(token.encode() in path.read_bytes() for path in tmp_path.iterdir() if path.is_file())


@pytest.mark.anyio
async def test_a_platform_that_refuses_every_token_is_asked_twice_and_then_left_alone(
    api: Api, platform: Platform
) -> None:
    async def forgotten(_http: httpx.AsyncClient, _base_url: str) -> Any:
        platform.calls[TOKENS] += 1
        return {"access_token": "never-heard-of", "expires_in": 7200}

    api.fetch_token = forgotten
    with pytest.raises(ChannelUnavailable):  # not given up: another token may be good in a minute
        await api.post(SEND, {})
    assert platform.calls == {TOKENS: 2, SEND: 2}


@pytest.mark.anyio
@pytest.mark.parametrize(
    "answer",
    [
        Response("<html>", 200),
        Response("<html>", 502),
        Response("[]", 200),
        Response("{}", 200),
        Response('{"access_token": "", "expires_in": 7200}'),
        Response('{"access_token": 7}'),
        Response('{"errcode": 40164, "errmsg": "invalid ip"}'),
        Response(status_code=429),
    ],
)
async def test_without_a_token_the_channel_is_away_and_comes_back(api: Api, platform: Platform, answer: Any) -> None:
    platform.raw.append(answer)
    with pytest.raises(ChannelUnavailable):
        await api.token()
    assert await api.token()


@pytest.mark.anyio
async def test_why_no_token_is_given_is_told_to_whoever_runs_the_service(
    api: Api, platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.raw.append(Response('{"errcode": 40164, "errmsg": "invalid ip"}'))
    with pytest.raises(ChannelUnavailable):
        await api.token()
    logged = capsys.readouterr().out
    assert "40164" in logged
    assert SECRET not in logged


@pytest.mark.anyio
@pytest.mark.parametrize("lasts", ["7200", None, 0, -5, 299, True])
async def test_a_token_without_a_sensible_end_is_kept_for_a_while(api: Api, platform: Platform, lasts: object) -> None:
    platform.raw.append(Response(json.dumps({"access_token": "t1", "expires_in": lasts})))
    assert [await api.token(), await api.token()] == ["t1", "t1"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response("<html>", 200), ChannelUnavailable),
        (Response("<html>", 500), ChannelUnavailable),
        (Response("[1]", 200), ChannelUnavailable),
        (Response("[" * 100_000, 200), ChannelUnavailable),
        (Response('{"errcode": "45015"}'), ChannelUnavailable),
        (Response('{"errcode": -1}'), ChannelUnavailable),
        (Response('{"errcode": 45009}'), ChannelBusy),
        (Response('{"errcode": 45011}'), ChannelBusy),
        (Response(status_code=429), ChannelBusy),
        (Response('{"errcode": 43004}'), OutOfReach),
        (Response('{"errcode": 45015}'), OutOfReach),
        (Response('{"errcode": 45047}'), OutOfReach),
        (Response('{"errcode": 99999}'), ChannelRefused),
    ],
)
async def test_every_answer_has_one_meaning(api: Api, platform: Platform, answer: Any, error: type[Exception]) -> None:
    await api.token()
    platform.raw.append(answer)
    with pytest.raises(error) as caught:
        await api.post(SEND, {"touser": "o1"})
    assert type(caught.value) is error


@pytest.mark.anyio
async def test_an_answer_without_a_code_or_with_zero_is_good(api: Api, platform: Platform) -> None:
    await api.token()
    for body in ('{"errcode": 0, "errmsg": "ok"}', "{}", '{"errcode": null, "x": 1}'):
        platform.raw.append(Response(body))
        assert await api.post(SEND, {}) == json.loads(body)


@pytest.mark.anyio
async def test_a_platform_that_is_gone_is_unavailable_whatever_is_asked(api: Api, platform: Platform) -> None:
    await api.token()
    api.base_url = "http://127.0.0.1:9"
    with pytest.raises(ChannelUnavailable):
        await api.post(SEND, {})
    with pytest.raises(ChannelUnavailable):
        await api.download("/cgi-bin/media/get", {"media_id": "m"}, 1000)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response('{"errcode": 40007}', media_type="application/json"), MediaGone),
        (Response('{"errcode": 40007}', media_type="text/plain"), MediaGone),
        (Response('{"errcode": 45011}', media_type="application/json"), ChannelBusy),
        (Response('{"errcode": -1}', media_type="application/json"), ChannelUnavailable),
        (Response("gone", 404), MediaGone),
        (Response("moved", 302, {"Location": "http://127.0.0.1:9/"}), MediaGone),
        (Response("later", 503), ChannelUnavailable),
        (Response("later", 429), ChannelBusy),
    ],
)
async def test_a_file_that_cannot_be_had_is_gone_or_comes_later(
    api: Api, platform: Platform, answer: Any, error: type[Exception]
) -> None:
    await api.token()
    platform.raw.append(answer)
    with pytest.raises(error):
        await api.download("/cgi-bin/media/get", {"media_id": "m"}, 1000)


@pytest.mark.anyio
async def test_a_slow_platform_does_not_hold_us_for_ever(api: Api, platform: Platform) -> None:
    await api.token()
    platform.set_trouble(Trouble.SLOW)
    api.http.timeout = httpx.Timeout(0.2)
    with pytest.raises(ChannelUnavailable):
        await api.post(SEND, {})
    platform.set_trouble(Trouble.NONE)


def test_each_refusal_is_made_anew() -> None:
    table = refusals({1: "busy:7", 2: "unavailable", 3: "left"})
    first, again, away, left = table[1](), table[1](), table[2](), table[3]()
    assert isinstance(first, ChannelBusy)
    assert first.retry_after_s == 7
    assert first is not again
    assert type(away) is ChannelUnavailable
    assert isinstance(left, OutOfReach)
    assert left.reason == "left"
