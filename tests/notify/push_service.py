"""A push service as strict as RFC 8030 and RFC 8292 allow: it checks who we are before it wakes any browser."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from fastapi import FastAPI, Request, Response

from tests.browsing import serving

_DAY_S = 24 * 3600
_URGENCIES = {"very-low", "low", "normal", "high"}


@dataclass
class PushService:
    """Browsers subscribe here with our key; what we send is checked and kept."""

    now: Callable[[], datetime]
    keys: dict[str, str] = field(default_factory=dict)  # subscription -> the key it is bound to
    knocks: list[tuple[str, dict[str, str]]] = field(default_factory=list)  # subscription, headers
    answers: list[Response] = field(default_factory=list)  # instead of what it would say
    origin: str = ""

    def app(self) -> FastAPI:
        app = FastAPI()
        app.add_api_route("/push/{name}", self.take, methods=["POST"])
        return app

    def subscribe(self, key: str) -> str:
        """What a browser does; returns the endpoint that it would tell us."""
        name = secrets.token_urlsafe(16)
        self.keys[name] = key
        return f"{self.origin}/push/{name}"

    def knocked(self, endpoint: str) -> list[dict[str, str]]:
        """The headers of every push that woke this browser."""
        return [headers for name, headers in self.knocks if endpoint.endswith(name)]

    async def take(self, request: Request, name: str) -> Response:
        body = await request.body()
        if self.answers:
            return self.answers.pop(0)
        if name not in self.keys:
            return Response(status_code=410)
        if (fault := self._fault(request, self.keys[name], body)) is not None:
            return fault
        self.knocks.append((name, dict(request.headers)))
        return Response(status_code=201, headers={"Location": f"{self.origin}/message/{len(self.knocks)}"})

    def _fault(self, request: Request, key: str, body: bytes) -> Response | None:
        headers = request.headers
        if body or "content-encoding" in headers:
            return Response("a push of ours carries nothing", 400)
        if not headers.get("ttl", "").isdigit():
            return Response("TTL is missing", 400)
        if headers.get("urgency") not in _URGENCIES or len(headers.get("topic", "")) > 32:
            return Response("Urgency or Topic is wrong", 400)
        scheme, _, fields = headers.get("authorization", "").partition(" ")
        given = dict(part.strip().split("=", 1) for part in fields.split(",") if "=" in part)
        if scheme != "vapid" or set(given) != {"t", "k"}:
            return Response("who are you", 401)
        if given["k"] != key:
            return Response("another key than the subscription's", 403)
        return self._wrong_claims(given["t"], key)

    def _wrong_claims(self, token: str, key: str) -> Response | None:
        head, claims, signature = token.split(".")
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _raw(key))
        raw = _raw(signature)
        whole = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        try:
            point.verify(whole, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return Response("the signature does not fit", 403)
        said = json.loads(_raw(claims))
        if _json(head) != {"typ": "JWT", "alg": "ES256"} or len(raw) != 64:
            return Response("no ES256 token", 401)
        left = said["exp"] - self.now().timestamp()
        if said["aud"] != self.origin or not 0 < left <= _DAY_S or not said["sub"].startswith("mailto:"):
            return Response("aud, exp or sub is wrong", 401)
        return None


def _raw(text: str) -> bytes:
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _json(text: str) -> Any:  # Any: JSON
    return json.loads(_raw(text))


@contextlib.asynccontextmanager
async def push_service(now: Callable[[], datetime], certificate: Path) -> AsyncIterator[PushService]:
    """A running one, by https."""
    made = PushService(now)
    async with serving(made.app(), certificate) as made.origin:
        yield made
