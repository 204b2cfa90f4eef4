"""Nothing gets lost: callbacks that never came, cursors, new accounts, a full disk, restarts."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from records import tables as t
from records.store import Store
from records.writer import Writer
from tests.bot.channels.rig import Trouble
from tests.bot.channels.wecom.people import SAFETY, channel, hears, met, note, quiet, texts
from tests.bot.channels.wecom_phones import ACCOUNT, PAYLOADS
from tests.bot.channels.wecom_platform import WecomPlatform
from tests.bot.channels.wecom_rig import WecomRig, eventually, open_rig, our_service
from tests.browsing import serving
from tests.building import CRISIS, NOW, SMALL_TALK, do, rows

pytestmark = pytest.mark.anyio


async def test_a_message_whose_callback_got_lost_is_found(rig: WecomRig, person: str) -> None:
    rig.platform.lost_callbacks = True
    assert await rig.bring(person, rig.platform.item("text", person, 1, text={"content": SMALL_TALK})) == 0
    await eventually(lambda: texts(rig, person) == [SMALL_TALK])


async def test_a_callback_with_a_token_that_is_too_old_is_followed_without_it(rig: WecomRig, person: str) -> None:
    rig.platform.say(person, rig.platform.item("text", person, 1, text={"content": SMALL_TALK}))
    assert await rig.platform.deliver((PAYLOADS / "callback.xml").read_bytes()) == 200
    await eventually(lambda: texts(rig, person) == [SMALL_TALK])


async def test_a_new_account_is_looked_after_from_its_first_callback_on(rig: WecomRig, person: str) -> None:
    account = "wkSecondAccount"
    await rig.post(person, 0, SMALL_TALK)
    rig.platform.say(person, rig.platform.item("text", person, 1, open_kfid=account), account=account)
    assert await rig.platform.call_back(account) == 200
    await eventually(lambda: len(rig.stored(person, account)) == 1)
    await eventually(lambda: any(sent.get("open_kfid") == account for sent in rig.platform.sent))


def test_accounts_are_remembered_by_their_names(store: Store, writer: Writer) -> None:
    state = store.channel_state
    for name in ("wecom.cursor.wk_B", "wecom.cursor.wk_A", "wecom.pending.wk_C", "wecomXcursor.wk_D"):
        do(writer, lambda c, name=name: state.put(c, name, "", NOW))
    assert do(writer, lambda c: state.names(c, "wecom.cursor.")) == ["wk_A", "wk_B"]


async def test_one_person_at_two_accounts_has_two_conversations(rig: WecomRig, person: str) -> None:
    account = "wkThirdAccount"
    await rig.post(person, 1, SMALL_TALK)
    rig.platform.say(person, rig.platform.item("text", person, 2, open_kfid=account), account=account)
    await rig.platform.call_back(account)
    await eventually(lambda: len(rig.stored(person, account)) == 1)
    assert rig.conversation(person) != rig.conversation(person, account)


async def test_a_cursor_that_went_back_changes_nothing(rig: WecomRig, person: str) -> None:
    await met(rig, person)
    await rig.post_kind(person, 2, "voice")
    await eventually(lambda: len(rig.seen(person)) == 3)
    await quiet(rig)
    engine, state = rig.site.service.store.engine, channel(rig).api.state
    before = [len(rows(engine, table)) for table in (t.message, t.attachment, t.outbox, t.case_record)]

    do(rig.site.service.writer, lambda c: state.put(c, f"wecom.cursor.{ACCOUNT}", "c0"))
    rig.platform.confirmed.clear()
    await rig.bring(person)
    await quiet(rig)

    assert [len(rows(engine, table)) for table in (t.message, t.attachment, t.outbox, t.case_record)] == before


async def test_a_batch_that_cannot_be_stored_is_fetched_again(rig: WecomRig, person: str) -> None:
    full = (
        "CREATE TRIGGER full BEFORE INSERT ON message WHEN NEW.author = 'visitor' BEGIN SELECT RAISE(ABORT, 'x'); END"
    )
    do(rig.site.service.writer, lambda c: c.execute(sa.text(full)))
    for number in range(3):
        rig.platform.say(person, rig.platform.item("text", person, number, text={"content": f"第{number}句"}))
    before = rig.platform.calls["sync_msg"]
    assert await rig.platform.call_back() == 200
    await eventually(lambda: rig.platform.calls["sync_msg"] > before + 1)
    assert rig.contact(person) is None

    do(rig.site.service.writer, lambda c: c.execute(sa.text("DROP TRIGGER full")))
    await eventually(lambda: texts(rig, person) == ["第0句", "第1句", "第2句"])


async def test_a_restart_between_thanks_and_fetching_loses_nothing(tmp_path: Path, person: str) -> None:
    platform = WecomPlatform()
    async with serving(platform.app()) as api_url:
        async with our_service(platform, api_url, tmp_path) as rig:
            rig.trouble(Trouble.DOWN)
            assert await rig.post(person, 1, CRISIS) == 200
            assert note(rig) in platform.notes
            assert rig.contact(person) is None
        platform.trouble = Trouble.NONE
        platform.items["wkNeverHeardOf"] = [platform.item("text", "wmOther", 1, open_kfid="wkNeverHeardOf")]
        async with our_service(platform, api_url, tmp_path) as rig:
            await eventually(lambda: texts(rig, person) == [CRISIS])
            await hears(rig, person, SAFETY)
            await eventually(lambda: len(rig.stored("wmOther", "wkNeverHeardOf")) == 1)
            assert rig.site.case_of(rig.conversation(person))
    assert platform.asked == {ACCOUNT, "wkNeverHeardOf"}


async def test_what_cannot_be_written_down_is_not_confirmed(tmp_path: Path, person: str) -> None:
    async with open_rig(tmp_path) as rig:
        await met(rig, person)
        rig.site.service.writer.close()
        assert await rig.platform.call_back() == 503
