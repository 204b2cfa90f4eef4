"""The tab 转介 of a case: its referrals, the making of a new one, numbers that were named, who sent the person."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, HTTPException, Request

from escalation.console.access import CaseView, Console, act
from escalation.console.institutions import institution_values, read_wish
from escalation.console.referral_values import history_values, link_words, referral_values
from escalation.referral.letter import Draft
from escalation.referral.pointer_desk import SOURCES
from escalation.referral.prefill import proposed
from escalation.referral.suggesting import offered
from escalation.showing import displayable
from records.cases import Case

_SHARED = "share:"  # names of the ticked fields in the form
_MOST_OFFERED = 8


def add_referrals(routes: APIRouter, console: Console) -> None:
    """What is done under the routes of a case."""
    office = console.desks.referrals

    @routes.get("/offers.json")
    async def offers(request: Request, case_id: str) -> Any:
        await console.visitor(request, "referral_make")
        return await asyncio.to_thread(_offers, console, case_id, request)

    @routes.post("/referrals/preview")
    async def preview(request: Request, case_id: str) -> Any:
        await console.writing_visitor(request, "referral_make")
        draft = _draft(dict((await request.form()).items()))
        return {"lines": await asyncio.to_thread(_preview, console, case_id, draft)}

    @routes.post("/referrals")
    async def make(request: Request, case_id: str) -> Any:
        await console.visitor(request, "referral_make")
        form = dict((await request.form()).items())
        draft, new_id = _draft(form), str(form.get("id", ""))
        return await act(
            console, request, "referral_make",
            lambda c, who, now: office.desk.make(c, case_id, who, draft, now, id=new_id),
        )  # fmt: skip

    @routes.post("/information")
    async def information(request: Request, case_id: str) -> Any:
        form = await request.form()
        place, words = str(form.get("institution_id", "")), str(form.get("words", ""))
        return await act(
            console, request, "referral_make",
            lambda c, who, now: office.pointers.name(c, case_id, who, place, words, now),
        )  # fmt: skip


def case_referral_values(console: Console, view: CaseView) -> dict[str, Any]:
    """What the tab shows; for those who may see it."""
    permissions, roles = console.desks.desk.permissions, view.visitor.counsellor.roles
    if not permissions.allows(roles, "referral_view"):
        return {"may": False, "decides": False, "list": [], "named": [], "incoming": [], "known": {}}
    leads = permissions.allows(roles, "referral_decide")
    return {
        "may": leads or view.case.owner_id == view.visitor.id,
        "decides": leads,
        "list": _referrals(console, view),
        "named": _named(console, view),
        "incoming": _incoming(console, view),
        "known": _known(console, view),
    }


def _referrals(console: Console, view: CaseView) -> list[dict[str, Any]]:
    office, connection = console.desks.referrals, view.connection
    referrals = office.desk.referrals.of_case(connection, view.case.id)
    places = office.directory.institutions.some(connection, [one.institution_id for one in referrals])
    found = []
    for one in referrals:
        tasks = office.desk.tasks.of_referral(connection, one.id)
        found.append(
            {
                **referral_values(console, one, places.get(one.institution_id), tasks, view.names),
                "basis_words": displayable(office.desk.referrals.basis_words(connection, one.id)),
                "link": link_words(office.door.links.newest(connection, one.id), console.now()),
                "history": history_values(console, connection, one, view.names),
            }
        )
    return found


def _named(console: Console, view: CaseView) -> list[dict[str, str]]:
    office = console.desks.referrals
    named = office.pointers.pointers.named(view.connection, view.case.id)
    ids = [one.institution_id for one in named if one.institution_id]
    places = office.directory.institutions.some(view.connection, ids)
    return [
        {
            "institution": places[one.institution_id].name if one.institution_id in places else "",
            "words": displayable(one.words),
            "by": view.names.get(one.by_id, ""),
            "at": one.at.isoformat(),
        }
        for one in named
    ]


def _incoming(console: Console, view: CaseView) -> list[dict[str, str]]:
    return [
        {
            "source": SOURCES.get(one.source, one.source),
            "words": displayable("；".join(one.words.values())),
            "by": view.names.get(one.by_id, ""),
            "at": one.at.isoformat(),
        }
        for one in console.desks.referrals.pointers.pointers.incoming_of(view.connection, view.case.id)
    ]


def form_words(console: Console) -> dict[str, Any]:
    """What the form lets one choose."""
    terms = console.desks.referrals.desk.terms
    return {
        "kinds": terms.kinds, "urgencies": terms.urgencies, "directions": terms.directions,
        "methods": terms.methods, "bases": terms.bases.values(), "fields": terms.fields.values(),
        "minimum": terms.minimum,
    }  # fmt: skip


def _known(console: Console, view: CaseView) -> dict[str, str]:
    """What the case knows already, to be looked at before it is shared."""
    record, terms = console.desks.record, console.desks.referrals.desk.terms
    contact = console.desks.people.contacts.get(view.connection, view.case.contact_id)
    entries = record.entries.current(view.connection, [view.case.id])
    me = view.visitor.counsellor.display_name
    return {
        "called": displayable(contact.nickname)[:60] if contact else "",
        **{code: displayable(words) for code, words in proposed(terms, record.form, entries).items()},
        "level": f"{view.case.level.colour}·{view.case.level.label}",
        "case_no": view.case.case_no,
        "call_back": f"{console.desks.referrals.rules.call_back}，找{me}",
    }


def _offers(console: Console, case_id: str, request: Request) -> dict[str, Any]:
    office, now = console.desks.referrals, console.now()
    with console.engine.connect() as connection:
        case: Case | None = console.alarm.cases.get(connection, case_id)
        if case is None:
            raise HTTPException(404, "没有这个个案")
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        wish = read_wish(request, only_active=True, with_drills=case.is_drill)
        found = office.directory.find(connection, request.query_params.get("words", "")[:100], wish)
    fresh = frozenset(one.id for one in found if office.directory.is_fresh(one, now))
    kept, left_out = offered(found, fresh, case.level, request.query_params.get("urgency", ""))
    return {"found": [institution_values(console, one, names) for one in kept[:_MOST_OFFERED]], "left_out": left_out}


def _preview(console: Console, case_id: str, draft: Draft) -> list[tuple[str, str]]:
    with console.engine.connect() as connection:
        letter = console.desks.referrals.desk.preview(connection, case_id, draft)
    return [(words, displayable(text)) for _, words, text in letter.lines]


def _draft(form: Mapping[str, Any]) -> Draft:
    def word(name: str) -> str:
        return str(form.get(name, ""))

    shared = {name.removeprefix(_SHARED): word(name) for name in form if name.startswith(_SHARED)}
    return Draft(
        institution_id=word("institution_id"), kind=word("kind"), urgency=word("urgency"),
        direction=word("direction"), method=word("method"), reason=word("reason"), basis=word("basis"),
        basis_words=word("basis_words"), is_told=word("is_told") == "yes", call_back=word("call_back"), shared=shared,
    )  # fmt: skip
