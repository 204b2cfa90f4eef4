"""Reviews on real rows: drawn once, written by a supervisor, answered by the counsellor, counted when both signed."""

from __future__ import annotations

import json

import pytest

from escalation.cases import NoSuchCase, NotAllowed, SomebodyElse
from escalation.supervision.form import load_review_form
from escalation.supervision.review import Unfit
from records import tables as t
from tests.building import rows
from tests.escalation.supervision.conftest import GOOD, Study
from triage.risk import Level


def test_ended_orange_cases_are_drawn_and_nothing_is_drawn_twice(study: Study) -> None:
    case_id = study.ended(Level.HIGH)
    assert (study.draw(), study.draw()) == (1, 0)
    review = study.review(case_id)
    assert (review.counsellor_id, review.level, review.why, review.state) == (study.lin.id, Level.HIGH, "all", "due")
    (audited,) = study.office.audited("review_drawn")
    assert (audited.object_id, audited.actor_id) == (case_id, None)


def test_between_two_draws_the_sweep_looks_at_nothing(study: Study) -> None:
    study.draw()
    study.ended(Level.HIGH)
    study.office.clock.forward(minutes=-15)
    assert study.does(study.desks.reviews.sweep) == 0
    assert rows(study.office.store.engine, t.case_review) == []


def test_a_case_that_is_still_served_is_not_drawn(study: Study) -> None:
    case_id = study.office.case_at(Level.EMERGENCY)
    study.office.act("claim", case_id, study.lin)
    assert study.draw() == 0


def test_a_case_that_opened_again_is_drawn_again(study: Study) -> None:
    case_id = study.ended(Level.HIGH)
    study.draw()
    study.office.clock.forward(days=1)
    study.office.danger(study.office.case(case_id).conversation_id, Level.EMERGENCY)
    study.office.act("claim", case_id, study.chief)
    study.office.clock.forward(minutes=5)
    study.does(
        lambda c, now: study.office.desk.handling.own(
            c, study.office.desk.handling.conversation(c, study.office.case(case_id)), None, now
        )
    )
    study.does(lambda c, now: study.office.desk.handling.save(c, study.office.case(case_id), state="closed"))
    assert study.draw() == 1
    assert study.review(case_id).counsellor_id == study.chief.id


def test_drills_are_not_drawn_but_may_be_chosen_and_count_for_nothing(study: Study) -> None:
    case_id = study.ended(Level.EMERGENCY, is_drill=True)
    assert study.draw() == 0
    study.does(study.desks.reviews.choose, study.office.case(case_id).case_no, study.chief)
    review = study.review(case_id)
    assert (review.why, review.is_drill) == ("chosen", True)
    study.does(study.desks.reviews.sign, review.id, study.chief, GOOD)
    study.does(study.desks.reviews.agree, review.id, study.lin, "", study.digest(review))
    with study.office.store.engine.connect() as connection:
        standing = study.desks.growth.standings(connection, [study.lin], study.office.clock())[study.lin.id]
    assert standing.supervision.done == 0


@pytest.mark.parametrize("case_no", ["", "nothing"])
def test_a_number_of_no_case_chooses_nothing(study: Study, case_no: str) -> None:
    with pytest.raises(NotAllowed, match="没有这个编号"):
        study.does(study.desks.reviews.choose, case_no, study.chief)


def test_what_is_drawn_already_and_ones_own_work_are_not_chosen(study: Study) -> None:
    drawn, own = study.drawn(), study.ended(Level.LOW, "second", study.chief)
    for case_id, words in ((drawn.case_id, "已经在清单里"), (own, "另一位督导")):
        with pytest.raises(NotAllowed, match=words):
            study.does(study.desks.reviews.choose, study.office.case(case_id).case_no, study.chief)


def test_both_sign_and_it_counts_as_a_supervision(study: Study) -> None:
    review = study.signed()
    study.does(study.desks.reviews.agree, review.id, study.lin, "直接问的那句我练过", study.digest(review))
    done = study.review(review.case_id)
    assert (done.state, done.signed_by) == ("done", study.chief.id)
    assert done.done_at == study.office.clock()
    (fact,) = rows(study.office.store.engine, t.supervision_session)
    assert (fact.counsellor_id, fact.kind, fact.review_id, fact.is_drill) == (
        study.lin.id, "case_review", review.id, False,
    )  # fmt: skip
    assert [row.kind for row in study.office.told("review_signed") + study.office.told("review_done")] == [
        "review_signed", "review_done",
    ]  # fmt: skip


