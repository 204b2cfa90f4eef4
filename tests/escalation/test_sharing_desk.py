"""Cases shared by invitation, opinions, and looks behind the masks, on real rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from escalation.admission import Admission
from escalation.cases import NoSuchCase, NotAllowed
from escalation.roles import load_permissions
from escalation.sharing_desk import Invitation, SharingDesk
from records import tables as t
from records.conversations import NewMessage
from records.shares import Share
from records.staff import Counsellor
from tests.building import do, rows
from tests.escalation.conftest import Office
from triage.risk import Level

REASON = "疑似首次发病，请判断是否需要急诊"


class Room:
    """The desk of invitations in an office with one case of Lin's and one expert."""

    def __init__(self, office: Office):
        self.office = office
        self.desk = SharingDesk(office.desk.handling, office.store.shares)
        self.admission = Admission(load_permissions(), office.store.cases, office.store.alerts, office.store.shares)
        self.lin, self.expert = office.counsellor("lin"), office.counsellor("zhou", "expert")
        self.case_id = office.case_at(Level.HIGH)
        self.wanted = Invitation(self.expert.id, 3, REASON, shows_contact=False)

    def invite(self, **change: Any) -> None:
        wanted, now = replace(self.wanted, **change), self.office.clock()
        do(self.office.writer, lambda c: self.desk.invite(c, self.case_id, self.lin, wanted, now))

    def end(self, share_id: str) -> None:
        now = self.office.clock()
        do(self.office.writer, lambda c: self.desk.end(c, self.case_id, self.lin, share_id, now))

    def shares(self) -> list[Share]:
        with self.office.store.engine.connect() as connection:
            return self.desk.shares.of_case(connection, self.case_id)

    def sees(self, who: Counsellor, case_id: str = "", action: str = "shared_view") -> bool:
        with self.office.store.engine.connect() as connection:
            case = case_id or self.case_id
            return self.admission.allows(connection, who, "session", action, case, self.office.clock())


@pytest.fixture
def room(office: Office) -> Room:
    return Room(office)


def test_an_invitation_opens_one_case_to_one_person_until_its_end(room: Room, office: Office) -> None:
    other_case, other_expert = office.case_at(Level.HIGH, "other"), office.counsellor("wu", "mh_officer")
    assert not room.sees(room.expert)
    room.invite()
    assert room.sees(room.expert)
    assert not room.sees(room.expert, other_case)
    assert not room.sees(other_expert)
    office.clock.forward(days=3, seconds=-1)
    assert room.sees(room.expert)
    office.clock.forward(seconds=1)
    assert not room.sees(room.expert)


def test_an_invitation_is_ended_at_any_time_and_once(room: Room) -> None:
    room.invite()
    (share,) = room.shares()
    room.end(share.id)
    assert not room.sees(room.expert)
    with pytest.raises(NotAllowed):
        room.end(share.id)
    room.invite()  # and may be made again
    assert room.sees(room.expert)


def test_the_reason_is_kept_sealed_and_both_steps_are_told_and_audited(room: Room, office: Office) -> None:
    room.invite()
    (share,) = room.shares()
    room.end(share.id)
    assert share.reason == REASON
    assert REASON not in str(rows(office.store.engine, t.case_share)) + str(rows(office.store.engine, t.audit))
    for what in ("case_shared", "case_share_ended"):
        (audit,) = office.audited(what)
        assert (audit.actor_id, audit.object_id) == (room.lin.id, room.case_id)
        assert len(office.told(what)) == 1


@pytest.mark.parametrize(
    "change",
    [{"reason": "看"}, {"reason": " " * 9}, {"reason": "长" * 1001}, {"days": 0}, {"days": 365}, {"with_id": "x"}],
)
def test_an_invitation_that_will_not_do_is_refused(room: Room, change: dict[str, Any]) -> None:
    with pytest.raises(NotAllowed):
        room.invite(**change)
    assert room.shares() == []


def test_only_an_active_expert_or_officer_is_invited(room: Room, office: Office) -> None:
    with pytest.raises(NotAllowed):
        room.invite(with_id=office.counsellor("wang").id)
    do(office.writer, lambda c: office.store.staff.change(c, room.expert.id, is_active=False))
    with pytest.raises(NotAllowed):
        room.invite()


def test_nobody_is_invited_twice_to_the_same_case(room: Room) -> None:
    room.invite()
    with pytest.raises(NotAllowed):
        room.invite()


def test_a_case_that_does_not_exist_is_not_shared(room: Room) -> None:
    room.case_id = "0" * 32
    with pytest.raises(NoSuchCase):
        room.invite()


def test_an_opinion_stands_among_the_notes_as_such(room: Room, office: Office) -> None:
    do(office.writer, lambda c: room.desk.give_opinion(c, room.case_id, room.expert, "建议今天急诊", office.clock()))
    with office.store.engine.connect() as connection:
        (note,) = office.store.cases.notes(connection, room.case_id)
    assert (note["kind"], note["by_id"], note["body"]) == ("opinion", room.expert.id, "建议今天急诊")
    assert len(office.told("opinion_given")) == 1


@pytest.mark.parametrize("text", ["", " \n", "长" * 4001])
def test_an_opinion_that_will_not_do_is_refused(room: Room, office: Office, text: str) -> None:
    with pytest.raises(NotAllowed):
        do(office.writer, lambda c: room.desk.give_opinion(c, room.case_id, room.expert, text, office.clock()))


def test_a_look_behind_the_mask_has_a_reason_is_audited_and_good_for_this_sign_in(room: Room, office: Office) -> None:
    def looks(session: str) -> bool:
        with office.store.engine.connect() as connection:
            now = office.clock()
            return room.admission.allows(connection, room.lin, session, "contact_view", room.case_id, now)

    with pytest.raises(NotAllowed):
        do(office.writer, lambda c: room.desk.reveal(c, room.case_id, room.lin, "s1", "curious", office.clock()))
    assert not looks("s1")
    do(office.writer, lambda c: room.desk.reveal(c, room.case_id, room.lin, "s1", "rescue", office.clock()))
    assert looks("s1")
    assert not looks("s2")
    (audit,) = office.audited("contact_revealed")
    assert (audit.actor_id, audit.object_id, audit.detail) == (room.lin.id, room.case_id, '{"why": "rescue"}')


def test_who_serves_sees_names_without_asking(room: Room, office: Office) -> None:
    office.act("claim", room.case_id, room.lin)
    assert room.sees(room.lin, action="contact_view")
    assert not room.sees(office.counsellor("zhao", "supervisor"), action="contact_view")


@pytest.mark.parametrize("part", ["note", "set_level", "reply"])
def test_who_took_part_still_sees_the_case_when_a_colleague_has_it(room: Room, office: Office, part: str) -> None:
    wang = office.counsellor("wang")
    if part == "note":
        office.act("note", room.case_id, wang, "母亲在身边")
    elif part == "set_level":
        office.act("set_level", room.case_id, wang, Level.EMERGENCY, "已经站上窗台")
    else:
        chat = office.case(room.case_id).conversation_id
        do(office.writer, lambda c: speak(office, c, chat, wang))
    office.act("claim", room.case_id, room.lin)
    assert room.sees(wang, action="case_view")
    assert not room.sees(office.counsellor("qian"), action="case_view")


def speak(office: Office, connection: Any, conversation_id: str, who: Counsellor) -> None:
    """What a counsellor said, as the outbox leaves it in the conversation."""
    new = NewMessage(conversation_id, "counsellor", "text", "web", "own", "我在", office.clock(), who.id)
    office.store.conversations.add(connection, new, 99)
