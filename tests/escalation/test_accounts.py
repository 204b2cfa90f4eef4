"""Accounts and their sessions on real rows, with a clock moved by hand."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

import wiring
from escalation.account_office import AccountOffice, NewAccount
from escalation.accounts import (
    Accounts,
    OneTimePassword,
    WeakPassword,
    check_new_password,
    hash_cookie,
    hash_password,
    one_time_password,
    password_fits,
)
from escalation.desks import make_office
from escalation.roles import load_permissions
from records import tables as t
from records.staff import Counsellor, StaffSession
from records.store import Store
from records.writer import Writer
from settings import Settings
from tests.building import Clock, counsellor, do, rows


@dataclass
class Door:
    """The way in."""

    accounts: Accounts
    store: Store
    writer: Writer
    clock: Clock

    @property
    def office(self) -> AccountOffice:
        return make_office(self.store, load_permissions())

    def sign_in(self, cookie: str, *, login: str = "lin", fits: bool = True) -> Counsellor | None:
        found = do(
            self.writer,
            lambda c: self.accounts.sign_in(c, login, password_fits=fits, cookie=cookie, now=self.clock()),
        )
        return found[0] if found else None

    def who(self, cookie: str) -> tuple[Counsellor, StaffSession] | None:
        with self.store.engine.connect() as connection:
            return self.accounts.who(connection, cookie, self.clock())

    def get(self, login: str = "lin") -> Counsellor:
        with self.store.engine.connect() as connection:
            found = self.store.staff.by_login(connection, login)
        assert found is not None
        return found

    def actions(self) -> list[str]:
        return [row.action for row in sorted(rows(self.store.engine, t.audit), key=lambda row: row.seq)]


@pytest.fixture
def door(store: Store, writer: Writer, settings: Settings, clock: Clock) -> Door:
    counsellor(store, writer, "lin")
    return Door(wiring.make_accounts(settings, store), store, writer, clock)


def test_passwords_are_kept_as_argon2id_and_never_as_they_are() -> None:
    kept = hash_password("yi-tiao-xin-mima")
    assert kept.startswith("$argon2id$")
    assert "xin-mima" not in kept
    assert kept != hash_password("yi-tiao-xin-mima")


def test_a_new_account_has_a_one_time_password_that_must_be_changed(door: Door) -> None:
    once, new = one_time_password(), NewAccount("wang", "王老师", ["counsellor"])
    do(door.writer, lambda c: door.office.add(c, new, once, door.clock()))
    who = door.get("wang")
    assert who.must_change
    assert password_fits(who, once.text)
    assert not password_fits(who, once.text + "x")
    assert door.actions() == ["account_added"]


def test_one_time_passwords_are_long_differ_and_have_no_look_alikes() -> None:
    made = {one_time_password().text for _ in range(5)}
    assert len(made) == 5
    assert all(len(password) == 19 and not set(password) & set("01ilo") for password in made)


def test_an_unknown_name_costs_as_much_as_a_wrong_password(door: Door) -> None:
    known = Counsellor("1", "wang", "", (), hash_password("yi-tiao-xin-mima"), False, 0, None, True, None)

    def cost(who: Counsellor | None) -> float:
        began = time.thread_time()
        assert not password_fits(who, "wrong")
        return time.thread_time() - began

    assert min(cost(None) for _ in range(3)) > 0.5 * min(cost(known) for _ in range(3))


def test_a_session_belongs_to_its_cookie_alone(door: Door) -> None:
    assert door.sign_in("cookie") is not None
    found = door.who("cookie")
    assert found is not None
    assert found[0].login == "lin"
    assert door.who("other") is None
    assert door.who("") is None


def test_the_database_keeps_the_hash_of_a_cookie_and_not_the_cookie(door: Door) -> None:
    door.sign_in("cookie")
    (row,) = rows(door.store.engine, t.staff_session)
    assert row.id == hash_cookie("cookie")
    assert "cookie" not in str(tuple(row))


def test_a_console_left_alone_signs_out(door: Door) -> None:
    door.sign_in("cookie")
    door.clock.forward(seconds=1800)
    assert door.who("cookie") is not None
    door.clock.forward(seconds=1)
    assert door.who("cookie") is None


def test_a_console_in_use_stays_in_but_no_longer_than_a_shift(door: Door) -> None:
    door.sign_in("cookie")
    for _ in range(24):
        door.clock.forward(seconds=1800)
        found = door.who("cookie")
        assert found is not None
        do(door.writer, lambda c, s=found[1]: door.store.staff.touch_session(c, s.id, door.clock()))
    door.clock.forward(seconds=1)
    assert door.who("cookie") is None


def test_five_wrong_passwords_lock_the_account_even_for_the_right_one(door: Door) -> None:
    for _ in range(5):
        assert door.sign_in("wrong", fits=False) is None
    assert door.sign_in("cookie") is None
    door.clock.forward(seconds=899)
    assert door.sign_in("cookie") is None
    door.clock.forward(seconds=1)
    assert door.sign_in("cookie") is not None
    assert door.actions() == [*["sign_in_wrong"] * 4, "locked", *["sign_in_refused"] * 2, "signed_in"]


def test_the_right_password_forgives_the_wrong_ones(door: Door) -> None:
    for _ in range(4):
        for _ in range(4):
            door.sign_in("wrong", fits=False)
        assert door.sign_in("cookie" + str(door.clock.forward(seconds=1))) is not None


def test_trying_while_locked_does_not_lock_for_ever(door: Door) -> None:
    for _ in range(50):
        door.sign_in("wrong", fits=False)
    door.clock.forward(seconds=900)
    assert door.sign_in("cookie") is not None


def test_an_unknown_name_is_refused_and_audited(door: Door) -> None:
    assert door.sign_in("cookie", login="nobody") is None
    assert door.actions() == ["sign_in_refused"]
    assert "nobody" not in str(rows(door.store.engine, t.audit))


def test_signing_out_ends_one_browser_only(door: Door) -> None:
    door.sign_in("one")
    door.sign_in("two")
    found = door.who("one")
    assert found is not None
    do(door.writer, lambda c: door.accounts.sign_out(c, found[1], door.clock()))
    assert door.who("one") is None
    assert door.who("two") is not None


def test_a_new_password_ends_every_other_browser(door: Door) -> None:
    for cookie in ("one", "two"):
        door.sign_in(cookie)
    found = door.who("one")
    assert found is not None
    do(
        door.writer,
        lambda c: door.accounts.change_password(c, found[0], "hash", found[1], "fresh", door.clock()),
    )
    assert [door.who(cookie) is None for cookie in ("one", "two", "fresh")] == [True, True, False]
    assert door.get().must_change is False


def test_a_new_password_does_not_lengthen_the_shift(door: Door) -> None:
    door.sign_in("one")
    door.clock.forward(seconds=1000)
    found = door.who("one")
    assert found is not None
    do(
        door.writer,
        lambda c: door.accounts.change_password(c, found[0], "hash", found[1], "fresh", door.clock()),
    )
    fresh = door.who("fresh")
    assert fresh is not None
    assert fresh[1].opened_at == found[1].opened_at


@pytest.mark.parametrize("action", ["reset", "disable", "reset_factor"])
def test_a_reset_or_closed_account_is_signed_out_everywhere(door: Door, action: str) -> None:
    door.sign_in("one")
    who = door.get()

    once = OneTimePassword("", "hash")

    def work(connection: sa.Connection) -> object:
        more = (once,) if action == "reset" else ()
        return getattr(door.office, action)(connection, who, *more, door.clock())

    do(door.writer, work)
    assert door.who("one") is None
    assert (door.sign_in("two") is None) == (action == "disable")


def test_a_reset_unlocks_and_needs_a_change_of_password(door: Door) -> None:
    for _ in range(5):
        door.sign_in("wrong", fits=False)
    once = one_time_password()
    do(door.writer, lambda c: door.office.reset(c, door.get(), once, door.clock()))
    assert door.get().must_change
    assert password_fits(door.get(), once.text)
    assert door.sign_in("one") is not None


def test_a_closed_account_does_not_come_in_with_an_old_session(door: Door) -> None:
    door.sign_in("one")
    do(door.writer, lambda c: door.store.staff.change(c, door.get().id, is_active=False))
    assert door.who("one") is None


@pytest.mark.parametrize(
    "new", ["", "short-one-11", "aaaaaaaaaaaaaaaa", "abababababababab", "old-password-1", "wangli-2026-ok", "x" * 129]
)
def test_a_weak_new_password_is_refused_in_words(new: str) -> None:
    with pytest.raises(WeakPassword):
        check_new_password(new[:11] if new == "short-one-11" else new, "WangLi", "old-password-1")


@pytest.mark.parametrize(
    "new", ["一句容易记住的话就是最好的密码", "yi-tiao-xin-mima", "x1" * 3 + "abcdefg", "Aa1!x" * 25]
)
def test_a_good_new_password_is_accepted(new: str) -> None:
    check_new_password(new, "wangli", "old-password-1")
