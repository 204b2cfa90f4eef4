"""Reads and checks the rulebook. The only I/O of triage, done once at start: a bad rulebook never boots."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import opencc
import re2

from triage.frames import Frame, FrameSet, options
from triage.normalize import Folding, Replacement, Tables
from triage.risk import Category, Level
from triage.scope import REACHES, Scope, ScopeSet

FOLDER = Path(__file__).parent / "rulebook"
_NOT_FRAMES = {"words.toml", "views.toml", "scope.toml"}
_WORD = re2.compile(r"\{([a-z_]+)\}")
_GAP = r"[^。!?\n]{"  # a gap never crosses the end of a sentence
_MIN_EXAMPLES = 2
Table = dict[str, Any]  # TOML is untyped until it is checked here


class RulebookError(ValueError):
    """The rulebook cannot be used."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything clinicians own: frames, scopes, view tables; compiled and checked."""

    version: str
    frames: FrameSet
    scopes: ScopeSet
    tables: Tables


def load_rulebook(folder: Path = FOLDER) -> Rulebook:
    """Read every file of the rulebook; raise RulebookError with file and rule when one is wrong."""
    files = {path.name: path.read_bytes() for path in sorted(folder.glob("*.toml"))}
    parsed = {name: _parse(name, raw) for name, raw in files.items()}
    missing = _NOT_FRAMES - parsed.keys()
    if missing:
        raise RulebookError(f"{folder}: missing {', '.join(sorted(missing))}")
    words = _expand_words(parsed["words.toml"].get("words", {}))
    frames = _frames({name: table for name, table in parsed.items() if name not in _NOT_FRAMES}, words)
    digest = hashlib.sha256(b"".join(files.values())).hexdigest()[:12]
    return Rulebook(
        version=f"{parsed['words.toml'].get('version', '0')}+{digest}",
        frames=FrameSet(frames),
        scopes=ScopeSet(_scopes(parsed["scope.toml"], words)),
        tables=_tables(parsed["views.toml"], words),
    )


def _parse(name: str, raw: bytes) -> Table:
    try:
        return tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulebookError(f"{name}: {error}") from error


def _expand_words(lists: dict[str, list[str]]) -> dict[str, str]:
    """Word list -> one alternation; a list may use the lists above it."""
    made: dict[str, str] = {}
    for name, entries in lists.items():
        made[name] = "(?:" + "|".join(_expand(entry, made, f"words.toml: {name}") for entry in entries) + ")"
    return made


def _expand(pattern: str, words: dict[str, str], where: str) -> str:
    for match in _WORD.finditer(pattern):
        if match.group(1) not in words:
            raise RulebookError(f"{where}: no word list {{{match.group(1)}}}")
    for name, alternation in words.items():
        pattern = pattern.replace(f"{{{name}}}", alternation)
    return pattern.replace(".{", _GAP)


def _compile(patterns: list[str], words: dict[str, str], where: str) -> tuple[str, ...]:
    made = tuple(_expand(pattern, words, where) for pattern in patterns)
    for short, pattern in zip(patterns, made, strict=True):
        try:
            compiled = re2.compile(pattern, options())
        except re2.error as error:
            raise RulebookError(f"{where}: {short!r} is not a pattern: {error}") from error
        if compiled.search(""):
            raise RulebookError(f"{where}: {short!r} matches the empty text")
    return made


def _frames(files: dict[str, Table], words: dict[str, str]) -> tuple[Frame, ...]:
    seen: dict[str, Frame] = {}
    for name, table in files.items():
        for row in table.get("frame", []):
            frame = _frame(row, words, f"{name}: {row.get('id', '(no id)')}")
            if frame.id in seen:
                raise RulebookError(f"{name}: {frame.id}: id is used twice")
            seen[frame.id] = frame
    return tuple(seen.values())


def _frame(row: Table, words: dict[str, str], where: str) -> Frame:
    _require(row, ("id", "level", "says", "patterns", "must_match", "must_not_match"), where)
    try:
        level = Level.from_code(row["level"])
        categories = tuple(Category(code) for code in row.get("categories", []))
    except ValueError as error:
        raise RulebookError(f"{where}: {error}") from error
    if level >= Level.LOW and not categories and not row["id"].startswith("distress."):
        raise RulebookError(f"{where}: categories are missing")
    return Frame(
        id=row["id"],
        level=level,
        categories=categories,
        says=row["says"],
        patterns=_compile(row["patterns"], words, where),
        unless=_compile(row.get("unless", []), words, where),
        beside=_compile(row.get("beside", []), words, where),
        must_match=tuple(row["must_match"]),
        must_not_match=tuple(row["must_not_match"]),
        firm=bool(row.get("firm", False)),
    )


def _require(row: Table, keys: tuple[str, ...], where: str) -> None:
    for key in keys:
        if not row.get(key):
            raise RulebookError(f"{where}: {key} is missing")
    for key in ("must_match", "must_not_match"):
        if len(row[key]) < _MIN_EXAMPLES:
            raise RulebookError(f"{where}: {key} needs {_MIN_EXAMPLES} sentences")


def _scopes(table: Table, words: dict[str, str]) -> tuple[Scope, ...]:
    rows = table.get("scope", [])
    made = tuple(_scope(row, words, f"scope.toml: {row.get('id', '(no id)')}") for row in rows)
    if len({scope.id for scope in made}) != len(made):
        raise RulebookError("scope.toml: an id is used twice")
    return made


def _scope(row: Table, words: dict[str, str], where: str) -> Scope:
    _require(row, ("id", "kind", "says", "reach", "patterns", "must_match", "must_not_match"), where)
    if row["reach"] not in REACHES:
        raise RulebookError(f"{where}: reach is not one of {', '.join(REACHES)}")
    try:
        lowers_to = Level.from_code(row.get("lowers_to", "none"))
        up_to = Level.from_code(row.get("up_to", "emergency"))
    except ValueError as error:
        raise RulebookError(f"{where}: {error}") from error
    return Scope(
        id=row["id"],
        kind=row["kind"],
        says=row["says"],
        reach=row["reach"],
        lowers_to=lowers_to,
        up_to=up_to,
        spares=tuple(row.get("spares", [])),
        patterns=_compile(row["patterns"], words, where),
        unless=_compile(row.get("unless", []), words, where),
        must_match=tuple(row["must_match"]),
        must_not_match=tuple(row["must_not_match"]),
    )


def _tables(table: Table, words: dict[str, str]) -> Tables:
    rows = [*table.get("slang", [])]
    patterns = _compile([row["pattern"] for row in rows], words, "views.toml: slang")
    chosen = options()
    chosen.longest_match = True
    slang_set = re2.Set.SearchSet(options())
    for pattern in patterns:
        slang_set.Add(pattern)
    slang_set.Compile()
    pinyin: dict[str, str] = table["pinyin"]
    return Tables(
        folding=Folding(_simplified() | table["characters"] | table["emoji"]),
        slang=tuple(
            Replacement(re2.compile(pattern, options()), row["to"]) for pattern, row in zip(patterns, rows, strict=True)
        ),
        slang_set=slang_set,
        syllable=re2.compile("|".join(sorted(pinyin)), chosen),
        pinyin=pinyin,
    )


def _simplified() -> dict[str, str]:
    """Traditional character -> simplified, one by one (lines keep OpenCC from joining phrases)."""
    blocks = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00))
    chars = [chr(code) for first, last in blocks for code in range(first, last)]
    lines = opencc.OpenCC("t2s").convert("\n".join(chars)).split("\n")
    return {char: line for char, line in zip(chars, lines, strict=True) if char != line}
