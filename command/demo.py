"""`hotline demo`: scripted visitors write to a running server through its public API, marked as a drill.

The proof that they are a drill is signed with the deployment's own key: run it where the server's settings are.
"""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.markup import escape

import wiring
from command.drill_institutions import place_institutions
from records.crypto import load_vault
from settings import Settings, load_settings

SCRIPTS = Path(__file__).parent / "drill_scripts.toml"
_LONGEST_S = 55.0
_LAST_WORDS_S = 4.0  # how long a visitor stays after the last message
_COLOURS = ("cyan", "green", "magenta", "blue", "yellow", "bright_cyan", "bright_magenta", "red")


class NoDrill(Exception):
    """The demo cannot be played here."""


@dataclass(frozen=True)
class Turn:
    """One message, some seconds after the one before."""

    after: float
    text: str


@dataclass(frozen=True)
class Script:
    """What one visitor writes, and what it is meant to show."""

    name: str
    shows: str
    turns: tuple[Turn, ...]


def demo(
    url: Annotated[str, typer.Option(help="where the server answers; empty = the settings' address")] = "",
    speed: Annotated[float, typer.Option(help="2 plays twice as fast", min=0.1, max=1000)] = 1.0,
) -> None:
    """Play eight visitors against a running server within a minute: answers, choices, a person called, three alarms."""
    settings, out = load_settings(), Console()
    address = url or settings.base_url
    try:
        asyncio.run(play(address.rstrip("/"), proof(settings), load_scripts(), speed, out))
        place_institutions(settings)
        out.print("三家虚构的机构（标有“演示”，不会提供给真实个案）在值班台的“机构”里。")
    except NoDrill as error:
        Console(stderr=True).print(f"[red]hotline demo: {error}[/red]", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error


def load_scripts(path: Path = SCRIPTS) -> tuple[Script, ...]:
    """Read the visitors."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["visitor"]
    return tuple(Script(row["name"], row["shows"], tuple(Turn(**turn) for turn in row["turns"])) for row in rows)


def proof(settings: Settings) -> str:
    """The header value that marks a conversation as a drill today."""
    if not settings.keys.exists():
        raise NoDrill(
            f"no key file at {settings.keys}; run the demo with the same HOTLINE_DATA_DIR or HOTLINE_KEY_FILE "
            "as the server, after its first start"
        )
    return load_vault(settings.keys).sign("drill", wiring.utc_now().strftime("%Y-%m-%d"))


async def play(url: str, drill: str, scripts: tuple[Script, ...], speed: float, out: Console) -> None:
    """All visitors side by side; raise NoDrill when the server is not there or not ours."""
    out.print(f"演练开始：{len(scripts)} 位来访者；值班台 {url}/console", highlight=False)
    async with httpx.AsyncClient(
        base_url=url, timeout=10, limits=httpx.Limits(max_connections=None), trust_env=False
    ) as client:
        visits = [
            _Visit(client, await _open(client, drill), script, speed, _COLOURS[number % len(_COLOURS)], out)
            for number, script in enumerate(scripts)
        ]
        try:
            async with asyncio.timeout(_LONGEST_S):
                await asyncio.gather(*(visit.play() for visit in visits))
        except TimeoutError:
            out.print("时间到了：服务器太慢，没有等完所有回复。")
        except httpx.TransportError as error:
            raise NoDrill(f"the server at {url} went away ({type(error).__name__})") from error
        except httpx.HTTPStatusError as error:
            raise NoDrill(f"{url} refused a message: {error.response.status_code}") from error
    out.print("演练结束。会话都标为“演练”，不计入统计；在值班台可以接手、回复、结案。")


async def _open(client: httpx.AsyncClient, drill: str) -> str:
    """A new visitor's token. Anything but a drill stops here, before a word is written."""
    try:
        answer = await client.post("/api/chat/sessions", headers={"X-Hotline-Drill": drill})
        opened = answer.raise_for_status().json()
    except httpx.TransportError as error:
        raise NoDrill(f"no server answers at {client.base_url}; start it with `hotline serve`") from error
    except (httpx.HTTPStatusError, ValueError) as error:
        raise NoDrill(f"{client.base_url} is not a hotline server") from error
    client.cookies.clear()  # each visitor shows a token of its own
    if not opened.get("drill"):
        raise NoDrill(
            "the server does not know our proof of a drill; run the demo with the settings of that server "
            "(HOTLINE_DATA_DIR, HOTLINE_KEY_FILE)"
        )
    return str(opened["token"])


@dataclass(frozen=True)
class _Visit:
    """One visitor at the page: writes by the script, shows what comes back."""

    client: httpx.AsyncClient
    token: str
    script: Script
    speed: float
    colour: str
    out: Console

    async def play(self) -> None:
        """Listen from before the first word until a while after the last."""
        listening = asyncio.Event()
        reading = asyncio.create_task(self._show_replies(listening))
        try:
            await listening.wait()
            for number, turn in enumerate(self.script.turns, 1):
                await asyncio.sleep(turn.after / self.speed)
                self._print(f"{self.script.name}（{self.script.shows}）", turn.text)
                message = {"client_message_id": f"drill-{number}", "text": turn.text}
                answer = await self.client.post("/api/chat/messages", json=message, headers=self._headers)
                answer.raise_for_status()
            await asyncio.sleep(_LAST_WORDS_S)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _show_replies(self, listening: asyncio.Event) -> None:
        timeout = httpx.Timeout(10, read=None)
        try:
            async with self.client.stream("GET", "/api/chat/events", headers=self._headers, timeout=timeout) as stream:
                stream.raise_for_status()
                async for line in stream.aiter_lines():
                    listening.set()
                    if line.startswith("data:"):
                        self._show(json.loads(line[5:]))
        finally:
            listening.set()  # a stream that fails must not keep the visitor waiting

    def _show(self, message: Mapping[str, Any]) -> None:  # Any: JSON
        if message["author"] == "visitor":
            return
        who = "机器人" if message["author"] == "bot" else "值班老师"
        labels = "  ".join(f"[{choice['label']}]" for choice in message["choices"])
        self._print(f"  {who} → {self.script.name}", f"{message['text']}\n    {labels}" if labels else message["text"])

    def _print(self, who: str, text: str) -> None:
        self.out.print(f"[{self.colour}]{escape(who)}[/{self.colour}]  {escape(text)}", highlight=False)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}
