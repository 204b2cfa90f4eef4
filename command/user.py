"""Accounts of the console: add, list, reset, disable; and the first sign-in of a fresh installation."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import wiring
from escalation.accounts import Accounts
from records.store import Store
from settings import Settings, load_settings

app = typer.Typer(help="Accounts of the console.", no_args_is_help=True)
out = Console()
FIRST_LOGIN = "zhiban"
_FIRST_ROLES = ("counsellor", "duty_lead", "supervisor", "admin")
_ROLES = {"counsellor", "duty_lead", "supervisor", "admin"}


@app.command()
def add(
    login: str,
    name: Annotated[str, typer.Option(help="shown to visitors after 值班老师")] = "",
    role: Annotated[list[str] | None, typer.Option(help="counsellor (default), duty_lead, supervisor, admin")] = None,
) -> None:  # fmt: skip
    """Add an account; prints its one-time password."""
    roles = role or ["counsellor"]
    if unknown := set(roles) - _ROLES:
        raise typer.BadParameter(f"unknown role {', '.join(sorted(unknown))}; use {', '.join(sorted(_ROLES))}")
    store, accounts = _open()
    with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
        if accounts.staff.by_login(connection, login):
            raise typer.BadParameter(f"there is already an account {login!r}")
        password = accounts.add(connection, login, name or login, roles, wiring.utc_now())
    out.print(f"{login}: one-time password [bold]{password}[/bold] (must be changed at the first sign-in)")


@app.command("list")
def list_accounts() -> None:
    """Show the accounts."""
    store, accounts = _open()
    table = Table("login", "name", "roles", "state")
    with store.engine.connect() as connection:
        for who in accounts.staff.all(connection):
            state = "disabled" if not who.is_active else "one-time password" if who.must_change else "active"
            table.add_row(who.login, who.display_name, ", ".join(who.roles), state)
    out.print(table)


@app.command()
def reset(login: str) -> None:
    """Give an account a fresh one-time password and sign it out everywhere."""
    store, accounts = _open()
    with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
        who = accounts.staff.by_login(connection, login)
        if who is None:
            raise typer.BadParameter(f"no account {login!r}")
        password = accounts.reset(connection, who, wiring.utc_now())
    out.print(f"{login}: one-time password [bold]{password}[/bold]")


@app.command()
def disable(login: str) -> None:
    """Close an account."""
    store, accounts = _open()
    with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
        who = accounts.staff.by_login(connection, login)
        if who is None:
            raise typer.BadParameter(f"no account {login!r}")
        accounts.disable(connection, who, wiring.utc_now())
    out.print(f"{login}: disabled")


def welcome(settings: Settings, service: wiring.Service) -> None:
    """Say where to look and, on a fresh installation, how to sign in."""
    with service.store.engine.connect() as connection:
        fresh = not service.accounts.staff.all(connection)
        waiting = service.accounts.staff.by_login(connection, FIRST_LOGIN)
    lines = [f"网页咨询  {settings.base_url}/", f"值班台    {settings.base_url}/console"]
    if fresh:
        password = service.writer.submit(
            lambda connection: service.accounts.add(connection, FIRST_LOGIN, "一号", _FIRST_ROLES, wiring.utc_now())
        ).result()
        lines.append(f"首次登录  用户名 {FIRST_LOGIN}  一次性密码 {password}（登录后必须修改）")
    elif waiting and waiting.must_change:
        lines.append(f"首次登录还没有完成；忘了一次性密码就运行：hotline user reset {FIRST_LOGIN}")
    for line in lines:
        out.print(line, highlight=False, soft_wrap=True)


def _open() -> tuple[Store, Accounts]:
    settings = load_settings()
    store = wiring.open_store(settings)
    return store, wiring.make_accounts(settings, store.staff)
