"""What people do with a record: write a field, take words out, give the safety plan. Each inside one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from escalation.cases import NoSuchCase, NotAllowed, State
from escalation.contact_desk import ContactDesk
from escalation.handling import Handling
from escalation.record import answers
from escalation.record.answers import Change
from escalation.record.form import Form
from escalation.record.plan import LEAST_PARTS, LONGEST_PART, Part, compose, is_plan_field
from escalation.shift.volunteers import is_volunteer
from records.case_edges import CaseEdges
from records.cases import Case
from records.entries import REDACTED, Entries, Entry
from records.outbox_rows import Lane, Pending
from records.safety_plans import SafetyPlan, SafetyPlans
from records.staff import Counsellor
from triage.facts import Facts

_LEAST_REASON = 4
_LONGEST_REASON = 1000
_MOST_NAMED = 6  # in words; the page lists all


@dataclass(frozen=True)
class Saved:
    """What became of a save: `entry` is in force; `is_clash` = somebody else was faster, nothing was written."""

    entry: Entry
    is_clash: bool = False


@dataclass(frozen=True)
class RecordDesk:
    """The actions of people on the record. `form`, `facts` and `parts` are reviewed data."""

    handling: Handling
    people: ContactDesk
    entries: Entries
    edges: CaseEdges
    plans: SafetyPlans
    form: Form
    facts: Facts
    parts: tuple[Part, ...]

    def save(self, connection: sa.Connection, case_id: str, who: Counsellor, change: Change, now: datetime) -> Saved:
        """Append a change; a repeated one adds nothing, one over somebody else's newer words is handed back."""
        self._check(change)
        if is_volunteer(who.roles) and change.field not in self.form.of_volunteers.fields:
            raise NotAllowed("这一项由接线员填写；觉得需要，就调高等级，请接线员接过去")
        if is_plan_field(change.field):
            self.entries.take_turns(connection)
        case = self._case(connection, case_id)
        if case.state == State.MERGED:
            raise NotAllowed("这个个案已并入别的个案，请在那边填写")
        subjects = self.subjects(connection, case, change.field)
        since = self.entries.since(connection, subjects, change.field, change.based_on)
        newest = self.entries.version_of(connection, subjects, change.field)
        if change.based_on > newest:
            raise NotAllowed("页面和服务器对不上，请刷新后再填")
        if since and answers.is_same(since[-1], change):
            return Saved(since[-1])
        if other := answers.clash(since, who.id):
            return Saved(other, is_clash=True)
        self._check_source(connection, case, change)
        entry = Entry(
            change.field, newest + 1, change.value, change.missing, who.id, now, change.message_id, case.id
        )  # fmt: skip
        self.entries.add(connection, subjects[0], entry)
        if change.field in answers.CORE and case.assessed_at is None:
            self._note_assessment(connection, case, now)
        self.handling.done(connection, case, who, "record_set", now, field=change.field, version=entry.version)
        return Saved(entry)

    def redact_field(
        self, connection: sa.Connection, case_id: str, who: Counsellor, field: str, reason: str, now: datetime
    ) -> None:
        """Take the words of a field out of every version; a mark with who, when and why takes their place."""
        self._check_reason(reason)
        case = self._case(connection, case_id)
        newest = self.entries.version_of(connection, [case.id], field)
        if field not in self.form.fields or newest == 0:
            raise NotAllowed("这一项没有内容，不用遮蔽")
        self.entries.empty(connection, [case.id], field)
        entry = Entry(field, newest + 1, reason.strip(), REDACTED, who.id, now, case_id=case.id)
        self.entries.add(connection, case.id, entry)
        self.handling.done(connection, case, who, "field_redacted", now, field=field)

    def redact_note(
        self, connection: sa.Connection, case_id: str, who: Counsellor, note_id: str, reason: str, now: datetime
    ) -> None:
        """Take the words out of a note; who, when and why stays."""
        self._check_reason(reason)
        case = self._case(connection, case_id)
        if not self.edges.redact_note(connection, case.id, note_id, who.id, reason.strip(), now):
            raise NotAllowed("没有这条备注，或者已经遮蔽了")
        self.handling.done(connection, case, who, "note_redacted", now, note=note_id)

    def give_plan(self, connection: sa.Connection, case_id: str, who: Counsellor, now: datetime) -> None:
        """Send the plan to the person in their own words, and keep it as theirs."""
        self.entries.take_turns(connection)
        case = self.handling.owned(connection, case_id, who)
        words = self.plan_words(connection, case)
        if len(words) < LEAST_PARTS:
            raise NotAllowed(f"至少写好{LEAST_PARTS}个部分再发给来访者")
        conversation = self.handling.conversation(connection, case)
        self.handling.alarm.outbox.add(
            connection,
            Pending(
                conversation.id, conversation.channel, Lane.CRISIS, "counsellor", conversation.epoch, "own_plan.given",
                params={"plan": compose(self.parts, words)}, origin_id=who.id,
            ),
            now,
        )  # fmt: skip
        self.plans.add(connection, case.contact_id, SafetyPlan(words, who.id, case.id, now))
        self.handling.stints.spoke(connection, conversation.id, now)
        if case.first_word_at is None:
            self.handling.save(connection, case, first_word_at=now)
        self.handling.done(connection, case, who, "plan_given", now, parts=len(words))

    def check_closing(self, connection: sa.Connection, case: Case) -> None:
        """A case is closed only with what its level demands; raise NotAllowed that names what is missing."""
        missing = answers.gaps(self.form, self.entries.current(connection, [case.id]), case.level)
        if missing:
            named = [f"{gap.field.short}（{gap.lacks}）" for gap in missing[:_MOST_NAMED]]
            more = "……" if len(missing) > _MOST_NAMED else ""
            raise NotAllowed(f"记录单还差 {len(missing)} 项：{'、'.join(named)}{more}")

    def plan_words(self, connection: sa.Connection, case: Case) -> dict[str, str]:
        """The written parts of the person's plan as they stand now, sent or not."""
        found = self.entries.current(connection, self.kin(connection, case))
        written = {part.key: found.get(part.field) for part in self.parts}
        return {
            key: entry.value for key, entry in written.items() if entry and entry.value.strip() and not entry.missing
        }

    def kin(self, connection: sa.Connection, case: Case) -> list[str]:
        """The contact of a case first, then all that were linked with it."""
        contact = self.people.contacts.get(connection, case.contact_id)
        linked = self.people.kin(connection, contact) if contact else []
        return list(dict.fromkeys((case.contact_id, *linked)))

    def subjects(self, connection: sa.Connection, case: Case, field: str) -> list[str]:
        """Whose rows a field's changes are, the one that new rows carry first."""
        return self.kin(connection, case) if is_plan_field(field) else [case.id]

    def _check(self, change: Change) -> None:
        if is_plan_field(change.field):
            is_part = change.field in {part.field for part in self.parts}
            if not is_part or change.missing or len(change.value) > LONGEST_PART:
                raise NotAllowed(f"每个部分最多{LONGEST_PART}字" if is_part else "没有这一项")
            return
        field = self.form.fields.get(change.field)
        if field is None:
            raise NotAllowed("没有这一项")
        if change.missing and change.missing not in self.form.missing:
            raise NotAllowed("没有这种说法")
        if change.missing and len(change.value) > _LONGEST_REASON:
            raise NotAllowed(f"原因最多{_LONGEST_REASON}字")
        if not change.missing and (problem := field.problem(change.value)):
            raise NotAllowed(problem)

    def _check_source(self, connection: sa.Connection, case: Case, change: Change) -> None:
        if change.message_id is not None:
            message = self.handling.alarm.conversations.message(connection, change.message_id)
            if message is None or message.conversation_id != case.conversation_id:
                raise NotAllowed("来源消息不在这个对话里")

    def _check_reason(self, reason: str) -> None:
        if not _LEAST_REASON <= len(reason.strip()) <= _LONGEST_REASON:
            raise NotAllowed(f"请写明遮蔽的理由（{_LEAST_REASON}到{_LONGEST_REASON}个字）")

    def _note_assessment(self, connection: sa.Connection, case: Case, now: datetime) -> None:
        """The clock of the assessment stops with the last core question."""
        if answers.is_assessed(self.entries.current(connection, [case.id])):
            self.handling.save(connection, case, assessed_at=now)

    def _case(self, connection: sa.Connection, case_id: str) -> Case:
        """Locked, but not its conversation: a message that arrives meanwhile is stored at once."""
        case = self.handling.alarm.cases.get(connection, case_id, lock=True)
        if case is None:
            raise NoSuchCase("没有这个个案")
        return case
