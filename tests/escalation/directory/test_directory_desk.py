"""The directory over real rows: every version kept, contact persons sealed, checks that fall with vital changes."""

from __future__ import annotations

from typing import Any

import pytest

from escalation.cases import NotAllowed, SomebodyElse
from escalation.directory.directory_desk import BadEntry
from escalation.directory.importing import plan
from records import tables as t
from records.institutions import Wish
from tests.building import rows
from tests.escalation.bureau import ENTRY, Bureau


def change(bureau: Bureau, place: str, *, version: int = 1, checked: bool = False, **texts: str) -> None:
    form = {**bureau.texts(place), **texts}
    desk, now = bureau.referrals.directory, bureau.office.clock()
    bureau.do(lambda c: desk.change(c, place, bureau.zhao, form, now, version=version, checked=checked))


def find(bureau: Bureau, words: str = "", **wish: Any) -> list[str]:
    with bureau.office.store.engine.connect() as connection:
        return [one.name for one in bureau.referrals.directory.find(connection, words, Wish(**wish))]


def contact(bureau: Bureau, place: str) -> dict[str, str]:
    with bureau.office.store.engine.connect() as connection:
        return bureau.referrals.directory.contact(connection, place)


def what_happened(bureau: Bureau, place: str) -> list[str]:
    with bureau.office.store.engine.connect() as connection:
        return [one.what for one in bureau.office.store.institutions.versions(connection, place)]


def test_the_contact_person_is_sealed_in_every_version(bureau: Bureau) -> None:
    place = bureau.institution()
    change(bureau, place, fees="免费")
    for table in (t.institution, t.institution_version):
        stored = str(rows(bureau.office.store.engine, table))
        assert "演示县医院" in stored
        assert "演示联系人" not in stored
        assert "000-00000002" not in stored
    assert contact(bureau, place) == {"contact_name": "演示联系人", "contact_phone": "000-00000002"}


def test_every_version_stays(bureau: Bureau) -> None:
    place = bureau.institution()
    change(bureau, place, fees="免费")
    bureau.do(lambda c: bureau.referrals.directory.verify(c, place, bureau.lin, bureau.office.clock()))
    assert what_happened(bureau, place) == ["added", "changed", "verified"]
    with bureau.office.store.engine.connect() as connection:
        versions = bureau.office.store.institutions.versions(connection, place)
    assert [one.fields["fees"] for one in versions] == ["", "免费", "免费"]
    assert [row.action for row in rows(bureau.office.store.engine, t.audit, object_id=place)] == [
        "institution_added", "institution_changed", "institution_verified",
    ]  # fmt: skip


def test_a_check_says_who_and_when(bureau: Bureau) -> None:
    place = bureau.institution(checked=False)
    assert bureau.entry(place).verified_at is None
    bureau.do(lambda c: bureau.referrals.directory.verify(c, place, bureau.lin, bureau.office.clock()))
    entry = bureau.entry(place)
    assert (entry.verified_by, entry.verified_at) == (bureau.lin.id, bureau.office.clock())


@pytest.mark.parametrize(
    ("texts", "still"), [({"fees": "免费"}, True), ({"phones": "000-3"}, False), ({"age_to": "17"}, False)]
)
def test_a_vital_change_must_be_checked_anew(bureau: Bureau, texts: dict[str, str], still: bool) -> None:
    place = bureau.institution()
    change(bureau, place, **texts)
    assert (bureau.entry(place).verified_at is not None) is still
    change(bureau, place, version=2, checked=True, phones="000-4")
    assert bureau.entry(place).verified_by == bureau.zhao.id


def test_who_read_an_older_version_overwrites_nobody(bureau: Bureau) -> None:
    place = bureau.institution()
    change(bureau, place, fees="免费")
    with pytest.raises(SomebodyElse):
        change(bureau, place, version=1, fees="收费")
    assert bureau.entry(place).fields["fees"] == "免费"
    with pytest.raises(NotAllowed, match="没有改动"):
        change(bureau, place, version=2)


def test_errors_are_told_field_by_field(bureau: Bureau) -> None:
    with pytest.raises(BadEntry) as refused:
        bureau.institution(name="", age_from="x")
    assert set(refused.value.errors) == {"name", "age_from"}


