"""The tab 随访 of a case: consent, plan, tries, what was heard, and how the case had ended before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Request
from fastapi.datastructures import FormData

from escalation.care import plan
from escalation.care.plan import OPEN, TASK_WORDS, Answers, Consent, TaskState
from escalation.cases import DISPOSITIONS, STATE_WORDS, State
from escalation.console.access import CaseView, Console, act
from escalation.showing import displayable
from records.follow_up_talks import Attempt, Heard
from records.follow_ups import TEAM, FollowUp
from triage.risk import Level

_ZONE = ZoneInfo("Asia/Shanghai")
_CONSENT_WORDS = {
    Consent.GIVEN: "同意随访",
    Consent.OPEN: "还没有问到，第一次联系时先问",
    Consent.REFUSED: "不再随访",
    Consent.UNDECIDED: "来访者不同意，等督导决定",
}
_ANSWER_WORDS = {
    "agreed": "来访者同意",
    "refused": "来访者不同意",
    "not_asked": "没能问到",
    "go_on": "督导决定继续随访",
    "stop": "督导决定不再随访",
}
_RESULT_WORDS = {"sent": "已发出，等回复", "undelivered": "没有送达，请打电话"}


def add_follow_ups(routes: APIRouter, console: Console) -> None:
    """What may be done in follow-ups, under the routes of a case."""
    desk = console.desks.follow_ups
    _add_consent(routes, console)

    @routes.post("/follow-up/assign")
    async def assign(request: Request, case_id: str) -> Any:
        form = await request.form()
        task, whom = _text(form, "task"), _text(form, "assignee_id")
        return await act(console, request, "follow_up", lambda c, who, now: desk.assign(c, task, who, whom, now))

    @routes.post("/follow-up/write")
    async def write(request: Request, case_id: str) -> Any:
        task = _text(await request.form(), "task")
        return await act(console, request, "follow_up", lambda c, who, now: desk.write(c, task, who, now))

    @routes.post("/follow-up/try")
    async def log_attempt(request: Request, case_id: str) -> Any:
        form = await request.form()
        task, way, result, note = (_text(form, name) for name in ("task", "way", "result", "note"))
        return await act(
            console, request, "follow_up", lambda c, who, now: desk.log_attempt(c, task, who, way, result, note, now)
        )

    @routes.post("/follow-up/finish")
    async def finish(request: Request, case_id: str) -> Any:
        form = await request.form()
        task, answers = _text(form, "task"), _answers(form, console)
        return await act(console, request, "follow_up", lambda c, who, now: desk.finish(c, task, who, answers, now))

    @routes.post("/follow-up/end")
    async def end(request: Request, case_id: str) -> Any:
        form = await request.form()
        task, how, reason = (_text(form, name) for name in ("task", "how", "reason"))
        return await act(console, request, "follow_up", lambda c, who, now: desk.end(c, task, who, how, reason, now))

    @routes.post("/follow-up/team")
    async def finish_team(request: Request, case_id: str) -> Any:
        form = await request.form()
        task, note = _text(form, "task"), _text(form, "note")
        return await act(console, request, "follow_up", lambda c, who, now: desk.finish_team(c, task, who, note, now))


def _add_consent(routes: APIRouter, console: Console) -> None:
    desk = console.desks.follow_ups

    @routes.post("/follow-up/consent")
    async def consent(request: Request, case_id: str) -> Any:
        form = await request.form()
        answer, phone, reason = (_text(form, name) for name in ("answer", "phone", "reason"))
        return await act(
            console, request, "follow_up",
            lambda c, who, now: desk.ask_consent(c, case_id, who, answer, phone, reason, now),
        )  # fmt: skip

    @routes.post("/follow-up/decide")
    async def decide(request: Request, case_id: str) -> Any:
        form = await request.form()
        answer, reason = _text(form, "answer"), _text(form, "reason")
        return await act(
            console, request, "follow_up_decide",
            lambda c, who, now: desk.decide(c, case_id, who, answer, reason, now),
        )  # fmt: skip


def _text(form: FormData, name: str) -> str:
    return str(form.get(name, ""))


def _answers(form: FormData, console: Console) -> Answers:
    """The form as answers: a value, or the reason beside it; what is neither is refused by the rules."""

    def value(name: str) -> str:
        return _text(form, name).strip() or _text(form, f"{name}_missing")

    words = console.desks.follow_ups.planning.rules.words
    given = tuple(code for code in words["help"] if _text(form, f"help_{code}"))
    reason = _text(form, "help_missing")
    try:
        level = Level.from_code(_text(form, "level"))
        day = _text(form, "next_on")
        next_on = datetime.fromisoformat(day).replace(tzinfo=_ZONE) if day else None
    except ValueError:
        raise HTTPException(422, "请选择这次评估的等级；日期要像 2026-12-01") from None
    return Answers(
        value("ideas"), value("hopelessness"), _text(form, "acts"), given or ((reason,) if reason else ()),
        value("obstacles"), level, next_on, _text(form, "note"),
    )  # fmt: skip


def care_values(console: Console, view: CaseView) -> dict[str, Any]:
    """The tab as values; every text is somebody's own and must be shown as text."""
    desk, connection, case, now = console.desks.follow_ups, view.connection, view.case, console.now()
    planning = desk.planning
    attempts = planning.talks.attempts(connection, case.id)
    heard = {one.follow_up_id: one for one in planning.talks.heard(connection, case.id)}
    tasks = planning.tasks.of(connection, case.id)
    contact = desk.people.contacts.get(connection, case.contact_id)
    reach = desk.people.reach(connection, contact, case.conversation_id, now) if contact else None
    previous = console.alarm.cases.get(connection, case.previous_id) if case.previous_id else None
    state = planning.consent(connection, case)
    return {
        "consent": state.value,
        "consent_words": _CONSENT_WORDS[state],
        "consents": [
            {
                "what": _ANSWER_WORDS[one.answer],
                "reason": displayable(one.reason),
                "phone": displayable(one.phone),
                "by": view.names.get(one.by_id, "") if one.by_id else "本人",
                "at": one.at.isoformat(),
            }
            for one in planning.talks.consents(connection, case.id)
        ],
        "window": desk.people.window(connection, contact, case.conversation_id, now) if contact else "",
        "may_write": bool(reach and reach.is_open and case.state == State.FOLLOW_UP),
        "why_not": _why_not(case.state, reach.words if reach and not reach.is_open else ""),
        "tasks": [_task(console, view, task, attempts, heard.get(task.id), now) for task in tasks],
        "planned": [_window(window, console) for window in plan.windows(case.level, now, planning.rules)],
        "reopenings": _reopenings(console, view),
        "previous": previous and {"id": previous.id, "case_no": previous.case_no},
        "options": _options(console, view),
    }


