"""The second step of signing in, on real rows, with a clock moved by hand."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import sqlalchemy as sa

import wiring
from escalation.accounts import Accounts, SignInRefused, hash_cookie
from escalation.cases import NotAllowed
from escalation.second_factor import RECOVERY_CODES
from escalation.totp import code_at, step_of
from records import tables as t
from records.staff import Counsellor
from records.store import Store
from records.writer import Writer
from settings import BadSettings, Settings, load_settings
from tests.building import Clock, counsellor, do, rows


@dataclass
class Door:
    """The way in for one account."""

    accounts: Accounts
    store: Store
    writer: Writer
    clock: Clock
    who: Counsellor

    def enrol(self) -> tuple[bytes, list[str]]:
        """Set the factor up; (the secret in the phone, the recovery codes). The first code is spent."""
        secret = do(self.writer, lambda c: self.accounts.factor.begin(c, self.who))
        codes = self.confirm(self.code(secret))
        assert codes is not None
        self.clock.forward(seconds=30)
        return secret, codes

    def confirm(self, typed: str) -> list[str] | None:
        return do(self.writer, lambda c: self.accounts.factor.confirm(c, self.who, typed, self.clock()))

    def code(self, secret: bytes, steps: int = 0) -> str:
        return code_at(secret, step_of(self.clock()) + steps)

    def password(self, cookie: str = "waiting") -> str:
        """Type the right password; returns the stage of the session."""
        found = do(
            self.writer,
            lambda c: self.accounts.sign_in(c, self.who.login, password_fits=True, cookie=cookie, now=self.clock()),
        )
        return found[1].stage if found else "refused"

    def enter(self, typed: str, cookie: str = "waiting") -> bool:
        now = self.clock()
        return bool(do(self.writer, lambda c: self.accounts.enter_code(c, cookie, typed, f"{cookie}-fresh", now)))

    def is_in(self, cookie: str) -> bool:
        with self.store.engine.connect() as connection:
            return self.accounts.who(connection, cookie, self.clock()) is not None

    def actions(self) -> list[str]:
        return [row.action for row in sorted(rows(self.store.engine, t.audit), key=lambda row: row.seq)]


@pytest.fixture
def door(store: Store, writer: Writer, settings: Settings, clock: Clock) -> Door:
    return Door(wiring.make_accounts(settings, store), store, writer, clock, counsellor(store, writer, "lin"))


def test_without_a_factor_the_password_is_enough(door: Door) -> None:
    assert door.password("cookie") == "open"
    assert door.is_in("cookie")


def test_with_a_factor_the_password_opens_nothing_until_the_code_comes(door: Door) -> None:
    secret, _ = door.enrol()
    assert door.password() == "code"
    assert not door.is_in("waiting")
    assert door.enter(door.code(secret))
    assert door.is_in("waiting-fresh")
    assert not door.is_in("waiting")  # the session changed its name at the second step
    assert door.actions()[-1] == "signed_in"


def test_a_factor_is_asked_for_only_after_its_first_code_was_right(door: Door) -> None:
    do(door.writer, lambda c: door.accounts.factor.begin(c, door.who))
    assert door.confirm("000000") is None
    assert door.password("cookie") == "open"


def test_the_secret_and_the_codes_are_not_in_the_database_as_they_are(door: Door) -> None:
    secret, codes = door.enrol()
    kept = str(rows(door.store.engine, t.second_factor)) + str(rows(door.store.engine, t.recovery_code))
    assert secret.hex() not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)
    assert len(set(codes)) == RECOVERY_CODES


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_no_code_is_accepted_twice(door: Door, steps: int) -> None:
    secret, _ = door.enrol()
    door.clock.forward(seconds=60)
    typed = door.code(secret, steps)
    door.password()
    assert door.enter(typed)
    door.password("again")
    assert not door.enter(typed, "again")


def test_the_code_that_confirmed_the_factor_is_spent_too(door: Door) -> None:
    secret = do(door.writer, lambda c: door.accounts.factor.begin(c, door.who))
    typed = door.code(secret)
    assert door.confirm(typed)
    door.password()
    assert not door.enter(typed)


def test_a_recovery_code_works_once_however_it_is_typed(door: Door) -> None:
    _, codes = door.enrol()
    for typed, works in ((f" {codes[0].upper().replace('-', ' ')} ", True), (codes[0], False), (codes[1], True)):
        door.password(typed)
        assert door.enter(typed, typed) == works
    with door.store.engine.connect() as connection:
        assert door.accounts.factor.rows.codes_left(connection, door.who.id) == RECOVERY_CODES - 2


def test_new_recovery_codes_make_the_old_ones_worthless(door: Door) -> None:
    _, old = door.enrol()
    new = do(door.writer, lambda c: door.accounts.factor.renew_codes(c, door.who, door.clock()))
    door.password()
    assert not door.enter(old[0])
    assert door.enter(new[0])


def test_codes_of_another_account_are_worth_nothing(door: Door) -> None:
    _, codes = door.enrol()
    wang = Door(door.accounts, door.store, door.writer, door.clock, counsellor(door.store, door.writer, "wang"))
    wang.enrol()
    wang.password("wang")
    assert not wang.enter(codes[0], "wang")


def test_five_wrong_codes_lock_the_account_and_a_new_password_step_does_not_forgive_them(door: Door) -> None:
    secret, _ = door.enrol()
    for number in range(5):
        assert door.password(f"try{number}") == "code"
        assert not door.enter("000000", f"try{number}")
    with pytest.raises(SignInRefused):
        door.enter(door.code(secret), "try4")
    assert door.password("later") == "refused"
    assert door.actions()[-3:] == ["sign_in_wrong", "locked", "sign_in_refused"]
    door.clock.forward(seconds=900)
    door.password("later")
    assert door.enter(door.code(secret), "later")


def test_the_second_step_has_to_come_soon(door: Door) -> None:
    secret, _ = door.enrol()
    door.password()
    door.clock.forward(minutes=5, seconds=1)
    with pytest.raises(SignInRefused):
        door.enter(door.code(secret))


def test_without_the_password_there_is_no_second_step(door: Door) -> None:
    secret, _ = door.enrol()
    with pytest.raises(SignInRefused):
        door.enter(door.code(secret), "never seen")
    door.password("one")
    door.enter(door.code(secret), "one")
    with pytest.raises(SignInRefused):
        door.enter(door.code(secret, 1), "one-fresh")  # an open session is no waiting one


def test_ending_the_factor_lets_the_password_in_again(door: Door) -> None:
    door.enrol()
    do(door.writer, lambda c: door.accounts.factor.end(c, door.who, door.clock()))
    assert door.password("cookie") == "open"
    assert rows(door.store.engine, t.recovery_code) == []


def test_proof_is_the_password_or_a_code_but_no_recovery_code_and_wrong_ones_count(door: Door) -> None:
    secret, codes = door.enrol()

    def proves(typed: str, *, fits: bool = False) -> bool:
        now = door.clock()
        return do(door.writer, lambda c: door.accounts.proves(c, door.who.id, typed, now, password_fits=fits))

    assert proves("", fits=True)
    assert proves(door.code(secret))
    assert not proves(codes[0])
    for _ in range(4):
        assert not proves("wrong")
    assert not proves("", fits=True)  # locked: also the right password


def demanding(door: Door, settings: Settings, policy: str) -> Accounts:
    given = {"HOTLINE_DATA_DIR": str(settings.data_dir), "HOTLINE_SECOND_FACTOR": policy}
    return wiring.make_accounts(load_settings(given), door.store)


@pytest.mark.parametrize(
    ("policy", "roles", "missing"),
    [
        ("supervisor,admin", ("supervisor",), True),
        ("supervisor,admin", ("counsellor", "admin"), True),
        ("supervisor,admin", ("counsellor",), False),
        ("optional", ("supervisor",), False),
        ("off", ("supervisor",), False),
    ],
)
def test_who_must_have_a_factor_is_a_setting(
    door: Door, settings: Settings, policy: str, roles: tuple[str, ...], missing: bool
) -> None:
    accounts, who = demanding(door, settings, policy), counsellor(door.store, door.writer, "zhao", *roles)
    with door.store.engine.connect() as connection:
        assert accounts.factor.is_missing(connection, who) == missing


def test_a_factor_that_is_a_duty_cannot_be_ended_by_oneself(door: Door, settings: Settings) -> None:
    door.enrol()
    accounts = demanding(door, settings, "counsellor")

    def end(connection: sa.Connection) -> None:
        accounts.factor.end(connection, door.who, door.clock())

    with pytest.raises(NotAllowed):
        do(door.writer, end)


def test_switched_off_nobody_is_asked_and_nobody_can_set_it_up(door: Door, settings: Settings) -> None:
    door.enrol()
    door.accounts = demanding(door, settings, "off")
    assert door.password("cookie") == "open"
    with pytest.raises(NotAllowed):
        do(door.writer, lambda c: door.accounts.factor.begin(c, door.who))


def test_a_role_that_nobody_knows_is_refused_at_start(door: Door, settings: Settings) -> None:
    with pytest.raises(BadSettings, match="boss"):
        demanding(door, settings, "supervisor,boss")


def test_a_waiting_session_is_kept_by_its_hash_and_is_in_no_list(door: Door) -> None:
    door.enrol()
    door.password()
    (row,) = rows(door.store.engine, t.staff_session)
    assert (row.id, row.stage) == (hash_cookie("waiting"), "code")
    with door.store.engine.connect() as connection:
        assert door.accounts.sessions(connection, door.who, door.clock()) == []
