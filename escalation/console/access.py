"""Who is asking, and may they: every console route goes through here. Default is refusal."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from fastapi import HTTPException, Request, Response
from fastapi.templating import Jinja2Templates

from escalation.accounts import Accounts
from escalation.alarm import Alarm
from escalation.desks import Desks
from escalation.own_ways import OwnWays
from escalation.receipts import Receipts
from knowledge.answers import Answer
from knowledge.in_force import Knowledge
from records.attachments import Attachments
from records.audit_search import AuditSearch
from records.cases import Case
from records.drafts import Drafts
from records.feed import Feed
from records.notices import Notice
from records.outbox_rows import Pending
from records.staff import Counsellor, StaffSession
from records.transcripts import Transcripts
from records.writer import Writer

FOLDER = Path(__file__).parent
_ZONE = ZoneInfo("Asia/Shanghai")
_TOUCH_EVERY = timedelta(seconds=60)
ACCOUNT, QUEUE = "/console/account", "/console"
ROOMS = (  # the pages of the header, for those whose role may do the action; the first is where they start
    (QUEUE, "队列", "queue_view"),
    ("/console/follow-ups", "随访", "follow_up"),
    ("/console/referrals", "转介", "referral_view"),
    ("/console/safeguarding", "保护", "safeguarding_view"),
    ("/console/closings", "待签结案", "case_close_high"),
    ("/console/undelivered", "未送达", "undelivered_view"),
    ("/console/floor", "现场", "floor_view"),
    ("/console/roster", "排班", "roster_view"),
    ("/console/handovers", "交接班", "handover_view"),
    ("/console/invited", "请我看的个案", "shared_list"),
    ("/console/supervision", "督导", "supervision_review"),
    ("/console/growth", "我的成长", "growth_own"),
    ("/console/drills", "演练", "drill_plan"),
    ("/console/practice", "练习", "practice_own"),
    ("/console/institutions", "机构", "institution_view"),
    ("/console/library", "知识库", "library_view"),
    ("/console/reports", "统计", "report_view"),
    ("/console/notices", "我的通知", "notice_own"),
    ("/console/accounts", "账号", "accounts_manage"),
    ("/console/law", "合规", "law_view"),
    ("/console/audit", "审计", "audit_view"),
)
Act = Callable[[sa.Connection, Counsellor, datetime], object]


class Speaks(Protocol):
    """The articles as the bot uses them."""

    knowledge: Knowledge

    def suggest(self, text: str, now: datetime) -> list[tuple[str, str, str]]:
        """The nearest articles for a counsellor to insert, best first: (id, title, short text)."""
        ...

    def choose(self, text: str, now: datetime) -> Answer | None:
        """What the bot would do with a question."""
        ...

    def filled(self, text: str) -> str:
        """A text of an article with this deployment's numbers."""
        ...


class SignInFirst(Exception):
    """Nobody is signed in: server.py sends the browser to the sign-in page."""


class PasswordFirst(Exception):
    """The one-time password must be changed before anything else."""


class FactorFirst(Exception):
    """The role needs a second factor, which must be set up before anything else."""


@dataclass(frozen=True)
class Visitor:
    """The signed-in counsellor of a request."""

    counsellor: Counsellor
    session: StaffSession

    @property
    def id(self) -> str:
        """The counsellor's id."""
        return self.counsellor.id


@dataclass(frozen=True)
class CaseView:
    """One case as one visitor looks at it: what every part of its page is read from, in one transaction."""

    connection: sa.Connection
    case: Case
    names: Mapping[str, str]  # counsellor id -> display name
    visitor: Visitor
    shows_contact: bool = False  # names and contact details in full; else masked