def test_a_name_is_once_in_a_region(bureau: Bureau) -> None:
    bureau.institution()
    with pytest.raises(BadEntry) as refused:
        bureau.institution()
    assert set(refused.value.errors) == {"name"}
    other = bureau.institution(region="另一个县")
    with pytest.raises(BadEntry):
        change(bureau, other, region="演示县")


def test_who_does_not_see_the_contact_person_does_not_lose_it(bureau: Bureau) -> None:
    place = bureau.institution()
    change(bureau, place, fees="免费")
    assert contact(bureau, place)["contact_name"] == "演示联系人"
    change(bureau, place, version=2, contact_name="新联系人", contact_phone="")
    assert contact(bureau, place) == {"contact_name": "新联系人"}


@pytest.mark.parametrize(
    ("words", "wish", "found"),
    [
        ("", {}, ["乙校心理中心", "甲县医院"]),
        ("甲", {}, ["甲县医院"]),
        ("失眠 医院", {}, ["甲县医院"]),
        ("ＡＢＣ", {}, ["甲县医院"]),
        ("100%", {}, []),
        ("", {"region": "甲"}, ["甲县医院"]),
        ("", {"kind": "school"}, ["乙校心理中心"]),
        ("", {"kind": "sch"}, []),
        ("", {"age": 16}, ["乙校心理中心"]),
        ("", {"age": 18}, ["乙校心理中心", "甲县医院"]),
        ("", {"is_24h": True}, ["甲县医院"]),
        ("", {"green_channel": True}, []),
        ("", {"only_active": True}, ["甲县医院"]),
    ],
)
def test_the_search_finds_by_words_and_filters(
    bureau: Bureau, words: str, wish: dict[str, Any], found: list[str]
) -> None:
    bureau.institution(name="甲县医院", region="甲县", services="失眠门诊；abc", age_from="18")
    bureau.institution(name="乙校心理中心", region="乙县", kinds="school", age_to="18", is_24h="否", status="暂停接收")
    assert sorted(find(bureau, words, **wish)) == sorted(found)


def test_invented_institutions_are_left_out_where_they_must_not_be(bureau: Bureau) -> None:
    bureau.institution(is_drill=True)
    assert find(bureau, with_drills=False) == []
    assert find(bureau) == ["演示县医院"]


def test_an_import_keeps_versions_and_says_nothing_about_checks(bureau: Bureau) -> None:
    place = bureau.institution()
    desk = bureau.referrals.directory
    cells = [
        ["名称", "类型", "地区", "费用"],
        ["演示县医院", "er", "演示县", "免费"],
        ["新机构", "school", "演示县", ""],
    ]

    def look() -> Any:
        with bureau.office.store.engine.connect() as connection:
            return plan(cells, desk.known(connection), desk.directory, with_contacts=True)

    found = look()
    assert [line.what for line in found.lines] == ["changed", "new"]
    assert bureau.do(lambda c: desk.take_lines(c, found.lines, bureau.zhao, bureau.office.clock())) == 0
    assert what_happened(bureau, place) == ["added", "imported"]
    assert (bureau.entry(place).fields["fees"], contact(bureau, place)["contact_name"]) == ("免费", "演示联系人")
    assert bureau.entry(place).fields["phones"] == [ENTRY["phones"]]
    assert [line.what for line in look().lines] == ["same", "same"]
    (new,) = [row for row in rows(bureau.office.store.engine, t.institution) if row.name == "新机构"]
    assert new.verified_at is None


def test_an_import_passes_over_what_somebody_changed_meanwhile(bureau: Bureau) -> None:
    place = bureau.institution()
    desk = bureau.referrals.directory
    cells = [["名称", "类型", "地区", "费用"], ["演示县医院", "er", "演示县", "免费"]]
    with bureau.office.store.engine.connect() as connection:
        found = plan(cells, desk.known(connection), desk.directory, with_contacts=True)
    change(bureau, place, fees="收费")
    assert bureau.do(lambda c: desk.take_lines(c, found.lines, bureau.zhao, bureau.office.clock())) == 1
    assert bureau.entry(place).fields["fees"] == "收费"
