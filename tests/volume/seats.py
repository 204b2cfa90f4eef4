"""Somebody of every role, signed in, and what they need to see something: a case they took part in, an invitation."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from escalation.accounts import hash_cookie
from escalation.roles import load_permissions
from records import tables as t
from records.staff import StaffSession
from records.store import Store
from tests.building import PASSED

_INVITED = ("mh_officer", "expert")


@dataclass(frozen=True)
class Marks:
    """Ids of rows that pages are opened with: parameter of a route -> what it is -> id."""

    ids: Mapping[str, Mapping[str, str]]
    talk_id: str  # of the longest conversation
    cursor: str  # of an event some minutes back


def find_marks(store: Store, connection: sa.Connection, district: str) -> Marks:
    """The typical, the longest and an open case, the one who comes again and again; any row of other kinds."""
    case, talk, contact = t.case_record, t.conversation, t.contact
    here = case.c.district_id == district
    joined = (
        sa.select(case.c.id, talk.c.id.label("talk_id"))
        .join(talk, sa.and_(talk.c.district_id == district, talk.c.id == case.c.conversation_id))
        .where(here)
        .limit(1)
    )

    def one(query: sa.Select[Any]) -> Any:
        return connection.execute(query).first()

    most = (
        sa.select(contact.c.person_id)
        .where(contact.c.district_id == district, contact.c.person_id.is_not(None))
        .group_by(contact.c.person_id)
        .order_by(sa.func.count().desc())
        .limit(1)
    )
    again = sa.select(contact.c.id).where(contact.c.person_id == connection.execute(most).scalar())
    longest = one(joined.order_by(talk.c.last_seq.desc(), case.c.opened_at.desc()))
    cases = {
        "a usual case": one(joined.where(case.c.state == "closed", talk.c.last_seq.between(25, 60))),
        "an open case": one(joined.where(case.c.state == "in_service", talk.c.last_seq < 100)),
        "the longest": longest,
        "of 300 conversations": one(joined.where(case.c.contact_id.in_(again), case.c.state == "in_service")),
    }
    ids = {"case_id": {name: row.id for name, row in cases.items() if row}}
    for name, table in (
        ("referral_id", t.referral), ("institution_id", t.institution), ("handover_id", t.handover),
        ("file_id", t.attachment), ("draft_id", t.article_draft),
    ):  # fmt: skip
        row = one(sa.select(table.c.id).where(table.c.district_id == district).limit(1))
        ids[name] = {"": row.id} if row else {}
    review = one(
        sa.select(t.case_review.c.id)
        .where(t.case_review.c.district_id == district, t.case_review.c.state == "done")
        .order_by(t.case_review.c.id)
        .limit(1)
    )
    ids["review_id"] = {"": review.id} if review else {}
    ids |= {"article_id": {"": "E001"}, "kind": {"": "csv"}}
    order = (t.event.c.txid.desc(), t.event.c.seq.desc())
    event = one(sa.select(t.event.c.txid, t.event.c.seq).order_by(*order).offset(200).limit(1))
    return Marks(ids, longest.talk_id, f"{event.txid}-{event.seq}")


def sign_in(store: Store, connection: sa.Connection, marks: Marks, now: datetime) -> dict[str, str]:
    """Role -> cookie of somebody with that role alone."""
    cookies = {}
    for role in load_permissions().names:
        login = f"volume-{role}"
        known = store.staff.by_login(connection, login)
        who = known.id if known else store.staff.add(connection, login, login, (role,), PASSED, now)
        if known is None:
            store.staff.change(connection, who, must_change=False)
            _take_part(store, connection, marks, role, who, now)
        if known is None and role == "counsellor":
            for review_id in marks.ids["review_id"].values():
                store.reviews.change(connection, review_id, counsellor_id=who)
        cookies[role] = secrets.token_urlsafe(16)
        session = StaffSession(hash_cookie(cookies[role]), who, secrets.token_urlsafe(16), now, now)
        store.staff.open_session(connection, session)
    return cookies


def _take_part(store: Store, connection: sa.Connection, marks: Marks, role: str, who: str, now: datetime) -> None:
    for case_id in marks.ids["case_id"].values():
        if role == "counsellor":
            store.cases.add_note(connection, case_id, who, "看过了", now)
        elif role in _INVITED:
            store.shares.add(
                connection, "请看一下", case_id=case_id, with_id=who, by_id=who, shows_contact=False, at=now,
                until=now + timedelta(days=30),
            )  # fmt: skip


def become_visitor(store: Store, connection: sa.Connection, talk_id: str) -> str:
    """A token that opens this conversation on the web page."""
    token = secrets.token_urlsafe(32)
    store.conversations.change(connection, talk_id, token_hash=hashlib.sha256(token.encode()).hexdigest())
    return token
