"""What a file would change in the directory: row by row new, changed, the same or broken. Nothing is stored here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from escalation.directory.fields import Directory, Field, folded, read_all, shown
from escalation.directory.sheets import BadSheet, Rows
from records.institutions import Institution

ID_COLUMN = "编号"
NOT_READ = ("核实日期", "核实人")  # of an exported file: only a person who phoned says that an entry is right


@dataclass(frozen=True)
class Known:
    """An institution of the directory with its contact person."""

    institution: Institution
    contact: Mapping[str, str]


@dataclass(frozen=True)
class Line:
    """What one row of the file would do."""

    row: int  # as the spreadsheet counts
    what: str  # new | changed | same | broken
    name: str
    institution_id: str = ""
    version: int = 0  # that it was compared with
    fields: Mapping[str, Any] | None = None
    contact: Mapping[str, str] | None = None
    changes: tuple[tuple[str, str, str], ...] = ()  # column, before, after
    errors: tuple[tuple[str, str], ...] = ()  # column, words


@dataclass(frozen=True)
class ImportPlan:
    """What a whole file would do; `digest` says whether it still would."""

    lines: tuple[Line, ...]
    ignored: tuple[str, ...]  # columns that are not read

    def count(self, what: str) -> int:
        """How many rows are so."""
        return sum(line.what == what for line in self.lines)

    @property
    def digest(self) -> str:
        """The same only for the same file over the same directory."""
        seen = [
            [line.row, line.what, line.institution_id, line.version, line.fields, line.contact] for line in self.lines
        ]
        return hashlib.sha256(json.dumps(seen, sort_keys=True, default=dict).encode()).hexdigest()


def plan(cells: Rows, known: Sequence[Known], directory: Directory, *, with_contacts: bool) -> ImportPlan:
    """Compare a file with the directory. A missing column leaves a field as it is, an empty cell empties it."""
    fields = directory.fields if with_contacts else directory.public
    columns, ignored = _columns(cells[0], fields)
    reader = _Reader(directory, columns, known)
    lines = [reader.line(number, row) for number, row in enumerate(cells[1:], 2) if any(row)]
    return ImportPlan(tuple(lines), ignored)


def _columns(head: Sequence[str], fields: Sequence[Field]) -> tuple[dict[str, int], tuple[str, ...]]:
    places = {folded(words): place for place, words in reversed(list(enumerate(head))) if words}
    columns = {field.code: places[folded(field.words)] for field in fields if folded(field.words) in places}
    if ID_COLUMN in places:
        columns[ID_COLUMN] = places[ID_COLUMN]
    if "name" not in columns:
        raise BadSheet("第1行要是列名，而且要有“名称”这一列；可以先下载模板")
    read = {folded(head[place]) for place in columns.values()}
    return columns, tuple(words for words in head if words and folded(words) not in read)


class _Reader:
    """Reads row after row; remembers what it has seen, because two rows may mean the same institution."""

    def __init__(self, directory: Directory, columns: Mapping[str, int], known: Sequence[Known]):
        self.directory = directory
        self.columns = columns
        self.by_id = {one.institution.id: one for one in known}
        self.by_name = {_key(one.institution.fields): one for one in known}
        self.rows: dict[tuple[str, str], int] = {}

    def line(self, number: int, row: Sequence[str]) -> Line:
        """What this row would do."""
        texts = {code: row[place] if place < len(row) else "" for code, place in self.columns.items()}
        name, given_id = texts["name"].strip(), texts.pop(ID_COLUMN, "").strip()
        if given_id and given_id not in self.by_id:
            return Line(number, "broken", name, errors=((ID_COLUMN, "名录里没有这个编号；新的机构请把编号空着"),))
        before = self.by_id.get(given_id) or self.by_name.get(_key({"name": name, "region": texts.get("region", "")}))
        values, errors = self._values(texts, before)
        if not errors:
            errors = self._twice(number, values, before)
        if errors:
            words = {field.code: field.words for field in self.directory.fields}
            return Line(number, "broken", name, errors=tuple((words[code], why) for code, why in errors.items()))
        return self._compared(number, values, before)

    def _values(self, texts: Mapping[str, str], before: Known | None) -> tuple[dict[str, Any], dict[str, str]]:
        kept = _shown(self.directory, before) if before else {}
        return read_all(self.directory.fields, {**kept, **texts})

    def _twice(self, number: int, values: Mapping[str, Any], before: Known | None) -> dict[str, str]:
        key = _key(values)
        if (first := self.rows.setdefault(key, number)) != number:
            return {"name": f"和第{first}行是同一个机构（名称、地区一样）"}
        other = self.by_name.get(key)
        if other is not None and (before is None or other.institution.id != before.institution.id):
            return {"name": "名录里已有同名、同地区的另一个机构"}
        return {}

    def _compared(self, number: int, values: Mapping[str, Any], before: Known | None) -> Line:
        public = {field.code: values[field.code] for field in self.directory.public}
        contact = {field.code: values[field.code] for field in self.directory.secret}
        name = str(values["name"])
        if before is None:
            return Line(number, "new", name, fields=public, contact=contact)
        old = {**before.institution.fields, **{field.code: "" for field in self.directory.secret}, **before.contact}
        changes = tuple(
            (field.words, shown(field, old.get(field.code)), shown(field, values[field.code]))
            for field in self.directory.fields
            if old.get(field.code) != values[field.code]
        )
        found = before.institution
        return Line(number, "changed" if changes else "same", name, found.id, found.version, public, contact, changes)


def _shown(directory: Directory, known: Known) -> dict[str, str]:
    values = {**known.institution.fields, **known.contact}
    return {field.code: shown(field, values.get(field.code)) for field in directory.fields}


def _key(values: Mapping[str, Any]) -> tuple[str, str]:
    return folded(str(values["name"])), folded(str(values["region"]))
