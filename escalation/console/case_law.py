"""The tab 保护与同意 of a case: a minor or not, what the person agreed to, what they asked of their records."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from escalation.console.access import CaseView, Console, act
from escalation.law.rights import ANSWERS, KIND_WORDS, WAYS
from escalation.showing import displayable
from records.law_requests import Request as Wish

_STATES = {"open": "办理中", "answered": "已答复，等着执行", "done": "已办完", "refused": "没有办成"}


def add_law(routes: APIRouter, console: Console) -> None:
    """What may be written down, under the routes of a case."""
    minors, rights = console.desks.minors, console.desks.rights

    @routes.post("/minor")
    async def mark(request: Request, case_id: str) -> Any:
        return await act(
            console, request, "minor_mark", lambda c, who, now: minors.mark(c, case_id, who, now, is_minor=True)
        )

    @routes.post("/minor/lift")
    async def lift(request: Request, case_id: str) -> Any:
        return await act(
            console,
            request,
            "minor_access_decide",
            lambda c, who, now: minors.mark(c, case_id, who, now, is_minor=False),
        )

    @routes.post("/consent")
    async def consent(request: Request, case_id: str) -> Any:
        form = await request.form()
        purpose, answer, how = (str(form.get(name, "")) for name in ("purpose", "answer", "how"))
        return await act(
            console, request, "consent_record",
            lambda c, who, now: rights.record_consent(c, case_id, who, (purpose, answer, how), now),
        )  # fmt: skip

    @routes.post("/hold")
    async def hold(request: Request, case_id: str) -> Any:
        reason = str((await request.form()).get("reason", ""))
        return await act(
            console, request, "legal_hold", lambda c, who, now: rights.hold_case(c, case_id, who, reason, now)
        )

    @routes.post("/hold/release")
    async def release(request: Request, case_id: str) -> Any:
        return await act(console, request, "legal_hold", lambda c, who, now: rights.release_case(c, case_id, who, now))


def law_values(console: Console, view: CaseView) -> dict[str, Any]:
    """What is shown in the tab."""
    rights, connection, contact_id = console.desks.rights, view.connection, view.case.contact_id
    purposes = rights.rights.purposes
    allows, roles = console.desks.desk.permissions.allows, view.visitor.counsellor.roles
    hold = rights.holds.of(connection, contact_id)
    flag = console.desks.minors.flag(connection, contact_id)
    return {
        "is_minor": flag is not None and flag.is_on,
        "minor_why": _why(flag.source, view.names.get(flag.by_id or "", "")) if flag else "",
        "minor_at": flag.at.isoformat() if flag else "",
        "may_lift": allows(roles, "minor_access_decide"),
        "may_hold": allows(roles, "legal_hold"),
        "hold": hold
        and {"reason": displayable(hold.reason), "by": view.names.get(hold.by_id, ""), "at": hold.at.isoformat()},
        "consents": [
            {
                "purpose": purposes[given.purpose].name if given.purpose in purposes else given.purpose,
                "answer": ANSWERS[given.answer],
                "is_given": given.answer == "given",
                "how": WAYS[given.how],
                "by": view.names.get(given.by_id or "", "本人"),
                "version": given.version,
                "at": given.at.isoformat(),
            }
            for given in rights.consents.all_current(connection, contact_id).values()
        ],
        "wishes": [_wish(wish) for wish in rights.requests.of(connection, contact_id)],
    }


def _wish(wish: Wish) -> dict[str, Any]:
    return {
        "what": KIND_WORDS[wish.kind],
        "state": _STATES.get(wish.state, wish.state),
        "at": wish.asked_at.isoformat(),
        "note": displayable(wish.answer) if wish.kind == "correction" and wish.state == "done" else "",
    }


def _why(source: str, by: str) -> str:
    return "来访者自己说的年龄" if source == "said" else f"{by}标记"
