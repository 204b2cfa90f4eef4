"""The ledger on real rows, and talks after hard cases."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from escalation.cases import NotAllowed
from escalation.supervision.growth_desk import Session
from escalation.supervision.importing import NewTraining
from escalation.supervision.review import Unfit
from escalation.supervision.self_care import load_self_care
from records import tables as t
from tests.building import do, rows
from tests.escalation.supervision.conftest import Study
from triage.risk import Level

TYPED = {"login": "lin", "topic": "危机干预", "hours": "3", "held": "2026-03-15", "score": "", "expires": ""}


def looked(study: Study, method: str, *arguments: Any) -> Any:
    with study.office.store.engine.connect() as connection:
        return getattr(study.desks.growth, method)(connection, *arguments, study.office.clock())


def test_a_training_is_kept_once_and_counts(study: Study) -> None:
    study.does(study.desks.growth.add_training, TYPED, study.chief)
    with pytest.raises(NotAllowed, match="已经记过"):
        study.does(study.desks.growth.add_training, TYPED, study.chief)
    assert looked(study, "standings", [study.lin])[study.lin.id].training.done == 1
    (audited,) = study.office.audited("training_added")
    assert (audited.actor_id, audited.object_id) == (study.chief.id, study.lin.id)


def test_a_training_with_faults_is_refused_beside_its_fields(study: Study) -> None:
    with pytest.raises(Unfit) as refused:
        study.does(study.desks.growth.add_training, {**TYPED, "hours": "x", "login": ""}, study.chief)
    assert set(refused.value.errors) == {"hours", "login"}


def test_a_mistake_is_taken_out_and_its_row_stays(study: Study) -> None:
    study.does(study.desks.growth.add_training, TYPED, study.chief)
    (row,) = rows(study.office.store.engine, t.training)
    study.does(study.desks.growth.remove_training, row.id, study.chief)
    assert looked(study, "standings", [study.lin])[study.lin.id].training.done == 0
    (kept,) = rows(study.office.store.engine, t.training)
    assert kept.removed_by == study.chief.id
    with pytest.raises(NotAllowed, match="刷新"):
        study.does(study.desks.growth.remove_training, row.id, study.chief)


def test_a_file_adds_what_nobody_added_meanwhile(study: Study) -> None:
    study.does(study.desks.growth.add_training, TYPED, study.chief)
    new = [NewTraining(study.lin.id, topic, 60, date(2026, 3, 15)) for topic in ("危机干预", "伦理")]
    assert study.does(study.desks.growth.take_trainings, new, study.chief) == 1
    assert len(rows(study.office.store.engine, t.training)) == 2


def test_a_group_session_counts_for_everybody_who_was_there(study: Study) -> None:
    wang = study.office.counsellor("wang")
    session = Session("group", date(2026, 12, 1), 90, [study.lin.id, wang.id])
    study.does(study.desks.growth.add_session, session, study.chief)
    standings = looked(study, "standings", [study.lin, wang])
    assert [standings[who.id].supervision.done for who in (study.lin, wang)] == [1, 1]


def test_a_session_with_faults_is_refused_beside_its_fields(study: Study) -> None:
    session = Session("dance", date(2027, 1, 1), 0, ["nobody"])
    with pytest.raises(Unfit) as refused:
        study.does(study.desks.growth.add_session, session, study.chief)
    assert set(refused.value.errors) == {"kind", "held", "minutes", "counsellor"}


def test_the_team_is_whoever_answers_people_and_is_here(study: Study) -> None:
    gone = study.office.counsellor("gone")
    study.office.counsellor("editor", "editor")
    do(study.office.writer, lambda c: study.office.store.staff.change(c, gone.id, is_active=False))
    with study.office.store.engine.connect() as connection:
        assert [who.login for who in study.desks.growth.team(connection)] == ["lin"]


@pytest.mark.parametrize(
    ("level", "days", "is_offered"),
    [(Level.HIGH, 1, True), (Level.EMERGENCY, 6, True), (Level.HIGH, 8, False), (Level.MEDIUM, 1, False)],
)
def test_a_talk_is_offered_after_a_heavy_case(study: Study, level: Level, days: int, *, is_offered: bool) -> None:
    case_id = study.ended(level)
    study.office.clock.forward(days=days)
    assert [one.case_id for one in looked(study, "hard_cases", study.lin)] == ([case_id] if is_offered else [])
    assert looked(study, "hard_cases", study.chief) == []


def test_after_a_serious_event_it_is_offered_longer_whatever_the_level(study: Study) -> None:
    case_id = study.ended(Level.LOW)
    values = {"decision": "started", "basis": "life", "by_id": study.lin.id, "at": study.office.clock()}
    rescues = study.office.store.rescues
    rescue_id = do(study.office.writer, lambda c: rescues.add(c, case_id, reason="失联", **values))
    do(study.office.writer, lambda c: rescues.change(c, rescue_id, is_serious=True))
    study.office.clock.forward(days=25)
    (offer,) = looked(study, "hard_cases", study.lin)
    assert offer.is_serious


def test_drills_are_no_hard_cases(study: Study) -> None:
    study.ended(Level.EMERGENCY, is_drill=True)
    assert looked(study, "hard_cases", study.lin) == []
    with study.office.store.engine.connect() as connection:
        since = study.office.clock() - timedelta(days=30)
        assert study.desks.growth.trainings.heavy_counts(connection, since) == {}


def test_who_wants_to_talk_stands_on_the_supervisors_page_until_they_have(study: Study) -> None:
    case_id = study.ended(Level.HIGH)
    study.does(study.desks.growth.answer_offer, case_id, study.lin, "wanted")
    with study.office.store.engine.connect() as connection:
        (wish,) = study.desks.growth.trainings.wishes(connection)
    assert (wish.counsellor_id, wish.why) == (study.lin.id, "heavy")
    study.does(study.desks.growth.finish_talk, wish.id, study.chief)
    with pytest.raises(NotAllowed):
        study.does(study.desks.growth.finish_talk, wish.id, study.chief)
    assert rows(study.office.store.engine, t.debrief)[0].done_by == study.chief.id


def test_who_does_not_want_to_talk_is_not_asked_again_and_nobody_is_told(study: Study) -> None:
    case_id = study.ended(Level.HIGH)
    before = len(rows(study.office.store.engine, t.audit))
    study.does(study.desks.growth.answer_offer, case_id, study.lin, "declined")
    assert looked(study, "hard_cases", study.lin) == []
    assert len(rows(study.office.store.engine, t.audit)) == before
    with study.office.store.engine.connect() as connection:
        assert study.desks.growth.trainings.wishes(connection) == []
    for answer in ("wanted", "perhaps"):
        with pytest.raises(NotAllowed):
            study.does(study.desks.growth.answer_offer, case_id, study.lin, answer)


def test_the_texts_of_self_care_are_short_and_name_no_number() -> None:
    for title, body in load_self_care().texts:
        assert len(title) <= 20
        assert len(body) <= 200
        assert not any(char.isdigit() for char in body)
