"""The page 转介: what somebody has to look after, overdue first; and what may be done with one referral."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Request

from escalation.console.access import Console, Visitor, act
from escalation.console.gate import pass_gate
from escalation.console.referral_values import referral_values
from escalation.referral.clocks import month_start
from escalation.referral.letter import read_letter
from escalation.referral.pointer_desk import INCOMING_PARTS, SOURCES
from escalation.referral.states import QUEUE_TASKS, Stage
from escalation.showing import displayable
from records.institutions import Institution
from records.referral_tasks import ReferralTask
from records.referrals import Counts, Referral

_VIEWED = "referrals"


def router(console: Console) -> APIRouter:
    """Routes of the page and of single referrals."""
    routes = APIRouter(prefix="/console/referrals")
    _add_list(routes, console)
    _add_steps(routes, console)
    _add_incoming(routes, console)
    return routes


def _add_list(routes: APIRouter, console: Console) -> None:
    @routes.get("")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "referral_view")
        values = await _look(console, visitor, again=True)
        return console.page(
            request, "referrals.html", visitor, oncall=console.oncall, shown=values, sources=SOURCES,
            parts=INCOMING_PARTS,
        )  # fmt: skip

    @routes.get("/count.json")
    async def count(request: Request) -> Any:
        await console.visitor(request, "referral_view")
        return {"tasks": await asyncio.to_thread(_count, console)}

    @routes.get(".json")
    async def show_json(request: Request) -> Any:
        visitor = await console.visitor(request, "referral_view")
        return await _look(console, visitor, again=False)


def _add_steps(routes: APIRouter, console: Console) -> None:
    office = console.desks.referrals

    @routes.post("/{referral_id}/decision")
    async def decide(request: Request, referral_id: str) -> Any:
        await console.visitor(request, "referral_decide")  # before anything of the request is read
        agree = (await request.form()).get("agree") == "yes"
        return await act(
            console, request, "referral_decide",
            lambda c, who, now: office.desk.decide(c, referral_id, who, agree=agree, now=now),
        )  # fmt: skip

    @routes.post("/{referral_id}/note")
    async def note(request: Request, referral_id: str) -> Any:
        await console.visitor(request, "referral_make")
        form = {name: str(value) for name, value in (await request.form()).items()}
        action = form.get("action", "")
        return await act(
            console, request, "referral_make",
            lambda c, who, now: office.desk.note(c, referral_id, who, action, form, now),
        )  # fmt: skip

    @routes.post("/{referral_id}/link")
    async def link(request: Request, referral_id: str) -> Any:
        """The link and its code are told once, here; only fingerprints are kept."""
        visitor = await console.writing_visitor(request, "referral_make")
        now = console.now()
        made = await console.writer.write(lambda c: office.door.make_link(c, referral_id, visitor.counsellor, now))
        return {"path": f"/partner/r/{made.token}", "code": made.code, "expires_at": made.expires_at.isoformat()}

    @routes.get("/{referral_id}/letter")
    async def letter(request: Request, referral_id: str) -> Any:
        visitor = await console.visitor(request, "referral_view")
        case_id = await asyncio.to_thread(_case_of, console, referral_id)
        await pass_gate(console, visitor, case_id, is_reading=False)  # the second person reads it to decide
        referral = await console.writer.write(lambda c: _look_at_letter(c, console, visitor, referral_id))
        return console.page(
            request, "referral_letter.html", visitor, referral=referral,
            letter=await asyncio.to_thread(_letter, console, referral_id, referral.letter_hash),
        )  # fmt: skip

    @routes.post("/tasks/{task_id}")
    async def settle_task(request: Request, task_id: str) -> Any:
        await console.visitor(request, "referral_make")
        words = str((await request.form()).get("note", ""))
        return await act(
            console, request, "referral_make", lambda c, who, now: office.desk.settle_task(c, task_id, who, words, now)
        )


def _add_incoming(routes: APIRouter, console: Console) -> None:
    pointers = console.desks.referrals.pointers

    @routes.post("/incoming")
    async def arrive(request: Request) -> Any:
        await console.visitor(request, "referral_make")
        form = {name: str(value) for name, value in (await request.form()).items()}
        source, case_no = form.get("source", ""), form.get("case_no", "")
        return await act(
            console, request, "referral_make",
            lambda c, who, now: pointers.arrive(c, who, source, form, now, case_no=case_no),
        )  # fmt: skip

    @routes.post("/incoming/{incoming_id}")
    async def settle(request: Request, incoming_id: str) -> Any:
        await console.visitor(request, "referral_make")
        words = str((await request.form()).get("note", ""))
        return await act(
            console, request, "referral_make", lambda c, who, now: pointers.settle(c, incoming_id, who, words, now)
        )


async def _look(console: Console, visitor: Visitor, *, again: bool) -> dict[str, Any]:
    """Who was sent to us stands here in words: looking is in the audit, a page each time, refreshes once a sign-in."""
    key = (visitor.session.id, _VIEWED)
    if again or key not in console.viewed:
        staff, now = console.accounts.staff, console.now()
        await console.writer.write(lambda c: staff.audit(c, "referrals_view", now, actor_id=visitor.id))
        console.viewed.add(key)
    return await asyncio.to_thread(_read, console)


def _case_of(console: Console, referral_id: str) -> str:
    with console.engine.connect() as connection:
        found = console.desks.referrals.desk.referrals.get(connection, referral_id)
    if found is None:
        raise HTTPException(404, "没有这个转介")
    return found.case_id


def _look_at_letter(connection: sa.Connection, console: Console, visitor: Visitor, referral_id: str) -> Referral:
    now = console.now()
    referral = console.desks.referrals.desk.look(connection, referral_id, visitor.counsellor, now)
    console.desks.minors.read(connection, referral.case_id, visitor.counsellor, now)
    return referral


def _letter(console: Console, referral_id: str, letter_hash: str) -> Any:
    desk = console.desks.referrals.desk
    with console.engine.connect() as connection:
        try:
            return read_letter(desk.referrals.letter(connection, referral_id), letter_hash)
        except ValueError:
            raise HTTPException(409, "这份转介单和存证对不上，请告诉系统管理员") from None


def _read(console: Console) -> dict[str, Any]:
    office, now = console.desks.referrals, console.now()
    with console.engine.connect() as connection:
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        referrals = office.desk.referrals.open_ones(connection)
        places = office.directory.institutions.some(connection, [one.institution_id for one in referrals])
        tasks = office.desk.tasks.all_open(connection)
        rows = [
            _row(
                console, connection, referral, places.get(referral.institution_id),
                [task for task in tasks if task.referral_id == referral.id], names,
            )
            for referral in referrals
        ]  # fmt: skip
        rows.sort(key=lambda row: (not row["is_overdue"], -row["level"] if row["is_overdue"] else 0, row["since"]))
        counts = office.desk.referrals.counts(connection, month_start(now), now + timedelta(seconds=1))
        return {"rows": rows, "summary": _summary(counts), "expected": _expected(console, connection, names)}


def _row(
    console: Console, connection: sa.Connection, referral: Referral, institution: Institution | None,
    tasks: Sequence[ReferralTask], names: Mapping[str, str],
) -> dict[str, Any]:  # fmt: skip
    case = console.alarm.cases.get(connection, referral.case_id)
    urgent = [task for task in tasks if task.kind in QUEUE_TASKS]
    waits_for_answer = referral.state in (Stage.PROPOSED, Stage.SENT)
    since = (referral.sent_at or referral.made_at) if waits_for_answer or not urgent else urgent[0].opened_at
    return {
        **referral_values(console, referral, institution, tasks, names),
        "case_no": case.case_no if case else "",
        "owner": names.get(case.owner_id or "", "") if case else "",
        "level": int(case.level) if case else 0,
        "level_label": f"{case.level.colour}·{case.level.label}" if case else "",
        "is_overdue": bool(urgent),
        "since": since.isoformat(),
    }


def _count(console: Console) -> int:
    """How much is to do for whoever keeps the shift."""
    office = console.desks.referrals
    with console.engine.connect() as connection:
        tasks = [task for task in office.desk.tasks.all_open(connection) if task.kind in QUEUE_TASKS]
        return len(tasks) + len(office.pointers.pointers.expected(connection))


def _summary(counts: Counts) -> str:
    return (
        f"本月转出 {counts.sent} · 已确认 {counts.acknowledged} · 不能接收 {counts.declined}"
        f" · 到诊 {counts.attended} · 已回转 {counts.returned}"
    )


def _expected(console: Console, connection: sa.Connection, names: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "id": one.id, "source": SOURCES.get(one.source, one.source), "by": names.get(one.by_id, ""),
            "at": one.at.isoformat(), "words": {part: displayable(text) for part, text in one.words.items()},
        }
        for one in console.desks.referrals.pointers.pointers.expected(connection)
    ]  # fmt: skip
