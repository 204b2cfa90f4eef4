"""The envelope and the XML that WeChat and WeCom share, against another implementation and hostile bytes."""

from __future__ import annotations

import base64
import contextlib
import struct
import time

import pytest
import xmltodict
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException

from bot.channels.tencent import BadEnvelope, BrokenXml, Envelope, is_aes_key, legal, read_xml
from tests.bot.channels.wechat_platform import AES_KEY, APP_ID, TOKEN
from tests.bot.channels.wechat_rig import sign

ENVELOPE = Envelope(TOKEN, AES_KEY, APP_ID)
THEIRS = WeChatCrypto(TOKEN, AES_KEY, APP_ID)
patient = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=3000)


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
