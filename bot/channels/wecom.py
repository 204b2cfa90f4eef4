"""微信客服 (WeCom), the sending side: kf/send_msg, only while the session is ours or new.

Hand-over to people happens in our console, so a session that somebody took in WeCom's own app is theirs and we are
silent there. The platform's description: https://developer.work.weixin.qq.com/document/path/94677
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any

import httpx
import structlog

from bot.channels import ChannelRefused, ChannelUnavailable, OutOfReach, SendRules
from bot.channels.tencent import Api, refusals
from bot.channels.wecom_messages import NAME, menu_id
from bot.messages import Outbound

_LONGEST_TEXT, _LONGEST_HEAD, _LONGEST_ITEM, _MOST_ITEMS = 2048, 1024, 128, 10  # bytes, bytes, bytes, menu items

log = structlog.get_logger()
Json = Mapping[str, Any]  # Any: JSON of the platform


class Session(IntEnum):
    """Who the platform says is in charge of a conversation."""

    NEW = 0
    BOT = 1
    POOL = 2  # waits for people in WeCom's app
    SERVICER = 3  # somebody in WeCom's app has it
    ENDED = 4  # or never begun: the person opened the chat and wrote nothing


class AlreadySent(ChannelRefused):
    """The platform has a message with this id already."""


class NoteTooOld(ChannelUnavailable):
    """The platform no longer takes the token of this callback."""


REFUSALS: dict[int, Callable[[], Exception]] = {
    **refusals(
        {
            -1: "unavailable",
            6000: "unavailable",  # somebody changed the same thing at the same time
            45009: "busy:5",  # too many calls
            45033: "busy:5",  # too many calls at once
            95001: "used_up",  # five messages since the person last wrote
            95002: "closed",  # 48 hours since the person last wrote
            95013: "closed",  # the session has ended
        }
    ),
    95007: NoteTooOld,
    95033: AlreadySent,
}


def token_source(corp_id: str, secret: str) -> Callable[[httpx.AsyncClient, str], Awaitable[Json]]:
    """How to ask for an access token."""

    async def ask(http: httpx.AsyncClient, base_url: str) -> Json:
        query = {"corpid": corp_id, "corpsecret": secret}
        answer = await http.get(f"{base_url}/cgi-bin/gettoken", params=query)
        try:
            found = answer.json()
        except ValueError:
            raise ChannelUnavailable(ChannelUnavailable.__doc__) from None
        return found if isinstance(found, dict) else {}

    return ask


@dataclass
class WecomChannel:
    """An address is `<open_kfid>/<external_userid>`."""

    api: Api
    most_bytes: int  # of a file
    name = NAME
    delivers_by_store = False
    rules = SendRules(longest_bytes=2000, window=timedelta(hours=48), messages=5, kept_for_people=3, merges=True)

    async def send(self, outbound: Outbound) -> bool:
        """Send one bubble, in a session that lets us."""
        account, _, person = outbound.address.partition("/")
        whom = {"open_kfid": account, "external_userid": person}
        message = {"msgid": _message_id(outbound), **bubble(outbound.text, outbound.extra.get("choices", ()))}
        session = (await self.api.post("/cgi-bin/kf/service_state/get", whom)).get("service_state")
        if session == Session.ENDED:
            await self._welcome(outbound.address, message)
            return True
        if session == Session.SERVICER:
            log.warning("wecom.taken_by_servicer", account=account)
            raise ChannelRefused(ChannelRefused.__doc__)
        if session != Session.BOT:
            with contextlib.suppress(ChannelRefused):  # it changed meanwhile, or the pool keeps it: send_msg will tell
                await self.api.post("/cgi-bin/kf/service_state/trans", {**whom, "service_state": int(Session.BOT)})
        with contextlib.suppress(AlreadySent):
            await self.api.post("/cgi-bin/kf/send_msg", {"touser": person, "open_kfid": account, **message})
        return True

    async def fetch(self, reference: str) -> tuple[bytes, str]:
        """A file that somebody sent; the platform keeps it for three days."""
        return await self.api.download("/cgi-bin/media/get", {"media_id": reference}, self.most_bytes)

    async def _welcome(self, address: str, message: Json) -> None:
        """Where no session is open, a fresh welcome code lets one message through: the one that opening allows."""
        api, name = self.api, welcome_name(address)
        now = api.now()
        code = await api.writer.write(lambda connection: api.state.get(connection, name, now), rings=False)
        if code is None:
            raise OutOfReach("closed")
        try:
            await api.post("/cgi-bin/kf/send_msg_on_event", {"code": code, **message})
        except AlreadySent:
            pass
        except ChannelRefused:
            raise OutOfReach("closed") from None
        await api.writer.write(lambda connection: api.state.forget(connection, name, code), rings=False)


def welcome_name(address: str) -> str:
    """Under which name a welcome code is kept; the name is not sealed and must not tell who it is for."""
    return f"wecom.welcome.{_fingerprint(address)}"


def bubble(text: str, choices: Iterable[Mapping[str, str]]) -> dict[str, Any]:  # Any: JSON
    """A menu where the platform's limits allow it; else plain words, followed by what may be written."""
    pairs = [(choice["label"], choice["text"]) for choice in choices]
    items = [{"id": menu_id(label, said), "content": label} for label, said in pairs]
    fits = all(_size(value) <= _LONGEST_ITEM for item in items for value in item.values())
    if items and fits and len(items) <= _MOST_ITEMS and _size(text) <= _LONGEST_HEAD:
        menu = {"head_content": _clean(text), "list": [{"type": "click", "click": item} for item in items]}
        return {"msgtype": "msgmenu", "msgmenu": menu}
    listed = "\n".join((text, *(said for _, said in pairs)))
    return {"msgtype": "text", "text": {"content": _clean(listed if _size(listed) <= _LONGEST_TEXT else text)}}


def _message_id(outbound: Outbound) -> str:
    """The same for the same words at every try: the platform takes an id once.

    The words count too: what waited behind may join at the second try, and must not be dropped with the first.
    """
    return _fingerprint(f"{outbound.delivery_id}\0{outbound.text}")


def _fingerprint(text: str) -> str:
    """32 characters."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _clean(text: str) -> str:
    """Half characters cannot be sent as JSON."""
    return text.encode("utf-8", "replace").decode()


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
