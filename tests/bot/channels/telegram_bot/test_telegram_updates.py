"""What each of Telegram's updates means to us, and what our buttons carry back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.channels.telegram_updates import keyboard, read_update
from tests.bot.channels.telegram_rig import PAYLOADS, payload

# recorded update -> kind, text, file, what its id ends with; the person's numbers are those of the recording
READ = {
    "text": ("text", "最近总是睡不着", "", ":4101"),
    "voice": ("voice", "", "AwACAgUAAxkBAAIvoice", ":4101"),
    "audio": ("voice", "", "CQACAgUAAxkBAAIaudio", ":4101"),
    "photo": ("image", "这是我的手", "AgACAgUAAxkBAAIphoto-y", ":4101"),
    "photo_without_words": ("image", "", "AgACAgUAAxkBAAIalbum-y", ":4101"),
    "live_photo": ("video", "", "BAACAgUAAxkBAAIlive", ":4101"),
    "video": ("video", "楼顶", "BAACAgUAAxkBAAIvideo", ":4101"),
    "video_note": ("video", "", "DQACAgUAAxkBAAInote", ":4101"),
    "animation": ("video", "", "CgACAgQAAxkBAAIgif", ":4101"),
    "sticker": ("sticker", "😭", "", ":4101"),
    "sticker_without_emoji": ("sticker", "", "", ":4101"),
    "dice": ("sticker", "🎲", "", ":4101"),
    "location": ("place", "31.230391, 121.473701", "", ":4101"),
    "live_location_moves": ("place", "31.229100, 121.470000", "", ":4101:e1796090440"),
    "venue": ("place", "东方明珠 世纪大道1号 31.239702, 121.499763", "", ":4101"),
    "document": ("file", "医生给的单子", "BQACAgUAAxkBAAIdoc", ":4101"),
    "contact": ("unknown", "妈妈 +8613000000000", "", ":4101"),
    "poll": ("unknown", "我该不该去\n去\n不去", "", ":4101"),
    "story": ("unknown", "", "", ":4101"),
    "game": ("unknown", "", "", ":4101"),
    "not_known_to_us": ("unknown", "看这个", "", ":4101"),
    "pinned": ("unknown", "", "", ":4101"),
    "forwarded": ("text", "转给你看：他说他不想活了", "", ":4101"),
    "reply_with_quote": ("text", "第一个", "", ":4101"),
    "edited": ("text", "我刚才说没事，其实我想死", "", ":4101:e1796090465"),
    "press": ("text", "失眠怎么办", "", ":c2654435769000000001"),
    "press_of_a_long_text": (
        "text", "心理问题、心理障碍和精神障碍有什么不同，分别该找谁看，要不要吃药", "", ":c2654435769000000002",
    ),
    "press_of_an_old_message": ("text", "转人工", "", ":c2654435769000000003"),
    "press_without_message": ("unknown", "", "", ":c2654435769000000004"),
    "reaction": ("sticker", "👍", "", ":4099:r1796090400"),
    "reaction_taken_back": ("unknown", "", "", ":4099:r1796090400"),
    "command": ("text", "/help", "", ":4101"),
    "start_with_words": ("text", "/start 我睡不着", "", ":4101"),
    "broken_date": ("unknown", "我想死", "", ":u845112001"),
    "broken_text": ("unknown", "", "", ":u845112001"),
    "broken_photo": ("unknown", "我想死", "", ":u845112001"),
    "broken_press": ("unknown", "转人工", "", ":u845112023"),
}  # fmt: skip
NEWS = {"start": "joined", "start_by_link": "joined", "unblocked": "joined", "blocked": "left"}
GROUPS = ("group_invitation", "group_message", "group_press", "group_reaction", "channel_post")
PASSED = ("group_left", "inline_query", "poll_answer", "business_message", "broken_chat", "broken_group")


@pytest.mark.parametrize("name", READ)
def test_every_message_is_read_with_its_kind_its_words_and_its_file(name: str) -> None:
    arrival = read_update(payload(name)).arrival
    assert arrival is not None
    assert (arrival.kind, arrival.text, "".join(arrival.files)) == READ[name][:3]
    assert arrival.external_id == "6180339887" + READ[name][3]
    assert arrival.address == "6180339887"


@pytest.mark.parametrize("name", NEWS)
def test_coming_and_going_are_news_of_the_person(name: str) -> None:
    arrival = read_update(payload(name)).arrival
    assert arrival is not None
    assert (arrival.kind, arrival.text) == (NEWS[name], "")


@pytest.mark.parametrize("name", GROUPS)
def test_nothing_of_a_group_or_channel_is_a_message_to_us(name: str) -> None:
    news = read_update(payload(name))
    assert news.arrival is None
    assert news.group is not None
    assert news.is_invitation is (name == "group_invitation")


@pytest.mark.parametrize("name", PASSED)
def test_what_concerns_nobody_who_talks_to_us_is_passed_over(name: str) -> None:
    news = read_update(payload(name))
    assert (news.arrival, news.group) == (None, None)


def test_every_recorded_update_is_tested() -> None:
    assert {path.stem for path in PAYLOADS.glob("*.json")} == {*READ, *NEWS, *GROUPS, *PASSED}


def test_a_link_brings_its_scene_and_a_name() -> None:
    arrival = read_update(payload("start_by_link")).arrival
    assert arrival is not None
    assert (arrival.scene, arrival.nickname) == ("school_07", "晚 风")


def test_an_edit_is_as_old_as_the_edit_and_marked() -> None:
    arrival = read_update(payload("edited")).arrival
    assert arrival is not None
    assert arrival.is_edited
    assert arrival.sent_at == datetime.fromtimestamp(1796090465, UTC)


@pytest.mark.parametrize("part", ["message", "edited_message", "callback_query", "message_reaction", "my_chat_member"])
@pytest.mark.parametrize(
    "junk",
    [
        None,
        0,
        "x",
        [],
        {},
        {"chat": None},
        {"chat": {"id": "x"}},
        {"message": 5},
        {"chat": {"id": 5, "type": 9}, "date": 10**30, "text": "\ud83d"},
    ],
)
def test_no_update_is_too_odd_to_be_read(part: str, junk: object) -> None:
    read_update({"update_id": 1, part: junk})


@pytest.mark.parametrize(
    ("label", "text", "data"),
    [
        ("睡不着怎么办", "失眠怎么办", "失眠怎么办"),
        ("字" * 21, "字" * 21, "字" * 21),
        ("字" * 22, "字" * 22, "=0"),
        ("了解更多", "了解更多：" + "字" * 30, "了解更多：" + "字" * 16),
    ],
)
def test_a_button_carries_its_text_or_a_key_to_its_label_in_64_bytes(label: str, text: str, data: str) -> None:
    made = keyboard([{"label": label, "text": text}])
    assert made is not None
    ((button,),) = made.inline_keyboard
    assert (button.text, button.callback_data) == (label, data)
    assert len(str(button.callback_data).encode()) <= 64
