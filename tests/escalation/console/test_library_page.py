"""The library in the console: who may do what, what is shown, and what is kept from whom."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

import server
from knowledge.drafts import FIELDS
from records import tables as t
from settings import load_settings
from tests.browsing import Seat, Site, Visitor
from tests.building import CRISIS, Clock, compiled_screener, rows
from tests.escalation.library.conftest import NEW

pytestmark = pytest.mark.anyio
URL = "/console/library"
QUESTION = "家里洗衣机漏水怎么修"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, index_folder: Path) -> Any:
    folder = tmp_path_factory.mktemp("library")
    shutil.copytree(index_folder, folder / "index")
    app = server.build_app(load_settings({"HOTLINE_DATA_DIR": str(folder)}), now=Clock(), screener=compiled_screener())
    yield Site(app, app.state.service)
    app.state.service.writer.close()
    app.state.service.store.engine.dispose()


async def begun(editor: Seat, **fields: str) -> str:
    """A saved draft of a new article."""
    draft_id = str((await editor.post(f"{URL}/new")).json()["id"])
    answer = await editor.post(f"{URL}/drafts/{draft_id}/save", version="1", base="", **{**NEW, **fields})
    assert answer.status_code == 200, answer.text
    return draft_id


async def page(seat: Seat, path: str = "") -> str:
    answer = await seat.browser.get(f"{URL}{path}")
    assert answer.status_code == 200, answer.text
    return answer.text


async def asked(site: Site, *texts: str) -> Visitor:
    person = await site.visitor()
    for number, text in enumerate(texts):
        await person.post(text, f"m{number}")
        await site.settle()
    return person


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        *((role, "", 200) for role in ("counsellor", "duty_lead", "supervisor", "editor", "expert")),
        *((role, "", 404) for role in ("volunteer", "statistician", "admin", "mh_officer")),
        ("editor", "/questions", 200),
        ("supervisor", "/questions", 200),
        ("expert", "/questions", 404),
        ("counsellor", "/questions", 404),
        ("editor", "/import", 200),
        ("expert", "/import", 404),
        ("counsellor", "/articles/E001", 200),
        ("counsellor", "/articles/E999", 404),
        ("editor", "/drafts/none", 404),
    ],
)
async def test_every_page_is_for_those_who_may(site: Site, role: str, path: str, status: int) -> None:
    assert (await site.seat(role, role).browser.get(f"{URL}{path}")).status_code == status


@pytest.mark.parametrize(
    ("role", "deed"),
    [("expert", "save"), ("expert", "submit"), ("editor", "approve"), ("editor", "return"), ("counsellor", "save"),
     ("supervisor", "approve")],
)  # fmt: skip
async def test_writing_and_deciding_are_two_rights(site: Site, role: str, deed: str) -> None:
    draft_id = await begun(site.seat("bian", "editor"), title=f"给{role}{deed}的标题")
    assert (await site.seat(role, role).post(f"{URL}/drafts/{draft_id}/{deed}", words="好的好的")).status_code == 404


async def test_an_editor_lands_on_a_page_that_is_theirs(site: Site) -> None:
    editor = site.seat("bian", "editor")
    text = await page(editor)
    assert 'class="brand" href="/console/institutions"' in text
    assert "/console/library" in text
    assert "/console/follow-ups" not in text


async def test_the_search_says_what_the_bot_would_do(site: Site) -> None:
    lin = site.seat("lin")
    found = (await lin.browser.get(f"{URL}/search.json", params={"text": "晚上睡不着怎么办"})).json()
    assert found["zone"] in ("直接回答", "给三个选择")
    assert 0 <= found["score"] <= 100
    assert len(found["articles"]) == 5
    nothing = (await lin.browser.get(f"{URL}/search.json", params={"text": "帮我写快速排序"})).json()
    assert nothing["zone"] == "说没有可靠资料"
    assert (await lin.browser.get(f"{URL}/search.json")).json()["articles"] == []


async def test_findings_preview_and_differences_follow_the_typing_and_keep_nothing(site: Site) -> None:
    editor = site.seat("bian", "editor")
    draft_id = (await editor.post(f"{URL}/articles/E001/edit")).json()["id"]
    fields = {key: "" for key in FIELDS} | NEW | {"short": "打{{num:help}}，或打12356"}
    seen = (await editor.post(f"{URL}/drafts/{draft_id}/check", **fields)).json()
    assert "电话号码只用占位" in seen["errors"]["short"]
    assert seen["bubbles"]["short"] == "打12356，或打12356"
    assert seen["bubbles"]["source"] == "来源：精神卫生常识"
    assert ["+", NEW["title"]] in next(part for part in seen["changes"] if part["field"] == "标题")["lines"]
    assert (await editor.browser.get(f"{URL}/drafts/{draft_id}/state.json")).json() == {"state": "draft", "version": 1}


async def test_a_draft_with_faults_is_refused_beside_its_fields(site: Site) -> None:
    editor = site.seat("bian", "editor")
    draft_id = await begun(editor, title="有错的", short="")
    answer = await editor.post(f"{URL}/drafts/{draft_id}/submit")
    assert answer.status_code == 422
    assert "short" in answer.json()["errors"]


async def test_an_older_page_does_not_overwrite(site: Site) -> None:
    editor = site.seat("bian", "editor")
    draft_id = await begun(editor, title="两个人写")
    answer = await editor.post(f"{URL}/drafts/{draft_id}/save", version="1", base="", **NEW)
    assert answer.status_code == 409
    assert "别人刚刚保存过" in answer.json()["detail"]


async def test_whoever_may_not_write_reads_the_draft_and_who_writes_it(site: Site) -> None:
    editor, supervisor = site.seat("editor", "editor"), site.seat("zhao", "supervisor")
    draft_id = await begun(editor)
    text = await page(supervisor, f"/drafts/{draft_id}")
    assert "只读：稿子由内容管理员写、专家审" in text
    assert "<fieldset disabled>" in text
    assert "只读" not in await page(editor, f"/drafts/{draft_id}")


async def test_the_second_person_sees_what_is_asked_of_them_and_the_writer_does_not(site: Site) -> None:
    editor, expert = site.seat("bian", "editor"), site.seat("zhuan", "expert")
    both = site.seat("both", "editor", "expert")
    draft_id = await begun(both, title="待审的标题", questions="甲问法\n乙问法\n丙问法")
    assert (await editor.post(f"{URL}/drafts/{draft_id}/submit")).status_code == 200
    assert "批准，换上这一版" in await page(expert, f"/drafts/{draft_id}")
    assert "要由另一位专家来审" in await page(both, f"/drafts/{draft_id}")
    assert "取回修改" in await page(editor, f"/drafts/{draft_id}")
    assert (await both.post(f"{URL}/drafts/{draft_id}/approve")).status_code == 409
    assert (await expert.post(f"{URL}/drafts/{draft_id}/return", words="写短一点")).status_code == 200
    version = (await editor.browser.get(f"{URL}/drafts/{draft_id}/state.json")).json()["version"]
    await editor.post(f"{URL}/drafts/{draft_id}/save", **{**NEW, "title": "待审的标题"}, version=str(version), base="")
    assert "zhuan" in (words := await page(editor, f"/drafts/{draft_id}"))
    assert "写短一点</span></p>" in words  # above the form until it is submitted again
    assert "待审的标题" in await page(editor, "?show=drafts")


async def test_typed_markup_stays_text(site: Site) -> None:
    editor = site.seat("bian", "editor")
    draft_id = await begun(editor, title="<script>alert(1)</script>", short="'><img src=x>")
    text = await page(editor, f"/drafts/{draft_id}")
    assert "<script>alert" not in text
    assert "<img src=x" not in text


async def test_questions_are_masked_counted_and_turned_into_a_draft(site: Site) -> None:
    await asked(site, QUESTION, "我叫王小明，家里洗衣机漏水怎么修")
    await asked(site, "家里的洗衣机漏水了怎么修")
    editor = site.seat("bian", "editor")
    text = await page(editor, "/questions")
    assert "3 次" in text
    assert "王小明" not in text
    assert [row.actor_id for row in rows(site.service.store.engine, t.audit, action="library_questions_view")][-1:] == [
        editor.counsellor.id
    ]
    ids = ",".join(row.id for row in rows(site.service.store.engine, t.unanswered))
    answer = await editor.post(f"{URL}/questions/write", ids=ids, wording=QUESTION)
    assert QUESTION in await page(editor, f"/drafts/{answer.json()['id']}")
    assert "3 次" not in await page(editor, "/questions")


async def test_a_question_becomes_a_wording_or_is_put_aside(site: Site) -> None:
    await asked(site, "宝宝起什么名字好")
    await asked(site, "我家乌龟怎么过冬")
    editor = site.seat("bian", "editor")
    first, second = rows(site.service.store.engine, t.unanswered, settled=None)
    answer = await editor.post(
        f"{URL}/questions/add", ids=first.id, wording="起名字好纠结怎么办", article="E027 拖延与完美主义"
    )
    assert "起名字好纠结怎么办" in await page(editor, f"/drafts/{answer.json()['id']}")
    assert (await editor.post(f"{URL}/questions/dismiss", ids=second.id)).status_code == 200
    assert rows(site.service.store.engine, t.unanswered, settled=None) == []
    unknown = await editor.post(f"{URL}/questions/add", ids="", wording="一个问法", article="E999")
    assert unknown.status_code == 404


async def test_nothing_of_a_person_in_danger_is_in_the_questions(site: Site) -> None:
    await asked(site, "我的暗号是红苹果在哪里买", CRISIS)
    assert "红苹果" not in await page(site.seat("bian", "editor"), "/questions")


async def test_few_marks_are_not_shown_and_many_are(site: Site) -> None:
    editor = site.seat("bian", "editor")
    for count in (4, 1):
        for _ in range(count):
            await asked(site, "世界精神卫生日", "没帮助")
        line = "5 / 5" in await page(editor, "?show=unhelpful")
        assert line is (count == 1)


async def test_a_withdrawn_article_is_marked_and_its_reason_is_in_the_history(site: Site) -> None:
    expert = site.seat("zhuan", "expert")
    url = f"{URL}/articles/E002"
    assert (await site.seat("lin").post(f"{url}/withdraw", words="说得不对")).status_code == 404
    assert (await expert.post(f"{url}/withdraw", words="说得不对")).status_code == 200
    await site.service.publishing.run_due()
    await site.service.publishing.drain()
    text = await page(expert, "/articles/E002")
    assert "已过期或撤下" in text
    assert "说得不对" in text
    answer = site.service.pipeline.answering.find("心理健康素养十条（2018年版）", site.service.now())
    assert answer.article != "E002"
    number = str(rows(site.service.store.engine, t.article_version, article_id="E002")[-1].seq)
    assert (await expert.post(f"{url}/undo", number=number)).status_code == 200


async def test_what_is_due_is_listed_first_and_what_is_over_is_said(site: Site) -> None:
    clock = site.service.now
    assert isinstance(clock, Clock)
    try:
        clock.forward(days=50)
        assert "33 天后到期" in await page(site.seat("bian", "editor"), "?show=due")
        clock.forward(days=50)
        text = await page(site.seat("bian", "editor"), "?show=due")
        assert "已过期或撤下" in text
    finally:
        clock.forward(days=-100)


async def upload(seat: Seat, name: str, body: bytes) -> httpx.Response:
    return await seat.browser.post(f"{URL}/import/file", files={"file": (name, body)})


async def test_a_file_becomes_a_draft_with_its_notes(site: Site) -> None:
    editor = site.seat("bian", "editor")
    answer = await upload(editor, "稿.md", "# 导入的标题\n先呼气。\n## 参考\n某手册".encode())
    text = await page(editor, f"/drafts/{answer.json()['id']}")
    assert "导入的标题" in text
    assert "某手册" in text


@pytest.mark.parametrize(
    ("name", "body", "status"), [("a.exe", b"x", 422), ("a.md", b"x" * (6 << 20), 422), ("a.md", b"x" * (9 << 20), 413)]
)
async def test_a_file_that_cannot_be_read_is_refused_in_words(site: Site, name: str, body: bytes, status: int) -> None:
    answer = await upload(site.seat("bian", "editor"), name, body)
    assert answer.status_code == status
    assert answer.json()["detail"]


async def test_the_article_page_shows_the_bubble_with_our_numbers(site: Site) -> None:
    text = await page(site.seat("lin"), "/articles/E001")
    assert "12356" in text
    assert "{{" not in text
    assert "了解更多" in text
    assert "审校中" in text
