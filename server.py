"""Wires every object by hand: build_app(settings) is the whole service; the `hotline` command starts here."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import tomllib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
import structlog
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from bot.answering import Answering
from bot.channels.webchat import NAME as WEB
from bot.channels.webchat import WebChannel, WebChat
from bot.outbox import Outbox
from bot.pipeline import Pipeline
from bot.replies import load_intents, load_replies
from escalation.accounts import Accounts, SessionRules
from escalation.alarm import Alarm
from escalation.console import access, case, queue, signin
from escalation.desk import Desk
from escalation.roles import load_permissions
from escalation.routing import Clocks
from knowledge import index as knowledge_index
from knowledge.answers import Answerer
from knowledge.articles import Library, load_library
from knowledge.encoder import EncoderError, StaticEncoder
from knowledge.index import IndexRefused
from records.cases import Alerts, Cases
from records.conversations import Conversations
from records.crypto import Vault, load_vault
from records.database import check_key, migrate, open_engine, sqlite_warning
from records.feed import Feed
from records.outbox_rows import OutboxRows
from records.staff import Staff
from records.writer import Writer
from refusals import add_refusals
from settings import Settings
from triage import release
from triage.loading import RulebookError
from triage.risk import Level
from triage.screen import Screener

log = structlog.get_logger()
KNOWLEDGE = Path(__file__).parent / "knowledge"


def utc_now() -> datetime:
    """The clock of the running service; tests pass their own."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Store:
    """The rows of one deployment and the keys that open them."""

    engine: sa.Engine
    vault: Vault
    conversations: Conversations
    outbox: OutboxRows
    cases: Cases
    alerts: Alerts
    staff: Staff


@dataclass
class Service:
    """Everything that runs, for the app's lifespan and for tests."""

    settings: Settings
    store: Store
    writer: Writer
    feed: Feed
    alarm: Alarm
    desk: Desk
    accounts: Accounts
    pipeline: Pipeline
    outbox: Outbox
    now: Callable[[], datetime]
    screening_folder: Path  # of the release that judges


def open_store(settings: Settings) -> Store:
    """Open and migrate the database and check that the key fits it."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    vault = load_vault(settings.keys)
    engine = open_engine(settings.engine_url)
    migrate(engine)
    check_key(engine, vault, settings.district)
    if warning := sqlite_warning(engine):
        log.warning("sqlite.old", detail=warning)
    district = settings.district
    return Store(
        engine, vault, Conversations(district, vault), OutboxRows(district, vault), Cases(district, vault),
        Alerts(district), Staff(district),
    )  # fmt: skip


def load_answering(settings: Settings) -> Answering:
    """Knowledge, or an honest nothing when the index cannot be used: screening and alarms need none of it."""
    library = load_library(KNOWLEDGE / "library")
    region = tomllib.loads(settings.region_file.read_text()) if settings.region_file else {}
    try:
        encoder = StaticEncoder.load(KNOWLEDGE / "model")
        answerer = Answerer(library, _index_for(library, encoder, settings.data_dir / "index"), encoder)
    except (IndexRefused, EncoderError, OSError) as error:
        log.error("knowledge.unavailable", error=str(error))
        return Answering(library, None, settings.numbers(), region)
    return Answering(library, answerer, settings.numbers(), region)


def _index_for(library: Library, encoder: StaticEncoder, folder: Path) -> knowledge_index.Index:
    found = knowledge_index.load(folder)
    if found.manifest.library_digest != library.digest or found.manifest.encoder_id != encoder.id:
        raise IndexRefused("the articles or the encoder changed since the index was built; run `hotline index`")
    return found


def screening_in_force(settings: Settings) -> Screener:
    """The release that was switched on; when its rules cannot be read, the shipped one rather than none."""
    folder = release.in_force(settings.screening_dir)
    try:
        screener = release.open_screener(folder, clock=time.perf_counter)
    except RulebookError as error:
        log.error("screening.release_unusable", folder=str(folder), error=str(error))
        screener = release.open_screener(clock=time.perf_counter)
    if screener.fault:
        log.error("screening.no_classifier", error=screener.fault)
    return screener


def make_accounts(settings: Settings, staff: Staff) -> Accounts:
    """Sign-in with this deployment's clocks."""
    rules = SessionRules(
        timedelta(seconds=settings.session_idle_s), timedelta(seconds=settings.session_longest_s),
        settings.lock_failures, timedelta(seconds=settings.lock_s),
    )  # fmt: skip
    return Accounts(staff, rules)


def make_clocks(settings: Settings) -> Clocks:
    """The ladder with this deployment's seconds."""
    ladder = {
        Level.LOW: settings.ladder_low_s,
        Level.MEDIUM: settings.ladder_medium_s,
        Level.HIGH: settings.ladder_high_s,
        Level.EMERGENCY: settings.ladder_emergency_s,
    }
    return Clocks(ladder, settings.waiting_note_s, settings.silence_s)


