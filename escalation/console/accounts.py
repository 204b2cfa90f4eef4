"""The administrator's page: who works here, with which roles. No content of anybody; every change needs proof."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Request

from escalation.account_office import AccountOffice, NewAccount
from escalation.accounts import is_locked, one_time_password
from escalation.cases import NotAllowed
from escalation.console.access import Console, Visitor
from escalation.console.signin import prove
from records.staff import Counsellor

Work = Callable[[AccountOffice, sa.Connection, Counsellor], None]  # the account to change comes last


def router(console: Console) -> APIRouter:
    """Routes of the page."""
    routes = APIRouter(prefix="/console/accounts")

    @routes.get("")
    async def show(request: Request) -> Any:
        return await _page(console, request, await console.visitor(request, "accounts_manage"))

    @routes.post("")
    async def add(request: Request) -> Any:
        visitor = await console.writing_visitor(request, "accounts_manage")
        form, once, now = await request.form(), await asyncio.to_thread(one_time_password), console.now()
        roles = [str(role) for role in form.getlist("role")]
        new = NewAccount(str(form.get("login", "")).strip(), str(form.get("name", "")), roles)
        try:
            await prove(console, request, visitor)
            await console.writer.write(lambda c: console.desks.accounts.add(c, new, once, now, visitor.counsellor))
        except NotAllowed as error:
            return await _page(console, request, visitor, error=str(error), typed=new)
        return await _page(console, request, visitor, done=f"已添加 {new.login}", once=once.text)

    _add_changes(routes, console)
    return routes


def _add_changes(routes: APIRouter, console: Console) -> None:
    @routes.post("/{staff_id}/roles")
    async def set_roles(request: Request, staff_id: str) -> Any:
        visitor = await console.writing_visitor(request, "accounts_manage")
        roles, now = [str(role) for role in (await request.form()).getlist("role")], console.now()
        return await _change(
            console, request, visitor, staff_id, "已改角色",
            lambda office, c, who: office.set_roles(c, who, roles, now, visitor.counsellor),
        )  # fmt: skip

    @routes.post("/{staff_id}/reset")
    async def reset(request: Request, staff_id: str) -> Any:
        visitor = await console.writing_visitor(request, "accounts_manage")
        once, now = await asyncio.to_thread(one_time_password), console.now()
        return await _change(
            console, request, visitor, staff_id, "已重置密码",
            lambda office, c, who: office.reset(c, who, once, now, visitor.counsellor), once=once.text,
        )  # fmt: skip

    @routes.post("/{staff_id}/reset-factor")
    async def reset_factor(request: Request, staff_id: str) -> Any:
        visitor = await console.writing_visitor(request, "accounts_manage")
        now = console.now()
        return await _change(
            console, request, visitor, staff_id, "已重置两步验证",
            lambda office, c, who: office.reset_factor(c, who, now, visitor.counsellor),
        )  # fmt: skip

    @routes.post("/{staff_id}/disable")
    async def disable(request: Request, staff_id: str) -> Any:
        visitor = await console.writing_visitor(request, "accounts_manage")
        now = console.now()
        return await _change(
            console, request, visitor, staff_id, "已停用",
            lambda office, c, who: office.disable(c, who, now, visitor.counsellor),
        )  # fmt: skip


async def _change(
    console: Console, request: Request, visitor: Visitor, staff_id: str, done: str, work: Work, *, once: str = ""
) -> Any:  # fmt: skip
    """Prove, change in one transaction, and show the list again with what was done."""
    office = console.desks.accounts

    def found(connection: sa.Connection) -> Counsellor:
        who = office.staff.get(connection, staff_id)
        if who is None:
            raise HTTPException(404, "没有这个页面")
        return who

    login = await asyncio.to_thread(_login, console, found)
    try:
        await prove(console, request, visitor)
        await console.writer.write(lambda c: work(office, c, found(c)))
    except NotAllowed as error:
        return await _page(console, request, visitor, error=str(error))
    return await _page(console, request, visitor, done=f"{done}：{login}", once=once)


async def _page(
    console: Console, request: Request, visitor: Visitor, *, done: str = "", once: str = "", error: str = "",
    typed: NewAccount | None = None,
) -> Any:  # fmt: skip
    """The list; a one-time password stands in the answer to the post that made it and nowhere else."""
    rows = await asyncio.to_thread(_read, console)
    return console.page(
        request, "accounts.html", visitor, rows=rows, done=done, once=once, error=error,
        typed=typed or NewAccount("", "", ()),
    )  # fmt: skip


def _login(console: Console, found: Callable[[sa.Connection], Counsellor]) -> str:
    with console.engine.connect() as connection:
        return found(connection).login


def _read(console: Console) -> list[dict[str, Any]]:
    with console.engine.connect() as connection:
        protected = console.accounts.factor.rows.confirmed(connection)
        return [
            {"who": who, "state": _state(who, console), "has_factor": who.id in protected}
            for who in console.accounts.staff.all(connection)
        ]


def _state(who: Counsellor, console: Console) -> str:
    if not who.is_active:
        return "已停用"
    if is_locked(who, console.now()):
        return "暂时锁定"
    return "等首次登录" if who.must_change else "正常"
