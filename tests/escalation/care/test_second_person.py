"""A rescue against the person's will: it starts at once, a second person confirms it, supervisors hear of silence."""

from __future__ import annotations

from typing import Any

import pytest

from escalation.care.rescue import second_words
from escalation.care.rescue_desk import SECOND_OVERDUE, Start
from escalation.cases import NotAllowed
from records.rescues import Rescue
from tests.building import do
from tests.escalation.care.conftest import Ward
from triage.risk import Level

AGAINST = Start("life", "在桥上，不愿离开")


def started(ward: Ward, start: Start = AGAINST) -> str:
    case_id = ward.served(Level.EMERGENCY)
    ward.rescue("start", case_id, ward.lin, start)
    return case_id


def rescue_of(ward: Ward, case_id: str) -> Rescue:
    with ward.office.store.engine.connect() as connection:
        return ward.office.store.rescues.of(connection, case_id)[0]


def waits(ward: Ward, case_id: str) -> bool:
    with ward.office.store.engine.connect() as connection:
        return case_id in ward.office.store.rescues.without_second(connection)


def swept(ward: Ward, minutes: int) -> Any:
    ward.office.clock.forward(minutes=minutes)
    return do(ward.office.writer, lambda c: ward.office.desks.rescue.sweep(c, ward.office.clock()))


def test_it_starts_without_waiting_for_anybody(ward: Ward) -> None:
    case_id = started(ward)
    assert ward.state(case_id) == "rescue"
    assert waits(ward, case_id)


@pytest.mark.parametrize("basis", ["consent", "act"])
def test_with_consent_or_in_an_act_nobody_else_is_asked(ward: Ward, basis: str) -> None:
    assert not waits(ward, started(ward, Start(basis, "已服药，意识模糊")))


@pytest.mark.parametrize(
    ("answer", "words", "kept"), [("yes", "", "agreed"), ("no", "本人已下桥，有家属在", "refused")]
)
def test_the_second_person_answers_and_it_is_kept_with_time_and_words(
    ward: Ward, answer: str, words: str, kept: str
) -> None:
    case_id = started(ward)
    ward.office.clock.forward(minutes=3)
    ward.rescue("confirm", case_id, ward.chief, answer, words)
    found = rescue_of(ward, case_id)
    assert (found.second_id, found.second_answer, found.second_words) == (ward.chief.id, kept, words)
    assert found.second_at == ward.office.clock()
    assert not waits(ward, case_id)
    assert ward.state(case_id) == "rescue"  # rescuers on their way are not called back by it
    assert len(ward.office.audited(f"rescue_second_{kept}")) == 1


def test_whoever_started_it_is_never_the_second_person(ward: Ward) -> None:
    case_id = started(ward)
    with pytest.raises(NotAllowed, match="另一位老师"):
        ward.rescue("confirm", case_id, ward.lin, "yes", "")


@pytest.mark.parametrize(("answer", "words"), [("no", ""), ("no", "  好 "), ("", ""), ("maybe", "不清楚情况")])
def test_without_an_answer_or_a_refusal_without_words_nothing_is_decided(ward: Ward, answer: str, words: str) -> None:
    case_id = started(ward)
    with pytest.raises(NotAllowed):
        ward.rescue("confirm", case_id, ward.chief, answer, words)
    assert waits(ward, case_id)


def test_nobody_decides_twice(ward: Ward) -> None:
    case_id = started(ward)
    ward.rescue("confirm", case_id, ward.chief, "yes", "")
    with pytest.raises(NotAllowed, match="没有等第二人"):
        ward.rescue("confirm", case_id, ward.office.counsellor("wang"), "no", "我不同意这样做")


@pytest.mark.parametrize("who", ["self", "nobody", "admin"])
def test_only_another_who_may_is_asked(ward: Ward, who: str) -> None:
    admin = ward.office.counsellor("root", "admin")
    asked = {"self": ward.lin.id, "nobody": "x" * 32, "admin": admin.id}[who]
    with pytest.raises(NotAllowed, match="第二人"):
        started(ward, Start("life", "在桥上不愿离开", asked))


def test_who_is_asked_may_open_the_case_until_somebody_has_answered(ward: Ward) -> None:
    wang, admission = ward.office.counsellor("wang"), ward.office.desks.admission
    case_id = started(ward, Start("life", "在桥上不愿离开", wang.id))

    def may_open() -> bool:
        with ward.office.store.engine.connect() as connection:
            return admission.allows(connection, wang, "s", "case_view", case_id, ward.office.clock())

    assert may_open()
    ward.rescue("confirm", case_id, ward.chief, "yes", "")
    assert not may_open()


def test_supervisors_are_called_until_somebody_answers(ward: Ward) -> None:
    case_id = started(ward)
    assert swept(ward, 9) == 0
    assert [swept(ward, 1), swept(ward, 9), swept(ward, 1)] == [1, 0, 1]
    assert len(ward.office.told(SECOND_OVERDUE)) == 2
    ward.rescue("confirm", case_id, ward.chief, "yes", "")
    assert swept(ward, 60) == 0


def test_the_second_person_is_still_asked_after_the_end(ward: Ward) -> None:
    case_id = started(ward)
    ward.rescue("end", case_id, ward.chief, "not_found", "派出所回电，没有找到", is_serious=False)
    assert waits(ward, case_id)
    ward.rescue("confirm", case_id, ward.chief, "yes", "")
    assert not waits(ward, case_id)


def test_the_page_says_who_decided(ward: Ward) -> None:
    names, rules = {ward.chief.id: "赵督导", ward.lin.id: "林老师"}, ward.office.desks.rescue.rules
    case_id = started(ward, Start("life", "在桥上不愿离开", ward.chief.id))
    assert second_words(rescue_of(ward, case_id), rules, names) == "等待确认（请了赵督导）"
    ward.rescue("confirm", case_id, ward.chief, "yes", "")
    said = second_words(rescue_of(ward, case_id), rules, names)
    assert said.startswith("赵督导 ")
    assert said.endswith("同意")
