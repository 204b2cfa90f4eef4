"""Makes every object of the service by hand: build_service(settings) is all of it; nothing runs yet."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import structlog

import knowing
import outside
import platforms
from bot.asides import Asides
from bot.channels import Channel, Door
from bot.complaining import Complaining
from bot.generator import HttpGenerator
from bot.hearing import Hearing
from bot.intake import Intake
from bot.linking import Linking
from bot.marking import Marking
from bot.media import MediaFetcher
from bot.outbox import Outbox
from bot.own_plan import OwnPlan
from bot.pipeline import Pipeline
from bot.practising import Practising
from bot.recogniser import HttpRecogniser
from bot.reminding import Reminding
from bot.rephrasing import Rephrasing
from bot.replies import load_intents, load_replies
from bot.restraint import Restraint
from bot.rights import OwnRecords
from desk_rules import make_clocks, make_rules, make_safeguarding_terms
from escalation.accounts import Accounts, SessionRules
from escalation.alarm import Alarm
from escalation.calling import load_rungs
from escalation.calls import Calls
from escalation.desk import Desk
from escalation.desks import Desks, Sweep, open_desks
from escalation.law.minors import load_ages
from escalation.library.publishing import Publishing
from escalation.record.plan import load_parts
from escalation.roles import load_permissions
from escalation.safeguarding.clocks import Clocks
from escalation.safeguarding.incoming import IncomingComplaints
from escalation.second_factor import FactorPolicy, SecondFactor
from escalation.shift.on_duty import OnDuty
from knowledge.rephrase import load_rules
from notify.sending import Sending
from notify.words import load_words
from outside import Ways
from platforms import Outside
from records.crypto import load_vault
from records.database import check_key, migrate, open_engine, sqlite_warning
from records.feed import Feed
from records.pace import Pace
from records.store import Store, open_rows
from records.writer import Writer
from settings import PREFIX, BadSettings, Settings
from triage import release
from triage.loading import RulebookError
from triage.screen import Screener

log = structlog.get_logger()
_NO_SHARED_LIMIT = httpx.Limits(max_connections=None, max_keepalive_connections=100)  # one slow platform starves none


def utc_now() -> datetime:
    """The clock of the running service; tests pass their own."""
    return datetime.now(UTC)


@dataclass
class Service:
    """Everything that runs, for the app's lifespan and for tests."""

    settings: Settings
    store: Store
    writer: Writer
    feed: Feed
    alarm: Alarm
    desks: Desks
    accounts: Accounts
    pipeline: Pipeline
    intake: Intake
    outbox: Outbox
    media: MediaFetcher
    publishing: Publishing  # approved articles
    ways: Ways  # to people who are not looking at a screen
    sending: Sending
    doors: tuple[Door, ...]  # where the platforms' messages come in
    sweeps: tuple[Sweep, ...]  # what is looked for every second, each in its own transaction
    http: httpx.AsyncClient  # calls to platforms
    now: Callable[[], datetime]
    screening_folder: Path  # of the release that judges

    @property
    def desk(self) -> Desk:
        """Where cases are handled."""
        return self.desks.desk

    @property
    def practising(self) -> Practising:
        """Lets the synthetic callers of practices write."""
        return Practising(self.pipeline, self.desks.practices)

    @property
    def push_key(self) -> str:
        """What a browser must know to be knocked at; empty = no web push."""
        return self.ways.push_key.public if self.ways.push_key else ""


def open_store(settings: Settings) -> Store:
    """Open and migrate the database and check that the key fits it."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    vault = load_vault(settings.keys)
    engine = open_engine(settings.engine_url)
    migrate(engine)
    check_key(engine, vault, settings.district)
    return open_rows(engine, vault, settings.district)


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


def make_accounts(settings: Settings, store: Store) -> Accounts:
    """Sign-in with this deployment's clocks and second factor."""
    rules = SessionRules(
        timedelta(seconds=settings.session_idle_s), timedelta(seconds=settings.session_longest_s),
        settings.lock_failures, timedelta(seconds=settings.lock_s),
    )  # fmt: skip
    required = settings.second_factor_roles
    if strange := required - set(load_permissions().names):
        raise BadSettings(f"HOTLINE_SECOND_FACTOR names unknown roles: {', '.join(sorted(strange))}")
    policy = FactorPolicy(settings.second_factor != "off", required)
    return Accounts(store.staff, rules, SecondFactor(store.factors, store.staff, policy))


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


def make_pipeline(
    settings: Settings, store: Store, writer: Writer, alarm: Alarm, screener: Screener, now: Callable[[], datetime],
    desks: Desks,
) -> Pipeline:  # fmt: skip
    """The path of one message, from its screening to the rows that answer it."""
    intents = load_intents()
    return Pipeline(
        engine=store.engine, writer=writer, screener=screener, intents=intents,
        answering=knowing.load_answering(settings, knowing.texts_in_force(store)), conversations=store.conversations,
        transcripts=store.transcripts, answer_marks=store.answer_marks, outbox=store.outbox, alarm=alarm,
        linking=Linking(store.links, store.outbox, timedelta(seconds=settings.link_code_s), secrets.randbelow),
        asides=make_asides(settings, store, alarm),
        restraint=Restraint(Pace(settings.district), settings.answers_per_minute),
        own_records=OwnRecords(desks.rights, desks.minors, load_ages(), intents, store.outbox),
        now=now, crisis_repeat=timedelta(seconds=settings.crisis_repeat_s),
        handling_lease=timedelta(seconds=settings.handling_lease_s), hears_voices=bool(settings.recogniser_url),
    )  # fmt: skip


