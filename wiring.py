"""Makes every object of the service by hand: build_service(settings) is all of it; nothing runs yet."""

from __future__ import annotations

import random
import secrets
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import sqlalchemy as sa
import structlog

import platforms
from bot.answering import Answering
from bot.channels import Channel, Door
from bot.hearing import Hearing
from bot.intake import Intake
from bot.linking import Linking
from bot.marking import Marking
from bot.media import MediaFetcher
from bot.outbox import Outbox
from bot.pipeline import Pipeline
from bot.recogniser import HttpRecogniser
from bot.replies import load_intents, load_replies
from bot.restraint import Restraint
from escalation.accounts import Accounts, SessionRules
from escalation.alarm import Alarm
from escalation.contact_desk import ContactDesk
from escalation.desk import Desk
from escalation.roles import load_permissions
from escalation.routing import Clocks
from knowledge import index as knowledge_index
from knowledge.answers import Answerer
from knowledge.articles import Library, load_library
from knowledge.encoder import EncoderError, StaticEncoder
from knowledge.index import IndexRefused
from platforms import Outside
from records.attachments import Attachments
from records.cases import Alerts, Cases
from records.channel_state import ChannelState
from records.contacts import Contacts
from records.conversations import Conversations
from records.crypto import Vault, load_vault
from records.database import check_key, migrate, open_engine, sqlite_warning
from records.decisions import Decisions
from records.feed import Feed
from records.ledger import Ledger
from records.links import Links
from records.outbox_rows import OutboxRows
from records.pace import Pace
from records.staff import Staff
from records.transcripts import Transcripts
from records.writer import Writer
from settings import Settings
from triage import release
from triage.loading import RulebookError
from triage.risk import Level
from triage.screen import Screener

log = structlog.get_logger()
_NO_SHARED_LIMIT = httpx.Limits(max_connections=None, max_keepalive_connections=100)  # one slow platform starves none
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
    contacts: Contacts
    links: Links
    decisions: Decisions
    outbox: OutboxRows
    ledger: Ledger
    attachments: Attachments
    transcripts: Transcripts
    channel_state: ChannelState
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
    people: ContactDesk
    accounts: Accounts
    pipeline: Pipeline
    intake: Intake
    outbox: Outbox
    media: MediaFetcher
    doors: tuple[Door, ...]  # where the platforms' messages come in
    http: httpx.AsyncClient  # calls to platforms
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
        engine, vault, Conversations(district, vault), Contacts(district, vault), Links(district, vault),
        Decisions(district, vault), OutboxRows(district, vault), Ledger(district), Attachments(district, vault),
        Transcripts(district, vault), ChannelState(district, vault), Cases(district, vault), Alerts(district),
        Staff(district),
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


def make_media(
    settings: Settings, store: Store, pipeline: Pipeline, channels: Mapping[str, Channel], http: httpx.AsyncClient
) -> MediaFetcher:
    """What fetches voices, pictures and files, and what hears voices where there is a recogniser."""
    hearing = None
    if settings.recogniser_url:
        recogniser = HttpRecogniser(
            http, settings.recogniser_url.rstrip("/"), settings.recogniser_key, settings.recogniser_model,
            settings.recogniser_timeout_s,
        )  # fmt: skip
        late = timedelta(seconds=settings.late_s)
        hearing = Hearing(
            pipeline, recogniser, store.transcripts, store.attachments, store.contacts, late, random.random
        )
    return MediaFetcher(
        pipeline.writer, store.attachments, store.conversations, pipeline.alarm, channels, hearing,
        settings.media_longest_bytes, pipeline.now, random.random,
    )  # fmt: skip


def build_service(
    settings: Settings, *, now: Callable[[], datetime] = utc_now, screener: Screener | None = None
) -> Service:
    """Make every object; nothing runs yet but the writing thread. Compiled rules may be given: they hold no state."""
    store = open_store(settings)
    feed = Feed(store.engine, poll_s=2.0 if store.engine.dialect.name == "sqlite" else 0.25)
    writer = Writer(store.engine, after_commit=feed.ring)
    alarm = Alarm(store.cases, store.alerts, store.conversations, store.outbox, make_clocks(settings))
    desk = Desk(alarm, store.staff, load_permissions())
    people = ContactDesk(store.cases, store.contacts, store.links, store.decisions, store.ledger, store.staff)
    replies = load_replies(settings.numbers(), settings.hotline_name)
    pipeline = Pipeline(
        engine=store.engine, writer=writer, screener=screener or screening_in_force(settings), intents=load_intents(),
        answering=load_answering(settings), conversations=store.conversations, transcripts=store.transcripts,
        outbox=store.outbox, alarm=alarm,
        linking=Linking(store.links, store.outbox, timedelta(seconds=settings.link_code_s), secrets.randbelow),
        restraint=Restraint(Pace(settings.district), settings.answers_per_minute),
        now=now, crisis_repeat=timedelta(seconds=settings.crisis_repeat_s),
        handling_lease=timedelta(seconds=settings.handling_lease_s), hears_voices=bool(settings.recogniser_url),
    )  # fmt: skip
    http = httpx.AsyncClient(timeout=settings.outbox_lease_s / 2, limits=_NO_SHARED_LIMIT)
    channels = platforms.open_channels(settings, Outside(http, store.channel_state, writer, now))
    marking = Marking(
        store.outbox, store.conversations, store.contacts, store.ledger, alarm, replies, channels, random.random
    )
    outbox = Outbox(
        writer=writer, rows=store.outbox, contacts=store.contacts, ledger=store.ledger, marking=marking,
        replies=replies, channels=channels, now=now, lease=timedelta(seconds=settings.outbox_lease_s),
    )  # fmt: skip
    intake = Intake(
        pipeline, store.contacts, store.ledger, store.attachments, channels, timedelta(seconds=settings.late_s)
    )
    feed.on_news(outbox.ring)
    return Service(
        settings, store, writer, feed, alarm, desk, people, make_accounts(settings, store.staff), pipeline, intake,
        outbox, make_media(settings, store, pipeline, channels, http),
        platforms.open_doors(settings, channels, intake), http, now, release.in_force(settings.screening_dir),
    )  # fmt: skip
