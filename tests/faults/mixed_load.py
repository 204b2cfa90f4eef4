"""All channels at once, with faults: `python -m tests.faults.mixed_load --minutes 10`.

One service, the web chat and four platforms as local servers that speak the real protocols. A twentieth of the time each platform is
down, slow, asks for patience or refuses our token; a twentieth of the messages come twice. Every message must be
stored once and answered once, nobody's words may be lost, and people in danger must not wait behind others.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import structlog
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import server
from bot.channels.wecom_door import WecomDoor
from command.answering import build_index
from records import tables as t
from settings import Settings
from tests.bot.channels import (
    partner_platform,
    telegram_platform,
    telegram_rig,
    wechat_platform,
    wechat_rig,
    wecom_platform,
    wecom_rig,
)
from tests.bot.channels.rig import Rig, Trouble
from tests.bot.channels.web_rig import WebRig
from tests.browsing import Site, serving
from tests.building import CRISIS, compiled_screener, rows

_WORDS = ("失眠怎么办", "你好", "抑郁症有哪些症状", "今天天气不错", CRISIS)
_TROUBLES = (Trouble.DOWN, Trouble.SLOW, Trouble.THROTTLED, Trouble.TOKEN_EXPIRED)
_FAULTY, _TWICE = 0.05, 0.05
_TROUBLE_S = 1.0
_QUIET_WITHIN_S = 120.0


@dataclass
class Sent:
    """One message of one person, and when the first words of ours reached them."""

    channel: str
    person: str
    text: str
    at: float
    answered_at: float | None = None


@dataclass
class Load:
    """Everything that was sent, and what came back."""

    rigs: Mapping[str, Rig]
    sent: list[Sent] = field(default_factory=list)
    posts: int = 0
    troubles: int = 0

    async def send(self, channel: str, number: int, text: str, *, twice: bool) -> None:
        """As the platform does: again until we say thanks."""
        rig, person = self.rigs[channel], f"person-{number}"
        message = Sent(channel, person, text, time.perf_counter())
        self.sent.append(message)
        for _ in range(2 if twice else 1):
            while True:
                self.posts += 1
                with contextlib.suppress(httpx.HTTPError, TimeoutError):
                    if await rig.post(person, 1, text) < 300:
                        break
                await asyncio.sleep(0.5)

    async def watch(self) -> None:
        """Note when words of ours reach somebody."""
        while True:
            for message in self.sent:
                if message.answered_at is None and self.rigs[message.channel].seen(message.person):
                    message.answered_at = time.perf_counter()
            await asyncio.sleep(0.02)

    async def make_trouble(self, channel: str, choose: random.Random) -> None:
        """A twentieth of the time something is wrong at this platform."""
        while True:
            await asyncio.sleep(choose.uniform(0.5, 1.5) * _TROUBLE_S / _FAULTY)
            self.rigs[channel].trouble(choose.choice(_TROUBLES))
            self.troubles += 1
            await asyncio.sleep(_TROUBLE_S)
            self.rigs[channel].trouble(Trouble.NONE)

    async def settle(self, site: Site) -> bool:
        """Wait until everybody has heard from us and nothing is under way; False when somebody has not heard."""
        ends = time.perf_counter() + _QUIET_WITHIN_S
        engine = site.service.store.engine
        while any(message.answered_at is None for message in self.sent) or any(
            rows(engine, t.outbox, state=state) for state in ("pending", "sending")
        ):
            if time.perf_counter() > ends:
                return all(message.answered_at is not None for message in self.sent)
            await asyncio.sleep(0.1)
        return True


@contextlib.asynccontextmanager
async def everything(folder: Path) -> AsyncIterator[tuple[Site, dict[str, Rig]]]:
    """One service beside all platforms."""
    telegram, wecom, partner = telegram_platform.TelegramPlatform(), wecom_platform.WecomPlatform(), _partner()
    async with (
        serving(telegram.app()) as telegram_url,
        wechat_platform.standing() as wechat,
        serving(wecom.app()) as wecom_url,
        serving(partner.app()) as partner_url,
    ):
        settings = _together(
            folder / "data",
            telegram_rig.telegram_settings(folder, telegram_url, polls=False),
            wechat_rig.wechat_settings(folder, wechat.address),
            wecom_rig.wecom_settings(folder, wecom_url),
            partner_platform.partner_settings(folder, f"{partner_url}/hotline"),
        )
        build_index(settings)
        app = server.build_app(settings, screener=compiled_screener())
        for door in app.state.service.doors:
            if isinstance(door, WecomDoor):
                door.look_s = 0.5
        async with (
            serving(app) as url,
            httpx.AsyncClient(base_url=url, timeout=20) as http,
            httpx.AsyncClient(base_url=url, timeout=20) as page,
        ):
            telegram.addresses[telegram_platform.PUBLIC_URL] = url
            wecom.callback_url = f"{url}/wecom"
            site = Site(app, app.state.service)
            made: tuple[Rig, ...] = (
                telegram_rig.TelegramRig(telegram, site, polls=False),
                wechat_rig.WeChatRig(site, http, wechat),
                wecom_rig.WecomRig(wecom, site),
                partner_platform.PartnerRig(site, http, partner),
                WebRig(site, page),
            )
            yield site, {rig.name: rig for rig in made}


def _partner() -> partner_platform.Platform:
    return partner_platform.Platform()


def _together(data: Path, *parts: Settings) -> Settings:
    """One deployment with the settings of all of these."""
    given = {name: getattr(part, name) for part in parts for name in part.model_fields_set}
    return Settings.model_validate({**given, "data_dir": data, "outbox_lease_s": 4})


async def run(minutes: float, per_second: float, seed: int, say: Console) -> tuple[Load, list[str]]:
    """The load, and what was wrong afterwards."""
    choose = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        async with everything(Path(folder)) as (site, rigs):
            load, posts = Load(rigs), set()
            beside = [asyncio.create_task(load.watch())]
            beside += [asyncio.create_task(load.make_trouble(name, random.Random(f"{seed}{name}"))) for name in rigs]
            ends = time.perf_counter() + minutes * 60
            with Progress(console=say) as bar:
                task = bar.add_task("messages", total=minutes * 60 * per_second)
                number = 0
                while time.perf_counter() < ends:
                    number += 1
                    channel = choose.choice(list(rigs))
                    # WeChat repeats only what it got no answer to: the contract test does that
                    twice = channel != "wechat" and choose.random() < _TWICE
                    post = load.send(channel, number, choose.choice(_WORDS), twice=twice)
                    posts.add(asyncio.create_task(post))
                    bar.advance(task)
                    await asyncio.sleep(choose.expovariate(per_second))
            for extra in beside[1:]:
                extra.cancel()
            for rig in rigs.values():
                rig.trouble(Trouble.NONE)
            await asyncio.wait(posts, timeout=_QUIET_WITHIN_S)
            all_heard = await load.settle(site)
            beside[0].cancel()
            return load, faults(site, load, all_heard=all_heard)


def faults(site: Site, load: Load, *, all_heard: bool) -> list[str]:
    """What must not be: lost, doubled, unanswered or undelivered messages, a crisis without its case."""
    store = site.service.store
    found = [] if all_heard else [f"{sum(m.answered_at is None for m in load.sent)} people heard nothing"]
    messages = rows(store.engine, t.message, author="visitor")
    if len(messages) != len(load.sent):
        found.append(f"{len(load.sent)} messages were sent, {len(messages)} are stored")
    in_danger = sum(message.text == CRISIS for message in load.sent)
    if (cases := len(rows(store.engine, t.case_record))) != in_danger:
        found.append(f"{in_danger} people were in danger, there are {cases} cases")
    for state in ("pending", "sending", "dead"):
        if left := rows(store.engine, t.outbox, state=state):
            reasons = sorted({row.reason for row in left})
            found.append(f"{len(left)} rows of the outbox are {state} {reasons}")
    for rig in load.rigs.values():
        doubled = [p for p in {m.person for m in load.sent if m.channel == rig.name} if _repeats(rig.seen(p))]
        if doubled:
            found.append(f"{rig.name}: {len(doubled)} people saw the same words twice")
    return found


def _repeats(texts: list[str]) -> bool:
    return len(set(texts)) < len(texts)


def _show(load: Load, say: Console) -> None:
    table = Table(
        "channel", "messages", "in danger p50", "p99", "others p50", "p99", title="seconds to our first words"
    )
    for name in load.rigs:
        mine = [m for m in load.sent if m.channel == name and m.answered_at is not None]
        cells = [str(len(mine))]
        for is_crisis in (True, False):
            waits = sorted((m.answered_at or 0) - m.at for m in mine if (m.text == CRISIS) is is_crisis)
            cells += (
                [f"{statistics.median(waits):.2f}", f"{waits[int(len(waits) * 0.99)]:.2f}"] if waits else ["-", "-"]
            )
        table.add_row(name, *cells)
    say.print(table)


def main() -> int:
    """Run, print, and say by the exit code whether all was well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--per-second", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    say = Console()
    load, wrong = asyncio.run(run(options.minutes, options.per_second, options.seed, say))
    _show(load, say)
    say.print(f"{len(load.sent)} messages in {load.posts} posts, {load.troubles} troubles at the platforms")
    say.print("\n".join(wrong) or "every message stored once and answered; nothing lost, nothing twice")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
