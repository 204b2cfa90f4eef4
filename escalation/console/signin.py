"""Sign-in, sign-out and the change of password."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from escalation.accounts import SignInRefused, WeakPassword, check_new_password, hash_password, password_fits
from escalation.console.access import Console, refuse_foreign
from records.staff import Counsellor


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
        cookie, now = secrets.token_urlsafe(32), console.now()
        fits = await asyncio.to_thread(_fits, console, login, password)
        who = await console.writer.write(
            lambda connection: console.accounts.sign_in(connection, login, password_fits=fits, cookie=cookie, now=now)
        )
        if who is None:
            return console.page(request, "sign_in.html", None, error=SignInRefused.__doc__)
        response = RedirectResponse("/console/password" if who.must_change else "/console", 303)
        _set_cookie(console, response, cookie)
        return response

    @routes.post("/console/sign-out")
    async def sign_out(request: Request) -> Response:
        visitor = await console.writing_visitor(request, "account_own", password_may_be_old=True)
        now = console.now()
        await console.writer.write(lambda connection: console.accounts.sign_out(connection, visitor.session, now))
        response = RedirectResponse("/console/sign-in", 303)
        response.delete_cookie(console.cookie_name, path="/")
        return response

    _add_password(routes, console)
    return routes


def _add_password(routes: APIRouter, console: Console) -> None:
    @routes.get("/console/password")
    async def show_password(request: Request) -> Any:
        visitor = await console.visitor(request, "account_own", password_may_be_old=True)
        return console.page(request, "password.html", visitor, error="")

    @routes.post("/console/password")
    async def change_password(request: Request) -> Any:
        visitor = await console.writing_visitor(request, "account_own", password_may_be_old=True)
        form = await request.form()
        old, new, again = (str(form.get(name, "")) for name in ("old", "new", "again"))
        try:
            if new != again:
                raise WeakPassword("两次输入的新密码不一样")
            check_new_password(new, visitor.counsellor.login, old)
        except WeakPassword as error:
            return console.page(request, "password.html", visitor, error=str(error))
        if not await asyncio.to_thread(password_fits, visitor.counsellor, old):
            return console.page(request, "password.html", visitor, error="旧密码不对")
        new_hash, cookie, now = (
            await asyncio.to_thread(hash_password, new),
            secrets.token_urlsafe(32),
            console.now(),
        )
        await console.writer.write(
            lambda connection: console.accounts.change_password(
                connection, visitor.counsellor, new_hash, visitor.session, cookie, now
            )
        )
        response = RedirectResponse("/console", 303)
        _set_cookie(console, response, cookie)
        return response


def _fits(console: Console, login: str, password: str) -> bool:
    with console.engine.connect() as connection:
        who: Counsellor | None = console.accounts.staff.by_login(connection, login)
    return password_fits(who, password)


def _set_cookie(console: Console, response: Response, cookie: str) -> None:
    response.set_cookie(
        console.cookie_name, cookie, httponly=True, secure=console.secure_cookie, samesite="strict", path="/"
    )
