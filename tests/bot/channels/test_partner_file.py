"""The file of partner systems, the addresses that we call, and the files that we fetch."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import wiring
from bot.channels import ChannelRefused, ChannelUnavailable, MediaGone, TooLarge
from bot.channels.addresses import ForbiddenAddress, LookUp, Reach, addresses_of, is_forbidden
from bot.channels.partner import PartnerChannel
from bot.channels.partner_file import BadPartners, Partner, load_partners
from bot.messages import Outbound
from settings import BadSettings, load_settings

pytestmark = pytest.mark.anyio
SECRET = "0123456789abcdef0123456789abcdef"
GOOD = {"name": '"cityapp"', "secret": f'"{SECRET}"', "callback_url": '"https://app.example/hotline"'}
LONGEST_FILE = 1000


def toml(**changes: str | None) -> str:
    """One good partner, but for these lines; None leaves one out."""
    lines = {**GOOD, **changes}
    return "[[partner]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items() if value is not None)


def load(folder: Path, text: str) -> tuple[Partner, ...]:
    file = folder / "partners.toml"
    file.write_text(text, encoding="utf-8")
    return load_partners(file)


# ---- the file


def test_a_partner_needs_a_name_a_secret_and_an_address(tmp_path: Path) -> None:
    (partner,) = load(tmp_path, toml())
    assert partner.channel == "http.cityapp"
    assert partner.secrets == (SECRET,)
    assert partner.rules.per_second == 20
    assert partner.rules.messages is None
    assert partner.media_hosts == frozenset()


def test_a_partner_with_an_allowance_keeps_half_of_it_for_people(tmp_path: Path) -> None:
    (partner,) = load(tmp_path, toml(window_h="48", messages="5", per_second="2.5"))
    rules = partner.rules
    assert (rules.window, rules.messages, rules.kept_for_people) == (timedelta(hours=48), 5, 2)
    assert rules.merges
    assert rules.per_second == 2.5


def test_the_secret_is_not_shown_where_a_partner_is_printed(tmp_path: Path) -> None:
    assert SECRET not in repr(load(tmp_path, toml()))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": None}, "name must be"), ({"name": '"City"'}, "name must be"), ({"name": '"a"'}, "name must be"),
        ({"name": '"a/b"'}, "name must be"), ({"name": "5"}, "name must be str"),
        ({"name": '"cityapp\\n"'}, "name must be"), ({"name": f'"{"x" * 17}"'}, "name must be"),
        ({"secret": None}, "needs either secret or secrets"), ({"secret": '"short"'}, "at least 32 characters"),
        ({"secrets": f'["{SECRET}"]'}, "needs either secret or secrets"),
        ({"secret": None, "secrets": "[]"}, "at most two"), ({"secret": None, "secrets": "[5]"}, "at least 32"),
        ({"secret": None, "secrets": f'["{SECRET}1", "{SECRET}2", "{SECRET}3"]'}, "at most two"),
        ({"secret": '"change-me-0123456789abcdefghijklmnop"'}, "published sample secret"),
        ({"callback_url": None}, "callback_url must be"), ({"callback_url": '"app.example"'}, "callback_url must be"),
        ({"callback_url": '"http://app.example/"'}, "allow_http = true"),
        ({"callback_url": '"ftp://app.example/"', "allow_http": "true"}, "callback_url must be https"),
        ({"callback_url": '"https://app.example:99999/"'}, "callback_url"),
        ({"callback_url": '"https://a:b@app.example/"'}, "without user name"),
        ({"callback_url": '"https://169.254.169.254/"'}, "address that we do not call"),
        ({"callback_url": '"https://100.100.100.200/"'}, "address that we do not call"),
        ({"callback_url": '"https://[::ffff:169.254.169.254]/"'}, "address that we do not call"),
        ({"callback_url": '"http://93.184.216.34/"', "allow_http": "true"}, "address that we do not call"),
        ({"allow_http": '"yes"'}, "allow_http must be bool"), ({"per_second": "0.5"}, "per_second must be"),
        ({"per_second": "nan"}, "per_second must be"), ({"per_second": "true"}, "per_second must be int or float"),
        ({"window_h": "48"}, "belong together"), ({"messages": "5"}, "belong together"),
        ({"window_h": "inf", "messages": "5"}, "window_h must be"), ({"window_h": "1", "messages": "0"}, "messages"),
        ({"media_hosts": '["https://files.example"]'}, "media_hosts must be"), ({"media_hosts": "[1]"}, "media_hosts"),
        ({"media_hosts": '["*.example"]'}, "media_hosts must be"), ({"colour": '"red"'}, "unknown key 'colour'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_words_and_without_secrets(
    tmp_path: Path, changes: dict[str, str | None], words: str
) -> None:
    with pytest.raises(BadPartners, match="partner 1: ") as raised:
        load(tmp_path, toml(**changes))
    assert words in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "text", ["", "partner = 5", "[partner]\n", "nonsense", "[[partners]]\n", "partner = [1]", "\0"]
)
def test_a_file_that_is_no_list_of_partners_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadPartners):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("other", "what"), [({"secret": f'"{"z" * 32}"'}, "name"), ({"name": '"schoolapp"'}, "secret")]
)
def test_two_partners_share_neither_name_nor_secret(tmp_path: Path, other: dict[str, str], what: str) -> None:
    with pytest.raises(BadPartners, match=f"two partners have the same {what}"):
        load(tmp_path, toml() + toml(**other))


def test_a_file_that_is_not_there_stops_the_start_and_names_the_setting(tmp_path: Path) -> None:
    settings = load_settings(
        {"HOTLINE_DATA_DIR": str(tmp_path), "HOTLINE_HTTP_CHANNELS_FILE": str(tmp_path / "none.toml")}
    )
    with pytest.raises(BadSettings, match=r"HOTLINE_HTTP_CHANNELS_FILE.*none\.toml: cannot be read"):
        wiring.platforms.open_channels(settings, None)  # type: ignore[arg-type]  # it is refused before that is used


# ---- addresses


@pytest.mark.parametrize(
    ("address", "everywhere", "inside"),
    [
        ("93.184.216.34", True, False), ("2606:2800:220:1::1", True, False), ("100.64.0.1", True, False),
        ("127.0.0.1", True, True), ("::1", True, True), ("10.1.2.3", True, True), ("192.168.0.9", True, True),
        ("172.16.0.1", True, True), ("fd12::1", True, True), ("::ffff:10.1.2.3", True, True),
        ("169.254.169.254", False, False), ("169.254.0.23", False, False), ("fe80::1", False, False),
        ("100.100.100.200", False, False), ("192.0.0.192", False, False), ("fd00:ec2::254", False, False),
        ("::ffff:169.254.169.254", False, False), ("::ffff:100.100.100.200", False, False),
        ("0.0.0.0", False, False), ("::", False, False), ("224.0.0.1", False, False), ("ff02::1", False, False),
    ],
)  # fmt: skip
def test_metadata_and_link_local_addresses_are_never_called_and_http_stays_inside(
    address: str, everywhere: bool, inside: bool
) -> None:
    assert is_forbidden(address, only_inside=False) is not everywhere
    assert is_forbidden(address, only_inside=True) is not inside


async def test_a_host_with_one_bad_address_among_good_ones_is_not_called() -> None:
    with pytest.raises(ForbiddenAddress):
        await Reach(lambda _host: ["93.184.216.34", "169.254.169.254"], only_inside=False).check("app.example")


async def test_a_host_is_looked_up_once_a_minute_only_while_it_is_good() -> None:
    asked: list[str] = []

    def look_up(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if host == "good" else ["169.254.0.1"]

    reach = Reach(look_up, only_inside=False)
    await reach.check("good")
    await reach.check("good")
    for _ in range(2):
        with pytest.raises(ForbiddenAddress):
            await reach.check("bad")
    assert asked == ["good", "bad", "bad"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "2130706433"])
def test_the_system_knows_this_machine_under_every_name(host: str) -> None:
    assert all(ip_address(address).is_loopback for address in addresses_of(host))


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 64 + ".example"])
def test_a_name_that_nobody_knows_is_an_error_of_the_network(host: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011  # its words are the system's
        addresses_of(host)


# ---- a channel and what it may call


def channel(folder: Path, http: httpx.AsyncClient, look_up: LookUp = addresses_of, **changes: str) -> PartnerChannel:
    (partner,) = load(folder, toml(**changes))
    return PartnerChannel(partner, http, lambda: datetime.now(UTC), LONGEST_FILE, look_up)


BUBBLE = Outbound("c", "http.cityapp", "在", "bot", address="u-1", delivery_id="d-1")


async def test_a_callback_that_points_to_a_metadata_service_is_refused_unheard(tmp_path: Path) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(ChannelRefused):
            await channel(tmp_path, http, lambda _host: ["100.100.100.200"]).send(BUBBLE)


async def test_plain_http_to_a_public_address_is_refused_unheard(tmp_path: Path) -> None:
    changes = {"callback_url": '"http://inside.example/"', "allow_http": "true"}
    async with httpx.AsyncClient() as http:
        with pytest.raises(ChannelRefused):
            await channel(tmp_path, http, lambda _host: ["93.184.216.34"], **changes).send(BUBBLE)


async def test_a_callback_whose_name_nobody_knows_or_whose_port_is_shut_is_tried_later(tmp_path: Path) -> None:
    async with httpx.AsyncClient() as http:
        for url in ('"https://no-such-host.invalid/"', '"https://127.0.0.1:9/"'):
            with pytest.raises(ChannelUnavailable):
                await channel(tmp_path, http, callback_url=url).send(BUBBLE)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of localhost in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


ANSWERS = {
    "/voice.amr": b"HTTP/1.1 200 OK\r\nContent-Type: audio/amr; rate=8000\r\nContent-Length: 5\r\n\r\n#!AMR",
    "/huge": b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n" + b"x" * (LONGEST_FILE + 1),
    "/gone": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "/moved": b"HTTP/1.1 302 Found\r\nLocation: /voice.amr\r\nContent-Length: 0\r\n\r\n",
    "/broken": b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    "/busy": b"HTTP/1.1 429 Busy\r\nContent-Length: 0\r\n\r\n",
    "/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
}


@contextlib.asynccontextmanager
async def media_server(certificate: Path) -> AsyncIterator[int]:
    """A partner's file server behind https; gives its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWERS[request.split()[1].decode()])
        await writer.drain()
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with await asyncio.start_server(answer, "localhost", 0, ssl=context) as running:
        yield running.sockets[0].getsockname()[1]


