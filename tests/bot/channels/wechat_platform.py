"""WeChat's API as a real server: it takes what we send strictly, shows it on phones, and can fail."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.bot.channels.rig import Trouble
from tests.browsing import serving
from wiring import utc_now

TEMPLATE = "tpl-has-reply"
APP_ID = "wx5f3a9d1c7e2b8046"
SECRET = "7c1e0b9d4f2a86357c1e0b9d4f2a8635"
TOKEN = "xindeng2026"
AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
ACCOUNT = "gh_3f1c8e0a27d9"
PAYLOADS = Path(__file__).parent / "payloads" / "wechat"
KINDS = tuple(sorted(path.stem for path in PAYLOADS.glob("*.xml") if not path.stem.startswith("event-")))
EVENTS = tuple(sorted(path.stem for path in PAYLOADS.glob("event-*.xml")))
TOKEN_S = 7200
SLOW_S = 30.0  # longer than any lease; a test ends it sooner by setting the trouble to NONE
_LINK = re.compile(r'<a href="weixin://bizmsgmenu\?msgmenucontent=([^"&<>\s]+)&msgmenuid=\d+">([^<>]+)</a>')
_OPENS_A_LINK = re.compile(r"<[\s/]*a", re.IGNORECASE)


@dataclass
class Person:
    """A phone: what it shows, and what its account may still receive."""

    follows: bool = True
    left: int = 0
    until: datetime | None = None
    seen: list[str] = field(default_factory=list)
    choices: dict[str, str] = field(default_factory=dict)  # label -> what a press on it says
    templates: list[str] = field(default_factory=list)
    passive: int = 0  # how many bubbles came in the answer to a call

    def show(self, content: str) -> None:
        """A bubble as the phone draws it: links by their label."""
        self.choices.update({label: unquote(said) for said, label in _LINK.findall(content)})
        shown = _LINK.sub(r"\2", content)
        assert not _OPENS_A_LINK.search(shown), "a link that is none of our choices"
        self.seen.append(shown)


def openid(person: str) -> str:
    """The account's id of a person."""
    return "o" + hashlib.sha1(person.encode()).hexdigest()[:27]


def payload(name: str, **fields: str) -> str:
    """A recorded payload with other values in some of its fields."""
    xml = (PAYLOADS / f"{name}.xml").read_text(encoding="utf-8")
    for tag, value in fields.items():
        new = f"<{tag}><![CDATA[{value}]]></{tag}>".replace("\\", r"\\")
        xml, count = re.subn(f"<{tag}>.*?</{tag}>", new, xml, flags=re.DOTALL)
        assert count == 1, f"{name} has no {tag}"
    return xml


