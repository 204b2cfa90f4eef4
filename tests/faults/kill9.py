"""kill -9 at random points under load: `python -m tests.faults.kill9 --trials 100`.

A real `hotline serve` on SQLite is killed while visitors write, started again, and asked what it kept. Every fifth
time it is killed once more while it starts. SIGKILL leaves the page cache as it is: this proves that nothing is
acknowledged before its commit and that recovery is complete, not that the disk obeys fsync.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
import structlog
from rich.console import Console
from rich.table import Table

import wiring
from bot.replies import load_replies
from command.bench.deployment import Deployment, deploy
from records import tables as t
from tests.faults.ledger import Entry, Findings, Kept, check_all, check_screen
from tests.faults.visitors import Writing, read_screen, visit

_VISITORS, _IN_DANGER = 8, 4
_LONGEST_LOAD_S = 1.5
_AFTER_RESTART_S = 0.3
_QUIET_WITHIN_S = 60.0
_SAFETY = ("safety.medium", "safety.high", "safety.emergency")
_CLOCKS = {"outbox_lease_s": "2", "handling_lease_s": "2", "sweep_s": "0.2", "waiting_note_s": "3600"}
_UNLIMITED = {"answers_per_minute": "1000000"}  # the ledger wants an answer to every message
_LADDER = {f"ladder_{level}_s": "3600" for level in ("low", "medium", "high", "emergency")}


@dataclass
class Trials:
    """What all trials together gave."""

    findings: Findings = field(default_factory=Findings)  # of all rows; counted anew at the end
    screens: Findings = field(default_factory=Findings)  # of what the visitors read after each trial
    restarts_s: list[float] = field(default_factory=list)
    kills: int = 0
    broken_databases: int = 0
    entries: list[tuple[Entry, bool]] = field(default_factory=list)


class Store:
    """The database file, read beside the running server."""

    def __init__(self, deployment: Deployment):
        self._settings = deployment.settings
        self._store = wiring.open_store(deployment.settings)
        replies = load_replies(deployment.settings.numbers(), deployment.settings.hotline_name)
        self._safety = {replies.render(key) for key in _SAFETY}

    def is_sound(self) -> bool:
        """SQLite's own check of the file."""
        with contextlib.closing(sqlite3.connect(self._settings.data_dir / "hotline.db")) as connection:
            return bool(connection.execute("PRAGMA quick_check").fetchall() == [("ok",)])

    def unfinished(self) -> int:
        """Messages without answer and words not yet delivered."""
        waiting = sa.select(sa.func.count()).where(t.message.c.handling == "new")
        sending = sa.select(sa.func.count()).where(t.outbox.c.state.in_(("pending", "sending")))
        with self._store.engine.connect() as connection:
            return int(connection.execute(waiting).scalar_one()) + int(connection.execute(sending).scalar_one())

    def judge(self, entries: Sequence[tuple[Entry, bool]]) -> Findings:
        """Hold the visitors' ledgers against the rows."""
        kept = {entry.conversation_id: self._kept(entry.conversation_id) for entry, _ in entries}
        in_danger = {
            entry.conversation_id: (*self._calls(entry.conversation_id), self._safety_replies(kept, entry))
            for entry, is_danger in entries
            if is_danger
        }
        return check_all([entry for entry, _ in entries], kept, in_danger=in_danger)

    async def judge_screens(self, writing: Writing, entries: Sequence[tuple[Entry, bool]]) -> Findings:
        """Hold what the visitors can read against the rows."""
        found = Findings()
        for entry, _ in entries:
            shown = await read_screen(writing, entry)
            found += check_screen(entry.conversation_id, shown, self._kept(entry.conversation_id))
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._store.engine.dispose()

    def _kept(self, conversation_id: str) -> list[Kept]:
        found: list[Kept] = []
        with self._store.engine.connect() as connection:
            while page := self._store.conversations.messages(
                connection, conversation_id, after=found[-1].seq if found else 0
            ):
                found += [Kept(message.seq, message.author, message.body) for message in page]
        return found

    def _calls(self, conversation_id: str) -> tuple[int, int]:
        cases = sa.select(sa.func.count()).where(
            t.case_record.c.conversation_id == conversation_id, t.case_record.c.state != "closed"
        )
        alerts = sa.select(sa.func.count()).where(
            t.alert.c.conversation_id == conversation_id, t.alert.c.state == "ringing"
        )
        with self._store.engine.connect() as connection:
            return int(connection.execute(cases).scalar_one()), int(connection.execute(alerts).scalar_one())

    def _safety_replies(self, kept: dict[str, list[Kept]], entry: Entry) -> int:
        return sum(one.author == "bot" and one.text in self._safety for one in kept[entry.conversation_id])


