"""What a generative model may be asked to rephrase, and whether its text may stand. Values in, values out.

Only reviewed sentences without any phone number or local fact go out; they come back sentence by sentence, each with
the number of the passage it rests on. At the slightest doubt the article is said as it was reviewed. Words, tones
and thresholds are data (rephrase.toml).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any

from knowledge.articles import PLACEHOLDER, Article
from knowledge.grams import simplify
from knowledge.linter import lint
from knowledge.support import KEEPS, Thresholds, WordClass, Words, doubt

FILE = Path(__file__).parent / "rephrase.toml"
_SENTENCE = re.compile(r"[^。？！]*[。？！]+[”』」’]?|[^。？！]+$")
_CITATION = re.compile(r"((?:\[[1-9][0-9]?\])+)")
_STOP_BEHIND = re.compile(r" ?((?:\[[1-9][0-9]?\])+) ?([。？])")
_PLAIN = re.compile(r"[㐀-䶿一-鿿0-9A-Za-z，。；：、？“”‘’《》〈〉（）·…—%/ -]+")
_NUMBER = re.compile(r"[0-9]+")
_HAN = re.compile(r"[㐀-䶿一-鿿]")


class RephraseError(ValueError):
    """rephrase.toml cannot be used; the message names the field."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a rephrasing may be, and the question that goes along."""

    longest_sentence: int
    longest_share: float
    most_added: int
    longest_question: int


@dataclass(frozen=True, slots=True)
class Draft:
    """One article's short text: passages that may be rephrased, and sentences that are said as they are."""

    article: str
    title: str
    passages: tuple[str, ...]
    kept: tuple[str, ...]  # with placeholders


@dataclass(frozen=True, slots=True)
class Rules:
    """The reviewed data."""

    label: str
    plain: Mapping[str, frozenset[str]]  # field of an article -> values that are never rephrased
    minors: re.Pattern[str]
    limits: Limits
    support: Thresholds
    prompt: Mapping[str, str]
    tones: Mapping[str, str]
    masked: re.Pattern[str]
    mask: str
    words: Words

    def draft(self, article: Article) -> Draft | None:
        """What of an article may be rephrased; None where it is always said as it was reviewed."""
        never = self.plain["kinds"] & {article.kind} or self.plain["groups"] & {article.group}
        if never or article.regional or self.plain["risks"] & article.risk:
            return None
        sentences = sentences_of(article.short)
        passages = tuple(takewhile(lambda sentence: not PLACEHOLDER.search(sentence), sentences))
        kept = sentences[len(passages) :]
        is_mixed = not all(map(PLACEHOLDER.search, kept))  # what stands before or between them must stay there
        return Draft(article.id, article.title, passages, kept) if passages and not is_mixed else None

    def may_be_minor(self, texts: Sequence[str]) -> bool:
        """Whether somebody under 18 may be writing, or is written about."""
        return any(self.minors.search(simplify(text)) for text in texts)

    def messages(self, draft: Draft, tone: str, question: str = "") -> list[dict[str, str]]:
        """What the model is asked; a question goes along without numbers, names and addresses."""
        numbered = "\n".join(f"[{n}] {passage}" for n, passage in enumerate(draft.passages, 1))
        asked = self.prompt["passages"].replace("{passages}", numbered)
        if question:
            masked = self.masked.sub(self.mask, question[: self.limits.longest_question])
            asked += self.prompt["question"].replace("{question}", masked)
        system = self.prompt["system"].replace("{tone}", self.tones[tone])
        return [{"role": "system", "content": system}, {"role": "user", "content": asked}]

    def label_for(self, draft: Draft) -> str:
        """What the person is told: that a machine wrote this, and how to read the article itself."""
        return self.label.replace("{title}", draft.title)

    def check(self, draft: Draft, content: str) -> tuple[tuple[str, ...], str]:
        """The sentences that may be said; or none, and why not."""
        cited = _cited(content, len(draft.passages))
        if not cited:
            return (), "form"
        said = tuple(sentence for sentence, _ in cited)
        groups = [
            (numbers, tuple(text for text, _ in group)) for numbers, group in groupby(cited, lambda pair: pair[1])
        ]
        if [n for numbers, _ in groups for n in numbers] != list(range(1, len(draft.passages) + 1)):
            return (), "citations"
        why = self._doubt_in_whole(draft, said)
        for numbers, sentences in groups:
            passage = "".join(draft.passages[n - 1] for n in numbers)
            why = why or doubt(sentences, passage, self.words, self.support)
        return ((), why) if why else (said, "")

    def _doubt_in_whole(self, draft: Draft, said: Sequence[str]) -> str:
        text, limits = "".join(said), self.limits
        most = limits.longest_share * sum(map(len, draft.passages)) + limits.most_added
        if len(text) > most or any(len(sentence) > limits.longest_sentence for sentence in said):
            return "length"
        if any(not _HAN.search(sentence) for sentence in said):
            return "language"
        return "linter" if lint(text) else ""


