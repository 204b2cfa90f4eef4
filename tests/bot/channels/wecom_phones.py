"""The people's side of WeCom's 微信客服: what they write, what their phones show, and the callbacks that tell our service."""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import xmltodict
from wechatpy.enterprise.crypto import WeChatCrypto

PAYLOADS = Path(__file__).parent / "payloads" / "wecom"
CORP, TOKEN = "ww12345678910", "callback-token"
AES_KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
ACCOUNT = "wkAJ2GCAAASSm4_FhToWMFea0xAFfd3Q"
NEW, BOT, POOL, SERVICER, ENDED = range(5)
WINDOW_S, WELCOME_S, ALLOWED = 48 * 3600, 20, 5
DEADLINE_S = 25.0


@dataclass
class Phone:
    """What one person sees, and what the platform still lets us tell them."""

    session: int = ENDED
    left: int = 0
    until: float = 0.0
    seen: list[str] = field(default_factory=list)
    menus: list[list[dict[str, str]]] = field(default_factory=list)


@dataclass
class WecomPhones:
    """What people wrote, how it is told to our service, and what their phones show."""

    phones: dict[str, Phone] = field(default_factory=dict)
    items: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {ACCOUNT: []})
    notes: set[str] = field(default_factory=set)  # tokens of callbacks
    welcomes: dict[str, tuple[str, float]] = field(default_factory=dict)
    lost_callbacks: bool = False
    callback_url: str = ""

    def __post_init__(self) -> None:
        self.crypto = WeChatCrypto(TOKEN, AES_KEY, CORP)

    def say(self, person: str, item: Mapping[str, Any], *, account: str = ACCOUNT) -> None:
        """Somebody does or writes something."""
        if item["msgtype"] != "event" and item["origin"] == 3:
            phone = self.phone(person)
            phone.left, phone.until = ALLOWED, item["send_time"] + WINDOW_S
            phone.session = NEW if phone.session == ENDED else phone.session
        self.items.setdefault(account, []).append(dict(item))

    def phone(self, person: str) -> Phone:
        """The phone of somebody whom the platform knows from now on."""
        return self.phones.setdefault(person, Phone())

    def item(self, name: str, person: str, number: int | str, **changes: Any) -> dict[str, Any]:
        """A recorded payload, of this person and now."""
        found: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
        owner = found.get("event", found)
        if "external_userid" in owner:
            owner["external_userid"] = person
        found.update({"msgid": f"msg-{person}-{number}", "send_time": int(time.time()), **changes})
        return found

    def invite(self, person: str, number: int | str, *, age_s: int = 0) -> dict[str, Any]:
        """Somebody who never wrote opens the chat: an enter_session with a welcome code."""
        self.phone(person)
        item = self.item("event_enter_session", person, number, send_time=int(time.time()) - age_s)
        code = item["event"]["welcome_code"] = f"code-{person}-{number}"
        self.welcomes[code] = (person, time.time() - age_s + WELCOME_S)
        return item

    async def call_back(self, account: str = ACCOUNT) -> int:
        """Tell our service that something is there; gives its HTTP status, 0 where the call got lost."""
        if self.lost_callbacks:
            return 0
        token = f"ENC{secrets.token_hex(16)}"
        self.notes.add(token)
        event = (PAYLOADS / "callback.xml").read_text(encoding="utf-8")
        event = re.sub(r"(?<=<Token><!\[CDATA\[)[^\]]+", token, event)
        event = re.sub(r"(?<=<OpenKfId><!\[CDATA\[)[^\]]+", account, event)
        return await self.deliver(event.encode())

    async def deliver(self, inner: bytes, crypto: WeChatCrypto | None = None, **query: str) -> int:
        """POST something to our service, encrypted and signed; `query` replaces what the platform would write."""
        sealed = xmltodict.parse((crypto or self.crypto).encrypt_message(inner, secrets.token_hex(8)))["xml"]
        body = f"<xml><ToUserName>{CORP}</ToUserName><Encrypt><![CDATA[{sealed['Encrypt']}]]></Encrypt></xml>"
        signed = {"msg_signature": sealed["MsgSignature"], "timestamp": sealed["TimeStamp"], "nonce": sealed["Nonce"]}
        return await self.post(body.encode(), **{**signed, **query})

    async def post(self, body: bytes, **query: str) -> int:
        """POST bytes as they are."""
        async with httpx.AsyncClient(timeout=DEADLINE_S) as http:
            return (await http.post(self.callback_url, params=query, content=body)).status_code

    async def check_address(self, words: str, **query: str) -> httpx.Response:
        """The check of the callback's address, with an encrypted word that has to come back."""
        sealed = xmltodict.parse(self.crypto.encrypt_message(words, "nonce1"))["xml"]
        signed = {
            "msg_signature": sealed["MsgSignature"], "timestamp": sealed["TimeStamp"], "nonce": "nonce1",
            "echostr": sealed["Encrypt"],
        }  # fmt: skip
        async with httpx.AsyncClient() as http:
            return await http.get(self.callback_url, params={**signed, **query})
