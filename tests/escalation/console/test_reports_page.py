"""Statistics in the console: who sees which numbers, what is frozen, what leaves the house."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

import server
from escalation.reports.periods import ZONE
from records import tables as t
from records.tables import frozen_report
from settings import load_settings
from tests.browsing import Seat, Site
from tests.building import Clock, compiled_screener, do, rows
from tests.report_samples import fill

pytestmark = pytest.mark.anyio
URL = "/console/reports"
NOW = datetime(2026, 12, 2, 9, tzinfo=ZONE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three months of a small hotline; every test freezes a month of its own."""
    settings = load_settings({"HOTLINE_DATA_DIR": str(tmp_path_factory.mktemp("reports"))})
    app = server.build_app(settings, now=Clock(NOW), screener=compiled_screener())
    service = app.state.service
    fill(service.store, service.writer, datetime(2026, 9, 1, tzinfo=ZONE), 91, a_day=6)
    yield Site(app, service)
    service.writer.close()
    service.store.engine.dispose()


async def page(seat: Seat, path: str = "") -> str:
    answer = await seat.browser.get(f"{URL}{path}")
    assert answer.status_code == 200, answer.text
    return answer.text


async def freeze(seat: Seat, period: str, **fields: str) -> Any:
    return await seat.post(f"{URL}/freeze?period={period}", **fields)


async def export(seat: Seat, period: str, form: str, version: int = 1) -> Any:
    return await seat.post(f"{URL}/export?period={period}&version={version}&form={form}")


@pytest.mark.parametrize(
    "path", ["", "?period=2026-11", "?period=2026-Q4", "?period=2026", "/monthly", "/monthly?period=2026-10"]
)
@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("statistician", 200),
        ("supervisor", 200),
        ("duty_lead", 200),
        ("counsellor", 404),
        ("admin", 404),
        ("editor", 404),
    ],
)
async def test_statistics_are_for_those_who_may(site: Site, role: str, status: int, path: str) -> None:
    assert (await site.seat(role, role).browser.get(f"{URL}{path}")).status_code == status


async def test_a_statistician_sees_no_small_number_and_no_single_day(site: Site) -> None:
    outside = await page(site.seat("shen", "statistician"), "?period=2026-11&day=2026-11-03")
    within = await page(site.seat("zhao", "supervisor"), "?period=2026-11&day=2026-11-03")
    assert "统计：2026年11月<" in outside
    assert "统计：2026年11月3日" in within
    assert "＊" in outside
    assert "＊" not in within
    assert "会话：星期和时段" not in outside  # its sums would give small numbers away
    assert "会话：星期和时段" in within


async def test_a_statistician_who_asks_for_a_day_by_its_name_gets_the_month(site: Site) -> None:
    assert "统计：2026年11月<" in await page(site.seat("shen", "statistician"), "?period=2026-11-03")


@pytest.mark.parametrize("asked", ["?period=", "?period=%00", "?period=2026-99", "?day=x", "?period=2026-11&day=%27"])
async def test_what_is_no_period_shows_the_running_month(site: Site, asked: str) -> None:
    assert "统计：2026年12月<" in await page(site.seat("zhao", "supervisor"), asked) or "2026-11" in asked


async def test_every_chart_has_a_name_and_a_table(site: Site) -> None:
    shown = await page(site.seat("zhao", "supervisor"), "?period=2026-11")
    assert shown.count('<svg viewBox') == shown.count('role="img" aria-label="') == shown.count("<summary>数据表</summary>") >= 8  # fmt: skip
    assert "style=" not in shown.split("<main")[1]  # the policy allows none


async def test_the_unusual_day_is_listed_with_numbers_only(site: Site) -> None:
    shown = await page(site.seat("zhao", "supervisor"), "?period=2026-11")
    assert "2026-11-21" in shown.split('id="unusual"')[1].split("</section>")[0]
    assert "前8个星期六的中位数是" in shown


