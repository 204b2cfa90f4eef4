"""Tell a question that goes on with the last topic (那要多久才好) from one that begins another (对了，…).

The words are data of the language, not of any topic: who changes the subject usually says so, and who goes on
leaves the topic out.
"""

from __future__ import annotations

import re

from knowledge.grams import simplify

LONGEST = 30  # characters; a longer question has a topic of its own
_TURNS_AWAY = re.compile(
    r"^(对了|另外|顺便|话说|算了|哎|诶|那个，)|换(个|一个)|问(别|点别)的|先不说|另一个问题|还有个事|突然想|刚想起|说正经的|帮.{1,4}问|问个"
)


def may_go_on(text: str) -> bool:
    """Whether a question may be about the topic before it."""
    plain = simplify(text).strip()
    return 0 < len(plain) <= LONGEST and not _TURNS_AWAY.search(plain)


def clauses(text: str, least: int = 5) -> list[str]:
    """The parts of a message that may ask different things."""
    return [part for part in re.split(r"[，。；;？?！!\n]+|另外|还有", text) if len(part.strip()) >= least]
