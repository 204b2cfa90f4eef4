"""Try a screening release over stored traffic in the dark (`hotline screen --replay`), and switch it on."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Column, Table

import wiring
from escalation.accounts import password_fits
from escalation.roles import load_permissions
from records.staff import Counsellor
from records.store import Store
from settings import load_settings
from triage import release
from triage.loading import RulebookError
from triage.replay import Changed, Stored, replay
from triage.screen import Screener

app = typer.Typer(help="The screening release in force, and switching to another.", no_args_is_help=True)
out = Console()
Login = Annotated[str, typer.Option(help="the supervisor who does this; the password is asked for")]


def replay_stored(candidate: Path, by: str, days: float, texts: bool, json_file: Path | None) -> None:
    """Judge stored messages by a new release: whom the old one missed, whom the new one lets go."""
    settings = load_settings()
    store = wiring.open_store(settings)
    who = _supervisor(store, by)
    screener = _opened(candidate)
    now = wiring.utc_now()
    with store.engine.connect() as connection:
        stored = _stored(store, connection, now - timedelta(days=days))
    changed = list(replay(track(stored, "replaying", console=out, transient=True), screener))
    if changed and texts:
        with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
            read = [each.stored.message_id for each in changed]
            store.staff.audit(connection, "screening_texts_read", now, actor_id=who.id, messages=read)
    _show(changed, len(stored), screener.version, texts)
    if json_file is not None:
        json_file.touch(mode=0o600)  # it may hold people's words
        json_file.write_text("".join(_line(each, texts) for each in changed), encoding="utf-8")


def _stored(store: Store, connection: sa.Connection, since: datetime) -> list[Stored]:
    """What was judged since then, each once; a voice by the words that were heard."""
    found = {
        message.id: (message, level, conversation_level)
        for message, level, conversation_level in store.conversations.judged(connection, since)
    }
    heard = store.transcripts.texts(connection, [m.id for m, _, _ in found.values() if m.kind == "voice"])
    return [
        Stored(m.id, m.conversation_id, m.body or heard.get(m.id, ""), m.received_at, level, conversation_level)
        for m, level, conversation_level in found.values()
    ]


@app.command("adopt")
def adopt(
    candidate: Annotated[Path, typer.Argument(help="with rulebook/, lexicon/, model/", exists=True, file_okay=False)],
    by: Login,
) -> None:
    """Switch a release on: rules must pass their own sentences; a running service takes it over by itself."""
    settings = load_settings()
    store = wiring.open_store(settings)
    who = _supervisor(store, by)
    before = _opened(release.in_force(settings.screening_dir)).version
    try:
        version = release.adopt(candidate, settings.screening_dir)
    except (release.ReleaseRefused, RulebookError) as error:
        out.print(f"[red]not switched on:[/red] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
    with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
        store.staff.audit(
            connection, "screening_adopted", wiring.utc_now(), actor_id=who.id, before=before, version=version
        )
    out.print(f"in force: {version} (before: {before})", highlight=False)


@app.command("status")
def status() -> None:
    """Which release is in force, and whether its classifier works."""
    settings = load_settings()
    screener = _opened(release.in_force(settings.screening_dir))
    out.print(f"in force: {screener.version}", highlight=False)
    out.print(f"[red]{screener.fault}[/red]" if screener.fault else "rules and classifier work", highlight=False)


def _opened(folder: Path) -> Screener:
    try:
        return release.open_screener(folder)
    except RulebookError as error:
        raise typer.BadParameter(f"{folder}: {error}") from error


def _supervisor(store: Store, login: str) -> Counsellor:
    with store.engine.connect() as connection:
        who = store.staff.by_login(connection, login)
    password = typer.prompt(f"password of {login}", hide_input=True)
    allowed = who is not None and who.is_active and load_permissions().allows(who.roles, "screening_adopt")
    if not password_fits(who, password) or who is None or not allowed:
        raise typer.BadParameter("no such account, wrong password, or not a supervisor")
    return who


def _show(changed: list[Changed], judged: int, version: str, texts: bool) -> None:
    counts = Counter("found" if each.is_found else "let go" for each in changed)
    conversations = {each.stored.conversation_id for each in changed if each.is_found}
    out.print(
        f"{judged} messages judged by {version}: {counts['found']} more call people"
        f" ({len(conversations)} conversations), {counts['let go']} no longer do",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    names = ("", "message", "conversation", "at (UTC)", "old", "new", "why")
    columns = [Column(name, overflow="fold") for name in names]  # ids stay whole on a narrow terminal
    table = Table(*columns)
    for each in changed:
        table.add_row(
            "found" if each.is_found else "let go", each.stored.message_id, each.stored.conversation_id,
            f"{each.stored.at:%Y-%m-%d %H:%M}", each.stored.conversation_level.code, each.conversation_level.code,
            " ".join(each.rules[:3]),
        )  # fmt: skip
    if changed:
        out.print(table)
    for each in changed if texts else ():
        out.print(f"{each.stored.message_id}: {each.stored.text}", soft_wrap=True, markup=False, highlight=False)


def _line(each: Changed, texts: bool) -> str:
    row = {
        "message": each.stored.message_id, "conversation": each.stored.conversation_id,
        "at": each.stored.at.isoformat(), "old": each.stored.conversation_level.code,
        "new": each.conversation_level.code, "rules": each.rules, **({"text": each.stored.text} if texts else {}),
    }  # fmt: skip
    return json.dumps(row, ensure_ascii=False) + "\n"
