"""From the facts of a period to its tally: every count that an indicator, a table or a chart may name. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from escalation.reports.after_claim_counts import count_assessments, count_first_words
from escalation.reports.case_counts import count_cases
from escalation.reports.house_counts import (
    HouseRules,
    count_complaints,
    count_drills,
    count_growth,
    count_notifications,
)
from escalation.reports.periods import Period
from escalation.reports.talks import count_alarms, count_openings, count_requests, count_sessions, requests_of
from escalation.reports.tally import Numbers, Tally
from records.facts.kinds import Answered, Facts, FollowUpFact, ReferralFact, RescueFact, Stretch
from triage.risk import Level

_FIRST = "24h"  # the visit that a case of high danger gets within a day
_NOT_DUE = ("cancelled", "dead")  # in hospital, somebody else's now, or nobody left to call
_MOST_ARTICLES = 20
OTHERS = "others"  # all articles that are not among the most given


def tally_of(facts: Facts, period: Period, now: datetime, numbers: Numbers, rules: HouseRules) -> Tally:
    """Count everything once."""
    requests = requests_of(facts.calls, facts.starts, facts.stretches, numbers)
    messages = facts.messages
    return (
        count_sessions(facts.sessions, period, numbers)
        | count_openings(facts.openings)
        | Tally({"messages": messages.total, "messages_late": messages.late, "messages_ahead": messages.ahead})
        | count_requests(requests, period)
        | count_alarms(facts.calls, period, now, rules.claim_by)
        | count_first_words(facts.stretches, period, now, rules.promised.word)
        | count_assessments(facts.cases, now, rules.promised.assessment)
        | count_cases(facts.cases, now, numbers, rules.form)
        | count_follow_ups([task for task in facts.follow_ups if task.window_end <= now])
        | count_partners(facts.referrals, facts.rescues)
        | count_answers(facts.answered)
        | count_house(facts, period)
        | count_complaints(facts.complaints, period)
        | count_notifications([one for one in facts.notifications if one.due_at <= now])
        | count_drills(facts.drills, rules.practice, now)
        | count_growth(facts.colleagues, period, now, numbers, rules.duties)
    )


def count_follow_ups(due: Sequence[FollowUpFact]) -> Tally:
    """Calls to people whose window is over. The 24 hours count once a case: the newest, when it was opened again."""
    owed = [task for task in due if task.state not in _NOT_DUE]
    first = {task.case_id: task for task in owed if task.code == _FIRST and task.level >= Level.HIGH}
    return Tally(
        {
            "first_calls": len(first),
            "first_calls_reached": sum(
                task.reached_at is not None and task.reached_at <= task.window_end for task in first.values()
            ),
            "follow_ups": len(owed),
            "follow_ups_in_time": sum(
                task.state == "done" and task.ended_at is not None and task.ended_at <= task.window_end for task in owed
            ),
            "follow_ups_lost": sum(task.state == "lost" for task in owed),
        }
    )


def count_partners(referrals: Sequence[ReferralFact], rescues: Sequence[RescueFact]) -> Tally:
    """What others were asked to do, and did."""
    return Tally(
        {
            "referrals": len(referrals),
            "referrals_accepted": sum(one.was_accepted for one in referrals),
            "referrals_attended": sum(one.attended == "yes" for one in referrals),
            "referrals_accepted_returned": sum(one.was_accepted and one.was_returned for one in referrals),
            "rescues": len(rescues),
            "rescues_arrived": sum(one.has_arrived for one in rescues),
            "rescues_serious": sum(one.is_serious for one in rescues),
        }
    )


def count_answers(answered: Answered) -> Tally:
    """What the bot knew."""
    given = sum(answered.articles.values())
    most = dict(sorted(answered.articles.items(), key=lambda item: (-item[1], item[0]))[:_MOST_ARTICLES])
    return Tally(
        {
            "answers": given,
            "choices": answered.choices,
            "unanswered": answered.unanswered,
            "questions": given + answered.choices + answered.unanswered,
            "marks": answered.helped + answered.not_helped,
            "marks_helped": answered.helped,
        },
        {"answers_by_article": {**most, OTHERS: given - sum(most.values())}},
    )


def count_house(facts: Facts, period: Period) -> Tally:
    """Who worked, and what is left out of every count."""
    house = facts.house
    return Tally(
        {
            "informations": house.informations,
            "incoming": house.incoming,
            "counsellors": len({one.counsellor_id for one in facts.stretches if _overlaps(one, period)}),
            "shifts": house.planned,
            "shift_hours": house.planned_hours,
            "handovers": house.handovers,
            "handovers_signed": house.handovers_signed,
            "drill_cases": house.drill_cases,
            "merged_cases": house.merged_cases,
        }
    )


def _overlaps(stretch: Stretch, period: Period) -> bool:
    return stretch.began_at < period.until and (stretch.ended_at is None or stretch.ended_at >= period.since)
