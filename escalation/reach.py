"""Can this person be reached on this channel, and how often still? Values in, words out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from records.ledger import Allowance
from records.outbox_rows import DeadLetter

_ZONE = ZoneInfo("Asia/Shanghai")
_AT_ONCE = timedelta(minutes=1)  # a menu press or an opened chat allows no longer
_LOST = "这里已联系不上，请打电话或换渠道"
_WINDOWS = {"wechat": "微信 48 小时后", "wecom": "微信客服 48 小时后"}
_GONE = {"blocked": "来访者拉黑了我们", "left": "来访者取消了关注或退出了"}
REASON_WORDS = {
    "refused": "平台拒收这句话",
    "blocked": "来访者拉黑了我们",
    "left": "来访者取消了关注或退出了",
    "closed": "超过了平台允许回复的时间",
    "used_up": "平台允许的条数用完了",
    "tries": "平台一直连不上，试了很多次",
}


@dataclass(frozen=True)
class Reach:
    """Whether words get through now. `left` and `until` are None where the platform counts nothing."""

    is_open: bool
    words: str
    left: int | None = None
    until: datetime | None = None


def reach(unreachable: str, allowance: Allowance | None, now: datetime) -> Reach:
    """What a counsellor must know before writing."""
    if unreachable:
        return Reach(False, f"{_GONE.get(unreachable, '平台不让我们再写')}，{_LOST}", 0)
    if allowance is None:
        return Reach(True, "可以联系，平台不限条数")
    if now >= allowance.until:
        return Reach(False, f"{_LOST}（超过了平台允许的时间，来访者写来才能发）", 0)
    if allowance.left <= 0:
        return Reach(False, f"{_LOST}（平台允许的条数用完了，来访者写来才能发）", 0)
    ends = allowance.until.astimezone(_ZONE)
    words = f"还能发 {allowance.left} 条，到 {ends:%m-%d %H:%M}"
    if allowance.until - now <= _AT_ONCE:
        words = f"还能发 {allowance.left} 条，只到 {ends:%H:%M:%S}：要发请马上发，之后要等来访者写来"
    return Reach(True, words, allowance.left, allowance.until)


def window_words(channel: str, allowance: Allowance | None, now: datetime) -> str:
    """What must be agreed while a platform still lets us write; empty where it never stops us."""
    if allowance is None or now >= allowance.until:
        return ""
    until = allowance.until.astimezone(_ZONE).strftime("%m-%d %H:%M")
    limit = _WINDOWS.get(channel, "过了时限")
    return f"{limit}就不能主动联系，请在 {until} 前征得同意，并约好电话或让他先写一个字"


def why_no_retry(letter: DeadLetter, now_reach: Reach) -> str:
    """Why trying again would be in vain; empty when it may get through now."""
    item = letter.item
    if letter.reason == "refused":
        return "平台拒收的话重试也没有用，请换一种说法再发"
    if item.origin == "bot" and (item.owner_id is not None or item.epoch != item.owner_epoch):
        return "对话已经换了人，机器人当时的话不再发"
    return "" if now_reach.is_open else "现在还送不到，要等来访者再写来"
