"""WeCom's 微信客服 as a real server beside ours: strict, with phones, sessions, allowances and faults."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from tests.bot.channels.rig import Trouble
from tests.bot.channels.wecom_phones import BOT, CORP, ENDED, NEW, POOL, SERVICER, Phone, WecomPhones

SECRET = "kf-secret-invented"
SLOW_S = 6  # longer than the lease of our service beside it
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


@dataclass
class WecomPlatform(WecomPhones):
    """Everything outside: people and their phones, where we are in reading them, and how our messages arrive."""

    tokens: list[str] = field(default_factory=list)  # access tokens, the last one is good
    message_ids: set[str] = field(default_factory=set)
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

    def __post_init__(self) -> None:
        super().__post_init__()
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

    async def _gettoken(self, corpid: str = "", corpsecret: str = "") -> Response:
        if (fault := await self._fault("gettoken")) is not None:
            return fault
        if corpid != CORP or corpsecret != SECRET:
            return _json({"errcode": 40013 if corpid != CORP else 40001, "errmsg": "invalid credential"})
        if not self.tokens or not self.tokens[-1]:  # while one is good, everybody who asks gets the same
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
