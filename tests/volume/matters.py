"""One case with all that people did about it: levels, alert, stint, notes, record, rescue, follow-up, referral, audit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from escalation.care.plan import load_rules
from escalation.referral.letter import Letter
from records.cases import check_digit
from tests.volume.heap import DAY, HOUR, SECOND, Heap, instant

_ZONE = ZoneInfo("Asia/Shanghai")
_MINUTE = 60 * SECOND
_LEVELS = (1,) * 45 + (2,) * 35 + (3,) * 15 + (4,) * 5
_RECORD = (
    ("ideation", "active"), ("plan", "vague"), ("means_access", "none"), ("alone_now", "yes"), ("companion", "同屋的朋友"),
    ("location", "示例县人民路1号"), ("phone", "13800000000"), ("age_band", "18-24"),
)  # fmt: skip
_NOTES = ("已联系家属，约定明早回电。", "来访者愿意去门诊，给了地址。", "情绪平稳一些，答应今晚不独处。")
_SUMMARY = "来访者说近来睡不好、想法消极；一起做了安全计划，约定一周后回访。"


@dataclass(frozen=True)
class Matter:
    """A case as it is to be written."""

    id: str
    talk_id: str
    contact_id: str
    level: int
    state: str
    owner_id: str | None
    opened_at: int
    said_until: int
    message_id: str
    previous_id: str | None = None
    merged_into: str | None = None

    @property
    def ended_at(self) -> int | None:
        """When it was closed."""
        return self.said_until + 30 * _MINUTE if self.state in ("closed", "merged") else None


class Matters:
    """Writes cases."""

    def __init__(self, heap: Heap, staff: Sequence[str], institutions: Sequence[str]):
        self._heap = heap
        self._staff = staff
        self._institutions = institutions
        self._numbers: dict[str, int] = {}
        self._visits = load_rules(3, (3600,), "", with_year=False).visits

    def level(self) -> int:
        """How urgent a case is."""
        return self._heap.dice.choice(_LEVELS)

    def is_followed_up(self, level: int, ended_at: int) -> bool:
        """Whether calls to the person are still planned: two of five agreed to any."""
        longest = 95 * DAY if level >= 3 else 33 * DAY
        return level >= 2 and ended_at > self._heap.now - longest and self._heap.dice.random() < 0.4

    def write(self, matter: Matter) -> None:
        """All rows of the case."""
        self._case(matter)
        self._levels(matter)
        if matter.owner_id is None:
            return
        self._served(matter)
        dice = self._heap.dice.random
        if dice() < 0.6:
            self._record(matter)
        if matter.level >= 2 and matter.state in ("closed", "follow_up"):
            self._follow_ups(matter)
        if matter.state == "rescue" or (matter.level == 4 and dice() < 0.3):
            self._rescue(matter)
        if dice() < 0.05:
            self._referral(matter)
        if dice() < 0.05:
            self._plans(matter)

    def _case(self, matter: Matter) -> None:
        heap, at = self._heap, matter.opened_at
        day = instant(at).astimezone(_ZONE).strftime("%Y%m%d")
        number = self._numbers[day] = self._numbers.get(day, 0) + 1
        claimed = at + 2 * _MINUTE if matter.owner_id else None
        ended = matter.ended_at
        heap.add(
            "case_record", matter.id, case_no=f"{heap.district}-{day}-{number:04d}{check_digit(f'{day}{number:04d}')}",
            conversation_id=matter.talk_id, contact_id=matter.contact_id, state=matter.state,
            machine_level=matter.level, level=matter.level, version=4, owner_id=matter.owner_id, wish="risk",
            opened_at=at, claimed_at=claimed, first_word_at=claimed, closed_at=ended,
            disposition="calmed" if ended else None, summary_sealed=_SUMMARY if ended else None,
            previous_id=matter.previous_id, merged_into=matter.merged_into,
        )  # fmt: skip
        heap.tell("desk", "case_opened", at, matter.talk_id, matter.id, level=matter.level)
        heap.tell("desk", "alert", at, matter.talk_id, matter.id, level=matter.level, step=0)
        rings = matter.state == "new"
        alert = heap.add(
            "alert", case_id=matter.id, conversation_id=matter.talk_id, level=matter.level, step=4 if rings else 0,
            waiting_notes=3 if rings else 0, state="ringing" if rings else "answered", raised_at=at,
            answered_at=claimed, answered_by=matter.owner_id,
        )  # fmt: skip

        if matter.level >= 3:  # somebody outside the screens was called
            heap.add(
                "notice", kind="call", key="call.climbed", params="{}", carrier="sms", address_id="oncall.sms",
                alert_id=alert, case_id=matter.id, step=1, message_seq=0, state="sent", reason="", attempts=1,
                due_at=at, made_at=at, sent_at=at, receipt="", token_hash=heap.id(),
            )  # fmt: skip

    def _levels(self, matter: Matter) -> None:
        heap = self._heap
        heap.add(
            "level_change", case_id=matter.id, from_level=0, to_level=matter.level, source="machine",
            state="in_force", evidence=json.dumps([matter.message_id, "suicide.wish"]), at=matter.opened_at,
        )  # fmt: skip
        if matter.owner_id is not None and heap.dice.random() < 0.5:
            for before, after in ((max(matter.level - 1, 0), matter.level), (matter.level, max(matter.level - 1, 0))):
                heap.add(
                    "level_change", case_id=matter.id, from_level=before, to_level=after, source="counsellor",
                    by_id=matter.owner_id, state="in_force", evidence="[]", reason_sealed=_NOTES[0],
                    at=matter.opened_at + 5 * _MINUTE,
                )  # fmt: skip
                heap.audit("level_set", matter.opened_at + 5 * _MINUTE, matter.owner_id, matter.id, level=after)

    def _served(self, matter: Matter) -> None:
        heap, at, who = self._heap, matter.opened_at, matter.owner_id
        serves = matter.state in ("in_service", "rescue")
        until = None if serves else matter.said_until + 20 * _MINUTE
        heap.add(
            "stint", case_id=matter.id, conversation_id=matter.talk_id, counsellor_id=who, peak=matter.level,
            began_at=at + 2 * _MINUTE, ended_at=until, spoke_at=heap.now if serves else matter.said_until, rest="",
        )  # fmt: skip
        heap.tell("desk", "claimed", at, matter.talk_id, matter.id, by=who)
        heap.audit("claimed", at + 2 * _MINUTE, who, matter.id)
        for number in range(heap.dice.randrange(1, 6)):
            heap.audit("case_view", at + (3 + number) * _MINUTE, heap.dice.choice(self._staff), matter.id)
        for number in range(heap.dice.randrange(3)):
            noted = at + (4 + number) * _MINUTE
            heap.add("note", case_id=matter.id, by_id=who, body_sealed=heap.dice.choice(_NOTES), at=noted)
            heap.audit("noted", noted, who, matter.id)
            heap.tell("desk", "noted", noted, matter.talk_id, matter.id, by=who)
        if matter.ended_at is not None:
            heap.audit("closed", matter.ended_at, who, matter.id, disposition="calmed")
            heap.tell("desk", "closed", matter.ended_at, matter.talk_id, matter.id, by=who)
        if heap.dice.random() < 0.03:
            kept = heap.dice.random() < 0.98
            heap.add(
                "promise", case_id=matter.id, by_id=who, body_sealed="明早八点回电", at=at,
                kept_at=at + DAY if kept else None, kept_by=who if kept else None,
            )  # fmt: skip

    def _record(self, matter: Matter) -> None:
        heap, at = self._heap, matter.opened_at + 10 * _MINUTE
        for field, value in _RECORD:
            heap.add(
                "record_entry", subject_id=matter.id, case_id=matter.id, field=field, version=1, missing="",
                value_sealed=value, by_id=matter.owner_id, at=at,
            )  # fmt: skip
        heap.audit("record_change", at, matter.owner_id, matter.id)

    def _follow_ups(self, matter: Matter) -> None:
        heap, end = self._heap, matter.said_until + HOUR
        heap.add(
            "follow_up_consent", case_id=matter.id, answer="agreed", phone_sealed="13800000000",
            by_id=matter.owner_id, at=end,
        )  # fmt: skip
        for visit in self._visits:
            if matter.level not in visit.levels:
                continue
            opens, ends = end + int(visit.opens_h * HOUR), end + int(visit.ends_h * HOUR)
            is_open = matter.state == "follow_up" and ends > heap.now
            task = heap.add(
                "follow_up", case_id=matter.id, kind="safety", code=visit.code, level=matter.level, window_start=opens,
                window_end=ends, state="todo" if is_open else "done", assignee_id=matter.owner_id,
                next_at=ends if is_open else None, made_by=matter.owner_id, made_at=end,
                ended_by=None if is_open else matter.owner_id, ended_at=None if is_open else ends - HOUR,
            )  # fmt: skip
            if not is_open:
                self._called(matter, task, ends - HOUR)

    def _called(self, matter: Matter, task: str, at: int) -> None:
        heap = self._heap
        heap.add(
            "follow_up_attempt", follow_up_id=task, case_id=matter.id, way="phone", result="reached",
            by_id=matter.owner_id, at=at,
        )  # fmt: skip
        heap.add(
            "follow_up_outcome", follow_up_id=task, case_id=matter.id, ideas="20", hopelessness="30", acts="none",
            help='["family"]', obstacles="unknown", level=1, note_sealed=_NOTES[2], by_id=matter.owner_id, at=at,
        )  # fmt: skip
        heap.audit("follow_up_done", at, matter.owner_id, matter.id)

    def _plans(self, matter: Matter) -> None:
        heap, at = self._heap, matter.opened_at + 15 * _MINUTE
        parts = json.dumps({"signs": "夜里睡不着", "own": "出门走走"}, ensure_ascii=False)
        heap.add(
            "safety_plan", contact_id=matter.contact_id, case_id=matter.id, body_sealed=parts, by_id=matter.owner_id,
            at=at,
        )  # fmt: skip
        heap.add("contact_plan", contact_id=matter.contact_id, by_id=matter.owner_id, body_sealed=_NOTES[2], at=at)

    def _rescue(self, matter: Matter) -> None:
        heap, at, who = self._heap, matter.opened_at + 3 * _MINUTE, matter.owner_id
        is_over = matter.state != "rescue"
        rescue = heap.add(
            "rescue", case_id=matter.id, decision="started", basis="act", reason_sealed="来访者说已经服药", by_id=who,
            at=at, arrived_at=at + 20 * _MINUTE if is_over else None, arrived_by=who if is_over else None,
            arrival_sealed="急救人员到场" if is_over else None, outcome="hospital" if is_over else None,
            outcome_by=who if is_over else None, outcome_sealed="已送医" if is_over else None,
            ended_at=at + HOUR if is_over else None, ended_by=who if is_over else None,
        )  # fmt: skip
        heap.add(
            "outside_call", case_id=matter.id, rescue_id=rescue, whom="ambulance", basis="", said_sealed="报了地址",
            by_id=who, at=at,
        )  # fmt: skip
        heap.audit("rescue_started", at, who, matter.id)

    def _referral(self, matter: Matter) -> None:
        heap, at, who = self._heap, matter.opened_at + 20 * _MINUTE, matter.owner_id
        letter = Letter((("from", "发出", "示例县热线"), ("reason", "转介理由", "建议专科评估")), heap.id())
        is_open = at > heap.now - 7 * DAY
        institution = heap.dice.choice(self._institutions)
        referral = heap.add(
            "referral", case_id=matter.id, institution_id=institution, kind="clinic", urgency="usual", direction="out",
            method="link", basis="consent", basis_sealed="问过本人，同意", letter_sealed=letter.text,
            letter_hash=letter.hash, level=matter.level, by_id=who, state="sent" if is_open else "returned",
            attended="" if is_open else "yes", made_at=at, sent_at=at, ack_at=None if is_open else at + DAY,
            accepted_at=None if is_open else at + DAY, returned_at=None if is_open else at + 3 * DAY,
            due_at=at + 7 * DAY if is_open else None,
        )  # fmt: skip
        steps = (("make", "", "sent"),) if is_open else (("make", "", "sent"), ("accept", "sent", "accepted"))
        for action, before, after in steps:
            heap.add(
                "referral_step", referral_id=referral, action=action, from_state=before, to_state=after, by_id=who,
                detail_sealed="{}", at=at,
            )  # fmt: skip
        heap.add(
            "provision", referral_id=referral, case_id=matter.id, institution_id=institution, purpose="clinic",
            method="link", basis="consent", shared='["called"]', letter_hash=letter.hash, by_id=who, at=at,
            keep_until=at + 3 * 365 * DAY,
        )  # fmt: skip
        heap.add(
            "referral_task", referral_id=referral, case_id=matter.id, kind="check_visit", for_id=who, opened_at=at,
            done_by=None if is_open else who, done_at=None if is_open else at + DAY,
            note_sealed=None if is_open else "对方已回电",
        )  # fmt: skip
        heap.audit("referral_made", at, who, matter.id, referral=referral)
