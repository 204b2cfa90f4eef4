"""WeCom's 微信客服 as a real server beside ours: strict, with phones, sessions, allowances and faults; and its rig."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import xmltodict
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from wechatpy.enterprise.crypto import WeChatCrypto

import server
from bot.channels.wecom_door import WecomDoor
from records import tables as t
from records.contacts import Contact
from records.conversations import Message
from settings import Settings, load_settings
from tests.bot.channels.rig import Trouble
from tests.browsing import Site, serving
from tests.building import compiled_screener, rows

PAYLOADS = Path(__file__).parent / "payloads" / "wecom"
CORP, SECRET, TOKEN = "ww12345678910", "kf-secret-invented", "callback-token"
AES_KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
ACCOUNT = "wkAJ2GCAAASSm4_FhToWMFea0xAFfd3Q"
NEW, BOT, POOL, SERVICER, ENDED = range(5)
WINDOW_S, WELCOME_S, ALLOWED = 48 * 3600, 20, 5
LEASE_S, SLOW_S = 4, 6
DEADLINE_S = 25.0
_MOVES = {NEW: {BOT, POOL, SERVICER}, BOT: {POOL, SERVICER}, POOL: {SERVICER}, SERVICER: {POOL, ENDED}, ENDED: set()}
_MESSAGE_ID = re.compile(r"[0-9a-zA-Z_-]{1,32}")


class Refused(Exception):
    """An answer with an error code."""

    def __init__(self, code: int, words: str):
        super().__init__(words)
        self.code = code


def _json(answer: Mapping[str, Any]) -> Response:
    """Written as ASCII, so that every text a person may type goes through."""
    return Response(json.dumps(answer), media_type="application/json; charset=UTF-8")


async def eventually(check: Callable[[], Any], what: str = "") -> Any:
    """Wait until a check is true; gives what it found."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := check()):
        assert time.monotonic() < deadline, f"never true: {what or check}"
        await asyncio.sleep(0.02)
    return found


@dataclass
class Phone:
    """What one person sees, and what the platform still lets us tell them."""

    session: int = ENDED
    left: int = 0
    until: float = 0.0
    seen: list[str] = field(default_factory=list)
    menus: list[list[dict[str, str]]] = field(default_factory=list)


