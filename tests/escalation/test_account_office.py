"""Accounts as an administrator changes them: everything in the audit, nobody changes their own rights."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from escalation.account_office import AccountOffice, NewAccount
from escalation.accounts import OneTimePassword
from escalation.cases import NotAllowed
from escalation.desks import make_office
from escalation.roles import load_permissions
from records import tables as t
from records.staff import Counsellor
from records.store import Store
from records.writer import Writer
from tests.building import NOW, counsellor, do, rows

ONCE = OneTimePassword("text", "hash")
Work = Callable[[AccountOffice, sa.Connection, Counsellor, Counsellor], Any]
CHANGES: dict[str, Work] = {
    "account_roles": lambda office, c, who, by: office.set_roles(c, who, ["expert"], NOW, by),
    "account_reset": lambda office, c, who, by: office.reset(c, who, ONCE, NOW, by),
    "account_factor_reset": lambda office, c, who, by: office.reset_factor(c, who, NOW, by),
    "account_disabled": lambda office, c, who, by: office.disable(c, who, NOW, by),
}


@pytest.fixture
def office(store: Store) -> AccountOffice:
    return make_office(store, load_permissions())


@pytest.mark.parametrize("action", CHANGES)
def test_every_change_is_in_the_audit_with_whose_and_by_whom(
    store: Store, writer: Writer, office: AccountOffice, action: str
) -> None:
    lin, root = counsellor(store, writer, "lin"), counsellor(store, writer, "root", "admin")
    do(writer, lambda c: CHANGES[action](office, c, lin, root))
    (row,) = rows(store.engine, t.audit)
    assert (row.action, row.object_id, row.actor_id) == (action, lin.id, root.id)


@pytest.mark.parametrize("action", CHANGES)
def test_nobody_changes_their_own_rights(store: Store, writer: Writer, office: AccountOffice, action: str) -> None:
    root = counsellor(store, writer, "root", "admin")
    with pytest.raises(NotAllowed, match="另一位管理员"):
        do(writer, lambda c: CHANGES[action](office, c, root, root))
    assert rows(store.engine, t.audit) == []


def test_a_change_of_roles_keeps_what_they_were_before(store: Store, writer: Writer, office: AccountOffice) -> None:
    lin, root = counsellor(store, writer, "lin"), counsellor(store, writer, "root", "admin")
    do(writer, lambda c: office.set_roles(c, lin, ["supervisor", "expert"], NOW, root))
    (row,) = rows(store.engine, t.audit)
    assert json.loads(row.detail) == {"before": ["counsellor"], "roles": ["supervisor", "expert"]}
    with store.engine.connect() as connection:
        found = store.staff.get(connection, lin.id)
    assert found is not None
    assert found.roles == ("supervisor", "expert")


@pytest.mark.parametrize(
    "new",
    [
        NewAccount("", "林", ["counsellor"]),
        NewAccount("l", "林", ["counsellor"]),
        NewAccount("Lin", "林", ["counsellor"]),
        NewAccount("lin wang", "林", ["counsellor"]),
        NewAccount("-lin", "林", ["counsellor"]),
        NewAccount("l" * 33, "林", ["counsellor"]),
        NewAccount("wang", " ", ["counsellor"]),
        NewAccount("wang", "林" * 31, ["counsellor"]),
        NewAccount("wang", "林\n老师", ["counsellor"]),
        NewAccount("wang", "林", []),
        NewAccount("wang", "林", ["counsellor", "boss"]),
        NewAccount("taken", "林", ["counsellor"]),
    ],
)
def test_an_account_that_will_not_do_is_refused_in_words(
    store: Store, writer: Writer, office: AccountOffice, new: NewAccount
) -> None:
    counsellor(store, writer, "taken")
    with pytest.raises(NotAllowed):
        do(writer, lambda c: office.add(c, new, ONCE, NOW))
    assert len(rows(store.engine, t.counsellor)) == 1


def test_a_name_is_changed_by_oneself(store: Store, writer: Writer, office: AccountOffice) -> None:
    lin = counsellor(store, writer, "lin")
    do(writer, lambda c: office.rename(c, lin, " 林老师 ", NOW))
    (row,) = rows(store.engine, t.counsellor)
    (audit,) = rows(store.engine, t.audit)
    assert row.display_name == "林老师"
    assert (audit.action, audit.detail) == ("account_renamed", "{}")
