"""`hotline drill`: a planned drill against a running service, through its real web chat; who came, and how fast.

It needs the token of a plan (page 演练 of the console) and nothing else of the deployment: any computer will do.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from command.demo import NoDrill
from command.drill_callers import Caller, Times, stream
from escalation.practice.results import MEASURES, CallerResult, summed_up
from escalation.practice.scripts import Playbook, load_playbook
from settings import load_settings

_MOST_ROWS = 20  # callers that are shown one by one


@dataclass(frozen=True)
class Order:
    """What was asked for; None = as planned."""

    token: str
    scenario: str | None = None
    callers: int | None = None
    per_minute: float | None = None
    wait_s: float = 180.0
    speed: float = 1.0


def drill(
    token: Annotated[str, typer.Option(help="of the planned drill, from the page 演练 of the console")],
    url: Annotated[str, typer.Option(help="where the server answers; empty = the settings' address")] = "",
    scenario: Annotated[str | None, typer.Option(help="another scenario than planned")] = None,
    callers: Annotated[int | None, typer.Option(help="fewer callers than planned", min=1)] = None,
    rate: Annotated[float | None, typer.Option(help="callers a minute; 0 = all at once", min=0)] = None,
    wait: Annotated[float, typer.Option(help="seconds that a caller in danger waits for people", min=1)] = 180.0,
    speed: Annotated[float, typer.Option(help="2 types twice as fast", min=0.1, max=1000)] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="the result as JSON on standard output")] = False,
) -> None:
    """Carry out a planned drill: synthetic callers write, react to what is answered, and measure who comes when."""
    address = url or load_settings().base_url
    out = Console(stderr=as_json)
    order = Order(token, scenario, callers, rate, wait, speed)
    try:
        results = asyncio.run(carry_out(address.rstrip("/"), order, load_playbook(), out))
    except NoDrill as error:
        Console(stderr=True).print(f"[red]hotline drill: {error}[/red]", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
    if as_json:
        print(json.dumps(as_values(results), ensure_ascii=False))  # noqa: T201  # the command's output
    else:
        show(results, load_playbook(), out)


async def carry_out(url: str, order: Order, playbook: Playbook, out: Console) -> list[CallerResult]:
    """Begin the run, let everybody call, bring the results; raise NoDrill when the service refuses or is gone."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=20, limits=limits, trust_env=False) as client:
        begun = await _ask(client, "/api/drill/runs", order.token, scenario=order.scenario, callers=order.callers)
        proof, is_whole = str(begun["proof"]), False
        out.print(
            f"演练开始：{begun['scenario']}，{begun['callers']} 位模拟来访者；结果在 {url}/console/drills",
            highlight=False,
        )
        with _Board(out, int(begun["callers"])) as board:
            cast = [
                Caller(client, proof, script, playbook.cues, order.speed, order.wait_s, board.draw)
                for script in playbook.cast(begun["scenario"], int(begun["callers"]))
            ]
            board.all_times = [caller.times for caller in cast]
            planned_rate = playbook.scenarios[begun["scenario"]].per_minute
            try:
                await _play(client, proof, cast, planned_rate if order.per_minute is None else order.per_minute)
                is_whole = True
            finally:
                results = [caller.result for caller in cast]
                await _bring(client, proof, results, is_whole=is_whole)
    return results


async def _play(client: httpx.AsyncClient, proof: str, cast: list[Caller], per_minute: float) -> None:
    """Everybody in turn, while the desk's own stream is listened to."""
    listens = asyncio.Event()
    hearing = asyncio.create_task(_hear(client, proof, cast, listens))
    await asyncio.wait([hearing, waiting := asyncio.create_task(listens.wait())], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if hearing.done():
        raise NoDrill("the service does not let us hear of its desk; is it behind a proxy that buffers?")
    try:
        async with asyncio.TaskGroup() as group:
            for number, caller in enumerate(cast):
                group.create_task(_later(number * 60 / per_minute if per_minute else 0.0, caller))
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
    if hearing.done() and not hearing.cancelled():  # the stream broke: times of alarm and claim may be missing
        for caller in cast:
            caller.fault = caller.fault or "DeskStreamLost"
    if all(caller.fault for caller in cast):
        faults = ", ".join(sorted({caller.fault for caller in cast}))
        raise NoDrill(f"every caller was cut off ({faults}): somebody stopped the drill, or the service went away")


async def _later(after_s: float, caller: Caller) -> None:
    await asyncio.sleep(after_s)
    await caller.play()


async def _hear(client: httpx.AsyncClient, proof: str, cast: list[Caller], listens: asyncio.Event) -> None:
    """Tell each caller what the desk's screens are told of its case."""
    headers = {"Authorization": f"Bearer {proof}"}
    with contextlib.suppress(httpx.HTTPError):
        async for told in stream(client, "/api/drill/events", headers, listens):
            for caller in cast:
                if caller.session == told["session"]:
                    caller.told(told["kind"])


async def _bring(client: httpx.AsyncClient, proof: str, results: list[CallerResult], *, is_whole: bool) -> None:
    try:
        await _ask(client, "/api/drill/results", proof, whole=is_whole, callers=[asdict(one) for one in results])
    except NoDrill:
        if is_whole:
            raise


async def _ask(client: httpx.AsyncClient, path: str, bearer: str, **body: Any) -> dict[str, Any]:
    """Post JSON; a refusal is said in the service's own words."""
    try:
        answer = await client.post(path, json=body, headers={"Authorization": f"Bearer {bearer}"})
        found: dict[str, Any] = answer.json()
    except httpx.TransportError as error:
        raise NoDrill(f"no server answers at {client.base_url}") from error
    except ValueError as error:
        raise NoDrill(f"{client.base_url} is not a hotline server") from error
    if answer.is_error:
        raise NoDrill(str(found.get("detail", answer.status_code)))
    return found


class _Board(Progress):
    """How many callers have reached what, while it goes on."""

    def __init__(self, out: Console, callers: int):
        super().__init__(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=out
        )
        self.all_times: list[Times] = []
        self._bars: dict[str, TaskID] = {name: self.add_task(words, total=callers) for name, words in MEASURES.items()}

    def draw(self) -> None:
        """Count anew; a caller who never spoke of danger is left out."""
        for name, bar in self._bars.items():
            self.update(bar, completed=sum(name in times.seconds for times in self.all_times))


def as_values(results: list[CallerResult]) -> dict[str, Any]:
    """The stable format of --json."""
    sums = zip(MEASURES, summed_up(results), strict=True)
    return {
        "measures": {
            name: {"reached": one.reached, "of": one.of, "median_s": one.median, "worst_s": one.worst}
            for name, one in sums
        },
        "callers": [asdict(one) for one in results],
    }


def show(results: list[CallerResult], playbook: Playbook, out: Console) -> None:
    """The table at the end: each caller while they are few, then all together."""
    table = Table("从第一句危险的话起，秒", *MEASURES.values())
    for one in results[:_MOST_ROWS]:
        name = (
            playbook.scripts[one.script].name
            + ("" if one.is_danger else "（没有危险）")
            + (f"  {one.fault}" if one.fault else "")
        )
        table.add_row(name, *(_seconds(one.seconds.get(measure)) for measure in MEASURES))
    sums = summed_up(results)
    table.add_section()
    table.add_row("中位", *(_seconds(one.median) for one in sums))
    table.add_row("最慢", *(_seconds(one.worst) for one in sums))
    table.add_row("做到的", *(f"{one.reached}/{one.of}" for one in sums))
    out.print(table)


def _seconds(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f}"
