"""Counts of talking: sessions, requests for a person, waiting, alerts. From facts alone. No I/O."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from escalation.reports.periods import ZONE, Period, day_of
from escalation.reports.tally import Numbers, Tally, split, spread
from records.facts.kinds import Call, Opening, Session, Start, Stretch
from triage.risk import Level

CHANNELS = ("web", "wechat", "wecom", "telegram")
HOURS = tuple(str(hour) for hour in range(24))
WEEKDAYS = tuple(str(day) for day in range(7))  # 0 = Monday
RINGING = (Level.EMERGENCY, Level.HIGH, Level.MEDIUM, Level.LOW)
ClaimBy = Callable[[Level, datetime], datetime]


@dataclass(frozen=True)
class Request:
    """Somebody waited for a person."""

    person: str
    level: Level
    at: datetime
    answered_at: datetime | None
    left_at: datetime | None

    @property
    def was_left(self) -> bool:
        """Whether the person was gone before anybody came."""
        left = self.left_at
        return left is not None and self.at <= left and (self.answered_at is None or left < self.answered_at)


def count_sessions(sessions: Iterable[Session], period: Period, numbers: Numbers) -> Tally:
    """Sessions of the period; earlier ones only tell who comes again and again."""
    times: dict[str, list[datetime]] = defaultdict(list)
    own: list[Session] = []
    for session in sessions:
        times[session.person].append(session.at)
        if period.holds(session.at):
            own.append(session)
    people = {session.person for session in own}
    local = [session.at.astimezone(ZONE) for session in own]
    return Tally(
        counts={
            "sessions": len(own),
            "sessions_blocked": sum(session.is_blocked for session in own),
            "people": len(people),
            "people_repeat": sum(_comes_again(sorted(times[person]), period, numbers) for person in people),
        },
        splits={
            "sessions_by_channel": split((session.channel for session in own), CHANNELS),
            "sessions_by_hour": split((str(at.hour) for at in local), HOURS),
            "sessions_by_weekday": split((str(at.weekday()) for at in local), WEEKDAYS),
            "sessions_by_slot": split((f"{at.weekday()}-{at.hour}" for at in local), ()),
            "sessions_by_day": split((str(at.date()) for at in local), [str(day) for day in period.days()]),
            "seen_sessions": split((str(day_of(at)) for one in times.values() for at in one), ()),
        },
    )


def count_openings(openings: Iterable[Opening]) -> Tally:
    """Cases a day, also before the period."""
    opened = [(str(day_of(opening.at)), opening.level >= Level.HIGH) for opening in openings]
    return Tally(
        splits={
            "seen_cases": split((day for day, _ in opened), ()),
            "seen_high_cases": split((day for day, is_high in opened if is_high), ()),
        }
    )


def _comes_again(times: Sequence[datetime], period: Period, numbers: Numbers) -> bool:
    """So many sessions within so long, the last of them in the period."""
    more = numbers.repeat_sessions - 1
    return any(
        period.holds(last) and last - times[place] < numbers.repeat for place, last in enumerate(times[more:])
    )  # fmt: skip


def requests_of(
    calls: Sequence[Call], starts: Sequence[Start], stretches: Sequence[Stretch], numbers: Numbers
) -> list[Request]:
    """From alerts to people who waited: what rang for somebody who was being served is none, asking twice is one."""
    opened: dict[str, list[datetime]] = defaultdict(list)
    served: dict[str, list[Stretch]] = defaultdict(list)
    for start in sorted(starts, key=lambda start: start.at):
        opened[start.case_id].append(start.at)
    for stretch in stretches:
        served[stretch.case_id].append(stretch)
    found = [
        Request(call.person, call.level, _asked_at(call, opened[call.case_id], served[call.case_id]),
                call.answered_at, call.left_at)
        for call in calls
        if not any(_serves(stretch, call.raised_at) for stretch in served[call.case_id])
    ]  # fmt: skip
    return _without_doubles(sorted(found, key=lambda request: request.at), numbers)


def _serves(stretch: Stretch, at: datetime) -> bool:
    """Also at its very end: a case put back by its counsellor is not asked for anew."""
    return stretch.began_at <= at and (stretch.ended_at is None or at <= stretch.ended_at)


def _asked_at(call: Call, opened: Sequence[datetime], served: Sequence[Stretch]) -> datetime:
    """An alert that becomes louder counts its seconds anew; whoever waits does not."""
    place = bisect_right(opened, call.raised_at)
    if not place:
        return call.raised_at
    since = opened[place - 1]
    came_between = any(since <= stretch.began_at < call.raised_at for stretch in served)
    return call.raised_at if came_between else since


def _without_doubles(requests: Sequence[Request], numbers: Numbers) -> list[Request]:
    kept: list[Request] = []
    last: dict[str, int] = {}
    for request in requests:
        place = last.get(request.person)
        if place is not None and request.at - kept[place].at < numbers.queue_again:
            kept[place] = _joined(kept[place], request)
            continue
        last[request.person] = len(kept)
        kept.append(request)
    return kept


def _joined(first: Request, again: Request) -> Request:
    """Whoever asked again has not left before, and was served when either call was answered."""
    answers = [at for at in (first.answered_at, again.answered_at) if at is not None]
    answered_at = min(answers, default=None)
    return replace(first, level=max(first.level, again.level), answered_at=answered_at, left_at=again.left_at)


def count_requests(requests: Sequence[Request], period: Period) -> Tally:
    """Who asked for a person, who got one, who left before, who still waits."""
    own = [request for request in requests if period.holds(request.at)]
    left = [request for request in own if request.was_left]
    came = [request for request in own if request.answered_at is not None and not request.was_left]
    waits = {level: [_waited(r) for r in came if max(r.level, Level.LOW) == level] for level in RINGING}
    spreads = {f"wait_s_{level.code}": spread(waited) for level, waited in waits.items()}
    return Tally(
        counts={
            "requests": len(own),
            "requests_answered": len(came),
            "requests_left": len(left),
            "requests_open": len(own) - len(came) - len(left),
            **{f"answered_{level.code}": len(waited) for level, waited in waits.items()},
        },
        spreads={"wait_s": spread(_waited(request) for request in came), **spreads},
    )


def _waited(request: Request) -> float:
    return (request.answered_at - request.at).total_seconds() if request.answered_at else 0.0


def count_alarms(calls: Sequence[Call], period: Period, now: datetime, claim_by: ClaimBy) -> Tally:
    """Alerts by level, and those answered in the promised time; whose time still runs is not counted yet."""
    counts = {}
    for level in RINGING:
        own = [
            call for call in calls
            if period.holds(call.raised_at) and max(call.level, Level.LOW) == level
            and (call.answered_at is not None or claim_by(call.level, call.raised_at) <= now)
        ]  # fmt: skip
        in_time = [c for c in own if c.answered_at is not None and c.answered_at <= claim_by(c.level, c.raised_at)]
        counts[f"alarms_{level.code}"] = len(own)
        counts[f"alarms_{level.code}_in_time"] = len(in_time)
    return Tally(counts)
