"""Fixed texts and fixed phrases: complete, used, with numbers, honest about who is there."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from bot.first_words import FITTED, SITUATIONS, fitting
from bot.replies import FOLDER, BadTexts, Replies, load_intents, load_replies
from escalation.routing import waiting_key
from knowledge.linter import lint
from settings import load_settings
from triage.protocol import decide
from triage.risk import Level

ROOT = Path(__file__).parents[2]
RAW = {
    f"{group}.{name}": text
    for group, entries in tomllib.loads((FOLDER / "zh.toml").read_text()).items()
    for name, text in entries.items()
}
GROUPS = {key.split(".")[0] for key in RAW}
URGENT = sorted(
    {key for key in RAW if key.startswith(("safety.", "waiting.")) and not key.startswith("safety.low")}
    | {"handover.called", "handover.already_called", "handover.emergency_button", "handover.back_to_queue"}
)
PARAMS = {"title": "值班老师林", "code": "一二三", "minutes": "十", "other": "网页", "plan": "一步", "name": "服务中心",
          "days": "十五", "hours": "七十二", "until": "后年", "link": "链接", "purposes": "随访"}  # fmt: skip
SOMEBODY_IS_THERE = re.compile(
    r"(?<!还没有)(?<!没)已接入|老师(?:已经)?(?:来了|在了|在线|接上了|到了)|我是(?:值班|心理)?老师|我是真人"
    r"|(?:老师|我们的人)(?:正在|已经)(?:和|跟|陪)(?:你|您)|(?:马上|很快|立刻)(?:就)?(?:有人|有老师|会有)|救护车已|已(?:经)?报警"
)


def replies() -> Replies:
    settings = load_settings({"HOTLINE_LOCAL_24H": "0000-1234567"})
    return load_replies(settings.numbers(), settings.hotline_name)


def keys_in_code() -> set[str]:
    """Every key that the code writes out, and every key that its tables make."""
    found: set[str] = set()
    for folder in ("bot", "escalation", "triage", "command"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    for node in ast.walk(ast.parse((ROOT / "server.py").read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    pattern = re.compile(rf"(?:{'|'.join(GROUPS)})\.[a-z][a-z_0-9]*")
    written = {text for text in found if pattern.fullmatch(text)}
    safety = {decide(level, Level.NONE, person_owns=False).safety_reply for level in Level} - {None}
    named = ("other", "unclear", *SITUATIONS.values())
    made = {fitting(key, situation) for key in FITTED for situation in named}
    made |= {f"{key}_again" for key in safety} | {waiting_key(level, sent) for level in Level for sent in range(20)}
    made |= {f"talk.{intent}" for intent in ("hello", "thanks", "exit", "helpful", "unhelpful")}
    return written | {str(key) for key in safety} | made


def test_every_key_that_the_code_uses_has_a_text_and_every_text_is_used() -> None:
    assert keys_in_code() == set(RAW)


@pytest.mark.parametrize("key", RAW)
def test_every_text_is_complete_once_its_numbers_and_names_are_in(key: str) -> None:
    shown = replies().render(key, PARAMS)
    assert shown.strip() == shown
    assert "{" not in shown
    assert "}" not in shown


@pytest.mark.parametrize("key", RAW)
def test_no_text_writes_a_number_out(key: str) -> None:
    assert not re.search(r"[0-9０-９]{3,}", re.sub(r"\{n:[a-z_0-9]+\}", "", RAW[key]))


@pytest.mark.parametrize("key", URGENT)
def test_every_urgent_text_carries_the_emergency_number_and_the_hotline(key: str) -> None:
    shown = replies().render(key)
    assert "120" in shown
    assert "110" in shown
    assert "12356" in shown
    assert "0000-1234567" in shown


@pytest.mark.parametrize("key", sorted(set(RAW) - {"handover.person_joined"}))
def test_no_text_claims_that_a_person_is_there_or_on_the_way(key: str) -> None:
    assert not SOMEBODY_IS_THERE.search(RAW[key])


@pytest.mark.parametrize(
    "claim", [RAW["handover.person_joined"], "老师来了", "我是真人", "马上有人联系您", "老师正在陪你", "救护车已出发"]
)
def test_such_a_claim_would_be_noticed(claim: str) -> None:
    assert SOMEBODY_IS_THERE.search(claim)


@pytest.mark.parametrize("key", RAW)
def test_every_text_keeps_to_safe_messaging(key: str) -> None:
    assert lint(replies().render(key, PARAMS), without={"number"}) == ()


def test_the_first_words_say_that_this_is_a_machine_and_what_confidence_has_for_limits() -> None:
    for key in ("greeting.first", "greeting.again"):
        assert "机器人，不是真人" in RAW[key]
        assert "转人工" in RAW[key]
    assert "保密" in RAW["greeting.first"]


def test_waiting_messages_differ_from_one_to_the_next() -> None:
    for level in (Level.MEDIUM, Level.HIGH, Level.EMERGENCY):
        keys = [waiting_key(level, sent) for sent in range(12)]
        assert all(one != other for one, other in zip(keys, keys[1:], strict=False))


def test_a_text_that_needs_an_unknown_number_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "zh.toml").write_text('[safety]\nhigh = "请打{n:nobody}"\n')
    with pytest.raises(BadTexts, match=r"safety\.high.*nobody"):
        load_replies({"police": "110"}, "热线", tmp_path)


def test_a_text_that_breaks_safe_messaging_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "zh.toml").write_text('[talk]\nhello = "加油，你一定会好起来！"\n')
    with pytest.raises(BadTexts, match=r"talk\.hello.*加油"):
        load_replies({}, "热线", tmp_path)


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        replies().render("no.such_text")


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("转人工", "person"),
        (" 转人工！ ", "person"),
        ("转人工。。。", "person"),
        ("轉人工", "person"),
        ("真人", "person"),
        ("SOS", "emergency"),
        ("ＳＯＳ", "emergency"),
        ("救命!!", "emergency"),
        ("紧急求助", "emergency"),
        ("你好", "hello"),
        ("谢谢～", "thanks"),
        ("再见", "exit"),
        ("投诉！", "complaint"),
        ("我要投訴", "complaint"),
        ("我要投诉你们，刚才的老师不耐烦，催我挂断，后来就没有人理我了，我等了一个晚上", "complaint"),
        ("我要投诉医院", ""),
        ("我不想投诉", ""),
        ("我不想转人工", ""),
        ("人工智能是什么", ""),
        ("", ""),
        ("转人工" * 20, ""),
    ],
)
def test_only_a_whole_message_means_one_thing(text: str, intent: str) -> None:
    assert load_intents().of(text) == intent


def test_a_phrase_with_two_meanings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "intents.toml").write_text('[person]\nphrases = ["人工"]\n[exit]\nphrases = ["人工！"]\n')
    with pytest.raises(BadTexts, match="人工"):
        load_intents(tmp_path)


def test_the_numbers_on_the_page_are_those_of_the_settings() -> None:
    settings = load_settings({"HOTLINE_NATIONAL_HOTLINE": "99999", "HOTLINE_POLICE": "88888"})
    shown = load_replies(settings.numbers(), "热线").render("safety.high")
    assert "99999" in shown
    assert "88888" in shown
    assert "12356" not in shown