def test_the_points_are_nowhere_in_the_open(study: Study) -> None:
    review = study.signed()
    (entry,) = rows(study.office.store.engine, t.review_entry, review_id=review.id)
    assert b"risk_asked" not in entry.body_sealed
    assert not any("strengths" in row.data for row in rows(study.office.store.engine, t.event))
    assert not any("strengths" in row.detail for row in rows(study.office.store.engine, t.audit))


def test_a_form_with_gaps_is_refused_beside_each_line(study: Study) -> None:
    review = study.drawn()
    with pytest.raises(Unfit) as refused:
        study.does(
            study.desks.reviews.sign, review.id, study.chief, {**GOOD, "rapport": "", "goals": "", "limits": "9"}
        )
    assert refused.value.errors == {"rapport": "请选一个", "goals": "请写一句", "limits": "没有这个选项"}
    assert study.review(review.case_id).state == "due"


def test_until_the_counsellor_signs_it_may_be_written_anew_and_both_versions_stay(study: Study) -> None:
    review = study.signed()
    old = study.digest(review)
    study.office.clock.forward(minutes=1)
    study.does(study.desks.reviews.sign, review.id, study.chief, {**GOOD, "goals": "先问再说"})
    with pytest.raises(SomebodyElse, match="重新打开"):
        study.does(study.desks.reviews.agree, review.id, study.lin, "", old)
    study.does(study.desks.reviews.agree, review.id, study.lin, "", study.digest(review))
    with pytest.raises(NotAllowed, match="两人都签了"):
        study.does(study.desks.reviews.sign, review.id, study.chief, GOOD)
    with study.office.store.engine.connect() as connection:
        entries = study.desks.reviews.reviews.entries(connection, review.id)
    assert [entry.what for entry in entries] == ["written", "written", "agreed"]
    assert [json.loads(entry.body)["goals"] for entry in entries[:2]] == ["先听完再建议", "先问再说"]


def test_nobody_signs_for_somebody_else_or_reviews_themselves(study: Study) -> None:
    review, wang = study.signed(), study.office.counsellor("wang")
    with pytest.raises(NotAllowed, match="本人"):
        study.does(study.desks.reviews.agree, review.id, wang, "", study.digest(review))
    with pytest.raises(NotAllowed, match="另一位督导"):
        study.does(study.desks.reviews.sign, review.id, study.lin, GOOD)


def test_a_remark_belongs_to_a_message_of_this_case(study: Study) -> None:
    review = study.drawn()
    message_id = study.writes(review.case_id, "我很怕")
    study.does(study.desks.reviews.remark, review.id, study.chief, message_id, "这里停一停，问怕什么")
    with study.office.store.engine.connect() as connection:
        (remark,) = study.desks.reviews.reviews.remarks(connection, review.id)
    assert (remark.message_id, remark.body) == (message_id, "这里停一停，问怕什么")
    other = study.writes(study.office.case_at(Level.LOW, "other"), "别人的话")
    for message, words in ((other, "想说的"), ("none", "想说的"), (message_id, " ")):
        with pytest.raises(NotAllowed):
            study.does(study.desks.reviews.remark, review.id, study.chief, message, words)


def test_what_is_set_aside_keeps_its_reason_and_is_not_drawn_again(study: Study) -> None:
    review = study.drawn()
    study.does(study.desks.reviews.set_aside, review.id, study.chief, "老师已离职")
    assert study.review(review.case_id).state == "set_aside"
    assert study.draw() == 0


def test_a_review_that_is_not_there_is_not_found(study: Study) -> None:
    with pytest.raises(NoSuchCase):
        study.does(study.desks.reviews.sign, "none", study.chief, GOOD)


def test_what_went_well_is_read_first() -> None:
    assert load_review_form().items[0].key == "strengths"
