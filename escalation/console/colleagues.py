"""The part of a case that is between colleagues: transfer, summary, whispers, who joined, promises, taking over."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from escalation.cases import SERVED
from escalation.console.access import CaseView, Console, act
from escalation.console.duty import person_values
from escalation.shift import silence, transfer, volunteers
from escalation.shift.presence import State as Presence
from escalation.shift.transfer import Request as Asked
from escalation.showing import displayable
from records.stints import Live
from records.transfers import TRANSFER, Summary, Transfer


def add_colleagues(routes: APIRouter, console: Console) -> None:
    """What colleagues do about a case, under the routes of a case."""
    _add_passing(routes, console)
    _add_guiding(routes, console)


def _add_passing(routes: APIRouter, console: Console) -> None:
    passing = console.desks.shift.passing

    @routes.post("/transfer")
    async def ask(request: Request, case_id: str) -> Any:
        form = await request.form()
        to_id = str(form.get("to", ""))
        summary = Summary(*(str(form.get(name, "")) for name in ("said", "promised", "next")))
        return await act(
            console, request, "case_transfer", lambda c, who, now: passing.ask(c, case_id, who, to_id, summary, now)
        )

    @routes.post("/transfer/withdraw")
    async def withdraw(request: Request, case_id: str) -> Any:
        return await act(console, request, "case_transfer", lambda c, who, now: passing.withdraw(c, case_id, who, now))

    @routes.post("/promise")
    async def promise(request: Request, case_id: str) -> Any:
        text = str((await request.form()).get("text", ""))
        return await act(
            console, request, "case_promise", lambda c, who, now: passing.promise(c, case_id, who, text, now)
        )

    @routes.post("/promise/kept")
    async def kept(request: Request, case_id: str) -> Any:
        promise_id = str((await request.form()).get("promise", ""))
        return await act(
            console, request, "case_promise", lambda c, who, now: passing.keep(c, case_id, who, promise_id, now)
        )


def _add_guiding(routes: APIRouter, console: Console) -> None:
    guiding, watch = console.desks.shift.guiding, console.desks.shift.watch

    @routes.post("/take-over")
    async def take_over(request: Request, case_id: str) -> Any:
        return await act(console, request, "case_claim", lambda c, who, now: watch.take_over(c, case_id, who, now))

    @routes.post("/relieve")
    async def relieve(request: Request, case_id: str) -> Any:
        reason = str((await request.form()).get("reason", ""))
        return await act(
            console, request, "case_relieve", lambda c, who, now: guiding.take_over(c, case_id, who, reason, now)
        )

    @routes.post("/join")
    async def join(request: Request, case_id: str) -> Any:
        return await act(console, request, "case_join", lambda c, who, now: guiding.join(c, case_id, who, now))

    @routes.post("/leave")
    async def leave(request: Request, case_id: str) -> Any:
        return await act(console, request, "case_join", lambda c, who, now: guiding.leave(c, case_id, who, now))

    @routes.post("/whisper")
    async def whisper(request: Request, case_id: str) -> Any:
        text = str((await request.form()).get("text", ""))
        return await act(
            console, request, "case_whisper", lambda c, who, now: guiding.whisper(c, case_id, who, text, now)
        )


def colleagues_values(console: Console, view: CaseView) -> dict[str, Any]:
    """What stands between colleagues about this case, and what this visitor may do."""
    shift, connection, case, names = console.desks.shift, view.connection, view.case, view.names
    asides = shift.passing.handling.asides
    requests = [one for one in shift.passing.transfers.of_case(connection, case.id) if one.kind == TRANSFER]
    companions = asides.companions(connection, case.conversation_id)
    people = shift.floor.people(connection, console.now())
    return {
        "request": _request(view, requests),
        "summary": _summary(view, requests),
        "candidates": [
            person_values(person)
            for person in people
            if person.id != view.visitor.id
            and person.state is Presence.ON
            and volunteers.may_take(person.roles, case.level)
        ],
        "companions": [names.get(one, "") for one in companions],
        "has_joined": view.visitor.id in companions,
        "whispers": [
            {"by": names.get(one.by_id, ""), "text": displayable(one.text), "at": one.at.isoformat()}
            for one in asides.whispers(connection, case.id)
        ],
        "promises": [
            {
                "id": one.id, "by": names.get(one.by_id, ""), "text": displayable(one.text), "at": one.at.isoformat(),
                "kept_by": names.get(one.kept_by or "", ""), "kept_at": one.kept_at.isoformat() if one.kept_at else "",
            }
            for one in asides.promises(connection, case.id)
        ],
        "over_limit": shift.floor.over_limit(connection, view.visitor.id) if _serves(view) else "",
        **_taking(console, view, has_joined=view.visitor.id in companions),
    }  # fmt: skip


def _serves(view: CaseView) -> bool:
    return view.case.state in SERVED and view.case.owner_id == view.visitor.id


def _taking(console: Console, view: CaseView, *, has_joined: bool) -> dict[str, Any]:
    """Why the case rings although somebody serves it, and who may step in."""
    lives = console.desks.shift.passing.handling.stints.live(view.connection, view.case.conversation_id)
    live = next(iter(lives), None)
    roles, allows = view.visitor.counsellor.roles, console.desks.desk.permissions.allows
    is_called = live is not None and live.stint.called_at is not None
    by_other = live is not None and not _serves(view)
    return {
        "relief": _relief_words(view, live) if live is not None and is_called else "",
        "may_take_over": by_other and is_called and volunteers.may_take(roles, view.case.level),
        "may_relieve": by_other and not is_called and allows(roles, "case_relieve"),
        "may_join": by_other and not has_joined and allows(roles, "case_join"),
        "may_whisper": live is not None and allows(roles, "case_whisper"),
    }


def _relief_words(view: CaseView, live: Live) -> str:
    owner = view.names.get(live.stint.counsellor_id, "")
    if silence.may_keep(live):
        return "" if _serves(view) else f"{owner}暂时没有回应，个案在重新响铃，来访者还在等。"
    if _serves(view):
        return "来访者的情况变急了，正在给所有接线员响铃。请先陪着来访者，等接线员接过去。"
    return f"{owner}（志愿者）在陪，来访者的情况变急了，需要接线员接过去。"


def _request(view: CaseView, requests: list[Transfer]) -> dict[str, Any] | None:
    """The newest request of this stay of the owner: open, or how it ended."""
    newest = next((one for one in requests if one.from_id == view.case.owner_id), None)
    if newest is None or newest.state in (Asked.ACCEPTED, Asked.VOID, Asked.WITHDRAWN):
        return None
    return {
        "to": view.names.get(newest.to_id, ""), "is_open": newest.state == Asked.ASKED,
        "words": transfer.WORDS[Asked(newest.state)], "reason": displayable(newest.reason),
        "answer_by": newest.answer_by.isoformat(),
    }  # fmt: skip


def _summary(view: CaseView, requests: list[Transfer]) -> dict[str, Any] | None:
    """What the last one wrote for the next, shown first so that nobody tells the story again."""
    last = next((one for one in requests if one.state == Asked.ACCEPTED), None)
    if last is None:
        return None
    return {
        "by": view.names.get(last.from_id, ""), "at": (last.ended_at or last.asked_at).isoformat(),
        "said": displayable(last.summary.said), "promised": displayable(last.summary.promised),
        "next": displayable(last.summary.next),
    }  # fmt: skip
