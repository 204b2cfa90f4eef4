"""What a counsellor does with a referral: make it, agree as second person, note a call, withdraw, name a number.

Each method runs inside one transaction; a refused action changes nothing. The partner's own answers come in through
partner_door.py and take the same steps.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from escalation.cases import NoSuchCase, NotAllowed
from escalation.directory.directory_desk import DirectoryDesk
from escalation.handling import Handling
from escalation.permissions import Permissions
from escalation.referral.letter import Draft, Letter, check, check_institution, needs_second_person, write_letter
from escalation.referral.reminders import Reminders
from escalation.referral.states import ATTENDED_WORDS, SETTLES, Stage, after
from escalation.referral.terms import Terms
from records.cases import Case
from records.institutions import Institution
from records.partner_links import PartnerLinks
from records.referral_tasks import ReferralTasks
from records.referrals import Provision, Referral, Referrals, Step
from records.staff import Counsellor

_ID = re.compile(r"[0-9a-f]{32}")
_KEPT_YEARS = 3  # records of what was provided (Network Data Security Regulation, art 12)
_LONGEST = 1000
_WORDS_NEEDED = {  # action -> what must be written with it: part of the detail, and how the form calls it
    "decline": ("words", "不能接收的原因"),
    "return": ("words", "结果"),
    "hand_over": ("who", "和谁说的（姓名、职务）"),
    "withdraw": ("words", "撤回的理由"),
    "finish": ("words", "了结的理由"),
    "tell": ("words", "怎样告知的"),
}
_TIMES = {"receive": (), "accept": ("accepted_at",), "decline": ("declined_at",), "return": ("returned_at",)}
Detail = Mapping[str, str]  # who, words, attended, on


@dataclass(frozen=True)
class ReferralDesk:
    """The actions of people on referrals."""

    handling: Handling
    permissions: Permissions
    directory: DirectoryDesk
    referrals: Referrals
    tasks: ReferralTasks
    links: PartnerLinks
    reminders: Reminders
    terms: Terms
    sender: str

    def preview(self, connection: sa.Connection, case_id: str, draft: Draft) -> Letter:
        """The letter as the partner would see it; nothing is kept."""
        self._case(connection, case_id)
        check(draft, self.terms)
        return self._letter(draft, self._institution(connection, draft.institution_id))

    def make(
        self, connection: sa.Connection, case_id: str, who: Counsellor, draft: Draft, now: datetime, *, id: str
    ) -> bool:
        """Refer the person of a case; False when a second person must agree first. A repeated id changes nothing."""
        case = self._mine(connection, case_id, who)
        if not _ID.fullmatch(id):
            raise NotAllowed("请刷新页面后再试")
        if (there := self.referrals.get(connection, id)) is not None:
            return self._made_before(there, case)
        check(draft, self.terms)
        institution = self._institution(connection, draft.institution_id)
        fresh = self.directory.is_fresh(institution, now)
        check_institution(institution, case.level, is_fresh=fresh, is_drill=case.is_drill)
        waits = needs_second_person(draft, self.terms, case.level)
        self.reminders.made_another(connection, case.id, who.id, now)
        self._add(connection, id, case, institution, draft, who, Stage.PROPOSED if waits else Stage.SENT, now)
        referral = self._get(connection, id)
        if waits:
            self.reminders.open(connection, referral, case, "second_person", now)
        else:
            self.provide(connection, referral, case, who.id, now)
        self.handling.done(connection, case, who, "referral_proposed" if waits else "referral_sent", now, referral=id)
        return not waits

    def decide(
        self, connection: sa.Connection, referral_id: str, who: Counsellor, *, agree: bool, now: datetime
    ) -> None:
        """The second person agrees that something is shared without consent, or not."""
        referral = self._get(connection, referral_id)
        if referral.by_id == who.id:
            raise NotAllowed("要由另一位老师（值班长或督导）决定")
        case = self._case(connection, referral.case_id)
        action = "confirm" if agree else "refuse"
        referral = self._move(connection, referral, action, who.id, {}, now, second_id=who.id)
        if agree:
            self.referrals.change(connection, referral.id, sent_at=now)
            self.provide(connection, referral, case, referral.by_id, now)
        self.reminders.moved(connection, referral, case, action, who.id, now)
        self.handling.done(connection, case, who, f"referral_{action}", now, referral=referral.id)

    def note(
        self, connection: sa.Connection, referral_id: str, who: Counsellor, action: str, detail: Detail, now: datetime
    ) -> None:
        """What the partner said on the phone, a warm hand-over, a withdrawal, an end."""
        if action not in {*_TIMES, *_WORDS_NEEDED}:
            raise NotAllowed("请选择一项")
        referral, case = self.mine(connection, referral_id, who)
        self.take(connection, referral, case, action, detail, who.id, now)
        self.handling.done(connection, case, who, f"referral_{action}", now, referral=referral.id)

    def take(
        self, connection: sa.Connection, referral: Referral, case: Case, action: str, detail: Detail,
        by_id: str | None, now: datetime,
    ) -> None:  # fmt: skip
        """A step by anybody: check what must be written, keep it, see what is awaited next."""
        kept = _checked(action, detail)
        if action == "tell":
            stage = referral.state
            self.referrals.add_step(connection, referral.id, Step(action, stage, stage, by_id, kept, now))
            self.reminders.finish(connection, referral.id, SETTLES["tell"], by_id, now)
            return
        values: dict[str, object] = {name: now for name in _TIMES.get(action, ())}
        if action in _TIMES and referral.ack_at is None:
            values["ack_at"] = now
        if action == "return":
            values["attended"] = kept["attended"]
        fresh = self._move(connection, referral, action, by_id, kept, now, **values)
        if action in ("withdraw", "finish", "decline"):
            self.links.close(connection, referral.id, now)
        self.reminders.moved(connection, fresh, case, action, by_id, now)

    def provide(
        self, connection: sa.Connection, referral: Referral, case: Case, by_id: str, now: datetime, *, method: str = ""
    ) -> None:
        """From now on the partner may have it: kept for three years. Without consent the person is told of it."""
        shared = tuple(code for code, _, _ in json.loads(self.referrals.letter(connection, referral.id))["lines"])
        self.referrals.add_provision(
            connection,
            Provision(
                referral.id, case.id, referral.institution_id, referral.kind, method or referral.method,
                referral.basis, shared,
                referral.letter_hash, by_id, referral.second_id, now, _years_after(now, _KEPT_YEARS),
            ),
        )  # fmt: skip
        is_told = any(step.action == "tell" for step in self.referrals.steps(connection, referral.id))
        if self.terms.bases[referral.basis].exception and not is_told:
            self.reminders.open(connection, referral, case, "tell_person", now)
        self.handling.staff.audit(
            connection, "referral_provided", now, actor_id=by_id, object_id=referral.id, case=case.id,
            letter=referral.letter_hash,
        )  # fmt: skip

    def settle_task(self, connection: sa.Connection, task_id: str, who: Counsellor, note: str, now: datetime) -> None:
        """Somebody did what a task asks for."""
        task = self.tasks.get(connection, task_id)
        if task is None:
            raise NotAllowed("这一条已经处理过了")
        case = self._mine(connection, task.case_id, who)
        self.reminders.settle(connection, task, who.id, note, now)
        self.handling.done(connection, case, who, "referral_task_done", now, referral=task.referral_id)

    def mine(self, connection: sa.Connection, referral_id: str, who: Counsellor) -> tuple[Referral, Case]:
        """A referral, locked, and its case, when this counsellor may work on it."""
        referral = self._get(connection, referral_id)
        return referral, self._mine(connection, referral.case_id, who)

    def look(self, connection: sa.Connection, referral_id: str, who: Counsellor, now: datetime) -> Referral:
        """Open the letter for reading or printing: every view is in the audit."""
        referral = self._get(connection, referral_id)
        self.handling.staff.audit(
            connection, "referral_letter_view", now, actor_id=who.id, object_id=referral.id, case=referral.case_id
        )
        return referral

    def _add(
        self, connection: sa.Connection, id: str, case: Case, institution: Institution, draft: Draft, who: Counsellor,
        stage: Stage, now: datetime,
    ) -> None:  # fmt: skip
        letter = self._letter(draft, institution)
        sent = stage is Stage.SENT
        self.referrals.add(
            connection, id, letter=letter.text, basis_words=draft.basis_words.strip(), case_id=case.id,
            institution_id=institution.id, institution_version=institution.version, kind=draft.kind,
            urgency=draft.urgency, direction=draft.direction, method=draft.method, basis=draft.basis,
            letter_hash=letter.hash, level=int(case.level), by_id=who.id, state=stage.value, is_drill=case.is_drill,
            made_at=now, sent_at=now if sent else None,
            due_at=self.reminders.promises.due_at(stage, draft.urgency, "", now),
        )  # fmt: skip
        is_told = draft.is_told and self.terms.bases[draft.basis].exception
        for action in ("make", "tell") if is_told else ("make",):
            self.referrals.add_step(connection, id, Step(action, "", stage.value, who.id, {}, now))

    def _made_before(self, there: Referral, case: Case) -> bool:
        if there.case_id != case.id:
            raise NotAllowed("请刷新页面后再试")
        return there.state != Stage.PROPOSED

    def _move(
        self, connection: sa.Connection, referral: Referral, action: str, by_id: str | None, detail: Detail,
        now: datetime, **values: object,
    ) -> Referral:  # fmt: skip
        stage = after(Stage(referral.state), action)
        self.referrals.change(connection, referral.id, state=stage.value, **values)
        self.referrals.add_step(connection, referral.id, Step(action, referral.state, stage.value, by_id, detail, now))
        return self._get(connection, referral.id)

    def _letter(self, draft: Draft, institution: Institution) -> Letter:
        return write_letter(draft, self.terms, institution, self.sender, secrets.token_hex(16))

    def _institution(self, connection: sa.Connection, institution_id: str) -> Institution:
        found = self.directory.institutions.get(connection, institution_id) if institution_id else None
        if found is None:
            raise NotAllowed("请选择机构")
        return found

    def _get(self, connection: sa.Connection, referral_id: str) -> Referral:
        found = self.referrals.get(connection, referral_id, lock=True)
        if found is None:
            raise NoSuchCase("没有这个转介")
        return found

    def _case(self, connection: sa.Connection, case_id: str) -> Case:
        found = self.handling.alarm.cases.get(connection, case_id)
        if found is None:
            raise NoSuchCase("没有这个个案")
        return found

    def _mine(self, connection: sa.Connection, case_id: str, who: Counsellor) -> Case:
        """The case, when it is this counsellor's, or the counsellor leads the shift."""
        case = self._case(connection, case_id)
        if case.owner_id != who.id and not self.permissions.allows(who.roles, "referral_decide"):
            raise NotAllowed("请先接手这个个案；转介由接手的老师或值班长、督导办")
        return case


def _checked(action: str, detail: Detail) -> dict[str, str]:
    """What is kept of a form with a step; raise NotAllowed when something is missing."""
    kept = {name: detail.get(name, "").strip() for name in ("who", "words", "attended", "on")}
    if action in _WORDS_NEEDED:
        name, words = _WORDS_NEEDED[action]
        if len(kept[name]) < 2:
            raise NotAllowed(f"请写{words}")
    if any(len(text) > _LONGEST for text in kept.values()):
        raise NotAllowed(f"最多写{_LONGEST}个字")
    if action == "return" and kept["attended"] not in ATTENDED_WORDS:
        raise NotAllowed("请选择到诊了没有")
    if kept["on"]:
        try:
            kept["on"] = date.fromisoformat(kept["on"]).isoformat()
        except ValueError:
            raise NotAllowed("日期要像 2026-12-01 这样写") from None
    return {name: text for name, text in kept.items() if text}


def _years_after(at: datetime, years: int) -> datetime:
    try:
        return at.replace(year=at.year + years)
    except ValueError:  # 29 February
        return at.replace(year=at.year + years, month=3, day=1)
