"""Counts of cases: levels, how well screening heard them, what was done, what the records say. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from escalation.cases import State
from escalation.record.answers import CORE, NOT_ASKED
from escalation.record.form import Form
from escalation.reports.tally import Numbers, Tally, split, spread
from records.facts.kinds import CaseFact, Told
from triage.risk import Level

ABSENT = "absent"  # the record has no entry
_SECURED = ("given", "written", "taken_over")  # answers of `safety_plan` that say that there is one
_ENDED = (State.CLOSED, State.FOLLOW_UP)
_MEASURES = ("distress", "intent", "hopeless", "hope")
FIELDS = (
    *CORE, "safety_plan", "companion", "age_band", "gender", "problems", "region",
    *(f"{measure}_{when}" for measure in _MEASURES for when in ("start", "end")),
)  # fmt: skip


def judged_at(case: CaseFact) -> datetime | None:
    """When people had assessed the danger: they set a level, or had asked the core questions."""
    set_at = [step.at for step in case.steps if step.by_person]
    core = [case.told.get(key) for key in CORE]
    asked = [told.at for told in core if told is not None and _is_asked(told)]
    moments = [*set_at[:1], *([max(asked)] if len(asked) == len(CORE) else [])]
    return min(moments, default=None)


def judged_level(case: CaseFact) -> Level | None:
    """The highest level that people stood for: in force when they had assessed, set later, or left at the end."""
    at = judged_at(case)
    if at is None:
        return None
    before = [step.to for step in case.steps if step.at <= at]
    later = [step.to for step in case.steps if step.at > at and step.by_person]
    return max([*before[-1:], *later, case.level])


def is_high(case: CaseFact) -> bool:
    """A case of high danger: people said so; of one that nobody assessed the machine did."""
    judged = judged_level(case)
    return (case.level if judged is None else judged) >= Level.HIGH


def count_cases(cases: Sequence[CaseFact], now: datetime, numbers: Numbers, form: Form) -> Tally:
    """Everything that is counted of the cases opened in a period."""
    return (
        _count_levels(cases) | _count_hearing(cases) | _count_care(cases) | _count_records(cases, now, numbers)
        | _count_relief(cases, numbers) | _split_records(cases, form)
    )  # fmt: skip


def _count_levels(cases: Sequence[CaseFact]) -> Tally:
    by_level = split((case.level.code for case in cases), [level.code for level in reversed(Level)])
    return Tally({"cases": len(cases)}, {"cases_by_level": by_level})


def _count_hearing(cases: Sequence[CaseFact]) -> Tally:
    """What screening said before people did, against what people said."""
    judged = [case for case in cases if judged_at(case) is not None]
    high = [case for case in judged if is_high(case)]
    heard = [case for case in cases if _machine_high_at(case) is not None]
    return Tally(
        {
            "cases_judged": len(judged),
            "cases_judged_high": len(high),
            "cases_judged_high_heard": sum(_was_heard_first(case) for case in high),
            "cases_heard_high": len(heard),
            "cases_heard_high_wrongly": sum(
                judged_at(case) is not None and case.level <= Level.LOW for case in heard
            ),
        }
    )  # fmt: skip


def _machine_high_at(case: CaseFact) -> datetime | None:
    return next((step.at for step in case.steps if not step.by_person and step.to >= Level.HIGH), None)


def _was_heard_first(case: CaseFact) -> bool:
    heard, judged = _machine_high_at(case), judged_at(case)
    return heard is not None and judged is not None and heard <= judged


def _count_care(cases: Sequence[CaseFact]) -> Tally:
    high = [case for case in cases if is_high(case)]
    return Tally({"cases_high": len(high), "cases_high_cared": sum(_is_cared_for(case) for case in high)})


def _is_cared_for(case: CaseFact) -> bool:
    """Assessed, with a safety plan, and somebody with the person: a companion, rescuers or an institution."""
    plan, companion = case.told.get("safety_plan"), case.told.get("companion")
    has_plan = case.has_plan or (plan is not None and not plan.missing and plan.value in _SECURED)
    has_companion = companion is not None and not companion.missing and bool(companion.value.strip())
    is_assessed = all(_is_asked(case.told[key]) if key in case.told else False for key in CORE)
    return is_assessed and has_plan and (has_companion or case.was_rescued or case.was_referred)


def _count_records(cases: Sequence[CaseFact], now: datetime, numbers: Numbers) -> Tally:
    """A case ends only with all that is mandatory; one that was given back to the bot may lie without."""
    ended = sum(case.state in _ENDED for case in cases)
    lying = sum(
        case.state == State.WAITING_USER and case.served_until is not None
        and now - case.served_until > numbers.record_due
        for case in cases
    )  # fmt: skip
    return Tally({"cases_ended": ended, "records_due": ended + lying})


def _count_relief(cases: Sequence[CaseFact], numbers: Numbers) -> Tally:
    """What people rated before and after; hope rises where the others fall."""
    changes = {measure: [change for case in cases for change in _change(case.told, measure)] for measure in _MEASURES}
    ended = [case for case in cases if case.state in _ENDED]
    return Tally(
        {
            "distress_rated": len(changes["distress"]),
            **{f"rated_{measure}": len(changes[measure]) for measure in _MEASURES[1:]},
            "distress_eased": sum(-change >= numbers.eased_by for change in changes["distress"]),
            "cases_ended_rated": sum(bool(list(_change(case.told, "distress"))) for case in ended),
        },
        spreads={
            "distress_fall": spread(-change for change in changes["distress"]),
            "intent_fall": spread(-change for change in changes["intent"]),
            "hopeless_fall": spread(-change for change in changes["hopeless"]),
            "hope_rise": spread(changes["hope"]),
        },
    )


def _change(told: Mapping[str, Told], measure: str) -> Iterator[int]:
    ends = [told.get(f"{measure}_{when}") for when in ("start", "end")]
    rated = [int(one.value) for one in ends if one is not None and not one.missing and one.value]
    if len(rated) == len(ends):
        yield rated[1] - rated[0]


def _split_records(cases: Sequence[CaseFact], form: Form) -> Tally:
    splits = {}
    for field in ("age_band", "gender"):
        known = (*form.fields[field].options, *form.missing, ABSENT)
        splits[f"cases_by_{field}"] = split((_answer(case, field) for case in cases), known)
    problems = [case.told.get("problems") for case in cases]
    named = [code for told in problems if told and not told.missing and told.value for code in told.value.split(",")]
    splits["cases_by_problem"] = split(named, tuple(form.fields["problems"].options))
    return Tally(
        {
            "cases_with_problems": sum(bool(told and not told.missing and told.value) for told in problems),
            "cases_with_age": _answered(cases, "age_band"),
            "cases_with_gender": _answered(cases, "gender"),
            "cases_with_region": _answered(cases, "region"),
        },
        splits,
    )  # fmt: skip


def _answered(cases: Sequence[CaseFact], field: str) -> int:
    found = (case.told.get(field) for case in cases)
    return sum(bool(told and not told.missing and told.value) for told in found)


def _answer(case: CaseFact, field: str) -> str:
    told = case.told.get(field)
    return ((told.missing or told.value) if told else "") or ABSENT


def _is_asked(told: Told) -> bool:
    return bool(told.value or told.missing) and told.missing != NOT_ASKED
