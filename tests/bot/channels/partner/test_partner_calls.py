"""What a channel of a partner may call, and the files that it fetches."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.channels import ChannelRefused, ChannelUnavailable, MediaGone, TooLarge
from bot.channels.addresses import LookUp, addresses_of
from bot.channels.partner import PartnerChannel
from bot.messages import Outbound
from tests.bot.channels.partner.lines import load, toml

pytestmark = pytest.mark.anyio
LONGEST_FILE = 1000
BUBBLE = Outbound("c", "http.cityapp", "在", "bot", address="u-1", delivery_id="d-1")
ANSWERS = {
    "/voice.amr": b"HTTP/1.1 200 OK\r\nContent-Type: audio/amr; rate=8000\r\nContent-Length: 5\r\n\r\n#!AMR",
    "/huge": b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n" + b"x" * (LONGEST_FILE + 1),
    "/gone": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "/moved": b"HTTP/1.1 302 Found\r\nLocation: /voice.amr\r\nContent-Length: 0\r\n\r\n",
    "/broken": b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    "/busy": b"HTTP/1.1 429 Busy\r\nContent-Length: 0\r\n\r\n",
    "/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
}


def channel(folder: Path, http: httpx.AsyncClient, look_up: LookUp = addresses_of, **changes: str) -> PartnerChannel:
    (partner,) = load(folder, toml(**changes))
    return PartnerChannel(partner, http, lambda: datetime.now(UTC), LONGEST_FILE, look_up)


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
