"""Screens one message: readings, frames, scopes, classifier, memory. Pure: the same input gives the same answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from triage import agreement
from triage.classifier import Classifier, Opinion
from triage.frames import SENTENCE_ENDS, Known, Stretches, stretch
from triage.loading import Rulebook
from triage.memory import MODEL, SILENCE, Memory, remember
from triage.normalize import View, passages, stretches, views, windows
from triage.risk import Category, Level, Screening, Signal

_SAYS = agreement.MODEL_SAYS | {SILENCE: "问到危险以后，很久没有回音"}
_PASSAGE_CHARS = 120  # in a longer text one line that matters would drown among the others
_RULES_CHARS = 150  # no pattern reaches beyond a sentence: a long text is read in passages
_MOST_SENTENCES = 8
BUDGET_S = 0.015  # after so long the classifier leaves the rest of a very long text to the rules


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the message shows alone, and what is known of the conversation after it."""

    screening: Screening
    memory: Memory


@dataclass(slots=True)
class _Reading:
    """One message as rules and classifier read it."""

    signals: dict[tuple[str, int, int], Signal] = field(default_factory=dict)
    views: list[tuple[int, View]] = field(default_factory=list)  # the most undone view of each piece, and its offset
    sentences: set[str] = field(default_factory=set)  # of a long text, those in which a frame hears danger
    frames: Known = field(default_factory=dict)
    scopes: Known = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Heard:
    """The classifier's opinion of the most alarming passage of a message, and where that stands."""

    opinion: Opinion
    view: View
    offset: int  # of the piece in the message
    start: int  # of the passage in the view
    end: int


class Screener:
    """Judges messages by one rulebook and, beside it, a classifier.

    The rules never wait for the classifier and never fail with it: without one, or when it breaks, or when
    `clock` (seconds, rising) says that a text takes too long, they judge alone and the screening says so.
    """

    def __init__(
        self, rulebook: Rulebook, classifier: Classifier | None = None, *, fault: str = "",
        clock: Callable[[], float] | None = None,
    ) -> None:  # fmt: skip
        self._rulebook, self._classifier = rulebook, classifier
        self.fault = fault  # why there is no classifier, where there should be one
        self._clock = clock
        self._warm_up()

    @property
    def version(self) -> str:
        """Which rulebook and which classifier judged: their versions, with the hash of their content."""
        return f"{self._rulebook.version} {self._classifier.id if self._classifier else '-'}"

    def screen(self, text: str, memory: Memory, now: datetime) -> Assessment:
        """Judge a message and carry the conversation's memory on."""
        screening = self.judge(text)
        return Assessment(screening, remember(memory, screening, text, now))

    def judge(self, text: str) -> Screening:
        """Judge a message alone."""
        try:
            return self._judge(text)
        # A message that breaks the rules must reach a person, as if it were of high danger, and never be
        # lost or pass as harmless.
        except Exception:
            return Screening(level=Level.HIGH, version=self.version, failed=True)

    def explain(self, rule_id: str) -> str:
        """The plain reason that the console shows; the id itself for a rule of an older rulebook."""
        frame = self._rulebook.frames.by_id.get(rule_id)
        return frame.says if frame else _SAYS.get(rule_id, rule_id)

    def _warm_up(self) -> None:
        # RE2 builds its automata while it reads: the first messages of the day would wait ten times longer.
        for frame in self._rulebook.frames.by_id.values():
            for sentence in (*frame.must_match, *frame.must_not_match):
                self.judge(sentence)

    def _judge(self, text: str) -> Screening:
        reading = _Reading()
        for offset, piece in windows(text):
            found = views(piece, self._rulebook.tables)
            for view in found:
                for signal in self._signals(view, stretches(view, found[0], _RULES_CHARS), offset, reading):
                    key = (signal.rule, signal.start, signal.end)
                    if key not in reading.signals or reading.signals[key].level < signal.level:
                        reading.signals[key] = signal
            reading.views.append((offset, found[-1]))
        by_rules = self._screening(list(reading.signals.values()))
        if self._classifier is None:
            return replace(by_rules, lame="missing" if self.fault else "")
        try:
            return self._together(reading, self._classifier, by_rules)
        # Whatever is wrong with the classifier, what the rules said stands.
        except Exception:
            return replace(by_rules, lame="broken")

    def _together(self, reading: _Reading, classifier: Classifier, by_rules: Screening) -> Screening:
        """The verdict of frames and classifier."""
        heard, is_whole = self._listen(reading.views, classifier)
        if heard is None:
            return by_rules if is_whole else replace(by_rules, lame="slow")
        signals, points, opinion = list(reading.signals.values()), classifier.points, heard.opinion
        if is_whole and len(reading.sentences) <= _MOST_SENTENCES:
            # To lower what frames heard, every sentence with danger must be calm, not only the passage around it.
            near = [classifier.opinion(sentence) for sentence in reading.sentences]
            nearest = max([opinion, *near], key=lambda each: each.of(Level.HIGH))
            signals = agreement.calmed(signals, nearest, points, self._rulebook.frames.firm)
        level = agreement.heard(signals, opinion, points)
        if level > Level.NONE:
            loud = classifier.loudest(heard.view.text[heard.start : heard.end], level)
            start, end = heard.view.span(heard.start + loud[0], heard.start + loud[1])
            kinds = agreement.named(opinion, points)
            signals.append(Signal(MODEL + level.code, heard.offset + start, heard.offset + end, level, kinds))
        chance = opinion.of(Level.HIGH)
        made = replace(self._screening(signals), score=round(chance, 4), is_near_high=chance >= points.after)
        return made if is_whole else replace(made, lame="slow")

    def _listen(self, pieces: list[tuple[int, View]], classifier: Classifier) -> tuple[_Heard | None, bool]:
        """The most alarming passage, and whether there was time to hear all of them."""
        began = self._clock() if self._clock else 0.0
        heard: _Heard | None = None
        for offset, view in pieces:
            for start, end in passages(view.text, _PASSAGE_CHARS):
                if self._clock and self._clock() - began > BUDGET_S:
                    return heard, False
                opinion = classifier.opinion(view.text[start:end])
                if heard is None or opinion.of(Level.HIGH) > heard.opinion.of(Level.HIGH):
                    heard = _Heard(opinion, view, offset, start, end)
        return heard, True

    def _screening(self, signals: list[Signal]) -> Screening:
        """Signals in order of danger, and what follows from them."""
        ordered = tuple(sorted(signals, key=lambda s: (-s.level, s.rule.startswith(MODEL), s.start, s.rule)))
        level = max((signal.level for signal in ordered), default=Level.NONE)
        named = {category for signal in ordered if signal.level >= Level.LOW for category in signal.categories}
        return Screening(level, tuple(c for c in Category if c in named), ordered, self.version)

    def _signals(self, view: View, cuts: Stretches, offset: int, reading: _Reading) -> list[Signal]:
        hits = self._rulebook.frames.match(view, cuts, reading.frames)
        if not hits:
            return []
        found = self._rulebook.scopes.read(view.text, cuts, reading.scopes)
        made = []
        for hit in hits:
            verdict = self._rulebook.scopes.judge(hit, view.text, found)
            start, end = view.span(hit.start, hit.end)
            if verdict.level >= Level.HIGH and len(view.text) > _PASSAGE_CHARS:
                left, right = stretch(view.text, hit.start, hit.end, SENTENCE_ENDS)
                reading.sentences.add(view.text[left:right])
            categories = hit.frame.categories
            made.append(Signal(hit.frame.id, offset + start, offset + end, verdict.level, categories, verdict.kind))
        return made