def _why_not(state: str, unreachable: str) -> str:
    if state != State.FOLLOW_UP:
        return "个案正在处理，直接在对话里说"
    return unreachable and f"{unreachable}：请打电话，并把结果记在这里"


def _window(window: plan.Window, console: Console) -> dict[str, str]:
    rules = console.desks.follow_ups.planning.rules
    return {"words": rules.visit_words(window.code), "end": window.end.isoformat()}


def _task(
    console: Console, view: CaseView, task: FollowUp, attempts: list[Attempt], heard: Heard | None, now: datetime
) -> dict[str, Any]:
    desk, names = console.desks.follow_ups, view.names
    rules = desk.planning.rules
    mine = [one for one in attempts if one.follow_up_id == task.id]
    is_open = task.state in OPEN
    return {
        "id": task.id,
        "kind": task.kind,
        "words": desk.rescue.team[task.code].title if task.kind == TEAM else f"{rules.visit_words(task.code)}随访",
        "help": desk.rescue.team[task.code].words if task.kind == TEAM else "",
        "state": task.state,
        "state_words": TASK_WORDS[TaskState(task.state)],
        "is_open": is_open,
        "standing": plan.standing(task.window_start, task.window_end, now) if is_open else "ended",
        "start": task.window_start.isoformat(),
        "end": task.window_end.isoformat(),
        "assignee": names.get(task.assignee_id or "", ""),
        "is_mine": task.assignee_id == view.visitor.id,
        "reason": displayable(task.reason),
        "ended_at": task.ended_at.isoformat() if task.ended_at else "",
        "ended_by": names.get(task.ended_by or "", ""),
        "untried": plan.untried((one.at for one in mine), rules) if is_open else [],
        "attempts": [_attempt(console, view, one) for one in mine],
        "heard": heard and _heard(heard, rules.words),
    }


def _attempt(console: Console, view: CaseView, attempt: Attempt) -> dict[str, Any]:
    words = console.desks.follow_ups.planning.rules.words
    return {
        "way": words["ways"].get(attempt.way, "对话"),
        "result": {**words["results"], **_RESULT_WORDS}[attempt.result],
        "by": view.names.get(attempt.by_id, ""),
        "at": attempt.at.isoformat(),
        "answered_at": attempt.answered_at.isoformat() if attempt.answered_at else "",
        "note": displayable(attempt.note),
    }


def _heard(heard: Heard, words: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    missing = words["missing"]
    return {
        "ideas": missing.get(heard.ideas, heard.ideas),
        "hopelessness": missing.get(heard.hopelessness, heard.hopelessness),
        "acts": {**words["acts"], **missing}[heard.acts],
        "help": "、".join({**words["help"], **missing}[code] for code in heard.help),
        "obstacles": displayable(heard.obstacles) if heard.is_told else missing[heard.obstacles],
        "level": f"{heard.level.colour}·{heard.level.label}",
        "note": displayable(heard.note),
    }


def _reopenings(console: Console, view: CaseView) -> list[dict[str, Any]]:
    return [
        {
            "at": one.at.isoformat(),
            "from": STATE_WORDS[State(one.from_state)],
            "why": "来访者请求真人" if one.wish == "asked_for_person" else "有新的危险",
            "ended": DISPOSITIONS.get(one.disposition or "", ""),
            "summary": displayable(one.summary),
        }
        for one in console.alarm.reopenings.of(view.connection, view.case.id)
    ]


def _options(console: Console, view: CaseView) -> dict[str, Any]:
    permissions, rules = console.desks.desk.permissions, console.desks.follow_ups.planning.rules
    roles = view.visitor.counsellor.roles
    return {
        **rules.words,
        "staff": [
            {"id": who.id, "name": who.display_name}
            for who in console.accounts.staff.all(view.connection)
            if who.is_active and permissions.allows(who.roles, "follow_up")
        ],
        "may_assign": permissions.allows(roles, "follow_up_assign"),
        "may_decide": permissions.allows(roles, "follow_up_decide"),
        "levels": [{"code": level.code, "words": f"{level.colour}·{level.label}"} for level in Level],
    }
