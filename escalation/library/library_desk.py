"""Where articles are written and decided about: every method is one step inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from escalation.cases import NoSuchCase, NotAllowed
from escalation.library.masking import Masking
from escalation.library.states import WRITING, Deed, State, after, check_second_person
from knowledge.articles import Library
from knowledge.drafts import FieldFinding, blank, cleaned, fields_of, file_of, findings, fingerprint
from records.answer_marks import AnswerMarks
from records.articles import Articles, Draft, Published, Step, is_local
from records.staff import Counsellor, Staff

_ZONE = ZoneInfo("Asia/Shanghai")
_LONGEST_WORDS = 1000
_LONGEST_DRAFT = 60_000  # characters of all fields
PUBLISHED, UNDONE, WITHDRAWN = "published", "undone", "withdrawn"


class BadDraft(Exception):
    """The draft has something to mend; `findings` say what, beside which field."""

    def __init__(self, found: tuple[FieldFinding, ...]):
        super().__init__("还有要改的地方，改好再提交")
        self.findings = found


@dataclass(frozen=True)
class Typed:
    """What an editor's form says: the fields, and which version and which published text they were written over."""

    version: int
    base_hash: str
    fields: Mapping[str, str]
    notes: str = ""


@dataclass(frozen=True)
class LibraryDesk:
    """Drafts, decisions, publication. `library` is what is in force, given by the caller."""

    articles: Articles
    marks: AnswerMarks
    staff: Staff
    masking: Masking

    def begin(
        self, connection: sa.Connection, who: Counsellor, fields: Mapping[str, str], now: datetime, *, notes: str = ""
    ) -> str:
        """A draft of a new article; returns its id."""
        self.articles.take_turns(connection)
        article_id = self.articles.next_id(connection)
        return self._make(connection, article_id, fields, who, now, notes=notes, base_hash="")

    def edit(self, connection: sa.Connection, article_id: str, who: Counsellor, library: Library, now: datetime) -> str:
        """The open draft of a published article, or a new one; returns its id."""
        self.articles.take_turns(connection)
        if found := self.articles.open_drafts(connection, article_id):
            return found[0].id
        article = library.articles.get(article_id)
        if article is None:
            raise NoSuchCase("没有这个条目")
        return self._make(
            connection, article_id, fields_of(article), who, now, notes="", base_hash=fingerprint(article)
        )  # fmt: skip

    def save(self, connection: sa.Connection, draft_id: str, who: Counsellor, typed: Typed, now: datetime) -> int:
        """Keep what was typed; returns the new version. Whoever saved in between is not overwritten."""
        draft = self._draft(connection, draft_id)
        if draft.version != typed.version:
            raise NotAllowed("别人刚刚保存过这份稿子。您写的还在这一页；请另开一页对照，再决定用谁的")
        fields = cleaned(typed.fields)
        if sum(map(len, fields.values())) + len(typed.notes) > _LONGEST_DRAFT:
            raise NotAllowed(f"全部文字最多{_LONGEST_DRAFT}字")
        kept = replace(draft, fields=fields, notes=typed.notes.strip(), base_hash=typed.base_hash)
        self._move(connection, kept, Deed.SAVE, who.id, now)
        return kept.version + 1

    def submit(
        self, connection: sa.Connection, draft_id: str, who: Counsellor, library: Library, now: datetime
    ) -> None:
        """Give it to the second person; raise BadDraft while anything is to be mended."""
        draft = self._draft(connection, draft_id)
        self._check(draft, library, now)
        self._move(connection, draft, Deed.SUBMIT, who.id, now)

    def recall(self, connection: sa.Connection, draft_id: str, who: Counsellor, now: datetime) -> None:
        """Take it back to write on."""
        self._move(connection, self._draft(connection, draft_id), Deed.RECALL, who.id, now)

    def drop(self, connection: sa.Connection, draft_id: str, who: Counsellor, now: datetime) -> None:
        """Give it up; what is published stays as it is."""
        self._move(connection, self._draft(connection, draft_id), Deed.DROP, who.id, now)

    def give_back(self, connection: sa.Connection, draft_id: str, who: Counsellor, words: str, now: datetime) -> None:
        """The second person wants something mended, and says what."""
        draft = self._draft(connection, draft_id)
        check_second_person(who.id, self._writers(connection, draft_id))
        if len(words.strip()) < 4:
            raise NotAllowed("写一句要改什么")
        self._move(connection, draft, Deed.RETURN, who.id, now, words)

    def approve(
        self, connection: sa.Connection, draft_id: str, who: Counsellor, library: Library, words: str, now: datetime
    ) -> None:
        """The second person agrees; the machine tries it next and puts it in force."""
        draft = self._draft(connection, draft_id)
        check_second_person(who.id, self._writers(connection, draft_id))
        self._check(draft, library, now)
        self._move(connection, draft, Deed.APPROVE, who.id, now, words)

    def refuse(self, connection: sa.Connection, draft_id: str, words: str, now: datetime) -> None:
        """The trial failed: back to the editor with what it found."""
        draft = self._draft(connection, draft_id)
        if draft.state == State.APPROVED:  # else another process was quicker
            self._move(connection, draft, Deed.REFUSE, None, now, words)

    def publish(self, connection: sa.Connection, draft_id: str, words: str, now: datetime) -> None:
        """The trial was passed: this text is in force from now on."""
        self.articles.take_turns(connection)
        draft = self._draft(connection, draft_id)
        if draft.state != State.APPROVED:  # another process was quicker
            return
        approver = self._approver(connection, draft_id)
        self.articles.publish(
            connection, draft.article_id, self.file_of(connection, draft), draft_id=draft_id, by_id=approver,
            what=PUBLISHED, now=now,
        )  # fmt: skip
        self._move(connection, draft, Deed.PUBLISH, None, now, words)

    def undo(self, connection: sa.Connection, article_id: str, who: Counsellor, number: int, now: datetime) -> None:
        """Bring back the text before the newest one; `number` is the change that the page showed as the newest."""
        self.articles.take_turns(connection)
        versions = self.articles.versions(connection, [article_id])
        if not versions or versions[-1].what == UNDONE or versions[-1].number != number:
            raise NotAllowed("没有可以恢复的上一版，或者刚刚有人改过；请刷新页面看看")
        before = text_before(versions)
        if before is None:
            raise NotAllowed("这是这个条目的第一版，没有上一版")
        self.articles.publish(connection, article_id, before, draft_id=None, by_id=who.id, what=UNDONE, now=now)
        self.staff.audit(connection, "library_undone", now, actor_id=who.id, object_id=article_id)

    def withdraw(
        self, connection: sa.Connection, article_id: str, who: Counsellor, library: Library, words: str, now: datetime
    ) -> None:
        """Stop using an article at once: its review date is over, and only a new draft, or going back, ends that.

        One person may: silence is the safe side. The index stays as it is, so it takes effect within seconds.
        """
        self.articles.take_turns(connection)
        article, today = library.articles.get(article_id), now.astimezone(_ZONE).date()
        if article is None:
            raise NoSuchCase("没有这个条目")
        if article.is_expired(today):
            raise NotAllowed("这个条目机器人已经不用了")
        if len(words.strip()) < 4:
            raise NotAllowed("写一句为什么撤下")
        over = fields_of(replace(article, review_due=today - timedelta(days=1)))
        self.articles.publish(
            connection, article_id, file_of(article_id, over, article.review), draft_id=None, by_id=who.id,
            what=WITHDRAWN, now=now, words=words.strip()[:_LONGEST_WORDS],
        )  # fmt: skip
        self.staff.audit(connection, "library_withdrawn", now, actor_id=who.id, object_id=article_id)

    def write_answer(
        self, connection: sa.Connection, who: Counsellor, wording: str, message_ids: Collection[str], now: datetime
    ) -> str:
        """A new article for questions that had none; returns its draft."""
        draft_id = self.begin(connection, who, blank(questions=_one_line(wording)), now)
        self.marks.settle(connection, message_ids, draft_id)
        return draft_id

    def add_wording(
        self, connection: sa.Connection, article_id: str, who: Counsellor, wording: str, message_ids: Collection[str],
        library: Library, now: datetime,
    ) -> str:  # fmt: skip
        """One more way to ask for an article, in its draft; returns that."""
        draft = self._draft(connection, self.edit(connection, article_id, who, library, now))
        asked = draft.fields["questions"].splitlines()
        words = _one_line(wording)
        if words not in asked:
            fields = {**draft.fields, "questions": "\n".join([*asked, words])}
            self._move(connection, replace(draft, fields=fields), Deed.SAVE, who.id, now)
        self.marks.settle(connection, message_ids, draft.id)
        return draft.id

    def file_of(self, connection: sa.Connection, draft: Draft) -> str:
        """The file that a draft becomes, with the day on which the second person agreed."""
        at = next(s.at for s in reversed(self.articles.steps(connection, draft_id=draft.id)) if s.what == Deed.APPROVE)
        return file_of(draft.article_id, draft.fields, f"approved {at.astimezone(_ZONE):%Y-%m-%d}")

    def findings(self, draft: Draft, library: Library, now: datetime) -> tuple[FieldFinding, ...]:
        """What is to be mended in a draft as it is kept."""
        return findings(draft.article_id, draft.fields, library, now.astimezone(_ZONE).date())

    def _check(self, draft: Draft, library: Library, now: datetime) -> None:
        if found := self.findings(draft, library, now):
            raise BadDraft(found)
        article = library.articles.get(draft.article_id)
        if draft.base_hash != (fingerprint(article) if article else ""):
            raise NotAllowed("已发布的版本在这期间变了；请对照“与已发布的不同”，再保存一次、提交")

    def _make(
        self, connection: sa.Connection, article_id: str, fields: Mapping[str, str], who: Counsellor, now: datetime, *,
        notes: str, base_hash: str,
    ) -> str:  # fmt: skip
        draft_id = self.articles.make(
            connection, article_id, cleaned(fields), notes=notes, base_hash=base_hash, now=now
        )  # fmt: skip
        self._note(connection, Step(article_id, draft_id, 1, Deed.MAKE, who.id, "", now))
        return draft_id

    def _draft(self, connection: sa.Connection, draft_id: str) -> Draft:
        draft = self.articles.draft(connection, draft_id, lock=True)
        if draft is None:
            raise NoSuchCase("没有这份稿子")
        return draft

    def _move(
        self, connection: sa.Connection, draft: Draft, deed: Deed, by_id: str | None, now: datetime, words: str = ""
    ) -> None:
        state, version = after(State(draft.state), deed), draft.version + 1
        self.articles.save(connection, replace(draft, state=state, version=version, changed_at=now))
        said = words.strip()[:_LONGEST_WORDS]
        self._note(connection, Step(draft.article_id, draft.id, version, deed, by_id, said, now))

    def _note(self, connection: sa.Connection, step: Step) -> None:
        self.articles.add_step(connection, step)
        self.staff.audit(
            connection, f"library_{step.what}", step.at, actor_id=step.by_id, object_id=step.article_id,
            draft=step.draft_id,
        )  # fmt: skip

    def _writers(self, connection: sa.Connection, draft_id: str) -> set[str | None]:
        return {step.by_id for step in self.articles.steps(connection, draft_id=draft_id) if step.what in WRITING}

    def _approver(self, connection: sa.Connection, draft_id: str) -> str:
        steps = self.articles.steps(connection, draft_id=draft_id)
        return next(step.by_id or "" for step in reversed(steps) if step.what == Deed.APPROVE)


def text_before(versions: Sequence[Published]) -> str | None:
    """What an article said before its newest change: empty = as shipped, None = there was nothing."""
    if len(versions) > 1:
        return versions[-2].text
    return None if not versions or versions[0].what == PUBLISHED and is_local(versions[0].article_id) else ""


def _one_line(wording: str) -> str:
    words = " ".join(wording.split())
    if not 2 <= len(words) <= 100:
        raise NotAllowed("问法写2到100个字")
    if "〔" in words:
        raise NotAllowed("问法里还有遮住的地方〔…〕，请改成一般的说法")
    return words