async def trial(deployment: Deployment, number: int, chance: random.Random, trials: Trials) -> None:
    """Write, kill, start, write on, check."""
    process, writing = deployment.process, Writing(deployment.process.port)
    visitors = [
        asyncio.create_task(visit(writing, f"{number}-{n}", random.Random(chance.random()), is_danger=n < _IN_DANGER))
        for n in range(_VISITORS + _IN_DANGER)
    ]
    await asyncio.sleep(chance.uniform(0.0, _LONGEST_LOAD_S))
    process.kill()
    trials.kills += 1
    if number % 5 == 0:
        process.spawn()
        await asyncio.sleep(chance.uniform(0.0, 2.0))
        process.kill()
        trials.kills += 1
    trials.restarts_s.append(await asyncio.to_thread(process.start))
    await asyncio.sleep(_AFTER_RESTART_S)
    writing.is_over = True
    trial_entries = list(
        zip(await asyncio.gather(*visitors), (n < _IN_DANGER for n in range(len(visitors))), strict=True)
    )
    store = await asyncio.to_thread(Store, deployment)
    try:
        await _until_quiet(store)
        trials.findings += await asyncio.to_thread(store.judge, trial_entries)
        trials.screens += await store.judge_screens(writing, trial_entries)
        trials.broken_databases += not await asyncio.to_thread(store.is_sound)
        trials.entries += trial_entries
    finally:
        store.close()


async def _until_quiet(store: Store) -> None:
    """Everything owed is delivered soon after the restart; what is still open then is found by the checker."""
    deadline = time.monotonic() + _QUIET_WITHIN_S
    while await asyncio.to_thread(store.unfinished) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)


async def run_trials(count: int, seed: int, folder: Path, *, say: Console | None = None) -> Trials:
    """All trials on one growing database, and everything once more at the end."""
    chance, trials = random.Random(seed), Trials()
    deployment = deploy(folder / "var", **_CLOCKS, **_LADDER, **_UNLIMITED)
    try:
        await asyncio.to_thread(deployment.process.start)
        for number in range(1, count + 1):
            await trial(deployment, number, chance, trials)
            if say:
                say.print(f"trial {number}: {trials.findings.acknowledged} acknowledged, "
                          f"{len(trials.findings.faults)} faults, restart {trials.restarts_s[-1]:.2f} s")  # fmt: skip
        store = Store(deployment)
        trials.findings = trials.screens + await asyncio.to_thread(store.judge, trials.entries)
        trials.broken_databases += not store.is_sound()
        store.close()
    finally:
        deployment.process.stop()
    return trials


def table(trials: Trials) -> Table:
    """The result for people."""
    found, restarts = trials.findings, trials.restarts_s
    made = Table("what", "count", title="kill -9 under load")
    for name, value in (
        ("trials", len(restarts)), ("kills", trials.kills), ("acknowledged", found.acknowledged),
        ("lost", len(found.lost)), ("duplicated", len(found.duplicated)), ("disordered", len(found.disordered)),
        ("cases wrong", len(found.cases_wrong)), ("answers wrong", len(found.answers_wrong)),
        ("broken databases", trials.broken_databases),
        ("restart to ready, p50", f"{statistics.median(restarts):.2f} s"),
        ("restart to ready, max", f"{max(restarts):.2f} s"),
    ):  # fmt: skip
        made.add_row(name, str(value))
    return made


def main() -> int:
    """Run and print; exit status 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    out = Console()
    out.print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="hotline-kill9-") as folder:
        trials = asyncio.run(run_trials(options.trials, options.seed, Path(folder), say=out))
    out.print(table(trials))
    for fault in trials.findings.faults[:50]:
        out.print(fault, highlight=False)
    return 1 if trials.findings.faults or trials.broken_databases else 0


if __name__ == "__main__":
    sys.exit(main())
