"""Making and following a referral: the letter is frozen, every provision is kept, a second person agrees first."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from escalation.cases import NoSuchCase, NotAllowed
from escalation.referral.letter import read_letter
from records import tables as t
from tests.building import rows
from tests.escalation.bureau import CONSENT, DRAFT, Bureau
from triage.risk import Level

SECRETS = ("小雨", "今晚想跳楼", CONSENT, "急诊评估")


def letter(bureau: Bureau, referral_id: str) -> dict[str, str]:
    with bureau.office.store.engine.connect() as connection:
        text = bureau.office.store.referrals.letter(connection, referral_id)
    return {code: words for code, _, words in read_letter(text, bureau.get(referral_id).letter_hash).lines}


def test_with_consent_it_is_sent_at_once_and_the_letter_is_frozen(bureau: Bureau) -> None:
    referral_id = bureau.sent()
    referral = bureau.get(referral_id)
    assert (referral.state, referral.sent_at, referral.basis) == ("sent", bureau.office.clock(), "consent")
    assert letter(bureau, referral_id)["danger"] == "说今晚想跳楼，写了遗书"
    assert [event.case_id for event in bureau.office.told("referral_sent")] == [referral.case_id]


def test_nothing_that_was_said_stands_open_in_the_database(bureau: Bureau) -> None:
    referral_id = bureau.sent()
    bureau.note(referral_id, "hand_over", who="王护士长", words="同意马上接诊")
    for table in (t.referral, t.referral_step, t.provision, t.event, t.audit):
        stored = str(rows(bureau.office.store.engine, table))
        assert [secret for secret in (*SECRETS, "王护士长", "马上接诊") if secret in stored] == []


def test_every_provision_is_kept_for_three_years_with_what_was_shared(bureau: Bureau) -> None:
    referral = bureau.get(bureau.sent())
    with bureau.office.store.engine.connect() as connection:
        (given,) = bureau.office.store.referrals.provisions(connection, referral.case_id)
    assert (given.basis, given.method, given.by_id, given.second_id) == ("consent", "link", bureau.lin.id, None)
    assert given.letter_hash == referral.letter_hash
    assert {"called", "danger"} < set(given.shared)
    assert given.keep_until == bureau.office.clock().replace(year=bureau.office.clock().year + 3)


@pytest.mark.parametrize("basis", ["emergency", "statutory"])
def test_without_consent_nothing_is_shared_before_another_person_agrees(bureau: Bureau, basis: str) -> None:
    referral_id = bureau.sent(basis=basis)
    assert bureau.get(referral_id).state == "proposed"
    assert rows(bureau.office.store.engine, t.provision) == []
    assert set(bureau.tasks(referral_id)) == {"second_person"}
    with pytest.raises(NotAllowed, match="不能发链接"):
        bureau.link(referral_id)
    bureau.office.clock.forward(minutes=5)
    bureau.decide(referral_id, bureau.zhao, agree=True)
    referral = bureau.get(referral_id)
    assert (referral.state, referral.second_id, referral.sent_at) == ("sent", bureau.zhao.id, bureau.office.clock())
    assert referral.due_at == bureau.office.clock() + timedelta(minutes=30)
    (given,) = rows(bureau.office.store.engine, t.provision)
    assert (given.by_id, given.second_id) == (bureau.lin.id, bureau.zhao.id)
    assert bureau.tasks(referral_id) == {}


def test_the_second_person_is_another_one(bureau: Bureau) -> None:
    case_id, place = bureau.office.case_at(Level.HIGH), bureau.institution()
    referral_id = bureau.make(case_id, place, bureau.zhao, basis="emergency")
    with pytest.raises(NotAllowed, match="另一位"):
        bureau.decide(referral_id, bureau.zhao, agree=True)
    bureau.decide(referral_id, bureau.office.counsellor("lead", "duty_lead"), agree=False)
    assert bureau.get(referral_id).state == "refused"
    assert rows(bureau.office.store.engine, t.provision) == []


def test_who_was_not_told_in_an_emergency_is_told_afterwards(bureau: Bureau) -> None:
    referral_id = bureau.sent(basis="emergency", is_told=False)
    bureau.decide(referral_id, bureau.zhao, agree=True)
    assert set(bureau.tasks(referral_id)) == {"tell_person"}
    with pytest.raises(NotAllowed, match="怎样告知"):
        bureau.note(referral_id, "tell")
    bureau.note(referral_id, "tell", words="电话里说了给医院看了什么、为什么")
    assert bureau.tasks(referral_id) == {}


def test_a_press_that_is_repeated_makes_one_referral(bureau: Bureau) -> None:
    case_id, place = bureau.case(), bureau.institution()
    first = bureau.make(case_id, place)
    bureau.numbers -= 1
    assert bureau.make(case_id, place) == first
    assert len(rows(bureau.office.store.engine, t.referral)) == len(rows(bureau.office.store.engine, t.provision)) == 1


def test_an_entry_that_became_too_old_is_refused_for_orange_and_free_again_after_a_check(bureau: Bureau) -> None:
    case_id, place = bureau.case(), bureau.institution()
    bureau.office.clock.forward(days=91)
    with pytest.raises(NotAllowed, match="没有核实"):
        bureau.make(case_id, place)
    bureau.do(lambda c: bureau.referrals.directory.verify(c, place, bureau.lin, bureau.office.clock()))
    assert bureau.get(bureau.make(case_id, place)).state == "sent"


def test_whose_case_it_is_not_refers_nobody(bureau: Bureau) -> None:
    case_id, place = bureau.case(), bureau.institution()
    with pytest.raises(NotAllowed, match="先接手"):
        bureau.make(case_id, place, bureau.office.counsellor("wang"))
    with pytest.raises(NoSuchCase):
        bureau.make("nobody", place)
    assert bureau.get(bureau.make(case_id, place, bureau.zhao)).by_id == bureau.zhao.id


def test_what_the_partner_says_on_the_phone_counts_like_the_link(bureau: Bureau) -> None:
    referral_id = bureau.sent()
    bureau.office.clock.forward(minutes=10)
    bureau.note(referral_id, "accept", who="急诊李医生")
    referral = bureau.get(referral_id)
    assert (referral.state, referral.ack_at, referral.accepted_at) == ("accepted", *[bureau.office.clock()] * 2)
    bureau.note(referral_id, "return", attended="yes", on="2026-12-02", words="已到诊，留观")
    referral = bureau.get(referral_id)
    assert (referral.state, referral.attended, referral.due_at) == ("returned", "yes", None)
    with bureau.office.store.engine.connect() as connection:
        steps = bureau.office.store.referrals.steps(connection, referral_id)
    assert [step.action for step in steps] == ["make", "accept", "return"]
    assert steps[-1].detail == {"attended": "yes", "on": "2026-12-02", "words": "已到诊，留观"}


@pytest.mark.parametrize(
    ("action", "detail", "words"),
    [
        ("decline", {}, "原因"),
        ("return", {"words": "来了"}, "到诊了没有"),
        ("return", {"words": "来了", "attended": "maybe"}, "到诊了没有"),
        ("return", {"words": "来了", "attended": "yes", "on": "昨天"}, "日期"),
        ("hand_over", {}, "和谁说的"),
        ("withdraw", {"words": "x" * 1001}, "最多"),
        ("dance", {}, "请选择"),
        ("confirm", {}, "请选择"),
    ],
)
def test_a_note_without_what_matters_is_refused(
    bureau: Bureau, action: str, detail: dict[str, str], words: str
) -> None:
    referral_id = bureau.sent()
    with pytest.raises(NotAllowed, match=words):
        bureau.note(referral_id, action, **detail)
    assert bureau.get(referral_id).state == "sent"


def test_a_warm_hand_over_is_kept_and_changes_no_clock(bureau: Bureau) -> None:
    referral_id = bureau.sent()
    before = bureau.get(referral_id)
    bureau.office.clock.forward(minutes=5)
    bureau.note(referral_id, "hand_over", who="王护士长", words="三方通话，说好直接来急诊")
    assert bureau.get(referral_id) == before


def test_the_preview_is_the_letter_and_keeps_nothing(bureau: Bureau) -> None:
    case_id, place = bureau.case(), bureau.institution()
    draft = DRAFT.__class__(**{**DRAFT.__dict__, "institution_id": place})
    shown = bureau.do(lambda c: bureau.referrals.desk.preview(c, case_id, draft))
    assert {code: words for code, _, words in shown.lines} == letter(bureau, bureau.make(case_id, place))
    assert len(rows(bureau.office.store.engine, t.referral)) == 1


def test_every_look_at_the_letter_is_in_the_audit(bureau: Bureau) -> None:
    referral_id = bureau.sent()
    bureau.do(lambda c: bureau.referrals.desk.look(c, referral_id, bureau.zhao, bureau.office.clock()))
    (audit,) = bureau.office.audited("referral_letter_view")
    assert (audit.actor_id, audit.object_id) == (bureau.zhao.id, referral_id)
    assert json.loads(audit.detail) == {"case": bureau.get(referral_id).case_id}


def test_the_figures_count_referrals_of_the_period_and_no_drills(bureau: Bureau) -> None:
    since = bureau.office.clock()
    for answer in ("accept", "decline", "receive", ""):
        referral_id = bureau.sent()
        if answer:
            bureau.note(referral_id, answer, words="没有床位")
        if answer == "accept":
            bureau.note(referral_id, "return", attended="yes", words="到了")
    bureau.sent(direction="back")
    drill = bureau.sent()
    bureau.do(lambda c: bureau.office.store.referrals.change(c, drill, is_drill=True))
    pointers, case_id = bureau.referrals.pointers, bureau.get(drill).case_id
    bureau.do(lambda c: pointers.name(c, case_id, bureau.lin, "", "给了12356", bureau.office.clock()))
    with bureau.office.store.engine.connect() as connection:
        counts = bureau.office.store.referrals.counts(connection, since, since + timedelta(seconds=1))
        before = bureau.office.store.referrals.counts(connection, since - timedelta(days=1), since)
    assert (counts.sent, counts.acknowledged, counts.accepted) == (4, 3, 1)
    assert (counts.declined, counts.attended, counts.returned) == (1, 1, 1)
    assert before.sent == 0
