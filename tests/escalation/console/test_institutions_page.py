"""The page 机构: searching, changing, files in two steps, and who sees contact persons."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

import server
from escalation.directory.sheets import MOST_ROWS, csv_file, xlsx_file
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site
from tests.building import compiled_screener, rows

pytestmark = pytest.mark.anyio
URL = "/console/institutions"
ENTRY = {
    "name": "演示县医院", "kinds": "er", "region": "演示县", "phones": "000-1 24小时", "is_24h": "是", "age_from": "0",
    "age_to": "120", "status": "active", "contact_name": "王某某", "contact_phone": "000-2",
}  # fmt: skip
HEAD = ["名称", "类型", "地区", "联系人"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    app = server.build_app(load_settings({"HOTLINE_DATA_DIR": str(tmp_path)}), screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def add(seat: Seat, **changes: str) -> str:
    answer = await seat.post(f"{URL}/new/add", **{**ENTRY, **changes})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def found(seat: Seat, **asked: str) -> list[str]:
    answer = await seat.browser.get(f"{URL}.json", params=asked)
    assert answer.status_code == 200
    return [place["name"] for place in answer.json()["found"]]


async def send(seat: Seat, body: bytes, digest: str = "") -> httpx.Response:
    return await seat.browser.post(f"{URL}/import/file", files={"file": ("机构.csv", body)}, data={"digest": digest})


async def test_an_entry_is_added_found_changed_and_checked(site: Site) -> None:
    zhao = site.seat("zhao", "supervisor")
    place = await add(zhao)
    assert await found(zhao, words="演示 24小时", region="演示", age="16", is_24h="yes", kind="er") == ["演示县医院"]
    assert await found(zhao, green_channel="yes") == []
    assert (await zhao.post(f"{URL}/{place}/change", **ENTRY, version="1", fees="免费")).json()["ok"] is True
    assert (await zhao.post(f"{URL}/{place}/change", **ENTRY, version="1", fees="收费")).status_code == 409
    assert (await site.seat("lin").post(f"{URL}/{place}/verify")).json()["ok"] is True
    page = (await zhao.browser.get(f"{URL}/{place}")).text
    assert "费用：（空） → 免费" in page
    assert "王某某" in page


async def test_a_wrong_entry_is_told_field_by_field(site: Site) -> None:
    answer = await site.seat("zhao", "supervisor").post(f"{URL}/new/add", **{**ENTRY, "name": "", "age_to": "x"})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"name", "age_to"}


async def test_nonsense_in_the_address_asks_for_nothing(site: Site) -> None:
    zhao = site.seat("zhao", "supervisor")
    await add(zhao)
    assert await found(zhao, age="-1", kind="", is_24h="maybe") == ["演示县医院"]
    assert await found(zhao, kind="%") == []


async def test_an_editor_changes_the_directory_and_never_sees_or_loses_a_contact_person(site: Site) -> None:
    zhao, editor = site.seat("zhao", "supervisor"), site.seat("ed", "editor")
    place = await add(zhao)
    assert "王某某" not in (await editor.browser.get(f"{URL}/{place}")).text
    answer = await editor.post(f"{URL}/{place}/change", **{**ENTRY, "contact_name": "换掉"}, version="1", fees="免费")
    assert answer.status_code == 200
    assert "王某某" in (await zhao.browser.get(f"{URL}/{place}")).text


@pytest.mark.parametrize(("role", "sees"), [("supervisor", True), ("counsellor", False), ("editor", False)])
async def test_contact_persons_leave_the_house_only_with_those_who_may(site: Site, role: str, sees: bool) -> None:
    await add(site.seat("zhao", "supervisor"))
    seat = site.seat("who", role)
    table = (await seat.browser.get(f"{URL}/export.csv")).content.decode("utf-8-sig")
    book = load_workbook(io.BytesIO((await seat.browser.get(f"{URL}/export.xlsx")).content))
    cells = [cell.value for row in book.active.iter_rows() for cell in row]
    assert ("王某某" in table) is sees
    assert ("王某某" in cells) is sees
    assert "演示县医院" in table
    (audit, _) = rows(site.service.store.engine, t.audit, action="institutions_exported")
    assert audit.actor_id == seat.counsellor.id


async def test_a_file_is_looked_at_first_and_stored_only_when_confirmed(site: Site) -> None:
    zhao = site.seat("zhao", "supervisor")
    await add(zhao)
    body = csv_file(
        [HEAD, ["演示县医院", "学校心理中心", "演示县", "李某"], ["新机构", "其他", "演示县", ""], ["坏", "", "", ""]]
    )
    before = rows(site.service.store.engine, t.institution_version)
    look = (await send(zhao, body)).json()
    assert look["counts"] == {"new": 1, "changed": 1, "same": 0, "broken": 1}
    assert look["lines"][0]["row"] == 4
    assert ["类型", "不能空着"] in look["lines"][0]["errors"]
    assert rows(site.service.store.engine, t.institution_version) == before
    done = (await send(zhao, body, look["digest"])).json()
    assert (done["stored"], done["passed_over"]) == (2, 0)
    assert sorted(await found(zhao)) == sorted(["演示县医院", "新机构"])
    assert (await send(zhao, body)).json()["counts"]["same"] == 2


async def test_a_look_that_is_out_of_date_is_not_stored(site: Site) -> None:
    zhao = site.seat("zhao", "supervisor")
    place = await add(zhao)
    body = csv_file([HEAD[:3], ["演示县医院", "其他", "演示县"]])
    look = (await send(zhao, body)).json()
    await zhao.post(f"{URL}/{place}/change", **ENTRY, version="1", fees="免费")
    assert (await send(zhao, body, look["digest"])).status_code == 409


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "第1行"),
        ("机构,地区\n甲,乙".encode(), "名称"),
        (b"\x00\x01\x02\x03", "编码"),
        (b"x" * (1024 * 1024 + 1), "最大1 MB"),
        (b"PK\x03\x04broken", "XLSX"),
    ],
)
async def test_a_file_that_cannot_be_used_is_refused_in_words(site: Site, body: bytes, words: str) -> None:
    answer = await send(site.seat("zhao", "supervisor"), body)
    assert answer.status_code == 422
    assert words in answer.json()["detail"] or "空" in answer.json()["detail"]


async def test_without_a_file_there_is_nothing_to_read(site: Site) -> None:
    answer = await site.seat("zhao", "supervisor").post(f"{URL}/import/file", file="x")
    assert answer.status_code == 422


@pytest.mark.parametrize("write", [csv_file, xlsx_file])
async def test_ten_thousand_rows_go_in(site: Site, write: Any) -> None:
    zhao = site.seat("zhao", "supervisor")
    body = write([HEAD[:3], *([f"演示{number}", "er", "演示县"] for number in range(MOST_ROWS))])
    look = (await send(zhao, body)).json()
    assert look["counts"]["new"] == MOST_ROWS
    assert len(look["lines"]) == 500
    assert (await send(zhao, body, look["digest"])).json()["stored"] == MOST_ROWS
    assert len(await found(zhao, words="演示9999")) == 1


async def test_a_template_can_be_filled_in(site: Site) -> None:
    zhao = site.seat("zhao", "supervisor")
    answer = await zhao.browser.get(f"{URL}/template.csv")
    assert answer.content.decode("utf-8-sig").startswith("编号,名称,类型,")
    assert (await zhao.browser.get(f"{URL}/template.pdf")).status_code == 404
    assert (await zhao.browser.get(f"{URL}/import")).status_code == 200
    assert (await zhao.browser.get(f"{URL}/new")).status_code == 200


@pytest.mark.parametrize("path", ["/new", "/import", "/template.csv"])
async def test_who_may_only_look_changes_nothing(site: Site, path: str) -> None:
    lin = site.seat("lin")
    assert (await lin.browser.get(URL)).status_code == 200
    assert (await lin.browser.get(f"{URL}{path}")).status_code == 404
    assert (await lin.post(f"{URL}/new/add", **ENTRY)).status_code == 404
    assert (await send(lin, b"x")).status_code == 404


async def test_an_institution_that_is_not_there_is_no_page(site: Site) -> None:
    assert (await site.seat("lin").browser.get(f"{URL}/{'0' * 32}")).status_code == 404