@dataclass
class WecomPlatform:
    """Everything outside: what people wrote, where we are in reading it, and how our messages arrive."""

    phones: dict[str, Phone] = field(default_factory=dict)
    items: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {ACCOUNT: []})
    notes: set[str] = field(default_factory=set)  # tokens of callbacks
    tokens: list[str] = field(default_factory=list)  # access tokens, the last one is good
    message_ids: set[str] = field(default_factory=set)
    welcomes: dict[str, tuple[str, float]] = field(default_factory=dict)
    media: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    sent: list[dict[str, Any]] = field(default_factory=list)  # bodies of accepted messages
    confirmed: Counter[str] = field(default_factory=Counter)  # account -> how far our service says it has stored
    trouble: Trouble = Trouble.NONE
    page_items: int = 1000
    asks_again: bool = True  # has_more even after the last item, so that the next question confirms what was stored
    asked: set[str] = field(default_factory=set)  # accounts whose messages somebody wanted
    flying: Counter[str] = field(default_factory=Counter)  # account -> questions at this moment
    most_flying: int = 0
    lost_callbacks: bool = False
    callback_url: str = ""

    def __post_init__(self) -> None:
        self.crypto = WeChatCrypto(TOKEN, AES_KEY, CORP)
        self.calm = asyncio.Event()

    def app(self) -> FastAPI:
        """The platform's API."""
        app = FastAPI(openapi_url=None)
        app.add_api_route("/cgi-bin/gettoken", self._gettoken, methods=["GET"])
        app.add_api_route("/cgi-bin/media/get", self._media, methods=["GET"])
        posts: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "sync_msg": self._sync, "send_msg": self._send, "send_msg_on_event": self._send_on_event,
            "service_state/get": self._get_state, "service_state/trans": self._trans, "account/list": self._accounts,
        }  # fmt: skip
        for name, act in posts.items():
            app.add_api_route(f"/cgi-bin/kf/{name}", self._post(name, act), methods=["POST"])
        return app

    # ---- what happens on the person's side
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

    # ---- the API
    async def _gettoken(self, corpid: str = "", corpsecret: str = "") -> Response:
        if (fault := await self._fault("gettoken")) is not None:
            return fault
        if corpid != CORP or corpsecret != SECRET:
            return _json({"errcode": 40013 if corpid != CORP else 40001, "errmsg": "invalid credential"})
        self.tokens.append(f"access-{secrets.token_hex(8)}")
        return _json({"errcode": 0, "errmsg": "ok", "access_token": self.tokens[-1], "expires_in": 7200})

    def _post(self, name: str, act: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[..., Any]:
        async def endpoint(request: Request, access_token: str = "") -> Response:
            body = json.loads(await request.body())
            with self._flight(body.get("open_kfid", "") if name == "sync_msg" else name):
                if (fault := await self._fault(name)) is not None:
                    return fault
            try:
                self._check_token(access_token)
                return _json({"errcode": 0, "errmsg": "ok", **act(body)})
            except Refused as error:
                return _json({"errcode": error.code, "errmsg": str(error)})

        return endpoint

    @contextlib.contextmanager
    def _flight(self, what: str) -> Iterator[None]:
        self.flying[what] += 1
        self.most_flying = max(self.most_flying, *(self.flying[account] for account in self.items))
        try:
            yield
        finally:
            self.flying[what] -= 1

    async def _fault(self, name: str) -> Response | None:
        self.calls[name] += 1
        if self.trouble is Trouble.DOWN:
            return HTMLResponse("<html>Bad Gateway</html>", 502)
        if self.trouble is Trouble.SLOW:
            self.calm.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.calm.wait(), SLOW_S)
        if self.trouble is Trouble.THROTTLED and name == "send_msg":
            self.trouble = Trouble.NONE
            return _json({"errcode": 45009, "errmsg": "api freq out of limit"})
        return None

    def _check_token(self, access_token: str) -> None:
        if not access_token:
            raise Refused(41001, "access_token missing")
        if access_token not in self.tokens:
            raise Refused(40014, "invalid access_token")
        if access_token != self.tokens[-1] or self.trouble is Trouble.TOKEN_EXPIRED:
            self.trouble = Trouble.NONE if self.trouble is Trouble.TOKEN_EXPIRED else self.trouble
            self.tokens.append("")
            raise Refused(42001, "access_token expired")

    def _sync(self, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.add(body["open_kfid"])
        items = self.items.get(body["open_kfid"])
        if items is None:
            raise Refused(95000, "invalid open_kfid")
        if set(body) - {"cursor", "token", "limit", "voice_format", "open_kfid"} or not 1 <= body["limit"] <= 1000:
            raise Refused(40058, "invalid parameter")
        if "token" in body and body["token"] not in self.notes:
            raise Refused(95007, "invalid msgtoken")
        if "token" not in body:
            self.calls["sync_msg without token"] += 1
        cursor = body.get("cursor", "c0")
        if not re.fullmatch(r"c\d+", cursor):
            raise Refused(40058, "invalid cursor")
        start = int(cursor[1:])
        self.confirmed[body["open_kfid"]] = start
        page = items[start : start + min(body["limit"], self.page_items)]
        more = bool(page) if self.asks_again else start + len(page) < len(items)
        return {"next_cursor": f"c{start + len(page)}", "has_more": int(more), "msg_list": page}

    def _get_state(self, body: dict[str, Any]) -> dict[str, Any]:
        phone = self._known(body)
        more = {"servicer_userid": "zhangsan"} if phone.session == SERVICER else {}
        return {"service_state": phone.session, **more}

    def _trans(self, body: dict[str, Any]) -> dict[str, Any]:
        phone = self._known(body)
        if body["service_state"] not in _MOVES[phone.session]:
            raise Refused(95016, "state transition not allowed")
        phone.session = body["service_state"]
        return {}

    def _known(self, body: dict[str, Any], name: str = "external_userid") -> Phone:
        if body.get("open_kfid") not in self.items:
            raise Refused(95000, "invalid open_kfid")
        phone = self.phones.get(body.get(name, ""))
        if phone is None:
            raise Refused(40096, "invalid external userid")
        return phone

    def _send(self, body: dict[str, Any]) -> dict[str, Any]:
        phone = self._known(body, "touser")
        self._check_message(body)
        if phone.session not in (NEW, BOT):
            raise Refused(95018, "send msg session status invalid")
        if phone.left <= 0 or self.trouble is Trouble.QUOTA:
            raise Refused(95001, "send msg count limit")
        if time.time() >= phone.until:
            raise Refused(95002, "send msg time limit")
        phone.left -= 1
        if self.trouble is Trouble.BLOCKED:
            self._accept(None, body)
            self._fail(body["touser"], body["msgid"], 10)
        else:
            self._accept(phone, body)
        return {"msgid": body["msgid"]}

    def _fail(self, person: str, message_id: str, fail_type: int) -> None:
        """What was accepted turns out not to arrive."""
        item = self.item("event_msg_send_fail", person, f"fail-{message_id}")
        item["event"].update(fail_msgid=message_id, fail_type=fail_type)
        self.say(person, item)
        self._later = asyncio.create_task(self.call_back())

    def _send_on_event(self, body: dict[str, Any]) -> dict[str, Any]:
        person, until = self.welcomes.get(body.get("code", ""), ("", 0.0))
        if time.time() >= until:
            raise Refused(40058, "invalid code")
        self._check_message(body)
        del self.welcomes[body["code"]]
        self._accept(self.phones[person], {**body, "touser": person})
        return {"msgid": body["msgid"]}

    def _check_message(self, body: dict[str, Any]) -> None:
        kind = body["msgtype"]
        content = body[kind]
        if not _MESSAGE_ID.fullmatch(body["msgid"]):
            raise Refused(40058, "invalid msgid")
        if body["msgid"] in self.message_ids:
            raise Refused(95033, "repeated msgid")
        if kind == "text":
            self._check_size(content["content"], 2048)
            return
        assert kind == "msgmenu", kind
        self._check_size(content["head_content"], 1024)
        if not 1 <= len(content["list"]) <= 10:
            raise Refused(95008, "too many menu items")
        for item in content["list"]:
            assert item["type"] == "click"
            self._check_size(item["click"]["id"], 128)
            self._check_size(item["click"]["content"], 128)

    def _check_size(self, text: str, most: int) -> None:
        if not 1 <= len(text.encode()) <= most:
            raise Refused(40058, "invalid length")

    def _accept(self, phone: Phone | None, body: dict[str, Any]) -> None:
        self.message_ids.add(body["msgid"])
        self.sent.append(body)
        if phone is not None:
            content = body[body["msgtype"]]
            phone.seen.append(content.get("content") or content["head_content"])
            phone.menus.append([item["click"] for item in content.get("list", ())])

    def _accounts(self, body: dict[str, Any]) -> dict[str, Any]:
        listed = [{"open_kfid": account, "name": "热线", "manage_privilege": True} for account in self.items]
        foreign = {"open_kfid": "wkSomebodyElses", "name": "前台", "manage_privilege": False}
        return {"account_list": [*listed, foreign][body["offset"] : body["offset"] + body["limit"]]}

    async def _media(self, access_token: str = "", media_id: str = "") -> Response:
        if (fault := await self._fault("media")) is not None:
            return fault
        try:
            self._check_token(access_token)
            if media_id not in self.media:
                raise Refused(40007, "invalid media_id")
        except Refused as error:
            return _json({"errcode": error.code, "errmsg": str(error)})
        body, media_type = self.media[media_id]
        return Response(body, media_type=media_type)


@dataclass
class WecomRig:
    """Our real application beside the platform; people are external_userids."""

    platform: WecomPlatform
    site: Site
    name: str = "wecom"
    kinds: tuple[str, ...] = (
        "menu_click", "foreign_menu_click", "image", "voice", "video", "file", "location", "link", "business_card",
        "miniprogram", "msgmenu", "channels_shop_product", "channels_shop_order", "merged_msg", "channels", "meeting",
        "schedule", "note", "unknown",
    )  # fmt: skip
    has_quota: bool = True
    has_token: bool = True
    has_wire: bool = True
    carries_time: bool = True
    refuses_old: bool = False

    def address(self, person: str) -> str:
        """The contact's address in our database."""
        return f"{ACCOUNT}/{person}"

    async def post(self, person: str, number: int, text: str, *, sent_at: datetime | None = None) -> int:
        """A text; returns when our service has stored it, or has not said thanks."""
        changes = {"send_time": int(sent_at.timestamp())} if sent_at else {}
        return await self.bring(person, self.platform.item("text", person, number, text={"content": text}, **changes))

    async def post_kind(self, person: str, number: int, kind: str) -> int:
        """Another kind of message."""
        return await self.bring(person, self.platform.item(kind, person, number))

    async def bring(self, person: str, *items: Mapping[str, Any]) -> int:
        """Anything that happened, with one callback."""
        for item in items:
            self.platform.say(person, item)
        reached = len(self.platform.items[ACCOUNT])
        status = await self.platform.call_back()
        if status == 200 and self.platform.trouble not in (Trouble.DOWN, Trouble.SLOW):
            await eventually(lambda: self.platform.confirmed[ACCOUNT] >= reached, "the message is stored")
        return status

    async def forge(self, person: str, number: int, text: str) -> int:
        """A callback by somebody who has neither token nor key."""
        stranger = WeChatCrypto("another-token", base64.b64encode(b"k" * 32).decode().rstrip("="), CORP)
        return await self.platform.deliver((PAYLOADS / "callback.xml").read_bytes(), stranger)

    async def post_broken(self, body: bytes) -> int:
        """Bytes where an event should be, well encrypted and signed."""
        return await self.platform.deliver(body)

    def trouble(self, what: Trouble) -> None:
        """From now on this goes wrong."""
        self.platform.trouble = what
        self.platform.calm.set()

    def seen(self, person: str) -> list[str]:
        """What the person sees on the phone."""
        return list(self.platform.phone(person).seen)

    # ---- what our service knows
    def contact(self, person: str, account: str = ACCOUNT) -> Contact | None:
        """The person as our service knows them."""
        store = self.site.service.store
        with store.engine.connect() as connection:
            return store.contacts.find(connection, "wecom", f"{account}/{person}")

    def conversation(self, person: str, account: str = ACCOUNT) -> str:
        """The id of the person's conversation."""
        contact = self.contact(person, account)
        assert contact is not None
        (row,) = rows(self.site.service.store.engine, t.conversation, contact_id=contact.id)
        return str(row.id)

    def stored(self, person: str, account: str = ACCOUNT) -> list[Message]:
        """What the person said, as our service keeps it."""
        store = self.site.service.store
        if self.contact(person, account) is None:
            return []
        with store.engine.connect() as connection:
            found = store.conversations.messages(connection, self.conversation(person, account), limit=10_000)
        return [message for message in found if message.author == "visitor"]


def wecom_settings(folder: Path, api_url: str, **more: str) -> Settings:
    """A deployment with 微信客服."""
    names = {
        "HOTLINE_DATA_DIR": str(folder), "HOTLINE_WECOM_CORP_ID": CORP, "HOTLINE_WECOM_SECRET": SECRET,
        "HOTLINE_WECOM_TOKEN": TOKEN, "HOTLINE_WECOM_AES_KEY": AES_KEY, "HOTLINE_WECOM_API_URL": api_url,
        "HOTLINE_OUTBOX_LEASE_S": str(LEASE_S), "HOTLINE_WAITING_NOTE_S": "3600",
    }  # fmt: skip
    return load_settings({**names, **more})


@contextlib.asynccontextmanager
async def our_service(platform: WecomPlatform, api_url: str, folder: Path) -> AsyncIterator[WecomRig]:
    """Our whole application with all its tasks, on a real port, beside a platform that runs already."""
    app = server.build_app(wecom_settings(folder, api_url), screener=compiled_screener())
    for door in app.state.service.doors:
        if isinstance(door, WecomDoor):
            door.look_s = 0.5
    async with serving(app) as url:
        platform.callback_url = f"{url}/wecom"
        yield WecomRig(platform, Site(app, app.state.service))


@contextlib.asynccontextmanager
async def open_rig(folder: Path) -> AsyncIterator[WecomRig]:
    """Platform and service together."""
    platform = WecomPlatform()
    async with serving(platform.app()) as api_url, our_service(platform, api_url, folder) as rig:
        yield rig