@dataclass(frozen=True)
class Console:
    """What every page needs."""

    engine: sa.Engine
    writer: Writer
    feed: Feed
    alarm: Alarm
    desks: Desks
    accounts: Accounts
    explain: Callable[[str], str]  # a rule's plain reason
    articles: Speaks
    attachments: Attachments
    transcripts: Transcripts
    audit: AuditSearch
    drafts: Drafts
    words_of: Callable[[Pending], str]  # what a row of the outbox says
    longest_bubble: Callable[[str], int]  # channel -> how many bytes its platform takes in one bubble
    own_ways: OwnWays
    receipts: Receipts
    notice_words: Callable[[Notice], tuple[str, str]]  # title and text of a call, without its link
    push_key: str  # what a browser needs to be knocked at; empty = no web push
    now: Callable[[], datetime]
    hotline_name: str
    oncall: str
    helpline: str  # the numbers under which the hotline is called back
    secure_cookie: bool
    templates: Jinja2Templates
    viewed: set[tuple[str, str]] = field(default_factory=set)  # (session, case or file) whose view is in the audit

    @property
    def cookie_name(self) -> str:
        """`__Host-` binds the cookie to this host wherever TLS makes that possible."""
        return "__Host-xindeng" if self.secure_cookie else "xindeng_console"

    async def visitor(
        self, request: Request, action: str, *, signing_in: bool = False, by_itself: bool = False
    ) -> Visitor:
        """The signed-in counsellor, or: to the pages of signing in, or 404. A case in the path counts."""
        case_id = request.path_params.get("case_id")
        return await self.case_visitor(request, action, case_id, signing_in=signing_in, by_itself=by_itself)

    async def case_visitor(
        self, request: Request, action: str, case_id: str | None, *, signing_in: bool = False, by_itself: bool = False
    ) -> Visitor:
        """The same for a case that the path does not name. `signing_in`: a page of the steps before the others.

        What a page asks `by_itself` keeps no session open: a console left alone still signs out.
        """
        found = await asyncio.to_thread(self._admitted, request, action, case_id)
        if found is None:
            raise SignInFirst(SignInFirst.__doc__)
        who, session, is_allowed, factor_is_missing = found
        if not signing_in and who.must_change:
            raise PasswordFirst(PasswordFirst.__doc__)
        if not signing_in and factor_is_missing:
            raise FactorFirst(FactorFirst.__doc__)
        if not is_allowed:
            raise HTTPException(404, "没有这个页面")  # a forbidden read does not say that something is there
        now = self.now()
        if not by_itself and now - session.seen_at > _TOUCH_EVERY:
            await self.writer.write(lambda connection: self.accounts.staff.touch_session(connection, session.id, now))
        return Visitor(who, session)

    async def writing_visitor(self, request: Request, action: str, **options: bool) -> Visitor:
        """Like visitor, for a change of state: same origin and the session's token (against forged requests)."""
        visitor = await self.visitor(request, action, **options)
        refuse_foreign(request)
        token = request.headers.get("x-csrf-token") or str((await request.form()).get("csrf", ""))
        if not secrets.compare_digest(token.encode(), visitor.session.csrf.encode()):
            raise HTTPException(403, "页面已过期，请刷新后再试")
        return visitor

    def _admitted(
        self, request: Request, action: str, case_id: str | None
    ) -> tuple[Counsellor, StaffSession, bool, bool] | None:
        """Who asks, in which session, whether they may, and whether a second factor is missing."""
        now, cookie = self.now(), request.cookies.get(self.cookie_name, "")
        with self.engine.connect() as connection:
            found = self.accounts.who(connection, cookie, now)
            if found is None:
                return None
            who, session = found
            may = self.desks.admission.allows(connection, who, session.id, action, case_id, now)
            return who, session, may, self.accounts.factor.is_missing(connection, who)

    def may(self, visitor: Visitor, action: str) -> bool:
        """Whether the visitor's roles alone allow something: what a page offers."""
        return self.desks.admission.permissions.allows(visitor.counsellor.roles, action)

    def home(self, who: Counsellor) -> str:
        """The first page that somebody may see."""
        permissions = self.desks.admission.permissions
        return next((href for href, _, action in ROOMS if permissions.allows(who.roles, action)), ACCOUNT)

    def page(self, request: Request, name: str, visitor: Visitor | None, **values: Any) -> Any:
        """Render a template with what every page shows."""
        shown = {
            "hotline_name": self.hotline_name,
            "me": visitor,
            "home": self.home(visitor.counsellor) if visitor else "/console",
            "role_names": self.desks.admission.permissions.names,
            "watches": visitor is not None and self.may(visitor, "queue_view"),
            "rooms": [(href, words) for href, words, action in ROOMS if visitor and self.may(visitor, action)],
            "room": room_of(request.url.path),
        }
        return self.templates.TemplateResponse(request, name, {**shown, **values})

    def set_cookie(self, response: Response, cookie: str) -> None:
        """Closed to scripts and to other sites, and bound to TLS where there is any."""
        response.set_cookie(
            self.cookie_name, cookie, httponly=True, secure=self.secure_cookie, samesite="strict", path="/"
        )


def room_of(path: str) -> str:
    """The room that a page belongs to; a case to the queue, from which it is opened."""
    if path.startswith(f"{QUEUE}/cases/"):
        return QUEUE
    return next((href for href, _, _ in ROOMS if path == href or (href != QUEUE and path.startswith(f"{href}/"))), "")


async def act(console: Console, request: Request, action: str, work: Act) -> dict[str, Any]:
    """Check the right and the token, do the work in one transaction, say what became of it."""
    visitor = await console.writing_visitor(request, action)
    case_id: str | None = request.path_params.get("case_id")
    now = console.now()

    def decided_again(connection: sa.Connection) -> object:
        """The case may have changed hands since the first look."""
        admission, who = console.desks.admission, visitor.counsellor
        if not admission.allows(connection, who, visitor.session.id, action, case_id, now):
            raise HTTPException(404, "没有这个页面")
        return work(connection, who, now)

    result = await console.writer.write(decided_again)
    return {"ok": True, "in_force": result is not False}


async def look(console: Console, visitor: Visitor, case_id: str, *, again: bool) -> None:
    """Every view is in the audit: a page each time, its live refreshes once a sign-in."""
    key = (visitor.session.id, case_id)
    if again or key not in console.viewed:
        now = console.now()
        await console.writer.write(lambda c: _note_look(c, console, visitor, case_id, now))
        console.viewed.add(key)


def _note_look(connection: sa.Connection, console: Console, visitor: Visitor, case_id: str, now: datetime) -> None:
    console.desks.desk.look(connection, case_id, visitor.counsellor, now)
    console.desks.minors.read(connection, case_id, visitor.counsellor, now)


def refuse_foreign(request: Request) -> None:
    """A change of state must come from our own page."""
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "请求来自其他网站，已拒绝")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, "请求来自其他网站，已拒绝")


def make_templates() -> Jinja2Templates:
    """Templates with autoescape and our filters: times are shown in Asia/Shanghai."""
    templates = Jinja2Templates(FOLDER / "templates")
    templates.env.filters["clock"] = lambda at: at.astimezone(_ZONE).strftime("%H:%M:%S") if at else ""
    templates.env.filters["moment"] = lambda at: templates.env.filters["day"](datetime.fromisoformat(at))
    templates.env.filters["day"] = lambda at: at.astimezone(_ZONE).strftime("%m月%d日 %H:%M") if at else ""
    templates.env.filters["date"] = lambda at: at.astimezone(_ZONE).strftime("%Y年%m月%d日 %H:%M") if at else ""
    return templates
