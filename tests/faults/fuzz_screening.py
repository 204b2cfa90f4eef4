"""Screen very many broken, hostile and merely odd texts: python -m tests.faults.fuzz_screening --strings 1000000

Every text must be screened without failing, and none may take long. Prints what was slowest, never the text:
its recipe (seed and number) makes it again.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import track

import triage
from triage.release import open_screener
from triage.screen import Screener

LONGEST_CHARS = 2_000
_ODD = "\x00\x07\u200b\u200d\u202e\u2066\ufeff\ud800\udfff\U0010ffff💊🔪👨‍👩‍👧死杀药跳我不没想了。，！？.,!?…~ \n\t\r《》“”''\"()[]{}|\\^$*+?0123456789"
_BLOCKS = ((0x20, 0x7F), (0x4E00, 0xA000), (0x3040, 0x30FF), (0x0600, 0x06FF), (0x1F300, 0x1FAFF), (0x0, 0x110000))


def texts(seed: int, count: int) -> Iterator[tuple[int, str]]:
    """Numbered texts: noise, mutated messages of the corpus, joined messages, endless repetition."""
    lines = (Path(triage.__file__).parent / "corpus" / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    messages = [json.loads(line)["text"] for line in lines]
    for number in range(count):
        yield number, _text(random.Random(f"{seed}.{number}"), messages)


def _text(choose: random.Random, messages: list[str]) -> str:
    kind = choose.random()
    if kind < 0.35:
        return _mutated(choose, choose.choice(messages))
    if kind < 0.55:
        return "".join(_mutated(choose, choose.choice(messages)) for _ in range(choose.randint(2, 12)))[:LONGEST_CHARS]
    if kind < 0.75:
        first, last = choose.choice(_BLOCKS)
        return "".join(chr(choose.randrange(first, last)) for _ in range(choose.randint(0, 300)))
    if kind < 0.9:
        return "".join(choose.choice(_ODD) for _ in range(choose.randint(0, 400)))
    unit = choose.choice(messages)[: choose.randint(1, 8)] or "我"
    return (unit * LONGEST_CHARS)[: choose.randint(1, LONGEST_CHARS)]


def _mutated(choose: random.Random, message: str) -> str:
    chars = list(message)
    for _ in range(choose.randint(1, 1 + len(chars) // 6)):
        at = choose.randrange(len(chars) + 1)
        step = choose.randint(0, 3)
        if step == 0:
            chars.insert(at, choose.choice(_ODD))
        elif step == 1 and chars:
            del chars[min(at, len(chars) - 1)]
        elif step == 2 and chars:
            chars[min(at, len(chars) - 1)] = choose.choice(_ODD)
        else:
            chars[at:at] = chars[max(0, at - choose.randint(1, 5)) : at]
    return "".join(chars)


def failures(screener: Screener, seed: int, count: int) -> list[int]:
    """The numbers of texts whose screening failed or lost its classifier."""
    return [number for number, text in texts(seed, count) if (s := screener.judge(text)).failed or s.lame]


def main() -> int:
    """Screen all, print the slowest; 1 when any failed or took longer than the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strings", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit-ms", type=float, default=20.0)
    options = parser.parse_args()
    say, screener = Console(), open_screener(clock=time.perf_counter)
    failed, slow, slowest = [], [], (0.0, -1)
    for number, text in track(texts(options.seed, options.strings), total=options.strings, console=say):
        began = time.thread_time()  # computing time: a busy machine must not look like slow rules
        screening = screener.judge(text)
        took = (time.thread_time() - began) * 1000
        slowest = max(slowest, (took, number))
        if screening.failed or screening.lame not in ("", "slow"):
            failed.append(number)
        if took > options.limit_ms:
            slow.append(number)
    say.print(f"{options.strings} texts of seed {options.seed}: {len(failed)} failed {failed[:10]}")
    say.print(f"slowest {slowest[0]:.2f} ms (text {slowest[1]}), {len(slow)} above {options.limit_ms} ms {slow[:10]}")
    return 1 if failed or slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
