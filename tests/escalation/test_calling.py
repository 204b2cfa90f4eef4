"""Who is called on which rung, and what the queue says of it: values only."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from escalation.calling import Called, load_rungs, outside_of, told, waited, ways_of
from escalation.roles import load_permissions
from escalation.routing import RUNGS
from records.addresses import Way
from records.notices import CALL, Notice
from tests.building import NOW
from triage.risk import Level

TABLE = load_rungs()
OWN = {"oncall.sms": "sms", "oncall.mail": "mail", "robot": "robot"}
WAYS = [
    Way("lin-push", "push", "lin", ("counsellor",)),
    Way("lin-sms", "sms", "lin", ("counsellor",)),
    Way("lead-push", "push", "lead", ("duty_lead",)),
    Way("lead-sms", "sms", "lead", ("duty_lead",)),
    Way("lead-mail", "mail", "lead", ("duty_lead",)),
    Way("zhao-sms", "sms", "zhao", ("supervisor", "counsellor")),
    Way("root-sms", "sms", "root", ("admin",)),
]
CALLED = {
    "all_seats": (["lin-push"], []),
    "duty_lead": (["lead-push", "lead-sms", "lead-mail"], ["robot"]),
    "supervisor": (["zhao-sms"], ["robot"]),
    "oncall": ([], ["oncall.sms", "oncall.mail", "robot"]),
}


@pytest.mark.parametrize("rung", RUNGS)
def test_each_rung_calls_its_own_people(rung: str) -> None:
    rule = TABLE[rung]
    called = [way.address_id for way in ways_of(rule, Level.EMERGENCY, WAYS)]
    assert (called, [way.address_id for way in outside_of(rule, Level.EMERGENCY, OWN)]) == CALLED[rung]


@pytest.mark.parametrize("level", Level)
def test_the_first_ring_leaves_the_screens_only_in_danger(level: Level) -> None:
    assert bool(ways_of(TABLE["all_seats"], level, WAYS)) is (level >= Level.HIGH)


def test_what_has_no_settings_is_not_called() -> None:
    assert outside_of(TABLE["oncall"], Level.EMERGENCY, {"oncall.mail": "mail"}) == [Way("oncall.mail", "mail")]


def test_every_role_of_the_table_exists() -> None:
    assert {role for rule in TABLE.values() for role in rule.roles} <= set(load_permissions().names)


@pytest.mark.parametrize("change", [("[oncall]", "[on_call]"), ('"low"', '"lowest"')])
def test_a_table_that_does_not_fit_the_ladder_is_refused_at_start(tmp_path: Path, change: tuple[str, str]) -> None:
    shipped = Path("escalation/calling.toml")
    file = tmp_path / "calling.toml"
    file.write_text(
        (Path(__file__).parents[2] / shipped).read_text(encoding="utf-8").replace(*change), encoding="utf-8"
    )
    with pytest.raises(ValueError, match="oncall|lowest"):
        load_rungs(file)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 秒"), (60, "60 秒"), (119.6, "2 分钟"), (120, "2 分钟"), (1800, "30 分钟"), (5400, "90 分钟")],
)
def test_how_long_is_said_as_a_person_says_it(seconds: float, words: str) -> None:
    assert waited(timedelta(seconds=seconds)) == words


def call(who: str, state: str = "sent", step: int = 1, *, seen: bool = False, address: str = "") -> Notice:
    return Notice(
        f"{who}{address}", CALL, "call.climbed", {}, "sms", address or f"{who}-sms", "alert", "case", step,
        who if not address or "." not in address else None, state, "", 0, NOW, NOW, NOW if seen else None,
    )  # fmt: skip


ROBOT = replace(call("robot"), counsellor_id=None, address_id="robot")


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ([], Called()),
        ([call("lead", "pending")], Called()),
        ([call("lead")], Called("已通知值班长 1 人，还没有人看到")),
        ([call("lead"), call("wang", seen=True)], Called("已通知值班长 2 人，1 人已看到")),
        ([call("lead"), call("lead", address="lead-mail")], Called("已通知值班长 1 人，还没有人看到")),
        ([call("lead"), call("lead", "dead", address="lead-mail")], Called("已通知值班长 1 人，还没有人看到")),
        ([call("lead", seen=True), call("zhao", step=2)], Called("已通知值班长 1 人、督导 1 人，1 人已看到")),
        ([ROBOT, call("lead")], Called("已通知值班长 1 人、值班群，还没有人看到")),
        ([replace(ROBOT, seen_at=NOW)], Called("已通知值班群，1 人已看到")),
        (
            [call("", address="oncall.sms", step=3), call("", address="oncall.mail", step=3)],
            Called("已通知外部值守 1 人，还没有人看到"),
        ),
        ([call("lead", "dead")], Called("", "外部通知发不出去：值班长 1 人")),
        ([call("lead", "failing"), call("wang", "pending")], Called("", "外部通知发不出去：值班长 1 人")),
        (
            [call("lead", "dead"), call("zhao", step=2)],
            Called("已通知督导 1 人，还没有人看到", "外部通知发不出去：值班长 1 人"),
        ),
        ([replace(ROBOT, state="dead")], Called("", "外部通知发不出去：值班群")),
        (
            [call("lead", "pending", seen=True)],
            Called("已通知值班长 1 人，1 人已看到"),
        ),  # sent, and we died before we knew
    ],
)
def test_the_queue_says_who_was_called_who_saw_it_and_who_could_not_be(calls: list[Notice], said: Called) -> None:
    assert told(calls) == said