def build_service(
    settings: Settings, *, now: Callable[[], datetime] = utc_now, screener: Screener | None = None
) -> Service:
    """Make every object; nothing runs yet but the writing thread. Compiled rules may be given: they hold no state."""
    store = open_store(settings)
    feed = Feed(store.engine, poll_s=2.0 if store.engine.dialect.name == "sqlite" else 0.25)
    writer = Writer(store.engine, after_commit=feed.ring)
    alarm = Alarm(store.cases, store.alerts, store.conversations, store.outbox, make_clocks(settings))
    desk = Desk(alarm, store.staff, load_permissions())
    replies = load_replies(settings.numbers(), settings.hotline_name)
    pipeline = Pipeline(
        engine=store.engine, writer=writer, screener=screener or screening_in_force(settings), intents=load_intents(),
        answering=load_answering(settings), conversations=store.conversations, outbox=store.outbox, alarm=alarm,
        now=now, crisis_repeat=timedelta(seconds=settings.crisis_repeat_s),
        handling_lease=timedelta(seconds=settings.handling_lease_s),
    )  # fmt: skip
    outbox = Outbox(
        engine=store.engine, writer=writer, rows=store.outbox, conversations=store.conversations, cases=store.cases,
        replies=replies, channels={WEB: WebChannel()}, now=now, spread=random.random,
        lease=timedelta(seconds=settings.outbox_lease_s),
    )  # fmt: skip
    feed.on_news(outbox.bell.set)
    return Service(
        settings,
        store,
        writer,
        feed,
        alarm,
        desk,
        make_accounts(settings, store.staff),
        pipeline,
        outbox,
        now,
        release.in_force(settings.screening_dir),
    )


def build_app(settings: Settings, *, now: Callable[[], datetime] = utc_now) -> FastAPI:
    """The service as an ASGI application."""
    service = build_service(settings, now=now)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await service.feed.start()
        tasks = [
            asyncio.create_task(service.outbox.run(0.5)),
            asyncio.create_task(sweep_for_ever(service)),
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await service.pipeline.drain()
        await service.feed.stop()
        await asyncio.to_thread(service.writer.close)
        service.store.engine.dispose()

    app = FastAPI(title="心灯 Xindeng", version="0.1.0", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.service = service
    _add_routes(app, service)
    add_refusals(app, settings)
    return app


async def sweep_for_ever(service: Service) -> None:
    """Fire what is due: unclaimed alerts, waiting messages, messages whose answerer died."""
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
    await service.writer.write(lambda connection: service.alarm.sweep(connection, now))
    await service.writer.write(lambda connection: service.alarm.heed_silence(connection, now))
    await service.pipeline.resume()


async def _take_over_release(service: Service) -> None:
    """Switch to a screening release that somebody adopted while we run; messages go on meanwhile."""
    folder = release.in_force(service.settings.screening_dir)
    if folder != service.screening_folder:
        service.screening_folder = folder
        service.pipeline.screener = await asyncio.to_thread(screening_in_force, service.settings)
        log.info("screening.release", version=service.pipeline.screener.version)


def _add_routes(app: FastAPI, service: Service) -> None:
    settings, pipeline = service.settings, service.pipeline
    numbers = settings.numbers()
    page = {
        "hotline_name": settings.hotline_name,
        "numbers": numbers,
        "quick_leave_url": settings.quick_leave_url,
    }
    chat = WebChat(pipeline, service.feed, page, service.outbox.replies.render("greeting.first"), settings.is_https)
    app.include_router(chat.router())
    console = access.Console(
        engine=service.store.engine, writer=service.writer, feed=service.feed, desk=service.desk,
        accounts=service.accounts, explain=lambda rule: pipeline.screener.explain(rule),
        articles=pipeline.answering, now=service.now,
        hotline_name=settings.hotline_name, oncall=f"{settings.oncall_name} {settings.oncall_phone}".strip(),
        secure_cookie=settings.is_https, templates=access.make_templates(),
    )  # fmt: skip
    for room in (signin, queue, case):
        app.include_router(room.router(console), include_in_schema=False)
    app.mount("/console/static", StaticFiles(directory=access.FOLDER / "static"))

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process lives."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> Response:
        """The database answers and the rules are loaded; says whether knowledge answers too."""
        await asyncio.to_thread(_ping, service.store.engine)
        knows = pipeline.answering.answerer is not None
        screener = pipeline.screener
        state = {"status": "ready", "rules": screener.version, "classifier": not screener.fault, "knowledge": knows}
        return JSONResponse(state)


def _ping(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
