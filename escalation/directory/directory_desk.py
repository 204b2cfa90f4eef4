"""What people do with the directory: add, change with history, say that they checked it today, import a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from escalation.cases import NotAllowed, SomebodyElse
from escalation.directory.fields import Directory, folded, is_fresh, read_all, search_words
from escalation.directory.importing import Known, Line
from records.conversations import new_id
from records.institutions import Institution, Institutions, Revision, Wish
from records.staff import Counsellor, Staff

_MOST_FOUND = 60


class BadEntry(Exception):
    """Some fields of the form are wrong: code -> why."""

    def __init__(self, errors: Mapping[str, str]):
        super().__init__("有的内容要改，见标红的地方")
        self.errors = dict(errors)


@dataclass(frozen=True)
class DirectoryDesk:
    """The actions of people on institutions. Methods that take a connection run inside one transaction."""

    institutions: Institutions
    staff: Staff
    directory: Directory
    fresh_for: timedelta  # an entry that nobody checked for longer is not offered in danger

    def is_fresh(self, institution: Institution, now: datetime) -> bool:
        """Whether the entry was checked recently enough."""
        return is_fresh(institution.verified_at, now, self.fresh_for)

    def find(self, connection: sa.Connection, words: str, wish: Wish) -> list[Institution]:
        """Institutions that have all these words and fit the wish."""
        parts = tuple(filter(None, (folded(part) for part in words.split())))
        return self.institutions.find(connection, replace(wish, words=parts), _MOST_FOUND)

    def contact(self, connection: sa.Connection, institution_id: str) -> dict[str, str]:
        """The contact person's name, duty and phone."""
        text = self.institutions.contact(connection, institution_id)
        return dict(json.loads(text)) if text else {}

    def known(self, connection: sa.Connection) -> list[Known]:
        """The whole directory with contact persons: for files in and out."""
        contacts = self.institutions.contacts(connection)
        return [Known(one, json.loads(contacts.get(one.id, "{}"))) for one in self.institutions.all(connection)]

    def add(
        self, connection: sa.Connection, who: Counsellor, texts: Mapping[str, str], now: datetime, *, checked: bool,
        is_drill: bool = False,
    ) -> str:  # fmt: skip
        """A new institution; returns its id."""
        public, contact = self._read(connection, texts)
        new = Revision(
            new_id(), 1, "added", public, contact, search_words(self.directory, public),
            who.id if checked else None, now if checked else None, is_drill,
        )  # fmt: skip
        self._save(connection, [new], who, "institution_added", now)
        return new.institution_id

    def change(
        self, connection: sa.Connection, institution_id: str, who: Counsellor, texts: Mapping[str, str], now: datetime,
        *, version: int, checked: bool,
    ) -> None:  # fmt: skip
        """A new version; the contact person stays where the form does not ask, what is vital must be checked anew."""
        old = self._get(connection, institution_id)
        if old.version != version:
            raise SomebodyElse("这家机构刚刚被别人改过；请刷新，看过新的内容再改")
        before = self.contact(connection, institution_id)
        public, contact = self._read(connection, texts, old, before)
        if dict(old.fields) == public and _contact_text(before) == contact and not checked:
            raise NotAllowed("没有改动")
        revision = self._revision(old, "changed", public, contact)
        if checked:
            revision = replace(revision, verified_by=who.id, verified_at=now)
        self._save(connection, [revision], who, "institution_changed", now)

    def verify(self, connection: sa.Connection, institution_id: str, who: Counsellor, now: datetime) -> None:
        """Somebody phoned: everything here is right today."""
        old = self._get(connection, institution_id)
        contact = self.institutions.contact(connection, institution_id)
        revision = self._revision(old, "verified", dict(old.fields), contact)
        revision = replace(revision, verified_by=who.id, verified_at=now)
        self._save(connection, [revision], who, "institution_verified", now)

    def take_lines(self, connection: sa.Connection, lines: Sequence[Line], who: Counsellor, now: datetime) -> int:
        """Keep some rows of a file that somebody confirmed; returns how many others changed meanwhile."""
        there = self.institutions.some(connection, [line.institution_id for line in lines if line.institution_id])
        revisions, passed_over = [], 0
        for line in lines:
            public, contact = dict(line.fields or {}), _contact_text(line.contact or {})
            old = there.get(line.institution_id)
            if line.what == "new":
                words = search_words(self.directory, public)
                revisions.append(Revision(new_id(), 1, "imported", public, contact, words, None, None))
            elif old is not None and old.version == line.version:
                revisions.append(self._revision(old, "imported", public, contact))
            else:
                passed_over += 1
        self.institutions.save(connection, revisions, who.id, now)
        return passed_over

    def note_import(self, connection: sa.Connection, who: Counsellor, new: int, changed: int, now: datetime) -> None:
        """The audit keeps who imported how much."""
        self.staff.audit(connection, "institutions_imported", now, actor_id=who.id, new=new, changed=changed)

    def note_export(
        self, connection: sa.Connection, who: Counsellor, rows: int, *, contacts: bool, now: datetime
    ) -> None:
        """The audit keeps who took the directory away."""
        self.staff.audit(connection, "institutions_exported", now, actor_id=who.id, rows=rows, contacts=contacts)

    def _read(
        self, connection: sa.Connection, texts: Mapping[str, str], old: Institution | None = None,
        contact: Mapping[str, str] | None = None,
    ) -> tuple[dict[str, Any], str]:  # fmt: skip
        values, errors = read_all(self.directory.fields, texts)
        if not errors and self._name_is_taken(connection, values, old):
            errors["name"] = "名录里已有同名、同地区的机构"
        if errors:
            raise BadEntry(errors)
        public = {field.code: values[field.code] for field in self.directory.public}
        secret = {field.code: values[field.code] for field in self.directory.secret if field.code in texts}
        return public, _contact_text({**(contact or {}), **secret})

    def _name_is_taken(self, connection: sa.Connection, values: Mapping[str, Any], old: Institution | None) -> bool:
        same = self.institutions.named(connection, values["name"], values["region"])
        return same is not None and (old is None or same != old.id)

    def _revision(self, old: Institution, what: str, public: Mapping[str, Any], contact: str) -> Revision:
        """The next version; it counts as checked no longer when something vital changed."""
        still = not self.directory.vital_changes(old.fields, public)
        return Revision(
            old.id, old.version + 1, what, public, contact, search_words(self.directory, public),
            old.verified_by if still else None, old.verified_at if still else None, old.is_drill,
        )  # fmt: skip

    def _get(self, connection: sa.Connection, institution_id: str) -> Institution:
        found = self.institutions.get(connection, institution_id, lock=True)
        if found is None:
            raise NotAllowed("没有这家机构")
        return found

    def _save(
        self, connection: sa.Connection, revisions: Sequence[Revision], who: Counsellor, what: str, now: datetime
    ) -> None:
        self.institutions.save(connection, revisions, who.id, now)
        for item in revisions:
            self.staff.audit(
                connection, what, now, actor_id=who.id, object_id=item.institution_id, version=item.version
            )


def _contact_text(contact: Mapping[str, str]) -> str:
    kept = {code: words for code, words in contact.items() if words}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True) if kept else ""
