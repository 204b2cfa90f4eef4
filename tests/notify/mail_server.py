"""A mail server as strict as a provider's: TLS from the first byte, sign-in before anything, one recipient at a time."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import email
import email.policy
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

USER, PASSWORD = "duty@hotline.test", "p@ss:word"


@dataclass
class MailServer:
    """`answers` maps a command (AUTH, MAIL, RCPT, DATA, END) to what it says instead of yes."""

    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    port: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._say(writer, "220 localhost ESMTP")
            await self._converse(reader, writer)
        writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient, is_known = "", False
        while line := (await reader.readline()).decode().strip():
            verb = line.split(" ")[0].upper()
            if verb == "QUIT":
                return await self._say(writer, "221 bye")
            if verb == "EHLO":
                await self._say(writer, "250-localhost\r\n250 AUTH PLAIN")
                continue
            if verb == "AUTH":
                is_known = base64.b64decode(line.split(" ")[2]).decode() == f"\0{USER}\0{PASSWORD}"
                await self._say(writer, self.answers.get("AUTH") or ("235 welcome" if is_known else "535 who are you"))
                continue
            if not is_known and verb != "RSET":
                await self._say(writer, "530 sign in first")
                continue
            if verb == "RCPT":
                recipient = line.partition(":")[2].strip("<> ")
            await self._say(writer, self.answers.get(verb) or ("354 go on" if verb == "DATA" else "250 ok"))
            if verb == "DATA" and "DATA" not in self.answers:
                raw = (await reader.readuntil(b"\r\n.\r\n"))[:-5]
                if "END" not in self.answers:
                    message = email.message_from_bytes(raw, policy=email.policy.default)
                    assert isinstance(message, EmailMessage)
                    self.taken.append((recipient, message))
                await self._say(writer, self.answers.get("END", "250 taken"))
        return None

    async def _say(self, writer: asyncio.StreamWriter, line: str) -> None:
        writer.write(f"{line}\r\n".encode())
        await writer.drain()


@contextlib.asynccontextmanager
async def mail_server(certificate: Path) -> AsyncIterator[MailServer]:
    """A running one."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    made = MailServer()
    async with await asyncio.start_server(made.talk, "localhost", 0, ssl=context, family=2) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made
