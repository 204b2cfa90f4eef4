"""hotline retention: what the night job would let go, or one night of it now."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import wiring
from escalation.law.retention import ACTION_WORDS, load_schedule
from escalation.law.retention_desk import RetentionDesk
from records.store import Store
from settings import load_settings

out = Console()


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would happen")] = False,
) -> None:
    """Let go what is older than its time: the running service does it every night by itself."""
    store = wiring.open_store(load_settings())
    schedule = load_schedule()
    desk = RetentionDesk(schedule, store.erasure, store.retention_runs, store.staff)
    show(desk, store)
    if not dry_run:
        night = wiring.utc_now().date().isoformat()
        out.print(f"{work(desk, store, night)} rows done", highlight=False)
    store.engine.dispose()


def show(desk: RetentionDesk, store: Store) -> None:
    """Each rule with its count; those that wait for the privacy officer say so."""
    table = Table("kind", "what", "older than", "count", "then")
    with store.engine.connect() as connection:
        for due in desk.due(connection, wiring.utc_now()):
            then = "needs the privacy officer" if due.rule.needs_approval else ACTION_WORDS[due.rule.action]
            table.add_row(due.rule.kind, due.rule.name, f"{due.until:%Y-%m-%d}", str(due.count), then)
    out.print(table)


def work(desk: RetentionDesk, store: Store, night: str) -> int:
    """Batch after batch, each in its own transaction, until the night has nothing left."""
    done = 0
    while True:
        with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
            if desk.is_finished(connection, night):
                return done
            done += desk.batch(connection, night, wiring.utc_now())
