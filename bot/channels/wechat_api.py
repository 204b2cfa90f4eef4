"""WeChat Official Account (公众号), the sending side: the reply inside a call, messages by the API, files, the menu.

The platform waits 5 seconds for the answer to each call; a text in that answer reaches the person and counts against
nothing. So whoever calls leaves a slot open, and the first words for that person go out in it. Everything else goes by
the API, of which the platform allows five messages after each of the person's, and none to accounts without its seal.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx

from bot.channels import ChannelRefused, ChannelUnavailable, MediaGone, OutOfReach, SendRules
from bot.channels.tencent import Api, legal, refusals
from bot.dialogue import TOPIC_BUTTONS
from bot.messages import Outbound

NAME = "wechat"
REFUSALS = refusals(
    {
        -1: "unavailable",
        40003: "blocked",  # no such person for this account
        43004: "left",
        45009: "busy:60",  # the day's calls are used up
        45011: "busy:5",  # too many calls in this minute
        45015: "closed",
        45047: "used_up",
        48001: "closed",  # the account has no permission for the API
        50001: "unavailable",
        50002: "unavailable",
        50005: "left",
    }
)
_OPENS_LINK = re.compile(r"<(?=[\s/]*a)", re.IGNORECASE)  # the one tag that WeChat obeys
_NOT_LABEL = re.compile(r"[<>\s]+")
_ASCII = re.compile(r"[\x00-\x7f]")


async def fetch_token(app_id: str, secret: str, http: httpx.AsyncClient, base_url: str) -> Any:  # Any: JSON
    """Ask for the stable token: until shortly before its end everybody who asks gets the same."""
    body = {"grant_type": "client_credential", "appid": app_id, "secret": secret}
    answer = await http.post(f"{base_url}/cgi-bin/stable_token", json=body)
    return answer.json()


class Slot:
    """A call of the platform's that still waits. Words given to it have gone out when `went_out` says so."""

    def __init__(self, until: float):
        self.words = ""
        self._until = until  # by the event loop's clock
        self._stirred = asyncio.Event()
        self._ended = asyncio.Event()
        self._is_out = False

    def give(self, words: str) -> bool:
        """Put words into the answer; False when they come too late or others were first."""
        if self.words or self._ended.is_set() or asyncio.get_running_loop().time() >= self._until:
            return False
        self.words = words
        self._stirred.set()
        return True

    async def wait(self) -> str:
        """The words for the answer; empty when none came in time or the caller hung up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._until):
                await self._stirred.wait()
        return "" if self._ended.is_set() else self.words

    def end(self, *, is_out: bool) -> None:
        """The answer was written, or never will be. The first word counts."""
        if not self._ended.is_set():
            self._is_out = is_out
            self._ended.set()
            self._stirred.set()

    async def went_out(self) -> bool:
        """Whether the answer with these words was written."""
        await self._ended.wait()
        return self._is_out


class Slots:
    """The calls that wait in this process, by person, oldest first."""

    def __init__(self) -> None:
        self._open: dict[str, list[Slot]] = {}

    @contextlib.contextmanager
    def opened(self, address: str, until: float) -> Iterator[Slot]:
        """A slot for this person; words that it took are given back when the call fails."""
        slot = Slot(until)
        self._open.setdefault(address, []).append(slot)
        try:
            yield slot
        except BaseException:
            slot.end(is_out=False)
            raise
        finally:
            self._open[address].remove(slot)
            if not self._open[address]:
                del self._open[address]

    def give(self, address: str, words: str) -> Slot | None:
        """The slot that took these words, if one did."""
        return next((slot for slot in self._open.get(address, ()) if slot.give(words)), None)


@dataclass(frozen=True)
class Template:
    """A template message that the platform approved for this account, and the field that takes our line."""

    id: str
    field: str


class WeChatChannel:
    """Sends to the people of one account. `api` is None for an account that has none: then only slots exist."""

    name = NAME
    delivers_by_store = False
    rules = SendRules(longest_bytes=2000, window=timedelta(hours=48), messages=5, kept_for_people=3, merges=True)

    def __init__(self, api: Api | None, longest_file_bytes: int, template: Template | None = None):
        self.api = api
        self.template = template if api is not None else None
        self.rules = replace(self.rules, knocks=self.template is not None)
        self.slots = Slots()
        self._longest_file_bytes = longest_file_bytes

    async def send(self, outbound: Outbound) -> bool:
        """In the answer to a call that waits, which is free, or by the API, which counts."""
        if "knock" in outbound.extra:
            return await self._knock(outbound)
        content = compose(outbound.text, outbound.extra.get("choices", ()), self.rules.longest_bytes)
        slot = self.slots.give(outbound.address, content)
        if slot is not None and await slot.went_out():
            return False
        if self.api is not None:
            body = {"touser": outbound.address, "msgtype": "text", "text": {"content": content}}
            await self.api.post("/cgi-bin/message/custom/send", body)
            return True
        if slot is not None:  # the caller hung up and will call again
            raise ChannelUnavailable(ChannelUnavailable.__doc__)
        raise OutOfReach("closed")

    async def _knock(self, outbound: Outbound) -> bool:
        """A template message: it counts against nothing and reaches people after the 48 hours."""
        if self.api is None or self.template is None:
            raise OutOfReach("closed")
        data = {self.template.field: {"value": outbound.text}}
        body = {"touser": outbound.address, "template_id": self.template.id, "data": data}
        await self.api.post("/cgi-bin/message/template/send", body)
        return False

    async def fetch(self, reference: str) -> tuple[bytes, str]:
        """A voice, picture or video by its media id, good for three days."""
        if self.api is None:
            raise MediaGone(MediaGone.__doc__)
        found = await self.api.download("/cgi-bin/media/get", {"media_id": reference}, self._longest_file_bytes)
        address = _video_url(*found)
        return await self.api.download_from(address, self._longest_file_bytes) if address else found

    async def put_menu(self) -> None:
        """Give the account our menu, unless it has it already."""
        if self.api is None:
            return
        try:
            known = (await self.api.get("/cgi-bin/menu/get")).get("menu")
        except ChannelRefused:  # it has none
            known = None
        buttons = known.get("button") if isinstance(known, dict) else None
        if _bare(buttons) != menu():
            await self.api.post("/cgi-bin/menu/create", {"button": menu()})


def menu() -> list[dict[str, Any]]:  # JSON
    """The buttons below the conversation; pressing one is as good as writing its key."""
    topics = [choice for choice in TOPIC_BUTTONS["choices"] if choice["text"] != "转人工"]
    return [
        _button("转人工", "转人工"),
        _button("紧急求助", "紧急求助"),
        {"name": "心理知识", "sub_button": [_button(topic["label"], topic["text"]) for topic in topics]},
    ]


def _button(name: str, key: str) -> dict[str, str]:
    return {"type": "click", "name": name, "key": key}


def _bare(found: Any) -> Any:  # JSON
    """What the platform says of a menu, without the empty lists that it adds."""
    if isinstance(found, dict):
        return {name: _bare(value) for name, value in found.items() if value != []}
    return [_bare(item) for item in found] if isinstance(found, list) else found


def _video_url(body: bytes, media_type: str) -> str:
    """Where a video lies: for those the platform answers with an address instead of the bytes."""
    if media_type not in ("application/json", "text/plain"):
        return ""
    try:
        return str(json.loads(body)["video_url"])
    except (ValueError, TypeError, KeyError):
        return ""


def compose(text: str, choices: Sequence[Mapping[str, str]], longest_bytes: int) -> str:
    """A bubble with its choices as links, or as plain lines, or without them: whatever fits first."""
    words = _OPENS_LINK.sub("[", legal(text))
    links = [_link(choice) for choice in choices]
    for lines in (links, [_label(choice) for choice in choices]):
        whole = "\n".join((words, *lines))
        if len(whole.encode()) <= longest_bytes:
            return whole
    return words


def _link(choice: Mapping[str, str]) -> str:
    said = _ASCII.sub(lambda found: quote(found[0], safe=""), legal(choice["text"]))
    return f'<a href="weixin://bizmsgmenu?msgmenucontent={said}&msgmenuid=1">{_label(choice)}</a>'


def _label(choice: Mapping[str, str]) -> str:
    return _NOT_LABEL.sub(" ", legal(choice["label"]))
