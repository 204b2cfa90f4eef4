"""What a statistic is counted from: one record a kind, without names, texts or contact details.

A person is an id that stands for all contacts known to be one and the same; it never leaves the counting.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from triage.risk import Level


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody began to write after a pause."""

    person: str
    channel: str
    at: datetime
    is_blocked: bool = False  # people of the hotline had blocked this contact by then


@dataclass(frozen=True, slots=True)
class Messages:
    """Everything that people wrote, and what their clocks said."""

    total: int = 0
    late: int = 0  # reached us long after it was written
    ahead: int = 0  # was written after it reached us: the sender's clock is wrong


@dataclass(frozen=True, slots=True)
class Call:
    """A counsellor was called until somebody came."""

    case_id: str
    person: str
    level: Level
    raised_at: datetime
    answered_at: datetime | None = None
    left_at: datetime | None = None  # the person closed the chat: the last time before somebody came


@dataclass(frozen=True, slots=True)
class Start:
    """A case was opened, for the first time or again."""

    case_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """A case was opened."""

    at: datetime
    level: Level


@dataclass(frozen=True, slots=True)
class Stretch:
    """A counsellor served a case."""

    case_id: str
    counsellor_id: str
    began_at: datetime
    ended_at: datetime | None = None
    level: Level = Level.NONE  # in force when it began
    claimed_at: datetime | None = None  # taken from the queue by the one before; None: by this one
    greeted_at: datetime | None = None  # a counsellor's first word since then


@dataclass(frozen=True, slots=True)
class Step:
    """A level came into force."""

    at: datetime
    to: Level
    by_person: bool


@dataclass(frozen=True, slots=True)
class Told:
    """An answer of the record, or which kind of no answer it is."""

    value: str
    missing: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CaseFact:
    """One case with what is counted of it."""

    id: str
    opened_at: datetime
    state: str
    level: Level
    steps: Sequence[Step] = ()
    told: Mapping[str, Told] = field(default_factory=dict)  # field of the record -> its newest answer
    served_until: datetime | None = None  # when the newest counsellor's time ended
    has_plan: bool = False  # a safety plan was sent
    was_rescued: bool = False  # rescuers were called
    was_referred: bool = False
    claimed_at: datetime | None = None  # for the first time
    assessed_at: datetime | None = None  # every core question about danger had an answer


@dataclass(frozen=True, slots=True)
class FollowUpFact:
    """A planned call to a person."""

    case_id: str
    code: str
    level: Level
    window_end: datetime
    state: str
    ended_at: datetime | None = None
    reached_at: datetime | None = None  # the first time that the person was reached


@dataclass(frozen=True, slots=True)
class ReferralFact:
    """A referral that was sent."""

    was_accepted: bool
    was_returned: bool
    attended: str  # "" | yes | no | unknown


@dataclass(frozen=True, slots=True)
class RescueFact:
    """Rescuers were called."""

    has_arrived: bool
    is_serious: bool


@dataclass(frozen=True, slots=True)
class Complaint:
    """Somebody complained; the session is the newest that the person had begun by then, when it is known."""

    made_at: datetime
    conversation_id: str = ""
    session_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NotificationFact:
    """An assessment of grade 3 or above that people entered, with its clock."""

    due_at: datetime
    state: str
    ended_at: datetime | None = None  # it was sent, refused or taken back


@dataclass(frozen=True, slots=True)
class DrillFact:
    """A drill that was planned."""

    planned_for: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Colleague:
    """An account, and when its person was trained and supervised."""

    roles: Collection[str]
    joined_at: datetime
    left_at: datetime | None = None
    trained: Sequence[datetime] = ()
    supervised: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """What the bot did with questions."""

    articles: Mapping[str, int] = field(default_factory=dict)  # article -> how often it was given
    choices: int = 0
    unanswered: int = 0
    helped: int = 0
    not_helped: int = 0


@dataclass(frozen=True, slots=True)
class House:
    """What people of the hotline did that stands in no case, and what is left out of every count."""

    informations: int = 0  # numbers that were only named
    incoming: int = 0  # people sent to us by others
    planned: int = 0  # shifts
    planned_hours: int = 0
    handovers: int = 0
    handovers_signed: int = 0
    drill_cases: int = 0
    merged_cases: int = 0


@dataclass(frozen=True)
class Facts:
    """Everything of a period. `sessions`, `calls`, `openings` reach back further, for what is compared with them, and
    `colleagues` to the first day of the year; `complaints` go on after it, for people complain later.
    """

    sessions: Iterable[Session] = ()
    messages: Messages = Messages()
    calls: Sequence[Call] = ()
    starts: Sequence[Start] = ()
    openings: Sequence[Opening] = ()
    stretches: Sequence[Stretch] = ()
    cases: Sequence[CaseFact] = ()
    follow_ups: Sequence[FollowUpFact] = ()
    referrals: Sequence[ReferralFact] = ()
    rescues: Sequence[RescueFact] = ()
    complaints: Sequence[Complaint] = ()
    notifications: Sequence[NotificationFact] = ()
    drills: Sequence[DrillFact] = ()
    colleagues: Sequence[Colleague] = ()
    answered: Answered = field(default_factory=Answered)
    house: House = field(default_factory=House)
