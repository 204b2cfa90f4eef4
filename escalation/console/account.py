"""My account: name, password, second factor, and the browsers in which I am signed in."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import segno
import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse

from escalation.cases import NotAllowed
from escalation.console.access import ACCOUNT, Console, Visitor
from escalation.console.signin import prove
from escalation.totp import app_address, key_text

_FACTOR = f"{ACCOUNT}/second-factor"


def router(console: Console) -> APIRouter:
    """Everybody's own account."""
    routes = APIRouter()
    _add_account(routes, console)
    _add_setting_up(routes, console)
    _add_factor_changes(routes, console)
    return routes


def _add_account(routes: APIRouter, console: Console) -> None:
    @routes.get(ACCOUNT)
    async def show_account(request: Request) -> Any:
        return await _account_page(console, request, await console.visitor(request, "account_own"))

    @routes.post(f"{ACCOUNT}/name")
    async def rename(request: Request) -> Any:
        visitor = await console.writing_visitor(request, "account_own")
        name, now = str((await request.form()).get("name", "")), console.now()
        try:
            await console.writer.write(lambda c: console.desks.accounts.rename(c, visitor.counsellor, name, now))
        except NotAllowed as error:
            return await _account_page(console, request, visitor, shown_name=name, error=str(error))
        return RedirectResponse(ACCOUNT, 303)

    @routes.post(f"{ACCOUNT}/sign-out-elsewhere")
    async def sign_out_elsewhere(request: Request) -> Any:
        visitor = await console.writing_visitor(request, "account_own")
        now = console.now()
        await console.writer.write(lambda c: console.accounts.sign_out_elsewhere(c, visitor.session, now))
        return RedirectResponse(ACCOUNT, 303)


def _add_setting_up(routes: APIRouter, console: Console) -> None:
    factor = console.accounts.factor

    @routes.get(_FACTOR)
    async def show_factor(request: Request) -> Any:
        visitor = await console.visitor(request, "account_own", signing_in=True)
        return await _factor_page(console, request, visitor)

    @routes.post(f"{_FACTOR}/begin")
    async def begin(request: Request) -> Any:
        visitor = await console.writing_visitor(request, "account_own", signing_in=True)
        try:
            await prove(console, request, visitor)
            secret = await console.writer.write(lambda c: factor.begin(c, visitor.counsellor))
        except NotAllowed as error:
            return await _factor_page(console, request, visitor, error=str(error))
        return await _factor_page(console, request, visitor, secret=secret)

    @routes.post(f"{_FACTOR}/confirm")
    async def confirm(request: Request) -> Any:
        visitor = await console.writing_visitor(request, "account_own", signing_in=True)
        who, now, cookie = visitor.counsellor, console.now(), secrets.token_urlsafe(32)
        code = str((await request.form()).get("code", ""))[:40]

        def work(connection: sa.Connection) -> list[str] | None:
            codes = factor.confirm(connection, who, code, now)
            if codes is not None:
                console.accounts.renew(connection, visitor.session, cookie, now)
            return codes

        try:
            codes = await console.writer.write(work)
        except NotAllowed as error:
            return await _factor_page(console, request, visitor, error=str(error))
        if codes is None:
            secret = await asyncio.to_thread(_begun, console, visitor)
            return await _factor_page(console, request, visitor, secret=secret, error="验证码不对，请等下一个再试")
        response = await _factor_page(console, request, visitor, codes=codes)
        console.set_cookie(response, cookie)
        return response


def _add_factor_changes(routes: APIRouter, console: Console) -> None:
    factor = console.accounts.factor

    @routes.post(f"{_FACTOR}/codes")
    async def renew_codes(request: Request) -> Any:
        visitor = await console.writing_visitor(request, "account_own")
        now = console.now()
        try:
            await prove(console, request, visitor)
            codes = await console.writer.write(lambda c: factor.renew_codes(c, visitor.counsellor, now))
        except NotAllowed as error:
            return await _factor_page(console, request, visitor, error=str(error))
        return await _factor_page(console, request, visitor, codes=codes)

    @routes.post(f"{_FACTOR}/end")
    async def end(request: Request) -> Any:
        visitor = await console.writing_visitor(request, "account_own")
        now = console.now()
        try:
            await prove(console, request, visitor)
            await console.writer.write(lambda c: factor.end(c, visitor.counsellor, now))
        except NotAllowed as error:
            return await _factor_page(console, request, visitor, error=str(error))
        return RedirectResponse(_FACTOR, 303)


async def _account_page(console: Console, request: Request, visitor: Visitor, **typed: str) -> Any:
    values = await asyncio.to_thread(_read_account, console, visitor)
    return console.page(
        request,
        "account.html",
        visitor,
        **{"shown_name": visitor.counsellor.display_name, "error": "", **values, **typed},
    )


def _read_account(console: Console, visitor: Visitor) -> dict[str, Any]:
    who, factor = visitor.counsellor, console.accounts.factor
    with console.engine.connect() as connection:
        return {
            "sessions": console.accounts.sessions(connection, who, console.now()),
            "offers_factor": factor.policy.is_on,
            "has_factor": factor.confirmed(connection, who) is not None,
            "must_have": factor.must_have(who),
            "codes_left": factor.rows.codes_left(connection, who.id),
        }


async def _factor_page(
    console: Console, request: Request, visitor: Visitor, *, secret: bytes | None = None,
    codes: list[str] | None = None, error: str = "",
) -> Any:  # fmt: skip
    """Off, being set up (with the key), just done (with the recovery codes), or on."""
    values = await asyncio.to_thread(_read_account, console, visitor)
    key, picture = "", ""
    if secret is not None:
        address = app_address(secret, visitor.counsellor.login, console.hotline_name)
        key, picture = key_text(secret), segno.make(address, error="l").svg_data_uri(scale=5, dark="#000", light="#fff")
    return console.page(
        request, "second_factor.html", visitor, key=key, picture=picture, codes=codes, error=error, **values
    )


def _begun(console: Console, visitor: Visitor) -> bytes | None:
    with console.engine.connect() as connection:
        begun = console.accounts.factor.rows.get(connection, visitor.id)
    return begun.secret if begun else None