@dataclass
class Platform:
    """The API side: api.weixin.qq.com."""

    now: Callable[[], datetime] = utc_now
    people: dict[str, Person] = field(default_factory=dict)  # by openid
    calls: Counter[str] = field(default_factory=Counter)  # by path
    media: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # media id -> type, bytes
    menu: dict[str, Any] | None = None
    errors: dict[str, int] = field(default_factory=dict)  # path or openid -> code of the next call for it
    raw: list[Response] = field(default_factory=list)  # answers for the next calls of any kind
    trouble: Trouble = Trouble.NONE
    address: str = ""
    tokens: dict[str, datetime] = field(default_factory=dict)  # token -> its end
    _mended: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self) -> FastAPI:
        app = FastAPI()
        app.add_api_route("/cgi-bin/stable_token", self.stable_token, methods=["POST"])
        app.add_api_route("/cgi-bin/message/custom/send", self.send, methods=["POST"])
        app.add_api_route("/cgi-bin/message/template/send", self.send_template, methods=["POST"])
        app.add_api_route("/cgi-bin/media/get", self.get_media, methods=["GET"])
        app.add_api_route("/cgi-bin/menu/get", self.get_menu, methods=["GET"])
        app.add_api_route("/cgi-bin/menu/create", self.create_menu, methods=["POST"])
        app.add_api_route("/videos/{name}", self.video, methods=["GET"])
        app.middleware("http")(self._fail_or_answer)
        return app

    def set_trouble(self, what: Trouble) -> None:
        self.trouble = what
        self._mended.set() if what is Trouble.NONE else self._mended.clear()
        if what is Trouble.TOKEN_EXPIRED:
            self.tokens.clear()

    async def _fail_or_answer(self, request: Request, call_next: Any) -> Response:
        self.calls[request.url.path] += 1
        if self.raw:
            return self.raw.pop(0)
        if self.trouble is Trouble.DOWN:
            return Response("<html>502 Bad Gateway</html>", 502)
        if self.trouble is Trouble.SLOW:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._mended.wait(), SLOW_S)
            return Response(status_code=504)
        return await call_next(request)

    async def stable_token(self, request: Request) -> Response:
        """Before its last five minutes everybody who asks gets the same token."""
        body = await request.json()
        if body.get("grant_type") != "client_credential":
            return refusal(40002)
        if body.get("appid") != APP_ID:
            return refusal(40013)
        if body.get("secret") != SECRET:
            return refusal(40125)
        now = self.now()
        for token, end in self.tokens.items():
            if end - now > timedelta(seconds=300):
                return JSONResponse({"access_token": token, "expires_in": int((end - now).total_seconds())})
        token = f"87_T{self.calls.total()}-{hashlib.sha1(str(now).encode()).hexdigest()}"
        self.tokens[token] = now + timedelta(seconds=TOKEN_S)
        return JSONResponse({"access_token": token, "expires_in": TOKEN_S})

    def _refused(self, request: Request) -> Response | None:
        token = request.query_params.get("access_token", "")
        if not token:
            return refusal(41001)
        if token not in self.tokens:
            return refusal(40001)
        if self.tokens[token] <= self.now():
            return refusal(42001)
        if request.url.path in self.errors:
            return refusal(self.errors.pop(request.url.path))
        if self.trouble is Trouble.THROTTLED:
            self.trouble = Trouble.NONE
            return refusal(45011)
        return None

    async def send(self, request: Request) -> Response:
        """A customer-service message."""
        raw = await request.body()
        if (refused := self._refused(request)) is not None:
            return refused
        body = json.loads(raw)
        if rb"\u" in raw or set(body) != {"touser", "msgtype", "text"} or body["msgtype"] != "text":
            return refusal(47001)
        if body["touser"] in self.errors:
            return refusal(self.errors.pop(body["touser"]))
        person, content = self.people.get(body["touser"]), body["text"]["content"]
        if person is None:
            return refusal(40003)
        if not person.follows or self.trouble is Trouble.BLOCKED:
            return refusal(43004)
        if not content or len(content.encode()) > 2048:
            return refusal(45002)
        if person.until is None or self.now() >= person.until:
            return refusal(45015)
        if person.left <= 0 or self.trouble is Trouble.QUOTA:
            return refusal(45047)
        person.left -= 1
        person.show(content)
        return refusal(0)

    async def send_template(self, request: Request) -> Response:
        """A template message: no window, one line of at most 20 characters."""
        raw = await request.body()
        if (refused := self._refused(request)) is not None:
            return refused
        body = json.loads(raw)
        person = self.people.get(body["touser"])
        if person is None or not person.follows:
            return refusal(43004 if person else 40003)
        if body["template_id"] != TEMPLATE or set(body["data"]) != {"thing1"}:
            return refusal(40037)
        value = body["data"]["thing1"]["value"]
        if not 0 < len(value) <= 20:
            return refusal(47003)
        person.templates.append(value)
        return refusal(0)

    async def get_media(self, request: Request) -> Response:
        """A file that a person sent; videos by an address."""
        if (refused := self._refused(request)) is not None:
            return refused
        media_id = request.query_params.get("media_id", "")
        if media_id not in self.media:
            return refusal(40007)
        media_type, body = self.media[media_id]
        if media_type.startswith("video/"):
            return Response(json.dumps({"video_url": f"{self.address}/videos/{media_id}"}), media_type="text/plain")
        return Response(body, media_type=media_type, headers={"Content-disposition": 'attachment; filename="f"'})

    async def video(self, name: str) -> Response:
        """Where videos lie: no token is asked for."""
        media_type, body = self.media[name]
        return Response(body, media_type=media_type)

    async def get_menu(self, request: Request) -> Response:
        """The menu as WeChat tells it: every button with a list below it."""
        if (refused := self._refused(request)) is not None:
            return refused
        return refusal(46003) if self.menu is None else JSONResponse({"menu": _with_lists(self.menu)})

    async def create_menu(self, request: Request) -> Response:
        """Checks what WeChat checks."""
        if (refused := self._refused(request)) is not None:
            return refused
        body = await request.json()
        tops = body["button"]
        below = [button for top in tops for button in top.get("sub_button", [])]
        if len(tops) > 3 or any(len(top.get("sub_button", [])) > 5 for top in tops):
            return refusal(40016)
        if any(len(top["name"].encode()) > 16 for top in tops) or any(len(b["name"].encode()) > 60 for b in below):
            return refusal(40018)
        for button in [top for top in tops if "sub_button" not in top] + below:
            if button["type"] != "click" or not 0 < len(button["key"].encode()) <= 128:
                return refusal(40019)
        self.menu = body
        return refusal(0)


def refusal(code: int) -> Response:
    """WeChat's answer with a code, 0 for well done; always with status 200."""
    return JSONResponse({"errcode": code, "errmsg": "ok" if code == 0 else f"error {code} rid: 69212f-1c"})


def _with_lists(menu: Mapping[str, Any]) -> dict[str, Any]:
    return {"button": [{"sub_button": [], **_below(button)} for button in menu["button"]]}


def _below(button: Mapping[str, Any]) -> dict[str, Any]:
    return {**button, "sub_button": [{**each, "sub_button": []} for each in button.get("sub_button", [])]}


@contextlib.asynccontextmanager
async def standing(now: Callable[[], datetime] = utc_now) -> AsyncIterator[Platform]:
    """WeChat alone."""
    platform = Platform(now)
    async with serving(platform.app()) as platform.address:
        yield platform
        platform.set_trouble(Trouble.NONE)
