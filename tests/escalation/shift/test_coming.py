"""What the next shift must do for people stands in the hand-over: from the rows that know it, in order of its time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation.care.rescue_desk import Start
from escalation.shift import handover
from escalation.shift.handover import Due
from records import tables as t
from records.staff import Counsellor
from tests.building import do, rows
from tests.escalation.shift.conftest import Ward
from triage.risk import Level


def due(ward: Ward) -> list[Due]:
    """What the hand-over of this moment lists."""
    signing = ward.shift.signing
    return list(do(ward.office.writer, lambda c: signing.now_open(c, ward.office.clock())).due)


def words(ward: Ward) -> list[str]:
    return [one.words for one in due(ward)]


def rescue(ward: Ward, action: str, case_id: str, who: Counsellor, *arguments: object) -> None:
    method = getattr(ward.office.desks.rescue, action)
    do(ward.office.writer, lambda c: method(c, case_id, who, *arguments, ward.office.clock()))


def called_back(ward: Ward, case_id: str, opens_h: float, ends_h: float, *, kind: str = "safety", code: str = "24h"):
    now, store = ward.office.clock(), ward.office.store

    def work(connection) -> None:
        store.follow_ups.add(
            connection, case_id=case_id, kind=kind, code=code, level=3, window_start=now + timedelta(hours=opens_h),
            window_end=now + timedelta(hours=ends_h), assignee_id=None, next_at=None, made_by="x", made_at=now,
        )  # fmt: skip

    do(ward.office.writer, work)


def test_a_calm_house_hands_over_nothing_to_do(ward: Ward) -> None:
    assert due(ward) == []


@pytest.mark.parametrize(
    ("opens_h", "ends_h", "is_listed", "is_late"),
    [
        (-30, -2, True, True),  # overdue
        (-2, 6, True, False),  # ends in this shift
        (10, 30, True, False),  # begins in it: agreed for tomorrow at eight
        (-30, 60, False, False),  # another shift may make this call too
        (13, 30, False, False),
    ],
)
def test_calls_back_that_fall_into_the_coming_shift_are_listed(
    ward: Ward, opens_h: float, ends_h: float, is_listed: bool, is_late: bool
) -> None:
    case_id = ward.served(Level.MEDIUM, ward.here("lin"))
    called_back(ward, case_id, opens_h, ends_h)
    found = due(ward)
    assert [one.words for one in found] == (["24小时随访"] if is_listed else [])
    assert [(one.case_id, one.who, one.is_late) for one in found] == ([(case_id, "", is_late)] if is_listed else [])


def test_a_rescue_that_nobody_confirmed_stands_first_and_goes_when_somebody_has(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.EMERGENCY, lin)
    assert words(ward) == ["红色：要决定是否救援"]
    rescue(ward, "start", case_id, lin, Start("act", "已服药，意识模糊"))
    called_back(ward, case_id, -30, -2)
    first, second = due(ward)
    assert (first.words[:3], first.is_late, first.who, second.words) == ("救援：", True, "lin", "24小时随访")
    rescue(ward, "arrive", case_id, lin, "派出所来电，已见到本人")
    assert words(ward) == ["24小时随访"]


def test_what_the_team_owes_itself_has_its_own_name(ward: Ward) -> None:
    case_id = ward.served(Level.MEDIUM, ward.here("lin"))
    called_back(ward, case_id, -1, 5, kind="team", code="debrief")
    assert words(ward) == ["团队复盘"]


def test_a_transfer_that_waits_for_its_answer_is_listed_with_both_names(ward: Ward) -> None:
    lin, zhang = ward.here("lin"), ward.here("zhang")
    ward.asked(ward.served(Level.MEDIUM, lin), lin, zhang)
    assert words(ward) == ["转交：lin 请 zhang 接，还没有答复"]


def test_a_task_of_a_referral_is_listed_for_whom_it_is(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.MEDIUM, lin)
    store, now = ward.office.store, ward.office.clock()
    do(ward.office.writer, lambda c: store.referral_tasks.open(c, "referral", case_id, "call_partner", lin.id, now))
    (one,) = due(ward)
    assert (one.words, one.who, one.by[-2:]) == ("转介：对方没有确认，请打电话", "lin", " 起")


def test_a_report_of_harm_is_listed_until_it_is_made(ward: Ward) -> None:
    lin = ward.here("lin")
    case_id = ward.served(Level.MEDIUM, lin)
    store, now = ward.office.store, ward.office.clock()
    late_at = now - timedelta(minutes=1)

    def flag(connection) -> str:
        matter_id = store.matters.add(
            connection, form={}, kind="report", case_id=case_id, state="open", made_by=lin.id, made_at=now,
            owes_notice=False, is_drill=False,
        )  # fmt: skip
        store.matters.start_clock(connection, matter_id, "report", now, late_at)
        return str(matter_id)

    do(ward.office.writer, flag)
    (one,) = due(ward)
    assert (one.words[:4], one.is_late) == ("强制报告", True)


def test_it_is_signed_as_it_was_and_an_older_hand_over_still_opens(ward: Ward) -> None:
    lead = ward.here("lead", "duty_lead")
    called_back(ward, ward.served(Level.MEDIUM, lead), -1, 5)
    made = ward.act("signing", "sign_out", lead, "", "")
    do(ward.office.writer, lambda c: c.execute(t.follow_up.update().values(state="done")))
    found = do(ward.office.writer, lambda c: ward.office.store.handovers.get(c, made))
    assert found is not None
    assert handover.is_intact(found)
    assert [one["words"] for one in handover.opened(found.snapshot)["due"]] == ["24小时随访"]
    assert "随访".encode() not in rows(ward.office.store.engine, t.handover)[0].snapshot_sealed
    assert "due" not in handover.opened('{"cases": []}')