@contextlib.asynccontextmanager
async def fetching(folder: Path, certificate: Path) -> AsyncIterator[tuple[PartnerChannel, str]]:
    """A channel that trusts the certificate and may fetch from that server; and the server's address."""
    trust = ssl.create_default_context(cafile=certificate)
    async with media_server(certificate) as port, httpx.AsyncClient(verify=trust) as http:
        yield channel(folder, http, media_hosts=f'["localhost:{port}"]'), f"https://localhost:{port}"


async def test_a_file_comes_with_its_media_type(tmp_path: Path, certificate: Path) -> None:
    async with fetching(tmp_path, certificate) as (partner, address):
        assert await partner.fetch(f"{address}/voice.amr") == (b"#!AMR", "audio/amr")


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/huge", TooLarge), ("/gone", MediaGone), ("/moved", MediaGone),
        ("/broken", ChannelUnavailable), ("/busy", ChannelUnavailable), ("/cut", ChannelUnavailable),
    ],
)  # fmt: skip
async def test_a_file_that_is_too_large_gone_or_elsewhere_is_not_fetched(
    tmp_path: Path, certificate: Path, path: str, error: type[Exception]
) -> None:
    async with fetching(tmp_path, certificate) as (partner, address):
        with pytest.raises(error):
            await partner.fetch(address + path)


async def test_only_the_listed_hosts_are_asked(tmp_path: Path, certificate: Path) -> None:
    async with fetching(tmp_path, certificate) as (partner, address):
        port = address.rsplit(":", 1)[1]
        for reference in (
            f"https://127.0.0.1:{port}/voice.amr", "https://localhost/voice.amr", f"http://localhost:{port}/voice.amr",
            f"https://localhost.example:{port}/voice.amr", f"https://user@localhost:{port}/voice.amr",
            f"https://evil.example/localhost:{port}", f"https://evil.example#@localhost:{port}/voice.amr",
        ):  # fmt: skip
            with pytest.raises(MediaGone):
                await partner.fetch(reference)
        assert await partner.fetch(f"https://LOCALHOST:{port}/voice.amr")


async def test_a_file_host_that_points_to_a_metadata_service_is_not_asked(tmp_path: Path) -> None:
    async with httpx.AsyncClient() as http:
        partner = channel(tmp_path, http, lambda _host: ["169.254.169.254"], media_hosts='["files.example"]')
        with pytest.raises(MediaGone):
            await partner.fetch("https://files.example/1")