def make_asides(settings: Settings, store: Store, alarm: Alarm) -> Asides:
    """What serves a word in the chat that asks for the own plan, or complains."""
    pace = Pace(settings.district)
    clocks = Clocks(store.matters, make_safeguarding_terms(settings), alarm.calls)
    return Asides(
        OwnPlan(store.safety_plans, store.links, store.outbox, pace, load_parts()),
        Complaining(IncomingComplaints(clocks, store.stints, store.staff), store.outbox, pace),
    )


def make_rephrasing(settings: Settings, store: Store, pipeline: Pipeline, http: httpx.AsyncClient) -> Rephrasing | None:
    """Other words for articles, where a model was named."""
    if not settings.generation_url:
        return None
    rules = load_rules()
    if settings.generation_tone not in rules.tones:
        raise BadSettings(f"{PREFIX}GENERATION_TONE must be one of {', '.join(rules.tones)}")
    generator = HttpGenerator(
        http, settings.generation_url.rstrip("/"), settings.generation_key, settings.generation_model
    )
    return Rephrasing(
        generator, rules, settings.generation_tone, pipeline.answering, pipeline.writer, store.conversations,
        store.transcripts, store.cases, store.outbox, timedelta(seconds=settings.generation_timeout_s),
        settings.generation_sends_question, pipeline.now,
    )  # fmt: skip


def make_alarm(settings: Settings, store: Store, ways: Ways) -> Alarm:
    """What opens cases and climbs the ladder, with this deployment's clocks and ways out."""
    calls = make_calls(settings, store, ways)
    return Alarm(store.cases, store.alerts, store.conversations, store.outbox, make_clocks(settings), calls)


def make_calls(settings: Settings, store: Store, ways: Ways) -> Calls:
    """What the ladder needs to call people outside the screens."""
    own = {name: carrier for name, (carrier, _) in ways.own.items()}
    on_duty = OnDuty(store.roster, store.presence, timedelta(seconds=settings.presence_gone_s))
    return Calls(store.notices, store.addresses, load_rungs(), frozenset(ways.carriers), own, store.drills, on_duty)


def make_sending(
    settings: Settings, store: Store, writer: Writer, ways: Ways, now: Callable[[], datetime]
) -> Sending:  # fmt: skip
    """What sends those calls."""
    own = {name: address for name, (_, address) in ways.own.items()}
    return Sending(
        store.engine, writer, store.notices, store.addresses, store.ledger, ways.carriers, own, load_words(),
        lambda token: f"{settings.base_url.rstrip('/')}/console/seen/{token}", now, random.random,
    )  # fmt: skip


def build_service(
    settings: Settings, *, now: Callable[[], datetime] = utc_now, screener: Screener | None = None
) -> Service:
    """Make every object; nothing runs yet but the writing thread. Compiled rules may be given: they hold no state."""
    store = open_store(settings)
    if warning := sqlite_warning(store.engine):
        log.warning("sqlite.old", detail=warning)
    feed = Feed(store.engine, poll_s=2.0 if store.engine.dialect.name == "sqlite" else 0.25)
    writer = Writer(store.engine, after_commit=feed.ring)
    http = httpx.AsyncClient(timeout=settings.outbox_lease_s / 2, limits=_NO_SHARED_LIMIT)
    ways = outside.open_ways(settings, http, now)
    alarm = make_alarm(settings, store, ways)
    replies = load_replies(settings.numbers(), settings.hotline_name)
    desks = open_desks(store, alarm, load_permissions(), make_rules(settings))
    pipeline = make_pipeline(settings, store, writer, alarm, screener or screening_in_force(settings), now, desks)
    pipeline.rephrasing = make_rephrasing(settings, store, pipeline, http)
    channels = platforms.open_channels(settings, Outside(http, store.channel_state, writer, now))
    marking = Marking(
        store.outbox, store.conversations, store.contacts, store.ledger, alarm, replies,
        Reminding(store.addresses, store.notices, is_on="push" in ways.carriers), channels, random.random,
    )  # fmt: skip
    outbox = Outbox(
        writer=writer, rows=store.outbox, contacts=store.contacts, ledger=store.ledger, marking=marking,
        replies=replies, channels=channels, now=now, lease=timedelta(seconds=settings.outbox_lease_s),
    )  # fmt: skip
    intake = Intake(
        pipeline, store.contacts, store.ledger, store.attachments, channels, timedelta(seconds=settings.late_s)
    )
    feed.on_news(outbox.ring)
    return Service(
        settings=settings,
        store=store,
        writer=writer,
        feed=feed,
        alarm=alarm,
        desks=desks,
        accounts=make_accounts(settings, store),
        pipeline=pipeline,
        intake=intake,
        outbox=outbox,
        media=make_media(settings, store, pipeline, channels, http),
        publishing=knowing.make_publishing(settings, store, writer, desks.library, pipeline.answering, now),
        ways=ways,
        sending=make_sending(settings, store, writer, ways, now),
        doors=platforms.open_doors(settings, channels, intake),
        sweeps=(alarm.sweep, alarm.heed_silence, *desks.sweeps),
        http=http,
        now=now,
        screening_folder=release.in_force(settings.screening_dir),
    )
