"""Each indicator against a small set of facts that was counted by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from escalation.reports.indicators import inside
from records.facts.kinds import (
    Answered,
    Call,
    CaseFact,
    Facts,
    FollowUpFact,
    House,
    ReferralFact,
    RescueFact,
    Session,
    Start,
    Step,
    Stretch,
    Told,
)
from tests.escalation.reports.conftest import NOVEMBER, at, counted, definitions
from triage.risk import Level

SECURED = {key: Told("none", "", at()) for key in ("ideation", "plan", "current_act")} | {
    "safety_plan": Told("given", "", at()), "companion": Told("姐姐", "", at()),
}  # fmt: skip


def case(id: str, level: Level, *steps: tuple[float, Level, bool], told: Any = None, **more: Any) -> CaseFact:
    """A case opened at noon; steps are (minutes later, level, by a person)."""
    made = tuple(Step(at(minutes=minutes), to, by) for minutes, to, by in steps)
    return CaseFact(id, at(), more.pop("state", "closed"), level, made, told or {}, **more)


def call(
    case_id: str, person: str, seconds: float, answered: float | None, level: Level = Level.HIGH, **more: Any
) -> Call:
    return Call(case_id, person, level, at(seconds=seconds), None if answered is None else at(seconds=answered), **more)


def rated(start: str, end: str) -> dict[str, Told]:
    return {"distress_start": Told(start, "", at()), "distress_end": Told(end, "", at())}


CALLS = Facts(
    calls=(
        call("a", "a", 0, 30),  # in time (120 s)
        call("b", "b", 0, 150),  # late
        call("c", "c", 0, None, left_at=at(seconds=40)),  # left
        call("d", "d", 0, None),  # nobody came
        call("e", "e", 0, 90, left_at=at(seconds=60)),  # somebody came to an empty room
        call("e2", "e", 300, 310, Level.EMERGENCY),  # the same person again within ten minutes: one request, answered
        call("a", "a", 7200, 7210),  # its counsellor was silent: no request
        call("f", "f", 60, 100),  # became louder after a minute: waited 100 s
    ),
    starts=(*(Start(one, at()) for one in "abcdef"), Start("e2", at(seconds=300))),
    stretches=(Stretch("a", "lin", at(seconds=30)), Stretch("b", "lin", at(seconds=150), at(hours=1)),
               Stretch("f", "wu", at(seconds=100))),
)  # fmt: skip
CASES = Facts(
    cases=(
        case("a", Level.HIGH, (0, Level.HIGH, False), told=SECURED),  # heard, judged, cared for
        case("b", Level.LOW, (0, Level.HIGH, False), (5, Level.LOW, True)),  # false alarm
        case("c", Level.EMERGENCY, (0, Level.LOW, False), (5, Level.EMERGENCY, True)),  # missed by the machine
        case("d", Level.MEDIUM, (0, Level.MEDIUM, False), state="new"),  # nobody looked yet
        case("e", Level.MEDIUM, (0, Level.HIGH, False), (30, Level.MEDIUM, True), told=SECURED),  # calmed afterwards
        case("f", Level.HIGH, (0, Level.HIGH, False), state="waiting_user", served_until=at(hours=1)),  # no record
    )
)  # fmt: skip
FOLLOW_UPS = Facts(
    follow_ups=(
        FollowUpFact("a", "24h", Level.HIGH, at(hours=24), "done", at(hours=3), at(hours=2)),
        FollowUpFact("b", "24h", Level.HIGH, at(hours=24), "done", at(hours=30), at(hours=30)),
        FollowUpFact("c", "24h", Level.HIGH, at(hours=24), "dead"),
        FollowUpFact("d", "7d", Level.MEDIUM, at(hours=24), "lost"),
        FollowUpFact("e", "24h", Level.HIGH, at(hours=24), "doing", None, at(hours=1)),
        FollowUpFact("f", "30d", Level.HIGH, at(hours=24), "cancelled"),
        FollowUpFact("g", "90d", Level.HIGH, at(days=90), "todo"),  # not due yet
    )
)


CLAIMS = Facts(
    stretches=(
        Stretch("a", "lin", at(), at(hours=1), Level.EMERGENCY, None, at(seconds=30)),  # in time
        Stretch("b", "lin", at(), at(seconds=40), Level.EMERGENCY),  # passed on without a word,
        Stretch("b", "wu", at(seconds=40), None, Level.EMERGENCY, at(), at(seconds=50)),  # and greeted late
        Stretch("c", "lin", at(), at(seconds=20), Level.EMERGENCY),  # put back in time: its next claim counts
        Stretch("c", "wu", at(minutes=5), None, Level.EMERGENCY),  # nobody said a word
        Stretch("d", "lin", at(), at(seconds=10), Level.HIGH),  # passed on
        Stretch("d", "wu", at(seconds=10), None, Level.HIGH, at(), at(seconds=60)),  # and greeted in time
        Stretch("e", "wu", at(days=60), None, Level.HIGH),  # of another month
        Stretch("f", "lin", at(), None, Level.LOW),  # nothing was promised
    ),
)  # fmt: skip
ASSESSED = Facts(
    cases=(
        case("a", Level.HIGH, (0, Level.HIGH, False), claimed_at=at(minutes=5), assessed_at=at(minutes=35)),
        case("b", Level.HIGH, (0, Level.HIGH, False), claimed_at=at(minutes=5), assessed_at=at(minutes=36)),  # late
        case("c", Level.HIGH, (0, Level.HIGH, False), claimed_at=at()),  # never
        case("d", Level.NONE, (0, Level.HIGH, False), (5, Level.NONE, True), claimed_at=at()),  # nothing was owed
        case("e", Level.HIGH, (0, Level.MEDIUM, False), (9, Level.HIGH, True), claimed_at=at(minutes=1), assessed_at=at(hours=1)),
        case("f", Level.HIGH, (0, Level.HIGH, False)),  # nobody took it
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "indicator", "words", "detail"),
    [
        (CALLS, "answered", "66.67%", "4/6"),
        (CALLS, "left", "16.67%", "1/6"),
        (CALLS, "unanswered_requests", "1", ""),
        (CALLS, "wait", "平均 92.5，中位 90.0，P90 150.0 秒", "n=4"),
        (CALLS, "sla_emergency", "100.00%", "1/1"),
        (CALLS, "sla_high", "57.14%", "4/7"),
        (CALLS, "sla_medium", "无数据", "0/0"),
        (CLAIMS, "first_word_emergency", "33.33%", "1/3"),
        (CLAIMS, "first_word_high", "100.00%", "1/1"),
        (CLAIMS, "first_word_medium", "无数据", "0/0"),
        (ASSESSED, "assessed_high", "33.33%", "1/3"),
        (ASSESSED, "assessed_medium", "100.00%", "1/1"),
        (CASES, "high", "75.00%", "3/4"),
        (CASES, "heard", "66.67%", "2/3"),
        (CASES, "wrongly", "25.00%", "1/4"),
        (CASES, "cared", "50.00%", "2/4"),
        (CASES, "records", "80.00%", "4/5"),
        (FOLLOW_UPS, "first_call", "66.67%", "2/3"),
        (FOLLOW_UPS, "follow_up", "25.00%", "1/4"),
        (FOLLOW_UPS, "lost", "25.00%", "1/4"),
        (Facts(rescues=(RescueFact(True, False), RescueFact(False, True))), "arrived", "50.00%", "1/2"),
        (Facts(referrals=(ReferralFact(True, True, "yes"), ReferralFact(True, False, "no"), ReferralFact(False, False, ""))),
         "referral_accepted", "66.67%", "2/3"),
        (Facts(referrals=(ReferralFact(True, True, "yes"), ReferralFact(True, False, "no"), ReferralFact(False, False, ""))),
         "referral_attended", "33.33%", "1/3"),
        (Facts(referrals=(ReferralFact(True, True, "yes"), ReferralFact(True, False, "no"), ReferralFact(False, True, ""))),
         "referral_returned", "50.00%", "1/2"),
        (Facts(cases=(case("a", Level.LOW, told=rated("80", "60")), case("b", Level.LOW, told=rated("80", "61")),
                      case("c", Level.LOW))), "eased", "50.00%", "1/2"),
        (Facts(cases=(case("a", Level.LOW, told=rated("80", "60")), case("c", Level.LOW))), "rated", "50.00%", "1/2"),
        (Facts(cases=(case("a", Level.LOW, told=rated("80", "60")),)), "distress", "平均 20.0，中位 20.0，P90 20.0 分", "n=1"),
        (Facts(sessions=(Session("a", "web", at()), Session("b", "web", at(), is_blocked=True))), "nuisance", "50.00%", "1/2"),
        (Facts(answered=Answered({"E001": 2}, 1, 1)), "unknown", "25.00%", "1/4"),
        (Facts(answered=Answered({}, 0, 0, 3, 1)), "helpful", "75.00%", "3/4"),
        (Facts(house=House(handovers=4, handovers_signed=3)), "signed", "75.00%", "3/4"),
    ],
)  # fmt: skip
def test_an_indicator_is_what_a_hand_counts(facts: Facts, indicator: str, words: str, detail: str) -> None:
    figure = inside(counted(facts), definitions()).figure(indicator)
    assert (figure.words, figure.detail.split("，")[0]) == (words, detail)


@pytest.mark.parametrize("each", definitions().indicators, ids=lambda each: each.id)
def test_nothing_of_nothing_is_no_data_and_never_zero_percent(each: Any) -> None:
    figure = inside(counted(Facts()), definitions()).figure(each.id)
    assert figure.words == {"share": "无数据", "spread": "无数据", "count": "0", "absent": "尚未采集"}[each.kind]
    assert bool(figure.detail) is (each.kind != "count")


def test_a_share_carries_its_interval() -> None:
    figure = inside(counted(Facts(house=House(handovers=10, handovers_signed=9))), definitions()).figure("signed")
    assert figure.detail == "9/10，95%区间 59.58%–98.21%"  # Wilson


@pytest.mark.parametrize(
    ("days", "repeat"), [((0, 1, 2), 1), ((0, 1), 0), ((-29, -1, 0), 1), ((-30, -1, 0), 0), ((-3, -2, -1), 0)]
)
def test_three_sessions_within_thirty_days_are_coming_again_and_again(days: tuple[int, ...], repeat: int) -> None:
    first = NOVEMBER.since
    sessions = [Session("a", "web", first + timedelta(days=day)) for day in days]
    tally = counted(Facts(sessions=sessions))
    assert tally.counts["people_repeat"] == repeat
    assert tally.counts["sessions"] == sum(day >= 0 for day in days)


def test_hours_and_weekdays_are_those_of_shanghai() -> None:
    tally = counted(Facts(sessions=(Session("a", "web", at(hours=12)),)))  # a Wednesday at midnight there
    assert [key for key, n in tally.splits["sessions_by_hour"].items() if n] == ["0"]
    assert [key for key, n in tally.splits["sessions_by_weekday"].items() if n] == ["2"]
    assert tally.splits["sessions_by_slot"] == {"2-0": 1}


def test_a_channel_of_a_partner_and_an_empty_one_both_stand_in_the_split() -> None:
    tally = counted(Facts(sessions=(Session("a", "school", at()),)))
    assert tally.splits["sessions_by_channel"] == {"web": 0, "wechat": 0, "wecom": 0, "telegram": 0, "school": 1}


def test_a_wait_over_midnight_counts_where_it_began() -> None:
    start = NOVEMBER.until - timedelta(seconds=30)
    waited = Call("a", "a", Level.HIGH, NOVEMBER.until + timedelta(seconds=30), NOVEMBER.until + timedelta(seconds=60))
    tally = counted(Facts(calls=(waited,), starts=(Start("a", start),)))
    assert (tally.counts["requests"], tally.spreads["wait_s"].mean) == (1, 90.0)


def test_an_alert_whose_time_still_runs_is_not_judged() -> None:
    rings = Facts(calls=(call("a", "a", 0, None),))
    assert counted(rings, now=at(seconds=119)).counts["alarms_high"] == 0
    assert counted(rings, now=at(seconds=120)).counts["alarms_high"] == 1


def test_records_tell_age_or_why_not() -> None:
    cases = [case("a", Level.LOW, told={"age_band": Told("14_17", "", at())}),
             case("b", Level.LOW, told={"age_band": Told("怕", "refused", at())}), case("c", Level.LOW),
             case("d", Level.LOW, told={"age_band": Told("", "", at())})]  # fmt: skip
    tally = counted(Facts(cases=cases))
    found = {key: n for key, n in tally.splits["cases_by_age_band"].items() if n}
    assert found == {"14_17": 1, "refused": 1, "absent": 2}
    assert tally.counts["cases_with_age"] == 1


def test_a_case_may_have_several_problems() -> None:
    tally = counted(Facts(cases=[case("a", Level.LOW, told={"problems": Told("mood,sleep", "", at())})]))
    found = {key: n for key, n in tally.splits["cases_by_problem"].items() if n}
    assert (found, tally.counts["cases_with_problems"]) == ({"mood": 1, "sleep": 1}, 1)


@pytest.mark.parametrize("lacks", ["ideation", "safety_plan", "companion"])
def test_intervention_needs_assessment_plan_and_somebody(lacks: str) -> None:
    told = {key: value for key, value in SECURED.items() if key != lacks}
    assert counted(Facts(cases=[case("a", Level.HIGH, told=told)])).counts["cases_high_cared"] == 0


@pytest.mark.parametrize("done", ["was_rescued", "was_referred"])
def test_rescue_or_referral_stand_for_a_companion(done: str) -> None:
    told = {key: value for key, value in SECURED.items() if key != "companion"}
    assert counted(Facts(cases=[case("a", Level.HIGH, told=told, **{done: True})])).counts["cases_high_cared"] == 1


def test_an_unwilling_person_has_no_safety_plan() -> None:
    told = SECURED | {"safety_plan": Told("unwilling", "", at())}
    assert counted(Facts(cases=[case("a", Level.HIGH, told=told)])).counts["cases_high_cared"] == 0
