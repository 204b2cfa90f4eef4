"""Accounts of the console: add, list, reset, disable; and the first sign-in of a fresh installation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

import wiring
from escalation.account_office import AccountOffice, NewAccount
from escalation.accounts import one_time_password
from escalation.cases import NotAllowed
from escalation.desks import make_office
from escalation.roles import load_permissions
from records.staff import Counsellor
from settings import Settings, load_settings

app = typer.Typer(help="Accounts of the console.", no_args_is_help=True)
out = Console()
FIRST_LOGIN = "zhiban"
_FIRST_ROLES = ("counsellor", "duty_lead", "supervisor", "admin")


@app.command()
def add(
    login: str,
    name: Annotated[str, typer.Option(help="shown to visitors after 值班老师")] = "",
    role: Annotated[list[str] | None, typer.Option(help="counsellor (default) or another; may be repeated")] = None,
) -> None:
    """Add an account; prints its one-time password."""
    once, new = one_time_password(), NewAccount(login, name or login, role or ["counsellor"])
    _change(lambda office, connection: office.add(connection, new, once, wiring.utc_now()))
    out.print(f"{login}: one-time password [bold]{once.text}[/bold] (must be changed at the first sign-in)")


@app.command("list")
def list_accounts() -> None:
    """Show the accounts."""
    store = wiring.open_store(load_settings())
    table = Table("login", "name", "roles", "state", "second factor")
    with store.engine.connect() as connection:
        protected = store.factors.confirmed(connection)
        for who in store.staff.all(connection):
            state = "disabled" if not who.is_active else "one-time password" if who.must_change else "active"
            table.add_row(
                who.login, who.display_name, ", ".join(who.roles), state, "on" if who.id in protected else "off"
            )
    out.print(table)


@app.command()
def reset(login: str) -> None:
    """Give an account a fresh one-time password and sign it out everywhere."""
    once = one_time_password()
    _change(lambda office, c: office.reset(c, _account(office, c, login), once, wiring.utc_now()))
    out.print(f"{login}: one-time password [bold]{once.text}[/bold]")


@app.command("reset-factor")
def reset_factor(login: str) -> None:
    """The phone is lost: take the second factor away, until a new one is set up."""
    _change(lambda office, c: office.reset_factor(c, _account(office, c, login), wiring.utc_now()))
    out.print(f"{login}: signs in by the password alone")


@app.command()
def disable(login: str) -> None:
    """Close an account."""
    _change(lambda office, c: office.disable(c, _account(office, c, login), wiring.utc_now()))
    out.print(f"{login}: disabled")


def welcome(settings: Settings, service: wiring.Service) -> None:
    """Say where to look and, on a fresh installation, how to sign in."""
    with service.store.engine.connect() as connection:
        fresh = not service.accounts.staff.all(connection)
        waiting = service.accounts.staff.by_login(connection, FIRST_LOGIN)
    lines = [f"网页咨询  {settings.base_url}/", f"值班台    {settings.base_url}/console"]
    if fresh:
        once, new = one_time_password(), NewAccount(FIRST_LOGIN, "一号", _FIRST_ROLES)
        service.writer.submit(lambda c: service.desks.accounts.add(c, new, once, wiring.utc_now())).result()
        lines.append(f"首次登录  用户名 {FIRST_LOGIN}  一次性密码 {once.text}（登录后必须修改）")
    elif waiting and waiting.must_change:
        lines.append(f"首次登录还没有完成；忘了一次性密码就运行：hotline user reset {FIRST_LOGIN}")
    for line in lines:
        out.print(line, highlight=False, soft_wrap=True)


def _change(work: Callable[[AccountOffice, sa.Connection], None]) -> None:
    """One change in one transaction; what cannot be done is said and changes nothing."""
    store = wiring.open_store(load_settings())
    office = make_office(store, load_permissions())
    try:
        with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
            work(office, connection)
    except NotAllowed as error:
        raise typer.BadParameter(str(error)) from error


def _account(office: AccountOffice, connection: sa.Connection, login: str) -> Counsellor:
    who = office.staff.by_login(connection, login)
    if who is None:
        raise typer.BadParameter(f"no account {login!r}")
    return who
