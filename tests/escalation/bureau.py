"""Referrals over the real rows of each database: institutions, cases with their counsellors, and the partner's link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

import desk_rules
from escalation.directory.fields import shown
from escalation.referral.letter import Draft
from escalation.referral.office import ReferralOffice, open_referrals
from escalation.roles import load_permissions
from records.institutions import Institution
from records.referrals import Referral
from records.staff import Counsellor
from settings import Settings
from tests.building import do
from tests.escalation.conftest import Office
from triage.risk import Level

CONSENT = "问了本人，本人说愿意，让医院先打电话"
ENTRY = {
    "name": "演示县医院", "kinds": "er；clinic", "region": "演示县", "phones": "000-00000001 24小时", "is_24h": "是",
    "contact_name": "演示联系人", "contact_phone": "000-00000002",
}  # fmt: skip
DRAFT = Draft(
    institution_id="", kind="er", urgency="now", direction="out", method="link", reason="有自杀计划，需要急诊评估",
    basis="consent", basis_words=CONSENT, is_told=True, call_back="示例热线 000-0000 林老师",
    shared={"called": "小雨", "danger": "说今晚想跳楼，写了遗书"},
)  # fmt: skip


@dataclass
class Bureau:
    """The desks of referrals, and short ways to what tests need again and again."""

    office: Office
    referrals: ReferralOffice
    lin: Counsellor
    zhao: Counsellor
    numbers: int = 0

    def do(self, work: Callable[[sa.Connection], Any]) -> Any:
        """One transaction."""
        return do(self.office.writer, work)

    def institution(self, *, checked: bool = True, is_drill: bool = False, **texts: str) -> str:
        """A new entry of the directory; returns its id."""
        entry = {**ENTRY, **texts}
        desk, now = self.referrals.directory, self.office.clock()
        return str(self.do(lambda c: desk.add(c, self.zhao, entry, now, checked=checked, is_drill=is_drill)))

    def entry(self, institution_id: str) -> Institution:
        """What the directory says now."""
        with self.office.store.engine.connect() as connection:
            found = self.office.store.institutions.get(connection, institution_id)
        assert found is not None
        return found

    def texts(self, institution_id: str) -> dict[str, str]:
        """The fields of an institution as a form shows them; without the contact person."""
        fields = self.entry(institution_id).fields
        return {field.code: shown(field, fields[field.code]) for field in self.referrals.directory.directory.public}

    def case(self, level: Level = Level.HIGH, name: str = "visitor") -> str:
        """A case that Lin serves."""
        case_id = self.office.case_at(level, name)
        self.office.act("claim", case_id, self.lin)
        return case_id

    def make(self, case_id: str, institution_id: str, who: Counsellor | None = None, **changes: Any) -> str:
        """A referral; returns its id."""
        self.numbers += 1
        draft, new_id = replace(DRAFT, institution_id=institution_id, **changes), f"{self.numbers:032x}"
        now = self.office.clock()
        self.do(lambda c: self.referrals.desk.make(c, case_id, who or self.lin, draft, now, id=new_id))
        return new_id

    def sent(self, **changes: Any) -> str:
        """A referral of an orange case that was sent with consent."""
        self.numbers += 1
        name = f"visitor-{self.numbers}"
        return self.make(self.case(name=name), self.institution(name=f"演示医院{self.numbers}"), **changes)

    def get(self, referral_id: str) -> Referral:
        """A referral as it stands."""
        with self.office.store.engine.connect() as connection:
            found = self.office.store.referrals.get(connection, referral_id)
        assert found is not None
        return found

    def note(self, referral_id: str, action: str, **detail: str) -> None:
        """Lin writes down what was said."""
        now = self.office.clock()
        self.do(lambda c: self.referrals.desk.note(c, referral_id, self.lin, action, detail, now))

    def decide(self, referral_id: str, who: Counsellor, *, agree: bool) -> None:
        """The second person decides."""
        now = self.office.clock()
        self.do(lambda c: self.referrals.desk.decide(c, referral_id, who, agree=agree, now=now))

    def sweep(self) -> int:
        """Look for what is due."""
        return int(self.do(lambda c: self.referrals.desk.reminders.sweep(c, self.office.clock())))

    def tasks(self, referral_id: str) -> dict[str, Any]:
        """Kind -> what is to do about a referral."""
        with self.office.store.engine.connect() as connection:
            return {task.kind: task for task in self.office.store.referral_tasks.of_referral(connection, referral_id)}

    def link(self, referral_id: str) -> tuple[str, str]:
        """A partner's link: token and code."""
        made = self.do(lambda c: self.referrals.door.make_link(c, referral_id, self.lin, self.office.clock()))
        return made.token, made.code

    def enter(self, token: str, code: str) -> str | None:
        """The partner types the code; returns the cookie."""
        return self.do(lambda c: self.referrals.door.enter(c, token, code, self.office.clock()))

    def look(self, token: str, cookie: str) -> Any:
        """The partner opens the letter."""
        return self.do(lambda c: self.referrals.door.look(c, token, cookie, self.office.clock()))

    def answer(self, token: str, cookie: str, action: str, **detail: str) -> bool:
        """The partner presses a button."""
        now = self.office.clock()
        return bool(self.do(lambda c: self.referrals.door.answer(c, token, cookie, action, detail, now)))


def open_bureau(office: Office, settings: Settings) -> Bureau:
    """Everything over the office's rows."""
    handling, rules = office.desk.handling, desk_rules.make_referral_rules(settings)
    referrals = open_referrals(office.store, handling, load_permissions(), rules)
    return Bureau(office, referrals, office.counsellor("lin"), office.counsellor("zhao", "supervisor"))
