"""The API of a drill: who holds no token of a plan gets nothing, callers are marked, the end is the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

import server
from escalation.practice.plans import Wanted
from records import tables as t
from settings import Settings
from tests.browsing import Site, serving
from tests.building import EMERGENCY, NOW, WAIT_S, Clock, compiled_screener, counsellor, do, rows

pytestmark = pytest.mark.anyio
FORGED = "0" * 32


@pytest.fixture
def site(sqlite_settings: Settings, clock: Clock) -> Iterator[Site]:
    app = server.build_app(sqlite_settings, now=clock, screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


def token_of(site: Site, callers: int = 2, at: timedelta = timedelta(0)) -> str:
    """A plan's token."""
    service = site.service
    lead = counsellor(service.store, service.writer, "zhao", "duty_lead")
    desk, wanted = service.desks.drills, Wanted("one_red", callers, NOW + at, True, False)
    return desk.token(do(service.writer, lambda c: desk.plan(c, lead, wanted, NOW, may_hide=False)))


async def ask(site: Site, path: str, bearer: str, **body: Any) -> httpx.Response:
    return await site.browser().post(path, json=body, headers={"Authorization": f"Bearer {bearer}"})


async def begun(site: Site) -> str:
    answer = await ask(site, "/api/drill/runs", token_of(site))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["proof"])


async def open_session(site: Site, proof: str) -> httpx.Response:
    return await site.browser().post("/api/chat/sessions", headers={"X-Hotline-Drill": proof})


async def test_a_caller_of_a_run_is_marked_with_all_that_follows(site: Site) -> None:
    person = await site.visitor(**{"X-Hotline-Drill": await begun(site)})
    await person.post(EMERGENCY, "m1")
    assert [row.is_drill for row in rows(site.service.store.engine, t.conversation)] == [True]
    assert [row.is_drill for row in rows(site.service.store.engine, t.case_record)] == [True]


@pytest.mark.parametrize("proof", [f"{FORGED}.{FORGED}", ".", f"{FORGED}.", "a.b.c"])
async def test_a_forged_proof_opens_no_conversation_at_all(site: Site, proof: str) -> None:
    await begun(site)
    assert (await open_session(site, proof)).status_code == 409
    assert rows(site.service.store.engine, t.conversation) == []


async def test_a_conversation_that_goes_on_cannot_become_a_drill(site: Site) -> None:
    proof, person = await begun(site), await site.visitor()
    await person.browser.post(
        "/api/chat/messages", json={"client_message_id": "a", "text": EMERGENCY}, headers={"X-Hotline-Drill": proof}
    )
    assert [row.is_drill for row in rows(site.service.store.engine, t.case_record)] == [False]


@pytest.mark.parametrize("bearer", ["", f"{FORGED}.{FORGED}", "x" * 300])
async def test_without_a_token_every_route_refuses(site: Site, bearer: str) -> None:
    await begun(site)
    assert (await ask(site, "/api/drill/runs", bearer)).status_code in (401, 409)
    assert (await ask(site, "/api/drill/results", bearer, whole=True, callers=[])).status_code in (401, 409)
    heard = await site.browser().get("/api/drill/events", headers={"Authorization": f"Bearer {bearer}"})
    assert heard.status_code in (401, 409)
    assert [row.state for row in rows(site.service.store.engine, t.drill_run)] == ["running"]


@pytest.mark.parametrize(
    "body", [{"scenario": 1}, {"callers": "2"}, {"callers": True}, {"callers": 99}, {"scenario": "x"}]
)
async def test_a_wish_that_cannot_be_read_or_kept_begins_nothing(site: Site, body: dict[str, Any]) -> None:
    assert (await ask(site, "/api/drill/runs", token_of(site), **body)).status_code in (409, 422)
    assert rows(site.service.store.engine, t.drill_run) == []


async def test_a_drill_does_not_begin_before_its_day(site: Site) -> None:
    answer = await ask(site, "/api/drill/runs", token_of(site, at=timedelta(days=2)))
    assert answer.status_code == 409
    assert "还没有到时间" in answer.json()["detail"]


async def test_the_results_end_the_run_and_its_callers_write_no_more(site: Site) -> None:
    proof = await begun(site)
    person = await site.visitor(**{"X-Hotline-Drill": proof})
    await person.post(EMERGENCY, "m1")
    results = [{"script": "edge", "seconds": {"stored": 0.2}, "is_danger": True, "fault": ""}]
    assert (await ask(site, "/api/drill/results", proof, whole=True, callers=results)).status_code == 200
    assert (await person.post("还在吗", "m2")).status_code == 401
    assert (await ask(site, "/api/drill/results", proof, whole=True, callers=results)).status_code == 409
    assert [row.state for row in rows(site.service.store.engine, t.case_record)] == ["closed"]


async def test_the_stream_tells_of_the_callers_of_the_run_and_of_nobody_else(site: Site) -> None:
    async with serving(site.app) as url, httpx.AsyncClient(base_url=url) as client, asyncio.timeout(WAIT_S):
        answer = await client.post(
            "/api/drill/runs", json={}, headers={"Authorization": f"Bearer {token_of(site)}"}
        )  # fmt: skip
        proof = answer.json()["proof"]
        headers = {"Authorization": f"Bearer {proof}"}
        async with client.stream("GET", "/api/drill/events", headers=headers) as stream:
            lines = stream.aiter_lines()
            await anext(lines)
            for more in ({}, {"X-Hotline-Drill": proof}):
                opened = (await client.post("/api/chat/sessions", headers=more)).json()
                client.cookies.clear()
                await client.post(
                    "/api/chat/messages", json={"client_message_id": "m", "text": EMERGENCY},
                    headers={"Authorization": f"Bearer {opened['token']}"},
                )  # fmt: skip
            told = [json.loads(line[5:]) async for line in until_alert(lines)]
    assert {one["session"] for one in told} == {opened["session"]}
    assert told[-1]["kind"] == "alert"


async def until_alert(lines: Any) -> Any:
    async for line in lines:
        if line.startswith("data:"):
            yield line
            if '"alert"' in line:
                return
