"""My own addresses: checked, kept sealed, mine alone, tried out before they count."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from escalation.cases import NotAllowed
from escalation.own_ways import OwnWays
from escalation.receipts import Receipts
from records import tables as t
from records.staff import Counsellor
from tests.building import do, rows
from tests.escalation.conftest import Office

BROWSER = "https://push.test/abc"


@pytest.fixture
def lin(office: Office) -> Counsellor:
    return office.counsellor()


@pytest.fixture
def ways(office: Office) -> OwnWays:
    store = office.store
    return OwnWays(
        store.addresses, store.notices, store.staff, frozenset({"mail", "sms", "push"}), lambda text: text == BROWSER
    )


@pytest.fixture
def act(office: Office, ways: OwnWays) -> Callable[..., Any]:
    def act(action: str, who: Counsellor, *arguments: Any) -> Any:
        return do(office.writer, lambda c: getattr(ways, action)(c, who, *arguments, office.clock()))

    return act


def kept(office: Office, ways: OwnWays, who: Counsellor) -> list[tuple[str, str, bool]]:
    with office.store.engine.connect() as connection:
        return [(address.carrier, address.text, address.is_on) for address, _ in ways.all(connection, who)]


def address_of(office: Office, who: Counsellor) -> str:
    return str(rows(office.store.engine, t.notice_address, owner_id=who.id)[0].id)


@pytest.mark.parametrize(
    ("carrier", "typed", "stored"),
    [
        ("sms", " 138-0000 0000 ", "13800000000"),
        ("sms", "+86 138 0000 0000", "+8613800000000"),
        ("mail", " lin@county.gov.cn ", "lin@county.gov.cn"),
        ("push", BROWSER, BROWSER),
    ],
)
def test_an_address_is_kept_sealed_in_its_plain_form(
    office: Office, ways: OwnWays, act: Callable[..., Any], lin: Counsellor, carrier: str, typed: str, stored: str
) -> None:
    act("add", lin, carrier, typed)
    assert kept(office, ways, lin) == [(carrier, stored, True)]
    (row,) = rows(office.store.engine, t.notice_address)
    assert stored.encode() not in row.address_sealed
    assert stored not in str(row)
    (audit,) = office.audited("notice_address_added")
    assert stored not in str(audit)


@pytest.mark.parametrize(
    ("carrier", "typed"),
    [
        ("sms", ""), ("sms", "12"), ("sms", "电话"), ("sms", "1380000000000000"), ("sms", "13800000000,110"), ("sms", "１３８００００００００"),
        ("mail", ""), ("mail", "lin"), ("mail", "lin@x"), ("mail", "a@x.cn\nBcc: b@x.cn"), ("mail", "a@x.cn,b@x.cn"), ("mail", "林@x.cn"),
        ("push", ""), ("push", "https://127.0.0.1/"), ("robot", "x"), ("pigeon", "x"),
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(
    office: Office, act: Callable[..., Any], lin: Counsellor, carrier: str, typed: str
) -> None:
    with pytest.raises(NotAllowed):
        act("add", lin, carrier, typed)
    assert rows(office.store.engine, t.notice_address) == []


def test_the_same_address_again_is_switched_on_and_not_doubled(
    office: Office, ways: OwnWays, act: Callable[..., Any], lin: Counsellor
) -> None:
    act("add", lin, "sms", "13800000000")
    act("switch", lin, address_of(office, lin), False)
    assert kept(office, ways, lin) == [("sms", "13800000000", False)]
    act("add", lin, "sms", "138 0000 0000")
    assert kept(office, ways, lin) == [("sms", "13800000000", True)]


def test_two_people_may_share_a_phone_but_not_a_browser(
    office: Office, ways: OwnWays, act: Callable[..., Any], lin: Counsellor
) -> None:
    wang = office.counsellor("wang")
    for who in (lin, wang):
        act("add", who, "sms", "13800000000")
        act("add", who, "push", BROWSER)
    assert kept(office, ways, lin) == [("sms", "13800000000", True)]
    assert len(kept(office, ways, wang)) == 2


def test_nobody_touches_what_is_somebody_elses(
    office: Office, ways: OwnWays, act: Callable[..., Any], lin: Counsellor
) -> None:
    act("add", lin, "sms", "13800000000")
    mine, wang = address_of(office, lin), office.counsellor("wang")
    for action, more in (("switch", (False,)), ("remove", ()), ("try_out", ())):
        with pytest.raises(NotAllowed):
            act(action, wang, mine, *more)
    assert kept(office, ways, lin) == [("sms", "13800000000", True)]
    assert rows(office.store.engine, t.notice) == []


def test_what_is_removed_is_gone_and_nothing_waits_for_it(
    office: Office, ways: OwnWays, act: Callable[..., Any], lin: Counsellor
) -> None:
    act("add", lin, "sms", "13800000000")
    mine = address_of(office, lin)
    act("try_out", lin, mine)
    act("remove", lin, mine)
    assert kept(office, ways, lin) == []
    assert [row.state for row in rows(office.store.engine, t.notice)] == ["withdrawn"]
    assert [row.actor_id for row in office.audited("notice_address_removed")] == [lin.id]


def test_ten_addresses_are_enough(office: Office, act: Callable[..., Any], lin: Counsellor) -> None:
    for number in range(10):
        act("add", lin, "sms", f"1380000000{number}")
    with pytest.raises(NotAllowed):
        act("add", lin, "sms", "13900000000")


def test_a_trial_waits_a_minute_for_the_next(office: Office, act: Callable[..., Any], lin: Counsellor) -> None:
    act("add", lin, "sms", "13800000000")
    mine = address_of(office, lin)
    act("try_out", lin, mine)
    with pytest.raises(NotAllowed):
        act("try_out", lin, mine)
    office.clock.forward(seconds=60)
    act("try_out", lin, mine)
    assert [row.key for row in rows(office.store.engine, t.notice)] == ["trial.sent"] * 2


def test_whoever_follows_the_link_has_shown_that_it_arrives(
    office: Office, ways: OwnWays, act: Callable[..., Any], lin: Counsellor
) -> None:
    store = office.store
    act("add", lin, "sms", "13800000000")
    act("try_out", lin, address_of(office, lin))
    receipts = Receipts(store.notices, store.addresses, store.alerts, store.staff, store.matters, office.alarm.clocks)
    (notice,) = rows(store.engine, t.notice)
    token = store.notices.token(notice.id)
    for _ in range(2):
        with store.engine.connect() as connection:
            found = receipts.by_token(connection, token)
        assert found is not None
        do(office.writer, lambda c, found=found: receipts.see(c, found, office.clock()))
        office.clock.forward(hours=1)
    first = office.clock() - timedelta(hours=2)
    assert rows(store.engine, t.notice_address)[0].confirmed_at == first
    assert rows(store.engine, t.notice)[0].seen_at == first
    assert office.told("call_seen") == []  # nobody is coming: it was a trial


@pytest.mark.parametrize("token", ["", "x", "0" * 32, "\ud800"])
def test_a_made_up_link_is_nobodys(office: Office, token: str) -> None:
    with office.store.engine.connect() as connection:
        assert office.store.notices.by_token(connection, token) is None
