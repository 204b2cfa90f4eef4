"""What a file would change: row by row, errors with row and column in words, nothing stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from escalation.directory.fields import load_directory, read_all, shown
from escalation.directory.importing import ID_COLUMN, ImportPlan, Known, plan
from escalation.directory.sheets import BadSheet
from records.institutions import Institution

DIRECTORY = load_directory()
HEAD = ["名称", "类型", "地区", "电话和时段"]
ROW = ["演示县医院", "医院精神科急诊", "演示县", "000-0000001 24小时"]


def known(id: str = "i1", *, contact: dict[str, str] | None = None, **texts: str) -> Known:
    values, errors = read_all(
        DIRECTORY.fields, {"name": ROW[0], "kinds": ROW[1], "region": ROW[2], "phones": ROW[3], **texts}
    )
    assert errors == {}
    fields = {field.code: values[field.code] for field in DIRECTORY.public}
    at = datetime(2026, 12, 1, tzinfo=UTC)
    return Known(Institution(id, fields, 3, "zhao", at, "zhao", at, False), contact or {})


def planned(
    *rows: list[str], there: tuple[Known, ...] = (), head: list[str] = HEAD, with_contacts: bool = True
) -> ImportPlan:
    return plan([head, *rows], there, DIRECTORY, with_contacts=with_contacts)


def test_a_row_that_is_not_there_yet_is_new() -> None:
    (line,) = planned(ROW).lines
    assert (line.row, line.what, line.name, line.institution_id) == (2, "new", "演示县医院", "")
    assert line.fields is not None
    assert (line.fields["kinds"], line.fields["age_to"], line.fields["status"]) == (["er"], 120, "active")


def test_the_same_row_again_is_the_same() -> None:
    assert [line.what for line in planned(ROW, there=(known(),)).lines] == ["same"]


def test_a_change_is_told_column_by_column() -> None:
    (line,) = planned([*ROW[:3], "000-0000009"], there=(known(),)).lines
    assert (line.what, line.institution_id, line.version) == ("changed", "i1", 3)
    assert line.changes == (("电话和时段", "000-0000001 24小时", "000-0000009"),)


def test_names_are_found_whatever_their_width_and_spaces() -> None:
    (line,) = planned(["演示县 医院", *ROW[1:]], there=(known(),)).lines
    assert line.changes == (("名称", "演示县医院", "演示县 医院"),)


def test_an_empty_cell_empties_and_a_missing_column_leaves() -> None:
    there = (known(services="失眠门诊", contact={"contact_name": "王某"}),)
    (line,) = planned([*ROW[:3], ""], there=there).lines
    assert line.changes == (("电话和时段", "000-0000001 24小时", ""),)
    assert line.fields is not None
    assert line.fields["services"] == ["失眠门诊"]
    assert line.contact is not None
    assert line.contact["contact_name"] == "王某"


def test_the_number_finds_an_institution_that_was_renamed() -> None:
    (line,) = planned(["i1", "演示市医院", *ROW[1:]], there=(known(),), head=[ID_COLUMN, *HEAD]).lines
    assert (line.what, line.institution_id, [change[0] for change in line.changes]) == ("changed", "i1", ["名称"])


@pytest.mark.parametrize(
    ("row", "errors"),
    [
        (["", *ROW[1:]], {"名称": "不能空着"}),
        ([ROW[0], "诊所", ROW[2], "打前台"], {"类型": "没有“诊所”", "电话和时段": "不像电话号码"}),
        ([ROW[0]], {"类型": "不能空着", "地区": "不能空着"}),
    ],
)
def test_a_broken_row_says_what_is_wrong_in_which_column(row: list[str], errors: dict[str, str]) -> None:
    (line,) = planned(row).lines
    assert line.what == "broken"
    told = dict(line.errors)
    if row[1:]:
        assert set(told) == set(errors)
    for column, words in errors.items():
        assert words in told[column]


def test_two_rows_that_mean_the_same_institution_are_not_both_taken() -> None:
    first, second = planned(ROW, ["演示县医院 ", *ROW[1:]]).lines
    assert (first.what, second.what) == ("new", "broken")
    assert second.errors == (("名称", "和第2行是同一个机构（名称、地区一样）"),)


def test_a_row_may_not_take_the_name_of_another_institution() -> None:
    there = (known(), known("i2", name="演示市医院"))
    (line,) = planned(["i2", *ROW], there=there, head=[ID_COLUMN, *HEAD]).lines
    assert line.errors == (("名称", "名录里已有同名、同地区的另一个机构"),)


def test_a_number_that_is_not_in_the_directory_is_refused() -> None:
    (line,) = planned(["i9", *ROW], head=[ID_COLUMN, *HEAD]).lines
    assert line.errors[0][0] == ID_COLUMN


def test_empty_rows_are_passed_over_and_keep_the_others_number() -> None:
    assert [line.row for line in planned(["", "", "", ""], ROW).lines] == [3]


def test_without_names_of_columns_nothing_is_read() -> None:
    with pytest.raises(BadSheet, match="名称"):
        planned(head=["机构", "地区"])


def test_contact_persons_are_read_only_for_those_who_may() -> None:
    head, row = [*HEAD, "联系人"], [*ROW, "王某"]
    (line,) = planned(row, head=head).lines
    assert line.contact is not None
    assert line.contact["contact_name"] == "王某"
    found = planned(row, head=head, with_contacts=False)
    assert found.lines[0].contact is not None
    assert found.lines[0].contact["contact_name"] == ""
    assert found.ignored == ("联系人",)


def test_a_check_cannot_be_imported() -> None:
    assert planned([*ROW, "2026-12-01"], head=[*HEAD, "核实日期"]).ignored == ("核实日期",)


def test_what_was_exported_changes_nothing() -> None:
    there = known(
        services="失眠；焦虑", age_to="17", latitude="1.5", longitude="2", is_24h="是", contact={"contact_name": "王"}
    )
    values: dict[str, Any] = {**there.institution.fields, **there.contact}
    row = ["i1", *(shown(field, values.get(field.code)) for field in DIRECTORY.fields)]
    found = planned(row, there=(there,), head=[ID_COLUMN, *(field.words for field in DIRECTORY.fields)])
    assert [(line.what, line.changes) for line in found.lines] == [("same", ())]


def test_the_digest_changes_with_the_file_and_with_the_directory() -> None:
    before = planned([*ROW[:3], "000-2"], there=(known(),))
    assert before.digest == planned([*ROW[:3], "000-2"], there=(known(),)).digest
    newer = known()
    newer = Known(replace(newer.institution, version=4), {})
    assert before.digest != planned([*ROW[:3], "000-2"], there=(newer,)).digest
    assert before.digest != planned([*ROW[:3], "000-3"], there=(known(),)).digest
