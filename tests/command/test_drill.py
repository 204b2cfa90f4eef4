"""`hotline drill` against a real server: it measures who came, and says why when it may not begin."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner

import wiring
from command.bench.deployment import deploy, free_port
from command.demo import NoDrill
from command.drill import Order, as_values, carry_out, show
from command.drill_callers import Times
from command.main import app
from escalation.practice.results import MEASURES, CallerResult
from escalation.practice.scripts import load_playbook
from settings import Settings

BOOK = load_playbook()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A real server."""
    deployment = deploy(tmp_path_factory.mktemp("drill") / "var")
    deployment.process.start()
    yield deployment.settings
    deployment.process.stop()


def plan(settings: Settings, scenario: str, callers: int, after: timedelta = timedelta(0)) -> str:
    """The token of a plan, made beside the running server as another process would."""
    store, now = wiring.open_store(settings), wiring.utc_now()
    with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
        plan_id = store.drills.plan(
            connection, scenario=scenario, callers=callers, planned_for=now + after, is_announced=True,
            calls_people=False, by_id="lead", made_at=now,
        )  # fmt: skip
    store.engine.dispose()
    return f"{plan_id}.{store.vault.sign('drill_plan', plan_id)}"


def database(settings: Settings, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(settings.data_dir / "hotline.db")) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.anyio
async def test_a_flood_is_stored_answered_and_rung_for_and_its_result_is_kept(running: Settings) -> None:
    order = Order(plan(running, "flood", 6), wait_s=4, speed=50)
    found = await carry_out(running.base_url, order, BOOK, Console(file=io.StringIO()))
    assert [one.script for one in found] == ["plan", "edge", "silent", "friend", "plan", "edge"]
    assert [one.fault for one in found] == [""] * 6
    for one in found:
        assert set(one.seconds) == {"stored", "safety", "alarm"}
        assert all(0 < seconds < 4 for seconds in one.seconds.values())
    ((state, result),) = database(running, "SELECT state, result FROM drill_run WHERE callers = 6")
    assert (state, len(json.loads(str(result)))) == ("done", 6)
    assert database(running, "SELECT DISTINCT state, is_drill FROM case_record") == [("closed", 1)]
    assert database(running, "SELECT count(*) FROM alert WHERE state = 'ringing'") == [(0,)]


@pytest.mark.anyio
async def test_whoever_only_asks_calls_nobody(running: Settings) -> None:
    order = Order(plan(running, "mixed", 1), wait_s=2, speed=100)
    (one,) = await carry_out(running.base_url, order, BOOK, Console(file=io.StringIO()))
    assert (one.script, one.is_danger, one.seconds) == ("question", False, {})


@pytest.mark.anyio
async def test_a_drill_that_a_person_stops_ends_in_words(running: Settings) -> None:
    order = Order(plan(running, "one_red", 1), wait_s=60, speed=20)

    async def stop() -> None:
        await asyncio.sleep(1.5)  # in the middle of it
        async with httpx.AsyncClient(base_url=running.base_url) as client:
            ((run_id,),) = database(running, "SELECT id FROM drill_run WHERE state = 'running'")
            proof = f"{run_id}.{wiring.load_vault(running.keys).sign('drill_run', str(run_id))}"
            await client.post(
                "/api/drill/results", json={"whole": False, "callers": []}, headers={"Authorization": f"Bearer {proof}"}
            )

    ended = asyncio.create_task(stop())
    with pytest.raises(NoDrill):
        async with asyncio.timeout(30):
            await carry_out(running.base_url, order, BOOK, Console(file=io.StringIO()))
    await ended


def test_the_command_prints_json_alone_on_standard_output(running: Settings) -> None:
    token = plan(running, "silence", 2)
    words = ["drill", "--url", running.base_url, "--token", token, "--callers", "1", "--rate", "0", "--wait", "2"]
    done = CliRunner().invoke(app, [*words, "--speed", "50", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert list(found["measures"]) == list(MEASURES)
    assert found["measures"]["stored"]["reached"] == found["measures"]["stored"]["of"] == 1
    assert [one["script"] for one in found["callers"]] == ["silent"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--token", "forged.proof"], "口令"),
        (["--token", "x", "--url", f"http://127.0.0.1:{free_port()}"], "no server"),
    ],
)
def test_what_cannot_begin_says_why_and_ends_with_one(running: Settings, more: list[str], words: str) -> None:
    done = CliRunner().invoke(app, ["drill", "--url", running.base_url, *more])
    assert done.exit_code == 1
    assert words in done.stderr


def test_a_drill_of_another_day_does_not_begin(running: Settings) -> None:
    token = plan(running, "one_red", 1, timedelta(days=3))
    done = CliRunner().invoke(app, ["drill", "--url", running.base_url, "--token", token])
    assert done.exit_code == 1
    assert "还没有到时间" in done.stderr


def test_the_table_names_every_caller_and_sums_them_up() -> None:
    shown = io.StringIO()
    found = [CallerResult("edge", {"stored": 0.123}), CallerResult("question", {}, is_danger=False, fault="ReadError")]
    show(found, BOOK, Console(file=shown, width=200))
    for words in ("小静", "0.12", "小林（没有危险）", "ReadError", "1/1", "0/1", "老师第一句话"):
        assert words in shown.getvalue()
    assert as_values(found)["measures"]["word"] == {"reached": 0, "of": 1, "median_s": None, "worst_s": None}


def test_the_clocks_run_from_the_danger_message_and_stop_at_the_first_of_each() -> None:
    times = Times()
    times.said("bot", 1, 5.0)  # an answer to something before
    times.begin(10.0)
    times.said("bot", 3, 10.2)  # heard before the acknowledgement was
    times.stored(2, 10.3)
    for at in (10.5, 11.0):
        times.told("alert", at)
        times.told("claimed", at + 5)
        times.said("counsellor", 9, at + 9)
    assert times.seconds == pytest.approx({"stored": 0.3, "safety": 0.2, "alarm": 0.5, "claim": 5.5, "word": 9.5})
    assert times.is_whole


def test_where_a_person_is_there_already_nobody_needs_to_be_called() -> None:
    times = Times()
    times.told("claimed", 1.0)
    times.begin(10.0)
    times.told("alert", 12.0)
    assert times.seconds == {"safety": 0.0, "alarm": 0.0, "claim": 0.0}
