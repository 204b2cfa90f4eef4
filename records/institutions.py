"""The directory of institutions of one district: the newest state to search in, and every version behind it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from records import tables as t
from records.conversations import new_id
from records.crypto import Vault

Fields = Mapping[str, Any]  # public fields as the directory's own rules read them: words, numbers, lists, yes or no
_MOST_IDS = 500  # in one question; SQLite takes a limited number of values


@dataclass(frozen=True)
class Institution:
    """What the directory says of one institution now; its contact person is opened apart."""

    id: str
    fields: Fields
    version: int
    changed_by: str
    changed_at: datetime
    verified_by: str | None
    verified_at: datetime | None
    is_drill: bool

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.fields["name"])


@dataclass(frozen=True)
class Revision:
    """The next version of an institution; version 1 is a new one."""

    institution_id: str
    version: int
    what: str  # added | changed | imported | verified
    fields: Fields
    contact: str  # JSON of the contact person, or nothing
    search: str
    verified_by: str | None
    verified_at: datetime | None
    is_drill: bool = False


@dataclass(frozen=True)
class Version:
    """One state of an institution as somebody left it."""

    version: int
    what: str
    fields: Fields
    by_id: str
    at: datetime


@dataclass(frozen=True)
class Wish:
    """What is looked for; empty parts ask for nothing."""

    words: tuple[str, ...] = ()
    region: str = ""
    kind: str = ""
    age: int | None = None
    is_24h: bool = False
    green_channel: bool = False
    only_active: bool = False
    with_drills: bool = True


class Institutions:
    """Reads and writes of one district, inside the caller's transaction."""

    def __init__(self, district: str, vault: Vault):
        self.district = district
        self.vault = vault

    def save(self, connection: sa.Connection, revisions: Sequence[Revision], by_id: str, now: datetime) -> None:
        """Keep new versions. A version that is there already is refused by the database, so nobody is overwritten."""
        if not revisions:
            return
        connection.execute(t.institution_version.insert(), [self._version(item, by_id, now) for item in revisions])
        heads = [(item.version, self._head(item, by_id, now)) for item in revisions]
        if new := [head for version, head in heads if version == 1]:
            connection.execute(t.institution.insert(), new)
        if old := [head for version, head in heads if version > 1]:
            which = sa.and_(
                t.institution.c.district_id == sa.bindparam("of_district"), t.institution.c.id == sa.bindparam("of_id")
            )
            rows = [{"of_district": head.pop("district_id"), "of_id": head.pop("id"), **head} for head in old]
            connection.execute(t.institution.update().where(which), rows)

    def get(self, connection: sa.Connection, institution_id: str, *, lock: bool = False) -> Institution | None:
        """One institution."""
        query = self._select().where(t.institution.c.id == institution_id)
        row = connection.execute(query.with_for_update() if lock else query).first()
        return _institution(row) if row else None

    def named(self, connection: sa.Connection, name: str, region: str) -> str | None:
        """The id of the institution of this name in this region."""
        query = sa.select(t.institution.c.id).where(
            t.institution.c.district_id == self.district, t.institution.c.name == name, t.institution.c.region == region
        )
        return connection.execute(query).scalar()

    def some(self, connection: sa.Connection, ids: Collection[str]) -> dict[str, Institution]:
        """Id -> institution, for those that there are."""
        wanted, found = sorted(set(ids)), {}
        for start in range(0, len(wanted), _MOST_IDS):
            query = self._select().where(t.institution.c.id.in_(wanted[start : start + _MOST_IDS]))
            found.update({row.id: _institution(row) for row in connection.execute(query)})
        return found

    def all(self, connection: sa.Connection) -> list[Institution]:
        """The whole directory, by region and name."""
        query = self._select().order_by(t.institution.c.region, t.institution.c.name)
        return [_institution(row) for row in connection.execute(query)]

    def find(self, connection: sa.Connection, wish: Wish, limit: int) -> list[Institution]:
        """Those that fit, verified last week before those of last year."""
        query = self._select().where(*_conditions(wish))
        recent = sa.func.coalesce(t.institution.c.verified_at, sa.literal(0, sa.BigInteger))
        query = query.order_by(t.institution.c.status, recent.desc(), t.institution.c.name).limit(limit)
        return [_institution(row) for row in connection.execute(query)]

    def contact(self, connection: sa.Connection, institution_id: str) -> str:
        """JSON of the contact person, opened; empty when none is known."""
        query = sa.select(t.institution.c.contact_sealed).where(
            t.institution.c.district_id == self.district, t.institution.c.id == institution_id
        )
        sealed = connection.execute(query).scalar()
        return self.vault.open(sealed, "institution.contact", institution_id) if sealed else ""

    def contacts(self, connection: sa.Connection) -> dict[str, str]:
        """Id -> JSON of the contact person, for all that have one."""
        query = sa.select(t.institution.c.id, t.institution.c.contact_sealed).where(
            t.institution.c.district_id == self.district, t.institution.c.contact_sealed.is_not(None)
        )
        return {
            row.id: self.vault.open(row.contact_sealed, "institution.contact", row.id)
            for row in connection.execute(query)
        }

    def versions(self, connection: sa.Connection, institution_id: str) -> list[Version]:
        """Every state it had, oldest first."""
        query = (
            sa.select(t.institution_version)
            .where(
                t.institution_version.c.district_id == self.district,
                t.institution_version.c.institution_id == institution_id,
            )
            .order_by(t.institution_version.c.version)
        )
        return [
            Version(row.version, row.what, json.loads(row.fields), row.by_id, row.at)
            for row in connection.execute(query)
        ]

    def _version(self, item: Revision, by_id: str, now: datetime) -> dict[str, Any]:
        row_id = new_id()
        return {
            "district_id": self.district, "id": row_id, "institution_id": item.institution_id,
            "version": item.version, "what": item.what, "fields": _json(item.fields), "by_id": by_id, "at": now,
            "contact_sealed": self._seal(item.contact, "institution_version.contact", row_id),
        }  # fmt: skip

    def _head(self, item: Revision, by_id: str, now: datetime) -> dict[str, Any]:
        fields = item.fields
        return {
            "district_id": self.district, "id": item.institution_id, "name": fields["name"],
            "region": fields["region"], "kinds": f"|{'|'.join(fields['kinds'])}|", "age_from": fields["age_from"],
            "age_to": fields["age_to"], "is_24h": fields["is_24h"], "green_channel": fields["green_channel"],
            "status": fields["status"], "search": item.search, "fields": _json(fields),
            "contact_sealed": self._seal(item.contact, "institution.contact", item.institution_id),
            "version": item.version, "changed_by": by_id, "changed_at": now, "verified_by": item.verified_by,
            "verified_at": item.verified_at, "is_drill": item.is_drill,
        }  # fmt: skip

    def _seal(self, text: str, where: str, row_id: str) -> bytes | None:
        return self.vault.seal(text, where, row_id) if text else None

    def _select(self) -> sa.Select[Any]:  # Any: SQLAlchemy rows are untyped
        return sa.select(t.institution).where(t.institution.c.district_id == self.district)


def _conditions(wish: Wish) -> list[sa.ColumnElement[bool]]:
    c = t.institution.c
    found: list[sa.ColumnElement[bool]] = [c.search.contains(word, autoescape=True) for word in wish.words]
    if wish.region:
        found.append(c.region.contains(wish.region, autoescape=True))
    if wish.kind:
        found.append(c.kinds.contains(f"|{wish.kind}|", autoescape=True))
    if wish.age is not None:
        found += [c.age_from <= wish.age, c.age_to >= wish.age]
    if wish.is_24h:
        found.append(c.is_24h)
    if wish.green_channel:
        found.append(c.green_channel)
    if wish.only_active:
        found.append(c.status == "active")
    if not wish.with_drills:
        found.append(sa.not_(c.is_drill))
    return found


def _json(fields: Fields) -> str:
    return json.dumps(fields, ensure_ascii=False, sort_keys=True)


def _institution(row: Any) -> Institution:  # Any: SQLAlchemy rows are untyped
    return Institution(
        row.id, json.loads(row.fields), row.version, row.changed_by, row.changed_at, row.verified_by,
        row.verified_at, row.is_drill,
    )  # fmt: skip
