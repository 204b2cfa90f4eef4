"""A screening release: the rulebook, the lexicon and the classifier that judge together, in one folder.

The shipped release is this package's own folder; a deployment may prepare another (rule edits by its
supervisors, a model trained anew), try it in the dark over stored traffic, and switch it on.
"""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from triage.classifier import Classifier, ModelError
from triage.loading import Rulebook, load_rulebook
from triage.risk import Level
from triage.screen import Screener

SHIPPED = Path(__file__).parent
RULEBOOK, MODEL, LEXICON = "rulebook", "model", "lexicon"
_CURRENT = "CURRENT"
_MOST_FAULTS = 20


class ReleaseRefused(ValueError):
    """A release must not be switched on; the message says why."""


def open_screener(folder: Path = SHIPPED, *, clock: Callable[[], float] | None = None) -> Screener:
    """The screener of a release.

    A rulebook that cannot be used raises RulebookError: nothing may run on it. A classifier that cannot be
    used does not: the rules work without it, every screening says so, and `Screener.fault` tells why.
    """
    rulebook = load_rulebook(folder / RULEBOOK)
    try:
        classifier = Classifier.load(folder / MODEL, folder / LEXICON)
    except ModelError as error:
        return Screener(rulebook, fault=str(error), clock=clock)
    return Screener(rulebook, classifier, clock=clock)


def in_force(home: Path) -> Path:
    """The release that was switched on under this folder, else the shipped one."""
    pointer = home / _CURRENT
    return home / pointer.read_text(encoding="utf-8", errors="replace").strip() if pointer.exists() else SHIPPED


def adopt(candidate: Path, home: Path) -> str:
    """Check a release, copy it under `home`, and switch to it in one step; returns its version.

    Raises ReleaseRefused when a rule does not pass its own sentences or the classifier cannot be read;
    RulebookError when the rulebook cannot. The release before stays where it is.
    """
    if faults := unproved(load_rulebook(candidate / RULEBOOK)):
        raise ReleaseRefused("; ".join(faults[:_MOST_FAULTS]))
    screener = open_screener(candidate)
    if screener.fault:
        raise ReleaseRefused(screener.fault)
    name = screener.version.replace(" ", "_").replace("+", "-")
    if not _holds(home / name, candidate):
        fresh = home / f".{name}"
        for old in (fresh, home / name):
            shutil.rmtree(old, ignore_errors=True)
        for part in (RULEBOOK, MODEL, LEXICON):
            shutil.copytree(candidate / part, fresh / part)
        os.replace(fresh, home / name)
    pointer = home / f".{_CURRENT}"
    pointer.write_text(name, encoding="utf-8")
    os.replace(pointer, home / _CURRENT)
    return screener.version


def _holds(copy: Path, candidate: Path) -> bool:
    """Whether a copy is there, file by file: one that was damaged since is made anew."""
    files = [
        file.relative_to(candidate) for part in (RULEBOOK, MODEL, LEXICON) for file in (candidate / part).iterdir()
    ]
    return all((copy / file).exists() and filecmp.cmp(copy / file, candidate / file, shallow=False) for file in files)


def unproved(rulebook: Rulebook) -> list[str]:
    """The sentences by which frames and scopes prove themselves and that they fail, each in one line."""
    rules = Screener(rulebook)
    faults = []
    for frame in rulebook.frames.by_id.values():
        for sentence in frame.must_match:
            found = [s for s in rules.judge(sentence).signals if s.rule == frame.id]
            if frame.level not in {s.level for s in found}:
                faults.append(f"{frame.id} does not find: {sentence}")
        for sentence in frame.must_not_match:
            if any(s.rule == frame.id and not s.scope for s in rules.judge(sentence).signals):
                faults.append(f"{frame.id} must leave: {sentence}")
    for scope in rulebook.scopes.scopes:
        for sentence in scope.must_match:
            if rules.judge(sentence).level > max(scope.lowers_to, Level.LOW):
                faults.append(f"{scope.id} does not lower: {sentence}")
        for sentence in scope.must_not_match:
            if rules.judge(sentence).level <= scope.lowers_to:
                faults.append(f"{scope.id} hides: {sentence}")
    return faults