def sentences_of(text: str) -> tuple[str, ...]:
    """A short text cut behind its full stops; a closing quotation mark stays with its sentence."""
    return tuple(sentence.strip() for sentence in _SENTENCE.findall(text.replace("\n", "")) if sentence.strip())


def _cited(content: str, passages: int) -> list[tuple[str, tuple[int, ...]]]:
    """(sentence, passages) in order; nothing when anything in the text is not of this form."""
    *parts, behind = _CITATION.split(_STOP_BEHIND.sub(r"\2\1", " ".join(content.split())))
    found: list[tuple[str, tuple[int, ...]]] = []
    for text, marks in zip(parts[::2], parts[1::2], strict=True):
        numbers = tuple(map(int, _NUMBER.findall(marks)))
        sentences = sentences_of(text)
        if not sentences or max(numbers) > passages:
            return []
        found += [(sentence, numbers) for sentence in sentences]
    are_plain = all(_PLAIN.fullmatch(sentence) and sentence[-1] in "。？”’" for sentence, _ in found)
    return found if are_plain and not behind.strip() else []


def load_rules(path: Path = FILE) -> Rules:
    """Read and compile the data; what is wrong with it is said here, at start."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        return Rules(
            label=raw["label"],
            plain={key: frozenset(raw["plain"][key]) for key in ("kinds", "risks", "groups")},
            minors=re.compile(raw["plain"]["minors"]),
            limits=Limits(**raw["limits"]),
            support=Thresholds(**raw["support"]),
            prompt={key: raw["prompt"][key] for key in ("system", "passages", "question")},
            tones=raw["tone"],
            masked=re.compile("|".join(f"(?:{pattern})" for pattern in raw["mask"]["patterns"]), re.IGNORECASE),
            mask=raw["mask"]["with"],
            words=_words(raw["words"], raw["class"]),
        )
    except (KeyError, TypeError, ValueError, re.error) as error:
        raise RephraseError(f"{path.name}: {error!r}") from error


def _words(raw: Mapping[str, Any], classes: Sequence[Mapping[str, Any]]) -> Words:  # Any: TOML
    negations = f"{_any_of(raw['no_negation'])}|(?P<no>{_any_of(raw['negations'])})"
    if wrong := [row["name"] for row in classes if row["keeps"] not in KEEPS]:
        raise ValueError(f"class {wrong[0]}: keeps is not one of {', '.join(KEEPS)}")
    kinds = tuple(
        WordClass(
            row["name"], row["keeps"], re.compile(f"{_any_of(row.get('allow', ()))}|({_any_of(row['words'])})")
        )
        for row in classes
    )  # fmt: skip
    return Words(kinds, re.compile(negations), re.compile(_any_of(raw["free"])), tuple(raw["no_number"]))


def _any_of(words: Sequence[str]) -> str:
    """One pattern of all words, longest first; of none, one that never matches."""
    return "|".join(sorted((re.escape(simplify(word)) for word in words), key=len, reverse=True)) or "(?!)"
