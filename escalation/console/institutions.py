"""The directory of institutions: searching, one institution with its history, changing it, checked today."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse

from escalation.console.access import Console, Visitor, act
from escalation.console.institution_files import add_files
from escalation.directory.directory_desk import BadEntry
from escalation.directory.fields import shown
from records.institutions import Institution, Version, Wish

_WHAT_WORDS = {"added": "新建", "changed": "修改", "imported": "导入", "verified": "核实"}
_LONGEST_SEARCH = 100


def router(console: Console) -> APIRouter:
    """Routes of the directory."""
    routes = APIRouter(prefix="/console/institutions")
    _add_reading(routes, console)
    add_files(routes, console)  # before the route that takes any word for an id
    _add_changing(routes, console)
    return routes


def institution_values(console: Console, one: Institution, names: Mapping[str, str]) -> dict[str, Any]:
    """One line of the directory; nothing of the contact person."""
    desk = console.desks.referrals.directory
    words = {field.code: shown(field, one.fields.get(field.code)) for field in desk.directory.public}
    ages = (one.fields["age_from"], one.fields["age_to"])
    return {
        "id": one.id,
        "name": one.name,
        "kinds": words["kinds"],
        "region": words["region"],
        "level": words["level"],
        "address": words["address"],
        "phones": list(one.fields["phones"]),
        "services": words["services"].replace("\n", "、"),
        "ages": "不限年龄" if ages == (0, 120) else f"{ages[0]}—{ages[1]}岁",
        "is_24h": one.fields["is_24h"],
        "green_channel": one.fields["green_channel"],
        "status": one.fields["status"],
        "status_words": words["status"],
        "verified_at": one.verified_at.isoformat() if one.verified_at else "",
        "verified_by": names.get(one.verified_by or "", "演示数据，未经" if one.is_drill else ""),
        "is_fresh": desk.is_fresh(one, console.now()),
        "is_drill": one.is_drill,
    }


def read_wish(request: Request, *, only_active: bool = False, with_drills: bool = True) -> Wish:
    """What the address asks for; what makes no sense asks for nothing."""
    asked = request.query_params
    age = asked.get("age", "")
    return Wish(
        region=asked.get("region", "").strip()[:_LONGEST_SEARCH],
        kind=asked.get("kind", "")[:_LONGEST_SEARCH],
        age=int(age) if age.isascii() and age.isdigit() and len(age) <= 3 else None,
        is_24h=asked.get("is_24h") == "yes",
        green_channel=asked.get("green_channel") == "yes",
        only_active=only_active,
        with_drills=with_drills,
    )


def _add_reading(routes: APIRouter, console: Console) -> None:
    desk = console.desks.referrals.directory

    @routes.get("")
    async def show_directory(request: Request) -> Any:
        visitor = await console.visitor(request, "institution_view")
        found = await asyncio.to_thread(_search, console, "", Wish())
        return console.page(
            request, "institutions.html", visitor, found=found, kinds=desk.directory.kinds, oncall=console.oncall,
            fresh_days=desk.fresh_for.days, may=_rights(console, visitor),
        )  # fmt: skip

    @routes.get(".json")
    async def search(request: Request) -> Any:
        visitor = await console.visitor(request, "institution_view")
        words = request.query_params.get("words", "")[:_LONGEST_SEARCH]
        found = await asyncio.to_thread(_search, console, words, read_wish(request))
        return {"found": found, "me": visitor.id}

    @routes.get("/new")
    async def show_new(request: Request) -> Any:
        visitor = await console.visitor(request, "institution_edit")
        texts = {field.code: shown(field, field.default) for field in desk.directory.fields}
        return console.page(
            request, "institution.html", visitor, one=None, texts=texts, history=[], oncall=console.oncall,
            fields=_fields(console, visitor), may=_rights(console, visitor), fresh_days=desk.fresh_for.days,
        )  # fmt: skip


def _add_changing(routes: APIRouter, console: Console) -> None:
    desk = console.desks.referrals.directory

    @routes.get("/{institution_id}")
    async def show_one(request: Request, institution_id: str) -> Any:
        visitor = await console.visitor(request, "institution_view")
        values = await asyncio.to_thread(_read_one, console, institution_id, visitor)
        return console.page(
            request, "institution.html", visitor, oncall=console.oncall, may=_rights(console, visitor),
            fields=_fields(console, visitor), fresh_days=desk.fresh_for.days, **values,
        )  # fmt: skip

    @routes.post("/new/add")
    async def add(request: Request) -> Any:
        visitor = await console.writing_visitor(request, "institution_edit")
        form, now = await request.form(), console.now()
        texts, checked = _texts(console, visitor, form), form.get("checked") == "yes"
        try:
            new_id = await console.writer.write(lambda c: desk.add(c, visitor.counsellor, texts, now, checked=checked))
        except BadEntry as error:
            return _refused(error)
        return {"ok": True, "id": new_id}

    @routes.post("/{institution_id}/change")
    async def change(request: Request, institution_id: str) -> Any:
        visitor = await console.writing_visitor(request, "institution_edit")
        form, now = await request.form(), console.now()
        texts, checked = _texts(console, visitor, form), form.get("checked") == "yes"
        version = str(form.get("version", ""))
        number = int(version) if version.isascii() and version.isdigit() and len(version) < 9 else 0
        try:
            await console.writer.write(
                lambda c: desk.change(
                    c, institution_id, visitor.counsellor, texts, now, version=number, checked=checked
                )
            )
        except BadEntry as error:
            return _refused(error)
        return {"ok": True, "id": institution_id}

    @routes.post("/{institution_id}/verify")
    async def verify(request: Request, institution_id: str) -> Any:
        return await act(
            console, request, "institution_check", lambda c, who, now: desk.verify(c, institution_id, who, now)
        )


def _refused(error: BadEntry) -> JSONResponse:
    return JSONResponse({"detail": str(error), "errors": error.errors}, 422)


def _rights(console: Console, visitor: Visitor) -> dict[str, bool]:
    permissions, roles = console.desks.desk.permissions, visitor.counsellor.roles
    return {
        "edit": permissions.allows(roles, "institution_edit"),
        "check": permissions.allows(roles, "institution_check"),
        "contact": permissions.allows(roles, "institution_contact"),
        "take_contacts": permissions.allows(roles, "institution_take_contacts"),
    }


def _fields(console: Console, visitor: Visitor) -> Any:
    directory = console.desks.referrals.directory.directory
    return directory.fields if _rights(console, visitor)["contact"] else directory.public


def _texts(console: Console, visitor: Visitor, form: Any) -> dict[str, str]:  # Any: Starlette's form
    """What was typed in the fields that this visitor may see."""
    return {
        field.code: "；".join(str(part) for part in form.getlist(field.code)) for field in _fields(console, visitor)
    }


def _search(console: Console, words: str, wish: Wish) -> list[dict[str, Any]]:
    with console.engine.connect() as connection:
        names = _names(console, connection)
        found = console.desks.referrals.directory.find(connection, words, wish)
        return [institution_values(console, one, names) for one in found]


def _read_one(console: Console, institution_id: str, visitor: Visitor) -> dict[str, Any]:
    desk = console.desks.referrals.directory
    with console.engine.connect() as connection:
        one = desk.institutions.get(connection, institution_id)
        if one is None:
            raise HTTPException(404, "没有这个页面")
        names = _names(console, connection)
        contact = desk.contact(connection, one.id) if _rights(console, visitor)["contact"] else {}
        known = {**one.fields, **contact}
        return {
            "one": {**institution_values(console, one, names), "version": one.version},
            "texts": {field.code: shown(field, known.get(field.code)) for field in desk.directory.fields},
            "history": _history(console, desk.institutions.versions(connection, one.id), names),
        }


def _history(console: Console, versions: list[Version], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """What each version changed, newest first."""
    directory = console.desks.referrals.directory.directory
    entries = []
    for before, version in zip([None, *versions], versions, strict=False):
        changes = [
            (field.words, shown(field, before.fields.get(field.code)), shown(field, version.fields.get(field.code)))
            for field in directory.public
            if before is not None and before.fields.get(field.code) != version.fields.get(field.code)
        ]
        entries.append(
            {
                "what": _WHAT_WORDS.get(version.what, version.what), "by": names.get(version.by_id, ""),
                "at": version.at, "changes": changes,
            }
        )  # fmt: skip
    return entries[::-1]


def _names(console: Console, connection: sa.Connection) -> dict[str, str]:
    return {who.id: who.display_name for who in console.accounts.staff.all(connection)}