async def test_a_frozen_report_never_changes_when_rows_change_later(site: Site) -> None:
    zhao = site.seat("zhao", "supervisor")
    assert (await freeze(zhao, "2026-09", next="1")).json() == {"ok": True, "version": 1}
    before = await page(zhao, "/monthly?period=2026-09&version=1")
    first = rows(site.service.store.engine, frozen_report, period="2026-09")
    some = rows(site.service.store.engine, t.case_record)[:40]
    ids = [row.id for row in some if row.opened_at < datetime(2026, 10, 1, tzinfo=ZONE)]
    do(site.service.writer, lambda c: c.execute(
        t.case_record.update().where(t.case_record.c.id.in_(ids)).values(is_drill=True)))  # fmt: skip
    after = await page(zhao, "/monthly?period=2026-09&version=1")
    assert [line for line in before.split("<article")[1:]] == [line for line in after.split("<article")[1:]]
    assert rows(site.service.store.engine, frozen_report, period="2026-09") == first
    assert (await page(zhao, "/monthly?period=2026-09")).split("<article")[1] != before.split("<article")[1]


async def test_a_correction_is_a_new_version_with_its_reason(site: Site) -> None:
    zhao = site.seat("zhao", "supervisor")
    await freeze(zhao, "2026-10", next="1")
    refused = await freeze(zhao, "2026-10", next="2")
    assert (refused.status_code, "写明更正的原因" in refused.json()["detail"]) == (409, True)
    assert (await freeze(zhao, "2026-10", next="2", reason="补录了三份纸面记录")).json()["version"] == 2
    assert "补录了三份纸面记录" in await page(zhao, "/monthly?period=2026-10&version=2")
    assert "补录了三份纸面记录" not in await page(zhao, "/monthly?period=2026-10&version=1")
    assert len(rows(site.service.store.engine, t.audit, action="report_frozen")) >= 2


async def test_whoever_saw_another_version_does_not_freeze_over_it(site: Site) -> None:
    assert (await freeze(site.seat("zhao", "supervisor"), "2026-Q3", next="7")).status_code == 409
    assert rows(site.service.store.engine, frozen_report, period="2026-Q3") == []


@pytest.mark.parametrize("period", ["2026-12", "2026", "2027-01"])
async def test_a_period_that_is_not_over_is_not_frozen(site: Site, period: str) -> None:
    refused = await freeze(site.seat("zhao", "supervisor"), period, next="1")
    assert (refused.status_code, refused.json()["detail"]) == (409, "统计期还没有结束，不能冻结")


async def test_a_statistician_freezes_nothing(site: Site) -> None:
    assert (await freeze(site.seat("shen", "statistician"), "2026-11", next="1")).status_code == 404


async def test_files_carry_the_hash_of_what_this_role_sees_and_every_export_is_in_the_audit(site: Site) -> None:
    zhao, shen = site.seat("zhao", "supervisor"), site.seat("shen", "statistician")
    await freeze(zhao, "2026-11", next="1")
    (kept,) = rows(site.service.store.engine, frozen_report, period="2026-11")
    for seat, hashed, scope in ((zhao, kept.inside_hash, "内部"), (shen, kept.outside_hash, "对外")):
        book = load_workbook(io.BytesIO((await export(seat, "2026-11", "xlsx")).content))
        head = {row[0]: row[1] for row in book["说明"].iter_rows(min_row=2, values_only=True)}
        assert (head["SHA-256"], head["范围"][:2]) == (hashed, scope)
        words = "".join(
            one.extract_text() for one in PdfReader(io.BytesIO((await export(seat, "2026-11", "pdf")).content)).pages
        )
        assert hashed in words
        assert "统计口径见附注" in words
        assert scope in words
    exported = rows(site.service.store.engine, t.audit, action="report_exported")
    assert {row.actor_id for row in exported} == {zhao.counsellor.id, shen.counsellor.id}


@pytest.mark.parametrize(
    "asked", ["period=2026-11&version=99&form=pdf", "period=2026-11&version=1&form=exe", "period=2026-11&form=pdf"]
)
async def test_only_a_frozen_version_is_a_file(site: Site, asked: str) -> None:
    assert (await site.seat("zhao", "supervisor").post(f"{URL}/export?{asked}")).status_code == 404


async def test_a_frozen_row_that_somebody_changed_is_told_and_not_handed_out(site: Site) -> None:
    zhao = site.seat("zhao", "supervisor")
    await freeze(zhao, "2026-Q3", next="1")
    do(site.service.writer, lambda c: c.execute(
        frozen_report.update().where(frozen_report.c.period == "2026-Q3")
        .values(inside=frozen_report.c.inside + " ")))  # fmt: skip
    assert "校验码对不上" in await page(zhao, "/monthly?period=2026-Q3&version=1")
    assert (await export(zhao, "2026-Q3", "pdf")).status_code == 409
