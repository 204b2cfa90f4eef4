"""What people do with reports: count a period, preview, freeze, hand out. Counting only reads; freezing adds a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from escalation.cases import NotAllowed
from escalation.reports.case_counts import FIELDS
from escalation.reports.counting import tally_of
from escalation.reports.house_counts import HouseRules
from escalation.reports.indicators import Definitions, View, inside, load_definitions, load_numbers, outside
from escalation.reports.labels import Labels
from escalation.reports.monthly import Heading, Making, Report, compose, load_layout, to_json
from escalation.reports.periods import Period, period_of, read_period
from escalation.reports.tally import Tally
from records.facts import FactRows, Wanted
from records.facts.kinds import Facts
from records.reports import FrozenReport, FrozenReports, digest
from records.staff import Counsellor, Staff
from records.store import Store

_MARGIN = timedelta(days=1)  # a wait over midnight is counted where it began
_FROZEN_KINDS = ("month", "quarter", "year")
_LEAST_REASON, _LONGEST_REASON = 4, 200


@dataclass(frozen=True)
class Naming:
    """Names that are no rows: of the hotline, and of its articles."""

    hotline: str
    titles: Mapping[str, str]


@dataclass(frozen=True)
class Draft:
    """A report as it would be frozen now, for inside and outside."""

    period: Period
    version: int
    reason: str
    inside: Report
    outside: Report


@dataclass(frozen=True)
class ReportsDesk:
    """The actions of people on reports."""

    facts: FactRows
    frozen: FrozenReports
    staff: Staff
    definitions: Definitions
    layout: tuple[Heading, ...]
    rules: HouseRules

    def tally(self, connection: sa.Connection, period: Period, now: datetime) -> Tally:
        """Count a period; reads only, some seconds for a large year."""
        numbers, unusual = self.definitions.numbers, self.definitions.unusual
        wanted = Wanted(
            period.since, period.until, FIELDS, numbers.pause, max(numbers.repeat, timedelta(weeks=unusual.weeks)),
            _MARGIN, numbers.late, numbers.ahead, period_of("year", period.first).since,
        )  # fmt: skip
        facts = self.facts.gather(connection, wanted)
        return tally_of(facts, period, now, numbers, self.rules)

    def view(self, tally: Tally, *, sees_inside: bool) -> View:
        """A tally for somebody."""
        return inside(tally, self.definitions) if sees_inside else outside(tally, self.definitions)

    def labels(self, titles: Mapping[str, str]) -> Labels:
        """Words for what is counted."""
        return Labels(self.rules.form, titles)

    def draft(
        self, connection: sa.Connection, period: Period, naming: Naming, now: datetime, reason: str = ""
    ) -> Draft:
        """The report of a period as its rows are now."""
        tally, labels = self.tally(connection, period, now), self.labels(naming.titles)
        versions = self.frozen.of(connection, period.kind, period.code)
        version = versions[0].version + 1 if versions else 1
        made = Making(naming.hotline, period, now, version, reason.strip())
        within, without = (
            compose(self.view(tally, sees_inside=sees), self.layout, labels, made) for sees in (True, False)
        )
        return Draft(period, version, reason.strip(), within, without)

    def freeze(self, connection: sa.Connection, who: Counsellor, draft: Draft, now: datetime) -> int:
        """Keep a draft for good; returns its version. What was frozen before stays."""
        period = draft.period
        if period.kind not in _FROZEN_KINDS:
            raise NotAllowed("只有月、季度、年的报表可以冻结")
        if now < period.until:
            raise NotAllowed("统计期还没有结束，不能冻结")
        versions = self.frozen.of(connection, period.kind, period.code)
        if len(versions) + 1 != draft.version:
            raise NotAllowed("刚才别人也冻结了一版，请刷新后再看")
        if versions and not _LEAST_REASON <= len(draft.reason) <= _LONGEST_REASON:
            raise NotAllowed(
                f"已有冻结的版本：请写明更正的原因（{_LEAST_REASON}到{_LONGEST_REASON}个字，不写个人信息）"
            )
        kept = FrozenReport(
            period.kind, period.code, draft.version, to_json(draft.inside), to_json(draft.outside), draft.reason,
            who.id, now,
        )  # fmt: skip
        self.frozen.add(connection, kept)
        self.staff.audit(
            connection, "report_frozen", now, actor_id=who.id, period=period.code, version=draft.version,
            hash=digest(kept.inside), outside_hash=digest(kept.outside),
        )  # fmt: skip
        return draft.version

    def kept(self, connection: sa.Connection, period: Period, version: int) -> FrozenReport | None:
        """A frozen version."""
        return next(
            (one for one in self.frozen.of(connection, period.kind, period.code) if one.version == version), None
        )

    def handed_out(
        self, connection: sa.Connection, who: Counsellor, report: FrozenReport, form: str, now: datetime
    ) -> None:
        """A file of a frozen report left the house."""
        self.staff.audit(
            connection, "report_exported", now, actor_id=who.id, period=report.period, version=report.version, form=form
        )


def open_reports(store: Store, rules: HouseRules) -> ReportsDesk:
    """The desk with its reviewed data, checked against what is counted before anything runs."""
    some = read_period("2026-01")
    known = tally_of(Facts(), some, some.until, load_numbers(), rules)
    definitions = load_definitions(known)
    return ReportsDesk(store.facts, store.reports, store.staff, definitions, load_layout(definitions), rules)
