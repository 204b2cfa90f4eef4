"""The partner's link: one letter behind a code, for a while; whoever has no right learns nothing, not even why."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from escalation.cases import NotAllowed
from escalation.referral.partner_door import VISIT, WRONG_CODES
from records import tables as t
from tests.building import rows
from tests.escalation.bureau import Bureau

ME = "急诊李医生"


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def opened(bureau: Bureau) -> tuple[str, str, str]:
    """A referral whose partner gave the right code: referral, token, cookie."""
    referral_id = bureau.sent()
    token, code = bureau.link(referral_id)
    cookie = bureau.enter(token, code)
    assert cookie
    return referral_id, token, cookie


def test_the_right_code_opens_exactly_this_letter_and_each_opening_is_in_the_audit(bureau: Bureau) -> None:
    bureau.sent()
    referral_id, token, cookie = opened(bureau)
    for _ in range(2):
        found = bureau.look(token, cookie)
        assert found.referral.id == referral_id
        assert ("called", "称呼", "小雨") in found.letter.lines
    audit = bureau.office.audited("referral_opened")
    assert [row.object_id for row in audit] == [referral_id] * 2
    assert token not in str(audit)


def test_neither_token_nor_code_nor_cookie_is_stored(bureau: Bureau) -> None:
    referral_id = bureau.sent()
    token, code = bureau.link(referral_id)
    cookie = bureau.enter(token, code)
    stored = str(rows(bureau.office.store.engine, t.partner_link))
    assert [secret for secret in (token, code, cookie) if str(secret) in stored] == []
    assert len(token) >= 43  # 256 bits
    assert len(code) == 6


def test_a_link_for_what_was_meant_for_paper_is_a_provision_of_its_own(bureau: Bureau) -> None:
    by_link, by_paper = bureau.sent(), bureau.sent(method="paper")
    for referral_id in (by_link, by_paper):
        bureau.link(referral_id)
    given = rows(bureau.office.store.engine, t.provision)
    assert sorted((row.referral_id, row.method) for row in given) == sorted(
        [(by_link, "link"), (by_paper, "paper"), (by_paper, "link")]
    )


def test_a_code_may_be_typed_with_spaces(bureau: Bureau) -> None:
    token, code = bureau.link(bureau.sent())
    assert bureau.enter(token, f"{code[:3]} {code[3:]} ")


def test_five_wrong_codes_lock_the_link_for_ever_and_the_counsellor_hears_of_it(bureau: Bureau) -> None:
    referral_id = bureau.sent()
    token, code = bureau.link(referral_id)
    assert [bureau.enter(token, wrong(code)) for _ in range(WRONG_CODES)] == [""] * (WRONG_CODES - 1) + [None]
    assert bureau.enter(token, code) is None
    (event,) = bureau.office.told("referral_link_locked")
    assert json.loads(event.data) == {"referral": referral_id}
    assert len(bureau.office.audited("referral_code_wrong")) == WRONG_CODES - 1
    fresh, code = bureau.link(referral_id)
    assert bureau.enter(fresh, code)


def test_wrong_codes_do_not_add_up_over_a_right_one(bureau: Bureau) -> None:
    token, code = bureau.link(bureau.sent())
    for _ in range(3):
        assert bureau.enter(token, wrong(code)) == ""
        assert bureau.enter(token, wrong(code)) == ""
        assert bureau.enter(token, code)


def test_the_code_of_one_link_does_not_open_another(bureau: Bureau) -> None:
    (one, code), (other, _) = bureau.link(bureau.sent()), bureau.link(bureau.sent())
    cookie = bureau.enter(one, code)
    assert bureau.enter(other, code) in ("", None)
    assert bureau.look(other, str(cookie)) is None


@pytest.mark.parametrize("end", ["expired", "closed", "withdrawn", "declined", "finished", "forged"])
def test_a_link_that_ended_is_like_one_that_never_was(bureau: Bureau, end: str) -> None:
    referral_id = bureau.sent()
    token, code = bureau.link(referral_id)
    cookie = str(bureau.enter(token, code))
    if end == "expired":
        bureau.office.clock.forward(days=30)
    elif end == "closed":
        bureau.link(referral_id)
    elif end == "withdrawn":
        bureau.note(referral_id, "withdraw", words="本人改了主意")
    elif end == "declined":
        bureau.note(referral_id, "decline", words="没有床位")
    elif end == "finished":
        bureau.note(referral_id, "accept")
        bureau.note(referral_id, "finish", words="三次都问不到")
    else:
        token = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert not bureau.do(lambda c: bureau.referrals.door.opens(c, token, bureau.office.clock()))
    assert bureau.enter(token, code) is None
    assert bureau.look(token, cookie) is None
    assert bureau.answer(token, cookie, "accept", who=ME) is False


def test_a_visit_ends_and_the_code_opens_it_again(bureau: Bureau) -> None:
    referral_id = bureau.sent()
    token, code = bureau.link(referral_id)
    cookie = str(bureau.enter(token, code))
    bureau.office.clock.forward(seconds=VISIT.total_seconds())
    assert bureau.look(token, cookie) is None
    assert bureau.answer(token, cookie, "accept", who=ME) is False
    assert bureau.look(token, str(bureau.enter(token, code))).referral.id == referral_id


def test_without_the_code_nothing_can_be_answered(bureau: Bureau) -> None:
    referral_id = bureau.sent()
    token, _ = bureau.link(referral_id)
    assert bureau.answer(token, "", "accept", who=ME) is False
    assert bureau.look(token, "") is None
    assert bureau.get(referral_id).state == "sent"


def test_the_partner_confirms_accepts_and_returns(bureau: Bureau) -> None:
    referral_id, token, cookie = opened(bureau)
    assert bureau.answer(token, cookie, "receive", who=ME)
    assert bureau.get(referral_id).state == "received"
    assert bureau.answer(token, cookie, "accept", who=ME)
    assert bureau.answer(token, cookie, "return", who=ME, attended="yes", on="2026-12-02", words="已到诊")
    referral = bureau.get(referral_id)
    assert (referral.state, referral.attended) == ("returned", "yes")
    (event,) = bureau.office.told("referral_return")
    assert (event.case_id, json.loads(event.data)) == (referral.case_id, {"referral": referral_id})
    with bureau.office.store.engine.connect() as connection:
        steps = bureau.office.store.referrals.steps(connection, referral_id)
    assert [(step.action, step.by_id) for step in steps[1:]] == [("receive", None), ("accept", None), ("return", None)]
    assert steps[1].detail == {"who": ME}


def test_a_button_pressed_twice_counts_once(bureau: Bureau) -> None:
    referral_id, token, cookie = opened(bureau)
    for _ in range(2):
        assert bureau.answer(token, cookie, "accept", who=ME)
    with bureau.office.store.engine.connect() as connection:
        assert len(bureau.office.store.referrals.steps(connection, referral_id)) == 2


@pytest.mark.parametrize("action", ["confirm", "withdraw", "finish", "hand_over", "tell", "make", ""])
def test_the_link_can_do_nothing_that_is_the_hotlines(bureau: Bureau, action: str) -> None:
    referral_id, token, cookie = opened(bureau)
    assert bureau.answer(token, cookie, action, who=ME, words="理由理由") is False
    assert bureau.get(referral_id).state == "sent"


def test_a_partner_without_a_name_or_a_reason_is_asked_for_it(bureau: Bureau) -> None:
    referral_id, token, cookie = opened(bureau)
    with pytest.raises(NotAllowed, match="姓名"):
        bureau.answer(token, cookie, "accept", who=" ")
    with pytest.raises(NotAllowed, match="原因"):
        bureau.answer(token, cookie, "decline", who=ME)
    assert bureau.get(referral_id).state == "sent"


def test_a_return_may_be_corrected_later(bureau: Bureau) -> None:
    referral_id, token, cookie = opened(bureau)
    bureau.answer(token, cookie, "return", who=ME, attended="unknown", words="还没有来")
    assert bureau.get(referral_id).due_at == bureau.office.clock() + timedelta(days=7)
    bureau.answer(token, cookie, "return", who=ME, attended="yes", words="今天来了")
    assert (bureau.get(referral_id).attended, bureau.get(referral_id).due_at) == ("yes", None)
