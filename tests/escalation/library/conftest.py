"""The library desk over the real rows of each database, with the shipped articles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from escalation.library.library_desk import LibraryDesk, Typed
from knowledge.articles import Library, load_library
from knowledge.calibrate import LIBRARY
from knowledge.drafts import fields_of, fingerprint
from records.articles import Draft
from records.staff import Counsellor
from tests.building import do
from tests.escalation.conftest import Office

NEW = {
    "title": "考研压力大怎么办", "group": "自助与生活技能", "audiences": "学生", "sources": "GK", "review_due": "2027-06-01",
    "related": "E001", "facts": "规律作息有助于应对压力 | 常识 | GK", "questions": "考研压力好大\n二战考研撑不住\n考研焦虑怎么办",
    "short": "把每天的安排定小一点，按时吃饭睡觉。想聊聊可以打{{num:help}}。", "long": "## 了解更多\n备考时间长，留出休息。",
    "regional": "否", "kind": "clinical", "risk": "",
}  # fmt: skip


@dataclass
class Editing:
    """The desk with its people; every step is one transaction."""

    office: Office
    library: Library
    editor: Counsellor
    expert: Counsellor

    @property
    def desk(self) -> LibraryDesk:
        return self.office.desks.library

    def step(self, work: Callable[..., Any]) -> Any:
        return do(self.office.writer, work)

    def begin(self, **fields: str) -> str:
        found = self.step(lambda c: self.desk.begin(c, self.editor, NEW | fields, self.office.clock()))
        return str(found)

    def edit(self, article_id: str = "E001") -> str:
        found = self.step(lambda c: self.desk.edit(c, article_id, self.editor, self.library, self.office.clock()))
        return str(found)

    def draft(self, draft_id: str) -> Draft:
        with self.office.store.engine.connect() as connection:
            found = self.desk.articles.draft(connection, draft_id)
        assert found is not None
        return found

    def save(self, draft_id: str, who: Counsellor | None = None, version: int = 0, **fields: str) -> int:
        draft = self.draft(draft_id)
        typed = Typed(version or draft.version, draft.base_hash, {**draft.fields, **fields}, draft.notes)
        found = self.step(lambda c: self.desk.save(c, draft_id, who or self.editor, typed, self.office.clock()))
        return int(found)

    def submit(self, draft_id: str) -> None:
        self.step(lambda c: self.desk.submit(c, draft_id, self.editor, self.library, self.office.clock()))

    def approve(self, draft_id: str, who: Counsellor | None = None) -> None:
        by = who or self.expert
        self.step(lambda c: self.desk.approve(c, draft_id, by, self.library, "", self.office.clock()))

    def publish(self, draft_id: str) -> None:
        """As the machine does after a trial that was passed."""
        self.step(lambda c: self.desk.publish(c, draft_id, "对照问题都答好了", self.office.clock()))

    def published(self, **fields: str) -> str:
        """A new article all the way; returns its id."""
        draft_id = self.begin(**fields)
        self.submit(draft_id)
        self.approve(draft_id)
        self.publish(draft_id)
        return self.draft(draft_id).article_id

    def base_of(self, article_id: str) -> tuple[dict[str, str], str]:
        article = self.library.articles[article_id]
        return fields_of(article), fingerprint(article)


@pytest.fixture(scope="session")
def shipped() -> Library:
    return load_library(LIBRARY)


@pytest.fixture
def editing(office: Office, shipped: Library) -> Editing:
    return Editing(office, shipped, office.counsellor("bian", "editor"), office.counsellor("zhuan", "expert"))
