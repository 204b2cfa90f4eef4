"""The house around the cases: colleagues, sign-ins, rosters, signed hand-overs and the directory of institutions."""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa

from escalation.directory.fields import load_directory, read_all, search_words
from escalation.shift import handover
from escalation.shift.handover import OpenCase, Snapshot
from records.conversations import new_id
from records.handovers import Handover
from records.institutions import Revision
from records.store import Store
from tests.building import PASSED
from tests.volume.heap import DAY, HOUR, Heap, instant

_ROLES = ("counsellor",) * 40 + ("volunteer",) * 10 + ("duty_lead",) * 6 + ("supervisor",) * 4
_SHIFT = 8 * HOUR
_SEATS = 5
_OPEN = Snapshot(
    [OpenCase(f"{n:032x}", f"local-20260101-{n:05d}", 2, "黄·中", "服务中", "林老师", "继续陪伴") for n in range(40)],
    [], [], [], "设备正常", "",
)  # fmt: skip


def open_house(heap: Heap, since: int) -> list[str]:
    """Everybody who works here with three years of their duty; returns the ids of those who answer."""
    staff = [(_colleague(heap, number, role, since), role) for number, role in enumerate(_ROLES)]
    answering = [who for who, role in staff if role != "volunteer"]
    leads = [who for who, role in staff if role == "duty_lead"]
    for begins in range(since - since % DAY, heap.now + 7 * DAY, _SHIFT):
        for who in heap.dice.sample(answering, _SEATS):
            heap.add(
                "roster", counsellor_id=who, role="seat", begins_at=begins, ends_at=begins + _SHIFT, by_id=leads[0]
            )
            if begins < heap.now:
                heap.add(
                    "staff_session", counsellor_id=who, csrf="", opened_at=begins, seen_at=begins + _SHIFT,
                    closed_at=begins + _SHIFT, stage="open", agent="",
                )  # fmt: skip
        if begins < heap.now - _SHIFT:
            _hand_over(heap, heap.dice.sample(leads, 2), begins + _SHIFT)
    return answering


def _colleague(heap: Heap, number: int, role: str, since: int) -> str:
    who = heap.add(
        "counsellor", login=f"{role}{number}", display_name=f"老师{number}", roles=json.dumps([role]),
        password_hash=PASSED, must_change=False, created_at=since,
    )  # fmt: skip
    heap.add("presence", who, state="on" if number % 5 == 0 else "off", since=heap.now - HOUR, seen_at=heap.now)
    return who


def _hand_over(heap: Heap, leads: Sequence[str], at: int) -> None:
    text, (out_id, in_id), row_id = handover.frozen(_OPEN), leads, heap.id()
    digest = handover.out_digest(text, out_id, instant(at))
    signed = Handover(row_id, out_id, text, digest, instant(at), in_id, instant(at), None)
    heap.add(
        "handover", row_id, out_id=out_id, snapshot_sealed=text, digest=digest, out_at=at, in_id=in_id, in_at=at,
        in_digest=handover.in_digest(signed, in_id, instant(at)),
    )  # fmt: skip
    heap.audit("handover_out", at, out_id, row_id)


def add_institutions(store: Store, connection: sa.Connection, now: int, count: int) -> list[str]:
    """A directory of so many invented institutions; returns their ids."""
    directory, revisions = load_directory(), []
    for number in range(count):
        texts = {
            "name": f"示例机构{number}（虚构）", "kinds": "精神科/心理科门诊", "region": f"示例县第{number % 30}区",
            "phones": f"000-{number:08d} 24小时", "services": "心理评估",
        }  # fmt: skip
        values, errors = read_all(directory.public, texts)
        assert not errors, errors
        words = search_words(directory, values)
        checked = instant(now - number % 300 * DAY)
        revisions.append(Revision(new_id(), 1, "added", values, "", words, "volume", checked))
    store.institutions.save(connection, revisions, "volume", instant(now))
    return [revision.institution_id for revision in revisions]
