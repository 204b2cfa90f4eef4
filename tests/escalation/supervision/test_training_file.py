"""A file of trainings: what it would add, and what is wrong with it, row by row."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.directory.sheets import BadSheet
from escalation.supervision.importing import COLUMNS, NewTraining, first_moment, plan, read_training
from records.staff import Counsellor
from records.trainings import Training

TODAY = date(2026, 12, 1)
HEAD = list(COLUMNS.values())
LIN = Counsellor("id-lin", "lin", "林老师", ("counsellor",), "", False, 0, None, True, None)
GOOD = {
    "login": "lin",
    "topic": "危机干预",
    "hours": "1.5",
    "held": "2026-03-15",
    "score": "88",
    "expires": "2028-03-14",
}


def test_a_row_becomes_a_training() -> None:
    found = plan([HEAD, ["lin", "危机干预", "1.5", "2026/3/15", "88", "2028-03-14"], []], [], [LIN], TODAY)
    (line,) = found.lines
    assert (line.what, line.row, line.name) == ("new", 2, "林老师　危机干预")
    assert line.training == NewTraining("id-lin", "危机干预", 90, date(2026, 3, 15), 88, date(2028, 3, 14))


def test_columns_may_stand_in_any_order_and_others_are_named() -> None:
    found = plan(
        [["日期", "学时", "讲师", "主题", "用户名"], ["2026-03-15", "3", "周", "伦理", "lin"]], [], [LIN], TODAY
    )
    assert (found.count("new"), found.ignored) == (1, ("讲师",))


def test_what_is_known_or_stands_twice_is_the_same() -> None:
    held = first_moment(date(2026, 3, 15))
    known = Training("t", "id-lin", "危机干预", 90, held, None, None)
    row = ["lin", "伦理", "3", "2026-03-15"]
    found = plan([HEAD, ["lin", "危机干预", "3", "2026-03-15"], row, row], [known], [LIN], TODAY)
    assert [line.what for line in found.lines] == ["same", "new", "same"]


@pytest.mark.parametrize(
    ("field", "value", "column"),
    [("login", "nobody", "用户名"), ("topic", "", "主题"), ("topic", "长" * 101, "主题"), ("hours", "很久", "学时"),
     ("hours", "0", "学时"), ("hours", "1e3", "学时"), ("hours", "201", "学时"), ("held", "昨天", "日期"),
     ("held", "2026-12-02", "日期"), ("held", "1999-01-01", "日期"), ("held", "2026-02-30", "日期"),
     ("score", "101", "成绩"), ("score", "优", "成绩"), ("expires", "2026-03-15", "到期日"), ("expires", "x", "到期日")],
)  # fmt: skip
def test_what_cannot_be_kept_is_said_by_column(field: str, value: str, column: str) -> None:
    row = [{**GOOD, field: value}[key] for key in COLUMNS]
    (line,) = plan([HEAD, row], [], [LIN], TODAY).lines
    assert (line.what, [where for where, _ in line.errors]) == ("broken", [column])


def test_a_file_without_its_columns_is_refused_in_words() -> None:
    with pytest.raises(BadSheet, match="缺少：主题、学时"):
        plan([["用户名", "日期"]], [], [LIN], TODAY)


def test_the_digest_changes_with_the_file_and_with_the_ledger() -> None:
    cells = [HEAD, ["lin", "伦理", "3", "2026-03-15"]]
    known = Training("t", "id-lin", "伦理", 180, datetime(2026, 3, 14, 16, tzinfo=UTC), None, None)
    digests = {
        plan(cells, [], [LIN], TODAY).digest, plan(cells, [known], [LIN], TODAY).digest,
        plan([HEAD, ["lin", "伦理", "4", "2026-03-15"]], [], [LIN], TODAY).digest,
    }  # fmt: skip
    assert len(digests) == 3
    assert plan(cells, [], [LIN], TODAY).digest in digests


@given(st.fixed_dictionaries({key: st.text(max_size=12) for key in COLUMNS}))
def test_no_text_breaks_the_reader(typed: dict[str, str]) -> None:
    training, wrong = read_training({**typed, "login": "lin"}, {"lin": LIN}, TODAY)
    assert (training is None) == bool(wrong)
