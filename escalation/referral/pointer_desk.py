"""What is no referral of ours: a number that was only named, and people whom others send to us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import NoSuchCase, NotAllowed
from escalation.directory.directory_desk import DirectoryDesk
from escalation.handling import Handling
from records import events
from records.pointers import Pointers
from records.staff import Counsellor

SOURCES = {
    "hotline": "其他热线", "school": "学校", "hospital": "医院", "community": "社区、村居", "police": "公安",
    "office": "其他单位", "family": "家人、朋友", "other": "其他",
}  # fmt: skip
INCOMING_PARTS = {"sender": "谁转来的（单位、姓名、电话）", "person": "转来的人和怎样联系", "why": "为什么转来"}
_LEAST, _LONGEST = 2, 1000


@dataclass(frozen=True)
class PointerDesk:
    """Each method runs inside one transaction."""

    handling: Handling
    directory: DirectoryDesk
    pointers: Pointers

    def name(
        self, connection: sa.Connection, case_id: str, who: Counsellor, institution_id: str, words: str, now: datetime
    ) -> None:
        """A number or address was given to the person: kept, but no referral."""
        case = self.handling.alarm.cases.get(connection, case_id)
        if case is None:
            raise NoSuchCase("没有这个个案")
        institution = self.directory.institutions.get(connection, institution_id) if institution_id else None
        if institution_id and institution is None:
            raise NotAllowed("没有这家机构")
        _check("给了什么号码或地址", words)
        self.pointers.add_named(connection, case.id, institution_id or None, words.strip(), who.id, now)
        self.handling.done(connection, case, who, "information_given", now)

    def arrive(
        self, connection: sa.Connection, who: Counsellor, source: str, words: Mapping[str, str], now: datetime,
        *, case_no: str,
    ) -> None:  # fmt: skip
        """Somebody sends us a person: with the number of their case, or somebody still has to look after them."""
        if source not in SOURCES:
            raise NotAllowed("请选择来源")
        for part, asked in INCOMING_PARTS.items():
            _check(asked, words.get(part, ""))
        case_id = self.pointers.case_numbered(connection, case_no.strip())
        case = self.handling.alarm.cases.get(connection, case_id) if case_id else None
        if case_no.strip() and case is None:
            raise NotAllowed("没有这个个案号；本人还没有来，就把个案号空着")
        kept = {part: words[part].strip() for part in INCOMING_PARTS}
        self.pointers.add_incoming(connection, case.id if case else None, source, kept, who.id, now)
        if case is not None:
            self.handling.done(connection, case, who, "incoming_referral", now)
            return
        events.append(connection, self.pointers.district, "desk", "incoming_referral", now, by=who.id)
        self.handling.staff.audit(connection, "incoming_referral", now, actor_id=who.id)

    def settle(self, connection: sa.Connection, incoming_id: str, who: Counsellor, note: str, now: datetime) -> None:
        """Somebody looked after a person who was sent to us."""
        found = self.pointers.get_expected(connection, incoming_id)
        if found is None:
            raise NotAllowed("这一条已经处理过了")
        _check("怎样处理的", note)
        self.pointers.settle(connection, found.id, who.id, note.strip(), now)
        self.handling.staff.audit(connection, "incoming_referral_done", now, actor_id=who.id, object_id=found.id)


def _check(asked: str, text: str) -> None:
    if not _LEAST <= len(text.strip()) <= _LONGEST:
        raise NotAllowed(f"请写{asked}（{_LEAST}到{_LONGEST}个字）")
