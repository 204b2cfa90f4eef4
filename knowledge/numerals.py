"""The numbers of a Chinese sentence in order, written alike: 二十分钟 is 20分钟, but 每周 is not 每天."""

from __future__ import annotations

import re
from collections.abc import Collection

_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
_PLACES = {"十": 10, "百": 100, "千": 1000, "万": 10000}
_NUMBER = re.compile(r"每[周天日晚月年次]|[0-9]+(?:\.[0-9]+)?|[零一二两三四五六七八九十百千万半几]+")
_ONE_COUNTS = frozenset("周天年次分秒倍成半晚夜小月") | {"个月", "个小"}  # 一 before anything else is hardly a number
_HAN = re.compile(r"[一-鿿]")


def numbers_of(text: str, not_numbers: Collection[str] = ()) -> tuple[str, ...]:
    """Each number with the character that it counts, in reading order; words that only look like numbers are none."""
    for word in not_numbers:
        text = text.replace(word, "，" * len(word))
    found = []
    for match in _NUMBER.finditer(text):
        behind = text[match.end() : match.end() + 2]
        if match[0] == "一" and not {behind, behind[:1]} & _ONE_COUNTS:
            continue
        counts = _HAN.match(behind) and not match[0].startswith("每")
        found.append(value_of(match[0]) + (behind[:1] if counts else ""))
    return tuple(found)


def value_of(number: str) -> str:
    """A numeral as digits; what is vague (几, 两三) or no plain numeral stays as it is written."""
    if not all(char in _DIGITS or char in _PLACES for char in number) or re.search(
        r"[一二两三四五六七八九]{2}", number
    ):
        return number
    total, digit = 0, 0
    for char in number:
        if char in _DIGITS:
            digit = _DIGITS[char]
        else:
            total, digit = total + (digit or 1) * _PLACES[char], 0
    return str(total + digit)
