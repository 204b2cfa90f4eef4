"""Mail by SMTP over TLS from the first byte (RFC 8314). The standard library's client blocks: it runs in a thread."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from notify.carriers import Later, Letter, Refused

_PORT = 465
_TIMEOUT_S = 5.0  # of each step


@dataclass(frozen=True)
class Server:
    """Where mail is handed in."""

    host: str
    port: int
    user: str
    password: str


def read_server(url: str) -> Server:
    """Read smtps://user:password@host:port; raise ValueError when it is none."""
    parts = urlsplit(url)
    if (
        parts.scheme != "smtps"
        or not parts.hostname
        or parts.path.strip("/")
        or bool(parts.username) != bool(parts.password)
    ):
        raise ValueError("needs smtps://user:password@host:465; write @ and : of the password as %40 and %3A")
    return Server(parts.hostname, parts.port or _PORT, unquote(parts.username or ""), unquote(parts.password or ""))


@dataclass(frozen=True)
class MailCarrier:
    """One mail a notice; the Message-ID is the same at every try, so that mail programs show a repeat once."""

    server: Server
    sender: str
    now: Callable[[], datetime]
    context: ssl.SSLContext
    per_second: float | None = None

    async def send(self, address: str, letter: Letter) -> str:
        """Hand one mail in."""
        try:
            await asyncio.to_thread(self._hand_in, address, self._mail(address, letter))
        except smtplib.SMTPRecipientsRefused as error:
            raise _meaning([code for code, _ in error.recipients.values()]) from None
        except smtplib.SMTPAuthenticationError:  # the setting is wrong, or the provider is out of order: no address is
            raise Later from None
        except smtplib.SMTPResponseException as error:
            raise _meaning([error.smtp_code]) from None
        except (smtplib.SMTPException, OSError):
            raise Later from None
        return ""

    def _mail(self, address: str, letter: Letter) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, address, letter.title
        mail["Date"] = format_datetime(self.now())
        mail["Message-ID"] = f"<{letter.id}@{self.sender.rpartition('@')[2].rstrip('>')}>"
        mail["Auto-Submitted"] = "auto-generated"
        if letter.is_urgent:
            mail["Importance"], mail["X-Priority"] = "high", "1"
        mail.set_content(letter.text)
        return mail

    def _hand_in(self, address: str, mail: EmailMessage) -> None:
        server = self.server
        with smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_S, context=self.context) as smtp:
            if server.user:
                smtp.login(server.user, server.password)
            smtp.send_message(mail, to_addrs=[address])


def _meaning(codes: list[int]) -> Exception:
    """4xx asks us to come again, 5xx is final (RFC 5321)."""
    return Refused(Refused.__doc__) if codes and all(code >= 500 for code in codes) else Later()
