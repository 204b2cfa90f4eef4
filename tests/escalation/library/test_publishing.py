"""Approved articles come into force beside the running service; whatever fails, the old answers go on."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest

import wiring
from escalation.library.library_desk import LibraryDesk
from escalation.library.publishing import Publishing, TrialFailed, try_apart
from knowledge.calibrate import MODEL, load_calibration
from knowledge.drafts import file_of
from knowledge.in_force import overlay
from knowledge.index import assemble, prepare
from knowledge.trial import Order, Verdict
from records.staff import Counsellor
from settings import Settings
from tests.building import Clock, counsellor, do
from tests.escalation.library.conftest import NEW
from triage.screen import Screener
from wiring import Service

pytestmark = pytest.mark.anyio
PASSED = Verdict(True, "", 10, 9, 9)


@dataclass
class FakeTrial:
    """Builds the index without asking anything; gives the verdicts in turn, and breaks off where one is None."""

    service: Service
    verdicts: list[Verdict | None] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)

    async def __call__(self, order: Order) -> Verdict:
        self.orders.append(order)
        verdict = self.verdicts.pop(0) if self.verdicts else PASSED
        if verdict is None:
            raise TrialFailed(TrialFailed.__doc__)
        if verdict.is_good:
            await asyncio.to_thread(self._build, order)
        return verdict

    def _build(self, order: Order) -> None:
        knowledge = self.service.pipeline.answering.knowledge
        files = {**order.files, **({order.article: order.text} if order.article else {})}
        library, _ = overlay(knowledge.library, files)
        assert knowledge.encoder
        fitted = replace(load_calibration(MODEL), library_digest=library.digest)
        prepare(
            assemble(library, knowledge.encoder, built_at=self.service.now(), calibration=fitted), Path(order.folder)
        )


@dataclass
class House:
    """A running service with an editor and an expert."""

    service: Service
    trial: FakeTrial
    editor: Counsellor
    expert: Counsellor
    clock: Clock

    @property
    def desk(self) -> LibraryDesk:
        return self.service.desks.library

    @property
    def publishing(self) -> Publishing:
        return self.service.publishing

    def approved(self, **fields: str) -> str:
        """A new article that both agreed on; returns its draft."""
        library, now = self.service.pipeline.answering.knowledge.library, self.service.now()
        draft_id = do(self.service.writer, lambda c: self.desk.begin(c, self.editor, NEW | fields, now))
        do(self.service.writer, lambda c: self.desk.submit(c, draft_id, self.editor, library, now))
        do(self.service.writer, lambda c: self.desk.approve(c, draft_id, self.expert, library, "", now))
        return draft_id

    def state(self, draft_id: str) -> str:
        with self.service.store.engine.connect() as connection:
            found = self.desk.articles.draft(connection, draft_id)
        assert found is not None
        return found.state

    async def round(self, publishing: Publishing | None = None) -> None:
        await (publishing or self.publishing).run_due()
        await (publishing or self.publishing).drain()

    def answers(self, text: str) -> str | None:
        answer = self.service.pipeline.answering.choose(text, self.service.now())
        assert answer is not None
        return answer.article


@pytest.fixture
def house(knowing_service: Service, clock: Clock) -> House:
    trial = FakeTrial(knowing_service)
    knowing_service.publishing.attempt = trial
    people = (counsellor(knowing_service.store, knowing_service.writer, login, login) for login in ("editor", "expert"))
    return House(knowing_service, trial, *people, clock)


async def test_nothing_due_does_nothing(house: House) -> None:
    before = house.service.pipeline.answering.knowledge
    await house.round()
    assert house.service.pipeline.answering.knowledge is before
    assert house.trial.orders == []


async def test_an_approved_article_is_tried_and_then_answers(house: House) -> None:
    assert house.answers("二战考研撑不住") != "L001"
    draft_id = house.approved()
    await house.round()
    assert house.state(draft_id) == "published"
    assert house.answers("二战考研撑不住") == "L001"
    assert house.trial.orders[0].today == "2026-12-01"


async def test_while_it_is_tried_the_old_answers_go_on_and_no_second_trial_begins(house: House) -> None:
    house.approved()
    await house.publishing.run_due()
    assert house.answers("失眠怎么办") is not None
    await house.publishing.run_due()
    await house.publishing.drain()
    assert len(house.trial.orders) == 1


async def test_a_refused_one_goes_back_and_changes_nothing(house: House) -> None:
    house.trial.verdicts = [Verdict(False, "改后别的问题答得比以前差，没有发布。", 10, 9, 5, ("失眠怎么办",))]
    draft_id, before = house.approved(), house.service.pipeline.answering.knowledge
    await house.round()
    assert house.state(draft_id) == "returned"
    assert house.service.pipeline.answering.knowledge is before


async def test_a_trial_that_breaks_off_is_tried_again_in_a_minute(house: House) -> None:
    house.trial.verdicts = [None]
    draft_id = house.approved()
    await house.round()
    await house.round()
    assert (house.state(draft_id), len(house.trial.orders)) == ("approved", 1)
    house.clock.forward(seconds=61)
    await house.round()
    assert house.state(draft_id) == "published"


async def test_taking_it_back_brings_the_answers_before_without_building(house: House) -> None:
    draft_id = house.approved()
    await house.round()
    version = house.desk
    do(house.service.writer, lambda c: edit_and_publish(house, c))
    await house.round()
    assert house.service.pipeline.answering.knowledge.library.articles["L001"].short == "换了一句。"
    do(house.service.writer, lambda c: version.undo(c, "L001", house.expert, 2, house.service.now()))
    built = len(house.trial.orders)
    await house.round()
    assert house.service.pipeline.answering.knowledge.library.articles["L001"].short == NEW["short"]
    assert len(house.trial.orders) == built
    assert house.state(draft_id) == "published"


def edit_and_publish(house: House, connection: object) -> None:
    """What another process did meanwhile: the next version of the article."""
    text = file_of("L001", NEW | {"short": "换了一句。"})
    house.desk.articles.publish(
        connection, "L001", text, draft_id=None, by_id=house.expert.id, what="published", now=house.service.now()  # type: ignore[arg-type]  # a connection
    )  # fmt: skip


async def test_what_another_process_published_is_built_and_taken_over(house: House) -> None:
    do(house.service.writer, lambda c: edit_and_publish(house, c))
    await house.round()
    assert [order.article for order in house.trial.orders] == [""]
    assert house.answers("二战考研撑不住") == "L001"


async def test_after_a_restart_the_published_article_is_there_at_once(
    house: House, sqlite_settings: Settings, clock: Clock, compiled_rules: Screener
) -> None:
    house.approved()
    await house.round()
    again = wiring.build_service(sqlite_settings, now=clock, screener=compiled_rules)
    try:
        answer = again.pipeline.answering.choose("二战考研撑不住", clock())
        assert answer
        assert answer.article == "L001"
        assert again.pipeline.answering.knowledge.release == 1
    finally:
        again.writer.close()
        again.store.engine.dispose()


@pytest.fixture
def index_copy(index_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(index_folder, tmp_path / "index-copy"))


async def test_the_real_trial_is_a_process_of_its_own(index_copy: Path) -> None:
    today = date(2026, 12, 1).isoformat()
    verdict = await try_apart(Order(str(index_copy), {}, "L001", file_of("L001", NEW), today))
    assert verdict.is_good, verdict.words
    assert verdict.asked > 500
    with pytest.raises(TrialFailed):
        await try_apart(Order("/nowhere", {}, "L001", "", "no day"))
