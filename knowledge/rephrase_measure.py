"""How many harmed rephrasings are caught, how many good ones kept? And which thresholds would be best for a file?"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

from knowledge.articles import Library
from knowledge.rephrase import Draft, Rules
from knowledge.rephrasings_file import Rephrasing
from knowledge.shares import Share
from knowledge.support import Thresholds

_GRID = (
    (0.8, 0.85, 0.9),  # least_covered
    (1, 2, 3),  # most_new
    (0.1, 0.12, 0.135, 0.2),  # most_disorder
    (0.88, 0.91, 0.94, 0.97),  # least_kept
)


def measure(rules: Rules, library: Library, texts: Sequence[Rephrasing]) -> dict[str, Share]:
    """Share of good texts kept; of harmed ones caught, also where only the harm can have been the reason, by harm."""
    kept = {text.id for text in texts if not text.harm and _passes(rules, library, text)}
    good = [text for text in texts if not text.harm]
    caught = {text: not _passes(rules, library, text) for text in texts if text.harm}
    apart = {text: is_caught for text, is_caught in caught.items() if text.id in kept}
    shares = {
        "good: kept": Share(len(kept), len(good)),
        "harmed: caught": Share(sum(caught.values()), len(caught)),
        "harmed in one place of a text otherwise kept: caught": Share(sum(apart.values()), len(apart)),
    }
    return shares | _by_harm(caught)


def _by_harm(caught: Mapping[Rephrasing, bool]) -> dict[str, Share]:
    kinds = sorted({text.harm for text in caught})
    of = {kind: [is_caught for text, is_caught in caught.items() if text.harm == kind] for kind in kinds}
    return {f"{kind}: caught": Share(sum(of[kind]), len(of[kind])) for kind in kinds}


def fit(rules: Rules, library: Library, texts: Sequence[Rephrasing]) -> Thresholds:
    """The thresholds that keep most good texts while no harmed one passes; of equals the strictest."""
    best: tuple[tuple[float, ...], Thresholds] | None = None
    left = [text for text in texts if _passes(replace(rules, support=Thresholds(0.0, 99, 1.0, 0.0)), library, text)]
    for values in itertools.product(*_GRID):
        limits = Thresholds(*values)
        passed = [text for text in left if _passes(replace(rules, support=limits), library, text)]
        if any(text.harm for text in passed):
            continue
        rank = (len(passed), limits.least_covered, -float(limits.most_new), -limits.most_disorder, limits.least_kept)
        if best is None or rank > best[0]:
            best = (rank, limits)
    if best is None:
        raise ValueError("no thresholds keep the harmed texts out")
    return best[1]


def _passes(rules: Rules, library: Library, text: Rephrasing) -> bool:
    return bool(rules.check(_draft(rules, library, text), text.text)[0])


def _draft(rules: Rules, library: Library, text: Rephrasing) -> Draft:
    draft = rules.draft(library.articles[text.article])
    if draft is None:
        raise ValueError(f"{text.id}: {text.article} is never rephrased")
    return draft
