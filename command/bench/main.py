"""The command itself: a server on a temporary folder, the stages in turn, then the table."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.progress import Progress

from command.bench import baselines, large, measures
from command.bench.deployment import DidNotStart, deploy
from command.bench.load import ServerGone
from command.bench.rows import Row, machine, table, write_json
from command.bench.samples import load_samples
from triage.release import open_screener


def bench(
    seconds: Annotated[float, typer.Option(help="how long each figure is measured", min=0.1)] = 5.0,
    chats: Annotated[int, typer.Option(help="chats held open for memory and alarms", min=1)] = 1000,
    passages: Annotated[int, typer.Option(help="size of the large index; 0 leaves it out", min=0)] = 100_000,
    json: Annotated[Path | None, typer.Option(help="write the rows here too", dir_okay=False)] = None,
) -> None:
    """Measure this machine: acknowledgements, full replies, danger to console, memory, start-up, with baselines."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    out, machine_line = Console(), machine()
    try:
        rows = measure(seconds, chats, passages, out)
    except (DidNotStart, ServerGone) as error:
        Console(stderr=True).print(f"[red]hotline bench: {error}[/red]", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
    out.print(table(rows, machine_line))
    if json is not None:
        write_json(json, rows, machine_line)


def measure(seconds: float, chats: int, passages: int, out: Console) -> list[Row]:
    """Every row, on a folder and servers that are gone afterwards."""
    screener = open_screener()
    samples = load_samples(screener)
    measures.raise_file_limit(2 * chats + 500)
    with _ending_properly(), tempfile.TemporaryDirectory(prefix="hotline-bench-") as name:
        folder = Path(name)
        ours = deploy(folder / "var", answers_per_minute="1000000")  # one visitor stands for many
        empty = baselines.empty_fastapi(folder)
        run = measures.Bench(ours, empty, folder, samples, screener, seconds, chats)
        try:
            rows = asyncio.run(_stages(run, out))
        finally:
            run.ours.process.stop()
            run.empty.stop()
        if passages:
            with out.status(f"an index of {passages:,} passages"):
                rows += large.rows(passages, folder, samples, seconds)
        return rows


@contextlib.contextmanager
def _ending_properly() -> Iterator[None]:
    """The servers that the bench started end with it, also when it is told to stop."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


async def _stages(run: measures.Bench, out: Console) -> list[Row]:
    with Progress(console=out, transient=True) as progress:
        task = progress.add_task("start-up", total=1 + len(measures.STAGES))
        rows = await asyncio.to_thread(measures.start_up, run)
        for title, stage in measures.STAGES:
            progress.update(task, advance=1, description=title)
            rows += await stage(run)
        return rows
