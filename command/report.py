"""`hotline report MONTH`: the monthly report on the terminal, as it may leave the house."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column
from rich.table import Table as Grid

import desk_rules
import knowing
import wiring
from escalation.reports.monthly import Report, Table
from escalation.reports.periods import read_period
from escalation.reports.reports_desk import Naming, open_reports
from settings import Settings, load_settings

out = Console()


def report(
    period: Annotated[str, typer.Argument(help="2026-11, 2026-Q4 or 2026", metavar="MONTH")],
) -> None:
    """Print the report of a month, quarter or year as it may leave the house: without small numbers."""
    show(made(load_settings(), period))


def made(settings: Settings, code: str) -> Report:
    """The report as its rows are now, for outside."""
    period, store = read_period(code), wiring.open_store(settings)
    try:
        desk = open_reports(store, desk_rules.make_house_rules(settings))
        library, _ = knowing.load_articles(knowing.texts_in_force(store))
        titles = {key: article.title for key, article in library.articles.items()}
        with store.engine.connect() as connection:
            naming = Naming(settings.hotline_name, titles)
            return desk.draft(connection, period, naming, wiring.utc_now()).outside
    finally:
        store.engine.dispose()


def show(made: Report) -> None:
    """Every section with its tables and notes."""
    out.print(made.title, style="bold", markup=False, highlight=False)
    for label, text in made.head:
        out.print(f"{label}：{text}", markup=False, highlight=False, soft_wrap=True)
    for section in made.sections:
        out.print(f"\n{section.title}", style="bold", markup=False, highlight=False)
        for table in section.tables:
            out.print(_grid(table))
        for note in section.notes:
            out.print(f"· {note}", markup=False, highlight=False, soft_wrap=True)


def _grid(table: Table) -> Grid:
    grid = Grid(*(Column(name, overflow="fold") for name in table.columns), title=table.title, title_justify="left")
    for row in table.rows:
        grid.add_row(*(str(cell).replace("[", "\\[") for cell in row))
    return grid
