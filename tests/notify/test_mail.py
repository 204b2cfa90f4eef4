"""Mail, against a server over real TLS."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from notify.carriers import Later, Refused
from notify.mail import MailCarrier, Server, read_server
from tests.building import NOW
from tests.notify.certificate import trusting
from tests.notify.conftest import CALL, NEWS
from tests.notify.mail_server import PASSWORD, USER, MailServer, mail_server

pytestmark = pytest.mark.anyio
TO = "lead@county.test"


@pytest.fixture
async def server(certificate: Path) -> AsyncIterator[MailServer]:
    async with mail_server(certificate) as made:
        yield made


@pytest.fixture
def carrier(server: MailServer, certificate: Path) -> MailCarrier:
    return MailCarrier(Server("localhost", server.port, USER, PASSWORD), USER, lambda: NOW, trusting(certificate))


async def test_a_mail_arrives_with_its_words_and_says_that_a_machine_wrote_it(
    carrier: MailCarrier, server: MailServer
) -> None:
    await carrier.send(TO, CALL)
    ((recipient, mail),) = server.taken
    assert recipient == mail["To"] == TO
    assert (mail["From"], mail["Subject"]) == (USER, CALL.title)
    assert mail.get_content().strip() == CALL.text
    assert (mail["Auto-Submitted"], mail["Importance"]) == ("auto-generated", "high")


async def test_a_repeat_has_the_same_message_id(carrier: MailCarrier, server: MailServer) -> None:
    await carrier.send(TO, CALL)
    await carrier.send(TO, CALL)
    await carrier.send(TO, NEWS)
    first, again, other = (mail["Message-ID"] for _, mail in server.taken)
    assert first == again != other


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"RCPT": "550 no such user"}, Refused),
        ({"RCPT": "450 mailbox busy"}, Later),
        ({"MAIL": "451 try again"}, Later),
        ({"DATA": "554 not today"}, Refused),
        ({"END": "552 too much"}, Refused),
        ({"END": "421 shutting down"}, Later),
        ({"AUTH": "535 wrong password"}, Later),
        ({"AUTH": "454 come again"}, Later),
    ],
)
async def test_what_the_server_says_is_final_or_not(
    carrier: MailCarrier, server: MailServer, answers: dict[str, str], error: type[Exception]
) -> None:
    server.answers = answers
    with pytest.raises(error) as caught:
        await carrier.send(TO, CALL)
    assert type(caught.value) is error
    assert server.taken == []


async def test_a_server_that_is_away_is_tried_later(carrier: MailCarrier) -> None:
    with pytest.raises(Later):
        await replace(carrier, server=Server("localhost", 9, "", "")).send(TO, CALL)


async def test_a_server_that_shows_a_foreign_certificate_gets_nothing(carrier: MailCarrier, server: MailServer) -> None:
    with pytest.raises(Later):
        await replace(carrier, context=ssl.create_default_context()).send(TO, CALL)
    assert server.taken == []


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtps://a%40b.cn:p%3Ass@smtp.b.cn:994", Server("smtp.b.cn", 994, "a@b.cn", "p:ss")),
        ("smtps://relay.inside", Server("relay.inside", 465, "", "")),
    ],
)
def test_the_address_of_a_server_is_read(url: str, server: Server) -> None:
    assert read_server(url) == server


@pytest.mark.parametrize(
    "url", ["smtp://a:b@c", "smtps://", "smtps://a@c", "smtps://a:b@c/x", "smtps://a:b@c:x", "c:465"]
)
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="smtps|Port"):
        read_server(url)
