"""Errors become HTTP here, once; and the headers that every response carries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import sqlalchemy as sa
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.templating import Jinja2Templates
from starlette.exceptions import HTTPException

from bot.channels.widget import EMBED_PATH
from bot.messages import MessageTooLarge, ReusedMessageId, UnknownConversation
from escalation.cases import NoSuchCase, NotAllowed, SomebodyElse
from escalation.console import access, gate
from records.writer import WriterClosed
from settings import Settings

log = structlog.get_logger()
_LARGEST_FORM = 256 * 1024
_LARGEST_UPLOAD = {  # their own words about size come later
    "/console/institutions/import/file": 4 * 1024 * 1024,
    "/console/supervision/training/import/file": 4 * 1024 * 1024,
    "/console/library/import/file": 8 * 1024 * 1024,
}
_NOT_FRAMED = "frame-ancestors 'none'"
_SECURITY = {
    "Content-Security-Policy": f"default-src 'self'; img-src 'self' data:; {_NOT_FRAMED}; "
    "base-uri 'none'; form-action 'self'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Permitted-Cross-Domain-Policies": "none",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), display-capture=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_TLS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}
_REFUSALS: dict[type[Exception], int] = {
    MessageTooLarge: 413,
    ReusedMessageId: 409,
    UnknownConversation: 401,
    NotAllowed: 409,
    SomebodyElse: 409,
    NoSuchCase: 404,
    WriterClosed: 503,
}


def add_refusals(app: FastAPI, settings: Settings) -> None:
    """Refuse in words, and put the security headers on every response."""

    def answer(status: int) -> Callable[[Request, Exception], Response]:
        return lambda _request, error: JSONResponse({"detail": str(error)}, status)

    for kind, status in _REFUSALS.items():
        app.add_exception_handler(kind, answer(status))
    app.add_exception_handler(sa.exc.SQLAlchemyError, _store_failed(settings))
    app.add_exception_handler(access.SignInFirst, _to_page("/console/sign-in"))
    app.add_exception_handler(access.PasswordFirst, _to_page("/console/password"))
    app.add_exception_handler(access.FactorFirst, _to_page(f"{access.ACCOUNT}/second-factor"))

    app.add_exception_handler(gate.GateClosed, _to_gate)

    tls = _TLS_ONLY if settings.is_https else {}
    app.add_exception_handler(HTTPException, _not_found(access.make_templates(), settings.hotline_name))
    framed, plain = {**_framed_by(settings.widget_origins), **tls}, {**_SECURITY, **tls}

    @app.middleware("http")
    async def secure(request: Request, call_next: Callable[[Request], object]) -> Response:
        if is_too_large(request):
            return JSONResponse({"detail": "表单太大，或没有写明长度"}, 413)
        response: Response = await call_next(request)  # type: ignore[misc]  # Starlette's own type is untyped here
        for name, value in (framed if request.url.path == EMBED_PATH else plain).items():
            response.headers.setdefault(name, value)
        if request.url.path.startswith(("/api", "/console", "/partner/")) and "static" not in request.url.path:
            response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Cache-Control", "no-cache")  # a new version's pages must not meet old scripts
        return response


def _not_found(templates: Jinja2Templates, hotline_name: str) -> Callable[[Request, Exception], Awaitable[Response]]:
    """A browser that follows a link to what is not there, or not for these eyes, gets a page and not raw data."""

    shown = {"hotline_name": hotline_name, "home": "/console"}

    async def answer(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        wants_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        if error.status_code == 404 and wants_page and request.url.path.startswith("/console"):
            return templates.TemplateResponse(request, "not_found.html", shown, 404)
        return await http_exception_handler(request, error)

    return answer


def _framed_by(origins: tuple[str, ...]) -> dict[str, str]:
    """The same headers for the page that these sites may frame; X-Frame-Options knows no list and would forbid it."""
    if not origins:
        return _SECURITY
    policy = _SECURITY["Content-Security-Policy"].replace(_NOT_FRAMED, f"frame-ancestors {' '.join(origins)}")
    kept = {name: value for name, value in _SECURITY.items() if name != "X-Frame-Options"}
    return {**kept, "Content-Security-Policy": policy}


def is_too_large(request: Request) -> bool:
    """A form of the console or a partner is small and says how long it is; the web chat counts its bytes itself."""
    if request.method != "POST" or not request.url.path.startswith(("/console", "/partner/")):
        return False
    length = request.headers.get("content-length", "0" if "transfer-encoding" not in request.headers else "")
    return not length.isdigit() or int(length) > _LARGEST_UPLOAD.get(request.url.path, _LARGEST_FORM)


def _store_failed(settings: Settings) -> Callable[[Request, Exception], Response]:
    """Nothing was stored, so nothing is acknowledged; the person still gets the numbers, without any database."""
    n = settings.numbers()
    words = f"消息暂时存不下，正在重试。紧急情况请直接拨打{n['ambulance']}、{n['police']}；心理援助热线{n['help']}。"

    def answer(_request: Request, error: Exception) -> Response:
        log.error("store.failed", error=type(error).__name__)
        return JSONResponse({"detail": words}, 503, headers={"Retry-After": "1"})

    return answer


def _to_page(path: str) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, _error: Exception) -> Response:
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(path, 303)
        return JSONResponse({"detail": "请先登录", "location": path}, 401)

    return answer


def _to_gate(request: Request, error: Exception) -> Response:
    if isinstance(error, gate.GateClosed) and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(f"/console/gate/{error.case_id}", 303)
    return JSONResponse({"detail": str(error)}, 404)
