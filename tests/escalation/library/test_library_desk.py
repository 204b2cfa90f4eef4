"""Writing, the second person, publication and the way back, on each database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from escalation.cases import NoSuchCase, NotAllowed
from escalation.library.library_desk import BadDraft
from escalation.library.states import State
from knowledge.in_force import overlay
from records.articles import Texts
from tests.escalation.library.conftest import Editing


def texts(editing: Editing) -> Texts:
    with editing.office.store.engine.connect() as connection:
        return editing.desk.articles.texts(connection)


def test_a_new_article_goes_all_the_way_and_gets_an_id_of_its_own(editing: Editing) -> None:
    article_id = editing.published()
    assert article_id == "L001"
    found = texts(editing)
    assert found.release == 1
    library, unusable = overlay(editing.library, found.files)
    assert unusable == {}
    assert library.articles["L001"].title == "考研压力大怎么办"
    assert library.articles["L001"].review == "approved 2026-12-01"


def test_a_change_of_a_shipped_article_wins_over_it(editing: Editing) -> None:
    draft_id = editing.edit("E001")
    editing.save(draft_id, short="新的短回答。")
    editing.submit(draft_id)
    editing.approve(draft_id)
    assert texts(editing).files == {}  # approved is not in force yet
    editing.publish(draft_id)
    library, _ = overlay(editing.library, texts(editing).files)
    assert library.articles["E001"].short == "新的短回答。"
    assert library.articles["E001"].questions == editing.library.articles["E001"].questions


def test_an_article_has_one_open_draft(editing: Editing) -> None:
    assert editing.edit("E001") == editing.edit("E001")
    with pytest.raises(NoSuchCase):
        editing.edit("E999")


def test_who_wrote_any_of_it_cannot_approve_it(editing: Editing) -> None:
    both = editing.office.counsellor("both", "editor", "expert")
    draft_id = editing.begin()
    editing.save(draft_id, both, short="换了一句。")
    editing.save(draft_id, short="又换回来。")
    editing.submit(draft_id)
    for who in (both, editing.editor):
        with pytest.raises(NotAllowed, match="另一位专家"):
            editing.approve(draft_id, who)
    editing.approve(draft_id)
    assert editing.draft(draft_id).state == State.APPROVED


def test_a_draft_with_something_to_mend_is_kept_and_not_submitted(editing: Editing) -> None:
    draft_id = editing.begin(short="请打12356", title="")
    with pytest.raises(BadDraft) as refused:
        editing.submit(draft_id)
    assert {finding.field for finding in refused.value.findings} == {"short", "title"}
    assert editing.draft(draft_id).state == State.DRAFT


def test_nobody_is_overwritten(editing: Editing) -> None:
    draft_id = editing.begin()
    assert editing.save(draft_id, title="第一个人") == 2
    with pytest.raises(NotAllowed, match="别人刚刚保存过"):
        editing.save(draft_id, version=1, title="第二个人")
    assert editing.draft(draft_id).fields["title"] == "第一个人"


def test_a_draft_over_an_older_text_is_not_approved_unseen(editing: Editing) -> None:
    draft_id = editing.edit("E001")
    editing.submit(draft_id)
    fields, _ = editing.base_of("E001")
    other = editing.library.articles["E001"]
    editing.library = replace(
        editing.library, articles={**editing.library.articles, "E001": replace(other, short="别处改了。")}
    )
    with pytest.raises(NotAllowed, match="已发布的版本在这期间变了"):
        editing.approve(draft_id)
    assert fields["short"] == editing.draft(draft_id).fields["short"]


def test_the_expert_says_what_to_mend(editing: Editing) -> None:
    draft_id = editing.begin()
    editing.submit(draft_id)
    now = editing.office.clock()
    with pytest.raises(NotAllowed, match="写一句"):
        editing.step(lambda c: editing.desk.give_back(c, draft_id, editing.expert, " ", now))
    editing.step(lambda c: editing.desk.give_back(c, draft_id, editing.expert, "短回答太长，改成一句", now))
    assert editing.draft(draft_id).state == State.RETURNED
    editing.save(draft_id, short="一句。")
    editing.submit(draft_id)


def test_a_failed_trial_brings_it_back_with_its_words_and_only_once(editing: Editing) -> None:
    draft_id = editing.begin()
    editing.submit(draft_id)
    editing.approve(draft_id)
    now = editing.office.clock()
    for _ in range(2):
        editing.step(lambda c: editing.desk.refuse(c, draft_id, "答得比以前差", now))
    editing.publish(draft_id)  # by another process, too late
    assert editing.draft(draft_id).state == State.RETURNED
    assert texts(editing).release == 0
    with editing.office.store.engine.connect() as connection:
        steps = editing.desk.articles.steps(connection, draft_id=draft_id)
    assert [(step.what, step.by_id, step.words) for step in steps][-1] == ("refused", None, "答得比以前差")


def test_undoing_brings_the_text_before_and_never_twice(editing: Editing) -> None:
    now, desk = editing.office.clock(), editing.desk
    draft_id = editing.edit("E001")
    editing.save(draft_id, short="不好的一句。")
    editing.submit(draft_id)
    editing.approve(draft_id)
    editing.publish(draft_id)
    editing.step(lambda c: desk.undo(c, "E001", editing.expert, 1, now))
    assert texts(editing) == Texts(2, {})
    with pytest.raises(NotAllowed):
        editing.step(lambda c: desk.undo(c, "E001", editing.expert, 2, now))
    assert [row.object_id for row in editing.office.audited("library_undone")] == ["E001"]


def test_an_undo_of_a_page_that_is_too_old_does_nothing(editing: Editing) -> None:
    editing.published()
    with pytest.raises(NotAllowed, match="第一版"):
        editing.step(lambda c: editing.desk.undo(c, "L001", editing.expert, 1, editing.office.clock()))
    with pytest.raises(NotAllowed, match="刷新"):
        editing.step(lambda c: editing.desk.undo(c, "L001", editing.expert, 7, editing.office.clock()))


def test_a_withdrawn_article_is_not_used_from_the_next_second_and_can_come_back(editing: Editing) -> None:
    now, desk, today = editing.office.clock(), editing.desk, editing.office.clock().date()
    with pytest.raises(NotAllowed, match="为什么"):
        editing.step(lambda c: desk.withdraw(c, "E001", editing.expert, editing.library, " ", now))
    editing.step(lambda c: desk.withdraw(c, "E001", editing.expert, editing.library, "政策已经改了", now))
    library, unusable = overlay(editing.library, texts(editing).files)
    assert unusable == {}
    assert library.articles["E001"].is_expired(today)
    assert library.digest == editing.library.digest  # the index goes on to fit
    with pytest.raises(NotAllowed, match="已经不用"):
        editing.step(lambda c: desk.withdraw(c, "E001", editing.expert, library, "再撤一次", now))
    editing.step(lambda c: desk.undo(c, "E001", editing.expert, 1, now))
    assert texts(editing) == Texts(2, {})


def test_a_withdrawn_article_of_our_own_can_come_back_too(editing: Editing) -> None:
    article_id, now = editing.published(), editing.office.clock()
    library, _ = overlay(editing.library, texts(editing).files)
    editing.step(lambda c: editing.desk.withdraw(c, article_id, editing.expert, library, "说得不对", now))
    editing.step(lambda c: editing.desk.undo(c, article_id, editing.expert, 2, now))
    assert overlay(editing.library, texts(editing).files)[0] == library


def test_ids_of_new_articles_are_never_used_twice(editing: Editing) -> None:
    first = editing.begin()
    editing.step(lambda c: editing.desk.drop(c, first, editing.editor, editing.office.clock()))
    assert editing.draft(editing.begin()).article_id == "L002"


def test_a_wording_is_added_to_the_open_draft_once(editing: Editing) -> None:
    now, desk = editing.office.clock(), editing.desk
    for _ in range(2):
        draft_id = editing.step(
            lambda c: desk.add_wording(c, "E001", editing.editor, " 八条 是啥 ", ["m1"], editing.library, now)
        )
    asked = editing.draft(draft_id).fields["questions"].splitlines()
    assert asked.count("八条 是啥") == 1
    assert set(editing.library.articles["E001"].questions) < set(asked)


@pytest.mark.parametrize("wording", ["", "短" * 101, "我叫〔姓名〕怎么办"])
def test_a_wording_that_is_empty_or_still_masked_is_refused(editing: Editing, wording: str) -> None:
    with pytest.raises(NotAllowed):
        editing.step(lambda c: editing.desk.write_answer(c, editing.editor, wording, [], editing.office.clock()))


def test_everything_that_was_done_is_in_the_audit(editing: Editing) -> None:
    editing.published()
    for deed, who in (("made", editing.editor.id), ("submitted", editing.editor.id), ("approved", editing.expert.id)):
        assert [row.actor_id for row in editing.office.audited(f"library_{deed}")] == [who]
    assert [row.actor_id for row in editing.office.audited("library_published")] == [None]
