"""The whole service as one ASGI application: build_app(settings); the `hotline` command starts here."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial

import sqlalchemy as sa
import structlog
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from bot.channels import Door, own_copy
from bot.channels.drill import DrillDoor
from bot.channels.reminder import Reminder
from bot.channels.webchat import WebChat
from bot.channels.widget import Widget
from escalation.console import (
    access,
    account,
    accounts,
    audit,
    case,
    closings,
    drafts,
    drills,
    duty,
    files,
    floor,
    follow_ups,
    gate,
    growth,
    institutions,
    law,
    library,
    notices,
    practice,
    queue,
    referrals,
    reports,
    safeguarding,
    seen,
    sharing,
    shifts,
    signin,
    stepping_in,
    supervision,
    undelivered,
)
from escalation.own_ways import OwnWays
from escalation.partner import pages
from escalation.receipts import Receipts
from notify.web_push import is_allowed
from refusals import add_refusals
from settings import Settings
from triage import release
from triage.screen import Screener
from wiring import Service, build_service, screening_in_force, utc_now

log = structlog.get_logger()
_DOOR_AGAIN_S = 5.0


def build_app(
    settings: Settings, *, now: Callable[[], datetime] = utc_now, screener: Screener | None = None
) -> FastAPI:
    """The service as an ASGI application. Compiled rules may be given: they hold no state."""
    service = build_service(settings, now=now, screener=screener)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await service.feed.start()
        tasks = [
            asyncio.create_task(service.outbox.run(0.5)),
            asyncio.create_task(sweep_for_ever(service)),
            asyncio.create_task(service.sending.run(0.5)),
            *(asyncio.create_task(keep_running(door)) for door in service.doors),
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await service.media.stop()
        await service.publishing.stop()
        await service.pipeline.drain()
        await service.feed.stop()
        await service.http.aclose()
        await asyncio.to_thread(service.writer.close)
        service.store.engine.dispose()

    app = FastAPI(title="心灯 Xindeng", version="0.1.0", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.service = service
    _add_routes(app, service)
    add_refusals(app, settings)
    return app


async def keep_running(door: Door) -> None:
    """Let a door work beside its routes; one that breaks is opened again, never silently closed."""
    while True:
        try:
            return await door.run()
        except Exception as error:  # one of the few broad excepts: messages must go on coming in
            log.error("door.failed", door=type(door).__name__, error=type(error).__name__)
            await asyncio.sleep(_DOOR_AGAIN_S)


async def sweep_for_ever(service: Service) -> None:
    """Fire what is due: alerts, waiting messages, those whose answerer died, words for a channel switched off."""
    while True:
        try:
            await sweep_once(service)
        except Exception as error:  # one of the three broad excepts: rows stay due, the next sweep tries again
            log.error("sweep.failed", error=type(error).__name__)
        await asyncio.sleep(service.settings.sweep_s)


async def sweep_once(service: Service) -> None:
    """One round of the sweeper."""
    now = service.now()
    await _take_over_release(service)
    for sweep in service.sweeps:
        await _sweep(service, sweep, now)
    await service.media.run_due()
    await service.publishing.run_due()
    await service.pipeline.resume()
    await asyncio.gather(*await service.outbox.deliver_due(None))
    await service.practising.run_due()  # last: whatever goes wrong here, real people were served


async def _sweep(service: Service, sweep: Callable[..., object], now: datetime) -> None:
    """One that fails holds up no other: messages of people wait behind them."""
    try:
        await service.writer.write(functools.partial(sweep, now=now))
    except Exception as error:  # one of the few broad excepts: rows stay due, the next sweep tries again
        log.error("sweep.failed", sweep=getattr(sweep, "__qualname__", ""), error=type(error).__name__)


async def _take_over_release(service: Service) -> None:
    """Switch to a screening release that somebody adopted while we run; messages go on meanwhile."""
    folder = release.in_force(service.settings.screening_dir)
    if folder != service.screening_folder:
        service.screening_folder = folder
        service.pipeline.screener = await asyncio.to_thread(screening_in_force, service.settings)
        log.info("screening.release", version=service.pipeline.screener.version)


# every page of the console; each module has a router
ROOMS = (
    signin, queue, case, files, gate, law, undelivered, notices, seen, follow_ups, referrals, safeguarding,
    institutions, duty, stepping_in, floor, shifts, account, sharing, accounts, audit, library, supervision, growth,
    drills, practice, reports, drafts, closings,
)  # fmt: skip


def _add_routes(app: FastAPI, service: Service) -> None:
    _add_chat(app, service)
    for door in service.doors:
        app.include_router(door.router())
    console = _make_console(service)
    for room in ROOMS:
        app.include_router(room.router(console), include_in_schema=False)
    settings = service.settings
    partner = pages.PartnerPages(
        service.desks.referrals.door, service.store.engine, service.writer, service.now, settings.hotline_name,
        settings.is_https, pages.make_templates(), pages.make_pace(),
    )  # fmt: skip
    app.include_router(partner.router())
    app.mount("/partner/static", StaticFiles(directory=pages.FOLDER / "static"))
    app.mount("/console/static", StaticFiles(directory=access.FOLDER / "static"))

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process lives."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> Response:
        """The database answers and the rules are loaded; says whether knowledge answers too."""
        await asyncio.to_thread(_ping, service.store.engine)
        knows = service.pipeline.answering.knowledge.answerer is not None
        screener = service.pipeline.screener
        state = {"status": "ready", "rules": screener.version, "classifier": not screener.fault, "knowledge": knows}
        return JSONResponse(state)


def _add_chat(app: FastAPI, service: Service) -> None:
    settings = service.settings
    page = {
        "hotline_name": settings.hotline_name,
        "numbers": settings.numbers(),
        "quick_leave_url": settings.quick_leave_url,
        "push_key": service.push_key,
    }
    greeting = service.outbox.replies.render("greeting.first")
    chat = WebChat(
        service.pipeline, service.feed, service.outbox.marking.reminding, service.desks.drills, page, greeting,
        settings.is_https,
    )  # fmt: skip
    app.include_router(chat.router())
    app.include_router(DrillDoor(service.pipeline, service.feed, service.desks.drills).router())
    app.include_router(Reminder(chat, partial(is_allowed, hosts=settings.push_hosts)).router())
    app.include_router(Widget(page, is_on=bool(settings.widget_origins)).router())
    app.include_router(own_copy.router(service.desks.rights, service.writer, service.now))


def _make_console(service: Service) -> access.Console:
    settings, store, pipeline = service.settings, service.store, service.pipeline
    return access.Console(
        engine=store.engine, writer=service.writer, feed=service.feed, alarm=service.alarm, desks=service.desks,
        words_of=service.outbox.replies.text_of,
        longest_bubble=lambda channel: service.outbox.rules_of(channel).longest_bytes,
        accounts=service.accounts, explain=lambda rule: pipeline.screener.explain(rule),
        articles=pipeline.answering, attachments=store.attachments, transcripts=store.transcripts, audit=store.audit,
        drafts=store.drafts,
        own_ways=OwnWays(
            store.addresses, store.notices, store.staff, frozenset(service.ways.carriers),
            partial(is_allowed, hosts=settings.push_hosts),
        ),
        receipts=Receipts(
            store.notices, store.addresses, store.alerts, store.staff, store.matters, service.alarm.clocks
        ),
        notice_words=service.sending.shown, push_key=service.push_key, now=service.now,
        helpline=settings.numbers()["help"], hotline_name=settings.hotline_name,
        oncall=f"{settings.oncall_name} {settings.oncall_phone}".strip(),
        secure_cookie=settings.is_https, templates=access.make_templates(),
    )  # fmt: skip


def _ping(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
