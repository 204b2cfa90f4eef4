"""Sign-in by password and, where there is one, the second factor; sign-out; the change of password."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from escalation.accounts import SignInRefused, WeakPassword, check_new_password, hash_password, password_fits
from escalation.cases import NotAllowed
from escalation.console.access import Console, Visitor, refuse_foreign
from records.staff import Counsellor

# browser and system as people call them, the first that fits: enough to recognise one's own
_BROWSERS = (
    ("Edg/", "Edge"),
    ("MicroMessenger", "微信"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


def router(console: Console) -> APIRouter:
    """The pages before and around signing in. These are the only console routes open to nobody in particular."""
    routes = APIRouter()

    @routes.get("/console/sign-in")
    async def show_sign_in(request: Request) -> Any:
        return console.page(request, "sign_in.html", None, error="")

    @routes.post("/console/sign-in")
    async def sign_in(request: Request) -> Any:
        refuse_foreign(request)
        form = await request.form()
        typed, password = str(form.get("login", "")).strip()[:100], str(form.get("password", ""))
        login = typed if typed.isprintable() else ""
        cookie, now, agent = secrets.token_urlsafe(32), console.now(), agent_words(request)
        fits = await asyncio.to_thread(_fits, console, login, password)
        found = await console.writer.write(
            lambda c: console.accounts.sign_in(c, login, password_fits=fits, cookie=cookie, now=now, agent=agent)
        )
        if found is None:
            return console.page(request, "sign_in.html", None, error=SignInRefused.__doc__)
        who, session = found
        response = RedirectResponse("/console/sign-in/code" if session.stage == "code" else _next(console, who), 303)
        console.set_cookie(response, cookie)
        return response

    @routes.post("/console/sign-out")
    async def sign_out(request: Request) -> Response:
        visitor = await console.writing_visitor(request, "account_own", signing_in=True)
        now = console.now()
        await console.writer.write(lambda connection: console.accounts.sign_out(connection, visitor.session, now))
        response = RedirectResponse("/console/sign-in", 303)
        response.delete_cookie(console.cookie_name, path="/")
        return response

    _add_code(routes, console)
    _add_password(routes, console)
    return routes


def _add_code(routes: APIRouter, console: Console) -> None:
    @routes.get("/console/sign-in/code")
    async def show_code(request: Request) -> Any:
        if not await asyncio.to_thread(_awaits_code, console, request):
            return RedirectResponse("/console/sign-in", 303)
        return console.page(request, "sign_in_code.html", None, error="")

    @routes.post("/console/sign-in/code")
    async def enter_code(request: Request) -> Any:
        refuse_foreign(request)
        typed = str((await request.form()).get("code", ""))[:40]
        cookie, fresh, now = request.cookies.get(console.cookie_name, ""), secrets.token_urlsafe(32), console.now()
        try:
            who = await console.writer.write(lambda c: console.accounts.enter_code(c, cookie, typed, fresh, now))
        except SignInRefused as error:
            return console.page(request, "sign_in.html", None, error=str(error))
        if who is None:
            return console.page(request, "sign_in_code.html", None, error="验证码不对，或者已经用过。请等下一个验证码")
        response = RedirectResponse(_next(console, who), 303)
        console.set_cookie(response, fresh)
        return response


def _add_password(routes: APIRouter, console: Console) -> None:
    @routes.get("/console/password")
    async def show_password(request: Request) -> Any:
        visitor = await console.visitor(request, "account_own", signing_in=True)
        return console.page(request, "password.html", visitor, error="")

    @routes.post("/console/password")
    async def change_password(request: Request) -> Any:
        visitor = await console.writing_visitor(request, "account_own", signing_in=True)
        form = await request.form()
        old, new, again = (str(form.get(name, "")) for name in ("old", "new", "again"))
        try:
            if new != again:
                raise WeakPassword("两次输入的新密码不一样")
            check_new_password(new, visitor.counsellor.login, old)
        except WeakPassword as error:
            return console.page(request, "password.html", visitor, error=str(error))
        cookie, now = secrets.token_urlsafe(32), console.now()
        if not await _proves(console, visitor.counsellor, old):
            return console.page(request, "password.html", visitor, error="旧密码不对，或者输错太多次被暂时锁定")
        new_hash = await asyncio.to_thread(hash_password, new)
        await console.writer.write(
            lambda connection: console.accounts.change_password(
                connection, visitor.counsellor, new_hash, visitor.session, cookie, now
            )
        )
        response = RedirectResponse(console.home(visitor.counsellor), 303)
        console.set_cookie(response, cookie)
        return response


async def prove(console: Console, request: Request, visitor: Visitor) -> None:
    """Really they at the keyboard: the form brings their password again, or a code of their app."""
    typed = str((await request.form()).get("proof", ""))
    if not await _proves(console, visitor.counsellor, typed, typed[:40]):
        raise NotAllowed("您的密码或验证码不对，或者输错太多次被暂时锁定")


async def _proves(console: Console, who: Counsellor, password: str, code: str = "") -> bool:
    fits, now = await asyncio.to_thread(password_fits, who, password), console.now()
    return await console.writer.write(lambda c: console.accounts.proves(c, who.id, code, now, password_fits=fits))


def agent_words(request: Request) -> str:
    """Browser and system in two words."""
    said = request.headers.get("user-agent", "")
    return " · ".join(next((words for mark, words in table if mark in said), "其他") for table in (_BROWSERS, _SYSTEMS))


def _next(console: Console, who: Counsellor) -> str:
    return "/console/password" if who.must_change else console.home(who)


def _awaits_code(console: Console, request: Request) -> bool:
    with console.engine.connect() as connection:
        cookie = request.cookies.get(console.cookie_name, "")
        return console.accounts.awaits_code(connection, cookie, console.now()) is not None


def _fits(console: Console, login: str, password: str) -> bool:
    with console.engine.connect() as connection:
        who: Counsellor | None = console.accounts.staff.by_login(connection, login)
    return password_fits(who, password)
