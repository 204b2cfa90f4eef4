"""Our real service beside WeChat's server: the calls that it gets, and what the phone shows of its answers.

What WeChat encrypts and what it reads of ours goes through wechatpy, another implementation of WeChat's scheme.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import xmltodict
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import WeChatSigner

import server
from settings import Settings, load_settings
from tests.bot.channels.rig import Trouble
from tests.bot.channels.wechat_platform import (
    ACCOUNT,
    AES_KEY,
    APP_ID,
    KINDS,
    SECRET,
    TOKEN,
    Person,
    Platform,
    openid,
    payload,
    standing,
)
from tests.browsing import Site, serving
from tests.building import compiled_screener
from wiring import utc_now

PATIENCE_S = 5.0  # how long WeChat waits for the answer to a call


@dataclass
class WeChatRig:
    """The platform beside our real service; see tests/bot/channels/rig.py. `mode`: plain, compatible or safe."""

    site: Site
    http: httpx.AsyncClient
    platform: Platform
    mode: str = "safe"
    url: str = ""  # of our service
    name: str = "wechat"
    kinds: tuple[str, ...] = KINDS
    has_quota: bool = True
    has_token: bool = True
    has_wire: bool = True
    carries_time: bool = True
    refuses_old: bool = False

    def address(self, person: str) -> str:
        return openid(person)

    async def post(self, person: str, number: int, text: str, *, sent_at: datetime | None = None) -> int:
        return (await self.call(person, number, "text", sent_at=sent_at, Content=text)).status_code

    async def post_kind(self, person: str, number: int, kind: str) -> int:
        return (await self.call(person, number, kind)).status_code

    async def forge(self, person: str, number: int, text: str) -> int:
        xml = self._message(person, number, "text", Content=text)
        return (await self.post_raw(*self.sealed(xml, token="a guess"))).status_code

    async def post_broken(self, body: bytes) -> int:
        return (await self.post_raw(body, self.signed(body))).status_code

    def trouble(self, what: Trouble) -> None:
        self.platform.set_trouble(what)

    def tokens_fetched(self) -> int:
        return self.platform.calls["/cgi-bin/stable_token"]

    def seen(self, person: str) -> list[str]:
        return self.phone(person).seen

    def phone(self, person: str) -> Person:
        """The phone of a person."""
        return self.platform.people.setdefault(openid(person), Person())

    async def call(
        self, person: str, number: int, kind: str = "text", *, sent_at: datetime | None = None, **fields: str
    ) -> httpx.Response:  # fmt: skip
        """One call of WeChat's with a recorded payload; what we answer is shown on the phone."""
        xml = self._message(person, number, kind, sent_at=sent_at, **fields)
        self._allow(person, kind)
        return self.show(person, await self.post_raw(*self.sealed(xml)))

    async def hang_up(self, person: str, number: int, kind: str = "text", **fields: str) -> None:
        """A call whose line breaks as soon as it is out."""
        xml = self._message(person, number, kind, **fields)
        self._allow(person, kind)
        body, query = self.sealed(xml)
        async with httpx.AsyncClient(base_url=self.http.base_url, timeout=httpx.Timeout(5, read=0.001)) as line:
            with contextlib.suppress(httpx.ReadTimeout):
                await line.post("/wechat", params=query, content=body)

    def show(self, person: str, answer: httpx.Response) -> httpx.Response:
        """Read our answer as strictly as WeChat does."""
        if answer.status_code == 200 and answer.text != "success":
            reply = self.opened(answer.text)
            assert (reply["ToUserName"], reply["FromUserName"]) == (openid(person), ACCOUNT)
            assert (reply["MsgType"], reply["CreateTime"].isdecimal()) == ("text", True)
            assert 0 < len(reply["Content"].encode()) <= 2048
            phone = self.phone(person)
            phone.show(reply["Content"])
            phone.passive += 1
        return answer

    def opened(self, text: str) -> Mapping[str, str]:
        """The fields of our answer."""
        if self.mode != "plain":
            outer = xmltodict.parse(text)["xml"]
            signed = (outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"])
            text = WeChatCrypto(TOKEN, AES_KEY, APP_ID).decrypt_message(text, *signed)
        return xmltodict.parse(text)["xml"]

    def sealed(self, xml: str, *, token: str = TOKEN, at: datetime | None = None) -> tuple[bytes, dict[str, str]]:
        """Body and query of a call that brings this XML."""
        if self.mode == "plain":
            return xml.encode(), self.signed(xml.encode(), token=token, at=at)
        timestamp, nonce = str(int((at or self.platform.now()).timestamp())), "4c1d9f"
        outer = WeChatCrypto(token, AES_KEY, APP_ID).encrypt_message(xml, nonce, timestamp)
        encrypted = xmltodict.parse(outer)["xml"]["Encrypt"]
        body = f"<xml><ToUserName><![CDATA[{ACCOUNT}]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
        if self.mode == "compatible":
            body = xml.replace("</xml>", f"<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>")
        return body.encode(), self.signed(body.encode(), token=token, at=at)

    def signed(self, body: bytes, *, token: str = TOKEN, at: datetime | None = None) -> dict[str, str]:
        """The query of a call with this body."""
        timestamp, nonce = str(int((at or self.platform.now()).timestamp())), "4c1d9f"
        query = {"signature": sign(token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce, "openid": "o"}
        if self.mode == "plain":
            return query
        found = re.search(rb"<Encrypt><!\[CDATA\[(.*?)\]\]>", body)
        signature = sign(token, timestamp, nonce, found[1].decode() if found else "")
        return {**query, "encrypt_type": "aes", "msg_signature": signature}

    async def post_raw(self, body: bytes, query: Mapping[str, str]) -> httpx.Response:
        """Any call."""
        return await self.http.post("/wechat", params=query, content=body, headers={"Content-Type": "text/xml"})

    def _message(
        self, person: str, number: int, kind: str, *, sent_at: datetime | None = None, **fields: str
    ) -> str:  # fmt: skip
        created = str(int((sent_at or self.platform.now()).timestamp()))
        if kind.startswith("event-"):
            return payload(kind, FromUserName=openid(person), CreateTime=created, **fields)
        own_id = str(24_000_000_000_000_000 + int(openid(person)[1:9], 16) * 1000 + number)
        return payload(kind, **{"FromUserName": openid(person), "CreateTime": created, "MsgId": own_id, **fields})

    def _allow(self, person: str, kind: str) -> None:
        """What the account may send to somebody who did this."""
        phone, now = self.phone(person), self.platform.now()
        if kind in ("event-click", "event-scan", "event-subscribe", "event-subscribe-by-code"):
            if phone.until is None or phone.until <= now or phone.left < 3:
                phone.left, phone.until = 3, now + timedelta(minutes=1)
        elif not kind.startswith("event-"):
            phone.left, phone.until = 5, now + timedelta(hours=48)
        if kind == "event-unsubscribe":
            phone.follows = False


def sign(*parts: str) -> str:
    """WeChat's signature, by wechatpy."""
    signer = WeChatSigner()
    signer.add_data(*parts)
    return str(signer.signature)


def wechat_settings(folder: Path, address: str, mode: str = "safe", **more: str) -> Settings:
    """A deployment with an Official Account whose API is at `address`; without one where that is empty."""
    return load_settings(
        {
            "HOTLINE_DATA_DIR": str(folder / "data"),
            "HOTLINE_WECHAT_APP_ID": APP_ID,
            "HOTLINE_WECHAT_APP_SECRET": SECRET if address else "",
            "HOTLINE_WECHAT_TOKEN": TOKEN,
            "HOTLINE_WECHAT_AES_KEY": "" if mode == "plain" else AES_KEY,
            "HOTLINE_WECHAT_API_URL": address,
            "HOTLINE_OUTBOX_LEASE_S": "2",
            "HOTLINE_WAITING_NOTE_S": "1000000",  # nobody speaks but in answer to a test
            "HOTLINE_SILENCE_S": "1000000",
            **more,
        }
    )


@contextlib.asynccontextmanager
async def running(settings: Settings, platform: Platform, mode: str = "safe") -> AsyncIterator[WeChatRig]:
    """Our real service beside a platform that is already there."""
    app = server.build_app(settings, now=platform.now, screener=compiled_screener())
    async with serving(app) as address, httpx.AsyncClient(base_url=address, timeout=PATIENCE_S) as http:
        yield WeChatRig(Site(app, app.state.service), http, platform, mode, url=address)


@contextlib.asynccontextmanager
async def wechat_rig(
    folder: Path, *, now: Callable[[], datetime] = utc_now, mode: str = "safe", has_api: bool = True
) -> AsyncIterator[WeChatRig]:
    """Both together."""
    async with standing(now) as platform:
        settings = wechat_settings(folder, platform.address if has_api else "", mode)
        async with running(settings, platform, mode) as rig:
            yield rig
