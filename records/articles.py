"""Articles of this deployment: drafts, what people did to them, and every published version."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id

_LOCK = 7_220_018
_CLOSED = ("published", "dropped")
_LOCAL = "L"  # ids of articles that a deployment wrote itself; shipped ones begin with E


@dataclass(frozen=True)
class Draft:
    """An article being written; `version` grows with every save, so that nobody is overwritten."""

    id: str
    article_id: str
    version: int
    state: str
    fields: Mapping[str, str]
    notes: str
    base_hash: str
    made_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class Step:
    """Something that was done to a draft; nobody's id = by the machine."""

    article_id: str
    draft_id: str
    version: int  # of the draft, after it
    what: str
    by_id: str | None
    words: str
    at: datetime


@dataclass(frozen=True)
class Published:
    """One version of an article as it was put in force; an empty text means the shipped one."""

    number: int
    article_id: str
    text: str
    draft_id: str | None
    by_id: str
    what: str
    words: str
    at: datetime


@dataclass(frozen=True)
class Texts:
    """What this deployment has in force: article -> its file, and the number of the newest change."""

    release: int
    files: Mapping[str, str]


class Articles:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str):
        self.district = district

    def take_turns(self, connection: sa.Connection) -> None:
        """One change of the library at a time: numbers and open drafts are looked up before they are written."""
        if connection.dialect.name == "postgresql":  # SQLite has one writer
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})

    def next_id(self, connection: sa.Connection) -> str:
        """An id for a new article: L001, L002 and so on; never one that was used."""
        query = sa.select(t.article_draft.c.article_id).where(
            t.article_draft.c.district_id == self.district, t.article_draft.c.article_id.like(f"{_LOCAL}%")
        )
        used = [int(row.article_id.removeprefix(_LOCAL)) for row in connection.execute(query)]
        return f"{_LOCAL}{max(used, default=0) + 1:03d}"

    def make(
        self, connection: sa.Connection, article_id: str, fields: Mapping[str, str], *, notes: str, base_hash: str,
        now: datetime,
    ) -> str:  # fmt: skip
        """A new draft; returns its id."""
        draft_id = new_id()
        connection.execute(
            t.article_draft.insert().values(
                district_id=self.district, id=draft_id, article_id=article_id, version=1, state="draft",
                fields=_json(fields), notes=notes, base_hash=base_hash, made_at=now, changed_at=now,
            )
        )  # fmt: skip
        return draft_id

    def draft(self, connection: sa.Connection, draft_id: str, *, lock: bool = False) -> Draft | None:
        """One draft."""
        query = self._drafts().where(t.article_draft.c.id == draft_id)
        row = connection.execute(query.with_for_update() if lock else query).first()
        return _draft(row) if row else None

    def open_drafts(self, connection: sa.Connection, article_id: str = "") -> list[Draft]:
        """Drafts that are neither published nor given up, newest change first."""
        query = self._drafts().where(t.article_draft.c.state.not_in(_CLOSED))
        if article_id:
            query = query.where(t.article_draft.c.article_id == article_id)
        return [_draft(row) for row in connection.execute(query.order_by(t.article_draft.c.changed_at.desc()))]

    def save(self, connection: sa.Connection, draft: Draft) -> None:
        """Keep a changed draft, whose version is the next one."""
        connection.execute(
            t.article_draft.update()
            .where(t.article_draft.c.district_id == self.district, t.article_draft.c.id == draft.id)
            .values(
                version=draft.version, state=draft.state, fields=_json(draft.fields), notes=draft.notes,
                base_hash=draft.base_hash, changed_at=draft.changed_at,
            )
        )  # fmt: skip

    def add_step(self, connection: sa.Connection, step: Step) -> None:
        """Keep who did what."""
        connection.execute(
            t.article_review.insert().values(
                district_id=self.district, id=new_id(), article_id=step.article_id, draft_id=step.draft_id,
                version=step.version, what=step.what, by_id=step.by_id, words=step.words, at=step.at,
            )
        )  # fmt: skip

    def steps(self, connection: sa.Connection, *, draft_id: str = "", article_id: str = "") -> list[Step]:
        """What was done to a draft, or to all drafts of an article, oldest first."""
        c = t.article_review.c
        which = c.draft_id == draft_id if draft_id else c.article_id == article_id
        query = sa.select(t.article_review).where(c.district_id == self.district, which).order_by(c.at, c.version)
        return [
            Step(row.article_id, row.draft_id, row.version, row.what, row.by_id, row.words, row.at)
            for row in connection.execute(query)
        ]

    def publish(
        self, connection: sa.Connection, article_id: str, text: str, *, draft_id: str | None, by_id: str, what: str,
        now: datetime, words: str = "",
    ) -> int:  # fmt: skip
        """Put a text in force; returns the number of this change."""
        number = self.release(connection) + 1
        connection.execute(
            t.article_version.insert().values(
                district_id=self.district, seq=number, article_id=article_id, body=text, draft_id=draft_id,
                by_id=by_id, what=what, words=words, at=now,
            )
        )  # fmt: skip
        return number

    def release(self, connection: sa.Connection) -> int:
        """The number of the newest change; 0 = everything is as shipped."""
        query = sa.select(sa.func.coalesce(sa.func.max(t.article_version.c.seq), 0)).where(
            t.article_version.c.district_id == self.district
        )
        return int(connection.execute(query).scalar_one())

    def approved(self, connection: sa.Connection) -> list[str]:
        """Drafts that wait to be put in force, oldest first."""
        query = (
            sa.select(t.article_draft.c.id)
            .where(t.article_draft.c.district_id == self.district, t.article_draft.c.state == "approved")
            .order_by(t.article_draft.c.changed_at)
        )
        return [row.id for row in connection.execute(query)]

    def texts(self, connection: sa.Connection) -> Texts:
        """The files in force; articles that are as shipped are not among them."""
        newest = {version.article_id: version for version in self.versions(connection)}
        return Texts(
            max((version.number for version in newest.values()), default=0),
            {version.article_id: version.text for version in newest.values() if version.text},
        )

    def versions(self, connection: sa.Connection, article_ids: Collection[str] = ()) -> list[Published]:
        """Every version of these articles, or of all, oldest first."""
        c = t.article_version.c
        query = sa.select(t.article_version).where(c.district_id == self.district)
        if article_ids:
            query = query.where(c.article_id.in_(article_ids))
        return [
            Published(row.seq, row.article_id, row.body, row.draft_id, row.by_id, row.what, row.words, row.at)
            for row in connection.execute(query.order_by(c.seq))
        ]

    def _drafts(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.article_draft).where(t.article_draft.c.district_id == self.district)


def is_local(article_id: str) -> bool:
    """Whether this deployment wrote the article itself: nothing shipped stands behind it."""
    return article_id.startswith(_LOCAL)


def _json(fields: Mapping[str, str]) -> str:
    return json.dumps(dict(fields), ensure_ascii=False)


def _draft(row: Any) -> Draft:  # Any: SQLAlchemy rows are untyped
    return Draft(
        row.id, row.article_id, row.version, row.state, json.loads(row.fields), row.notes, row.base_hash,
        row.made_at, row.changed_at,
    )  # fmt: skip
