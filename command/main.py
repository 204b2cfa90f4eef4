"""The `hotline` command: serve, move the data along, look up, measure, manage people, practise."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
import uvicorn
from rich.console import Console
from rich.progress import Progress

import server
import wiring
from command import answering, check, evaluation, releases, retention, user
from command.bench.main import bench
from command.demo import demo
from command.drill import drill
from command.report import report
from escalation.reports.periods import BadPeriod
from escalation.roles import load_permissions, permission_page
from knowledge import index as knowledge_index
from knowledge.articles import ArticleError
from knowledge.encoder import EncoderError
from knowledge.ranking import CalibrationError
from records.crypto import BadKeyFile, WrongKey
from settings import BadSettings, load_settings
from triage.memory import Memory
from triage.release import in_force, open_screener
from triage.screen import Screener

app = typer.Typer(
    help="心灯 Xindeng: a messaging service for a 24-hour psychological-assistance hotline.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(user.app, name="user")
app.add_typer(evaluation.app, name="eval")
app.add_typer(releases.app, name="screening")
app.command()(bench)
app.command()(retention.retention)
app.command()(demo)
app.command()(drill)
app.command()(report)
out = Console()


@app.command()
def serve(
    production: Annotated[bool, typer.Option(help="refuse to start when `hotline check` finds a fault")] = False,
) -> None:
    """Start the service: web chat, console and everything behind them."""
    settings = load_settings()
    faults = check.faults(settings)
    if production and faults:
        check.show(faults)
        raise typer.Exit(1)
    if production:
        check.show_ways_out(check.ways_out(settings))
        check.show_missing_years(settings, wiring.utc_now())
    _log_to_stderr()
    if not settings.database_url:
        answering.ensure_index(settings)
    application = server.build_app(settings)
    user.welcome(settings, application.state.service)
    uvicorn.run(
        application, host=settings.host, port=settings.port, access_log=False, log_level="warning",
        server_header=False, timeout_graceful_shutdown=5,
    )  # fmt: skip


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    settings = load_settings()
    wiring.open_store(settings).engine.dispose()
    out.print(f"schema is up to date: {settings.engine_url.rsplit('@', 1)[-1]}")


@app.command()
def index() -> None:
    """Check every article and build the index that answers come from."""
    settings = load_settings()
    began = time.monotonic()
    with Progress(console=out, transient=True) as progress:
        task = progress.add_task("checking articles and building the index", total=None)
        made = answering.build_index(
            settings, lambda done, of: progress.update(task, description="encoding", completed=done, total=of)
        )
    out.print(f"{made.articles} articles, {made.rows} rows in {time.monotonic() - began:.1f} s -> {made.folder}")


@app.command("check")
def check_command() -> None:
    """Say what is not fit for production; exit status 1 when something is not."""
    settings = load_settings()
    in_audit = check.faults_in_audit(settings)
    faults = check.faults(settings) + in_audit + check.faults_in_knowledge(settings)
    check.show(faults)
    if not in_audit:
        out.print("审计链完整。")
    check.show_ways_out(check.ways_out(settings))
    check.show_missing_years(settings, wiring.utc_now())
    raise typer.Exit(1 if faults else 0)


@app.command()
def permissions() -> None:
    """Who may do what, as a table in Markdown."""
    print(permission_page(load_permissions()), end="")  # noqa: T201  # the command's output


@app.command()
def screen(
    file: Annotated[Path, typer.Argument(help="JSON lines, or - for standard input")] = Path("-"),
    release: Annotated[
        Path | None, typer.Option(help="another screening release", exists=True, file_okay=False)
    ] = None,
    replay: Annotated[bool, typer.Option("--replay", help="stored messages instead, in the dark")] = False,
    by: Annotated[str, typer.Option(help="with --replay: the supervisor; the password is asked for")] = "",
    days: Annotated[float, typer.Option(help="with --replay: how far back", min=0.01)] = 30.0,
    texts: Annotated[bool, typer.Option("--texts", help="with --replay: show what was written (audited)")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="with --replay: write the changes here too")] = None,
) -> None:
    """Judge messages: {"id","text"} or {"id","turns"} -> level, score, categories, signals."""
    folder = release or in_force(load_settings().screening_dir)
    if replay:
        if not by:
            raise typer.BadParameter("--replay reads what people wrote: say with --by which supervisor you are")
        releases.replay_stored(folder, by, days, texts, json_file)
        return
    screener = open_screener(folder)
    for line in read_lines(file):
        print(json.dumps(screened(screener, line), ensure_ascii=False))  # noqa: T201  # the command's output


def screened(screener: Screener, line: dict[str, Any]) -> dict[str, Any]:
    """One line of `hotline screen`, a stable format."""
    now = wiring.utc_now()
    turns = line.get("turns") or [line.get("text", "")]
    memory, levels, began = Memory(), [], time.perf_counter()
    for text in turns:
        assessment = screener.screen(str(text), memory, now)
        memory = assessment.memory
        levels.append(max(memory.level, assessment.screening.level).code)
    found = assessment.screening
    answer: dict[str, Any] = {
        "id": line.get("id"),
        "level": found.level.code,
        "score": int(found.level),
        "categories": [category.value for category in found.categories],
        "signals": [{"rule": s.rule, "span": [s.start, s.end]} for s in found.signals if s.level],
        "ms": round((time.perf_counter() - began) * 1000 / len(turns), 3),
    }
    return {**answer, "levels": levels} if "turns" in line else answer


@app.command()
def ask(
    file: Annotated[Path, typer.Argument(help="JSON lines, or - for standard input")] = Path("-"),
) -> None:
    """Answer questions: {"id","text"} -> zone, article, articles, score, text."""
    settings = load_settings()
    answering.ensure_index(settings)
    asker = answering.open_asker(settings)
    for line in read_lines(file):
        print(json.dumps(asker.line(line), ensure_ascii=False))  # noqa: T201  # the command's output


def read_lines(file: Path) -> Iterator[dict[str, Any]]:
    """JSON lines; a bad one ends the command with its number."""
    try:
        source = sys.stdin if str(file) == "-" else file.open(encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(
            f"{file}: {error.strerror}; name a file of JSON lines, or - for standard input"
        ) from error
    with source:
        for number, raw in enumerate(source, 1):
            if not raw.strip():
                continue
            try:
                line = json.loads(raw)
                if not isinstance(line, dict):
                    raise ValueError("not an object")
            except ValueError as error:
                raise typer.BadParameter(f"line {number} of {file}: {error}") from error
            yield line


def _log_to_stderr() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


def run() -> None:
    """The entry point: faults of set-up are said in one line, not as a traceback."""
    try:
        app()
    except (
        BadSettings,
        BadKeyFile,
        BadPeriod,
        WrongKey,
        ArticleError,
        EncoderError,
        CalibrationError,
        knowledge_index.IndexRefused,
    ) as error:
        # soft_wrap, no markup: commands and [extras] in the message can be copied as they stand
        Console(stderr=True).print(f"hotline: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise SystemExit(2) from error
