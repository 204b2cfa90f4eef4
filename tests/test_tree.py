"""The tree guards itself: which way imports point, where things live, how long they may get."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from records.tables import metadata
from settings import PREFIX, Settings
from tests.tree_rules import ARROWS, BROAD_EXCEPTS, HOMES

ROOT = Path(__file__).parent.parent
PACKAGES = ("triage", "knowledge", "records", "notify", "escalation", "bot", "command")
MODULES = sorted([*ROOT.glob("*.py"), *(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))])
NAMES = [str(path.relative_to(ROOT)) for path in MODULES]
LONGEST_MODULE, LONGEST_FUNCTION = 300, 50

_SQL_TYPES = {"Connection", "Engine", "exc"}  # what others may name of SQLAlchemy
_PING = ("server.py", 'connection.execute(sa.text("SELECT 1"))')


@functools.cache
def _tree(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(encoding="utf-8"))


def _package(name: str) -> str:
    return name.removesuffix(".py").split("/")[0]


def _imports(tree: ast.AST) -> Iterator[str]:
    """Every imported module by its full name; `from a import b` also as a.b, for b may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where they point"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_under(name: str, root: str) -> bool:
    return name == root or name.startswith(f"{root}.")


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _offenders(look: Callable[[str], object], names: Iterable[str] = NAMES) -> dict[str, object]:
    """Module -> what is wrong with it, for those where something is."""
    found = ((name, look(name)) for name in names)
    return {name: wrong for name, wrong in found if wrong}


def test_imports_point_inward() -> None:
    def look(name: str) -> list[str]:
        own = _package(name)
        ours = [found for found in _imports(_tree(name)) if found.split(".")[0] in ARROWS]
        return [found for found in ours if not any(_is_under(found, good) for good in (own, *ARROWS[own]))]

    assert _offenders(look) == {}


def test_no_import_of_ours_hides_in_a_function() -> None:
    def look(name: str) -> list[str]:
        return [f for function in _functions(_tree(name)) for f in _imports(function) if f.split(".")[0] in ARROWS]

    assert _offenders(look) == {}


def test_each_library_stays_in_its_home() -> None:
    def look(name: str) -> set[str]:
        roots = {found.split(".")[0] for found in _imports(_tree(name))}
        return {root for root in roots if root in HOMES and not name.startswith(HOMES[root])}

    assert _offenders(look) == {}


def test_every_library_of_the_project_has_a_home() -> None:
    listed = set(re.findall(r'^  "([a-z0-9_-]+)', _dependencies(), re.MULTILINE))
    imported = {
        "google-re2": "re2",
        "faiss-cpu": "faiss",
        "pydantic-settings": "pydantic_settings",
        "python-docx": "docx",
        "python-telegram-bot": "telegram",
    }
    without_import = {"jinja2", "python-multipart"}  # FastAPI's templates and forms
    homeless = {imported.get(name, name) for name in listed - without_import} - set(HOMES)
    assert homeless == set()


def _dependencies() -> str:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return text[text.index("\ndependencies = [") : text.index("[project.optional-dependencies]")]


def test_sql_is_written_in_records_only() -> None:
    def look(name: str) -> list[str]:
        return [
            ast.unparse(node)
            for node in ast.walk(_tree(name))
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in ("sa", "sqlalchemy")
            and node.attr not in _SQL_TYPES
        ]

    outside = [name for name in NAMES if not name.startswith("records/")]
    assert _offenders(look, outside) == {_PING[0]: ["sa.text"]}
    assert _PING[1] in (ROOT / _PING[0]).read_text(encoding="utf-8")


def test_nothing_waits_with_wait_for() -> None:
    """In Python 3.11 it may swallow that the task was cancelled, and then the service never stops."""
    assert _offenders(lambda name: "wait_for(" in (ROOT / name).read_text(encoding="utf-8")) == {}


def test_nobody_else_names_the_tables() -> None:
    def look(name: str) -> list[str]:
        return [found for found in _imports(_tree(name)) if _is_under(found, "records.tables")]

    assert _offenders(look, [name for name in NAMES if not name.startswith("records/")]) == {}


def test_a_module_says_in_its_first_line_what_it_is_for() -> None:
    assert _offenders(lambda name: ast.get_docstring(_tree(name)) is None) == {}


def _too_long(name: str) -> int:
    lines = len((ROOT / name).read_text(encoding="utf-8").splitlines())
    return lines if lines > LONGEST_MODULE else 0


def test_a_module_has_at_most_three_hundred_lines() -> None:
    assert _offenders(_too_long) == {}


def test_a_file_of_tests_has_at_most_three_hundred_lines() -> None:
    assert _offenders(_too_long, (str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("*.py"))) == {}


def test_no_two_files_of_tests_share_a_name() -> None:
    names = sorted(path.name for path in (ROOT / "tests").rglob("test_*.py"))  # pytest collects one of a name
    assert names == sorted(set(names))


def test_a_function_has_at_most_fifty_lines() -> None:
    def look(name: str) -> dict[str, int]:
        lines = {f.name: (f.end_lineno or 0) - f.lineno + 1 for f in _functions(_tree(name))}
        return {function: count for function, count in lines.items() if count > LONGEST_FUNCTION}

    assert _offenders(look, [name for name in NAMES if "migrations/versions" not in name]) == {}


def test_exceptions_are_caught_broadly_in_the_known_places_only() -> None:
    assert _offenders(lambda name: len(list(_broad_excepts(_tree(name))))) == BROAD_EXCEPTS


def _broad_excepts(tree: ast.AST) -> Iterator[ast.ExceptHandler]:
    """Handlers that catch everything and keep it; tidying up and raising again is no such thing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type else {"BaseException"}
            raises_again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if caught & {"Exception", "BaseException"} and not raises_again:
                yield node


def test_only_commands_print() -> None:
    def look(name: str) -> list[int]:
        calls = [node for node in ast.walk(_tree(name)) if isinstance(node, ast.Call)]
        return [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]

    assert _offenders(look, [name for name in NAMES if not name.startswith("command/")]) == {}


def _named_settings() -> set[str]:
    return set(re.findall(rf"\b{PREFIX}([A-Z0-9_]+)\b", (ROOT / "README.md").read_text(encoding="utf-8")))


def test_every_setting_is_in_the_readme() -> None:
    assert {field.upper() for field in Settings.model_fields} - _named_settings() == set()


def test_every_setting_of_the_readme_exists() -> None:
    assert _named_settings() - {field.upper() for field in Settings.model_fields} == set()


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_every_table_has_a_migration(table: str) -> None:
    made = [
        path.name
        for path in (ROOT / "records/migrations/versions").glob("*.py")
        if re.search(rf"create_table\(\s*\"{table}\"", path.read_text(encoding="utf-8"))
    ]
    assert len(made) == 1


def test_no_file_speaks_of_the_machine_it_was_written_on() -> None:
    folder = "wor" + "k"  # in two parts, so that this line is no finding
    foreign = re.compile(rf"/{folder}/|\b{'shar' + 'ed'}/")
    found = [
        str(path.relative_to(ROOT))
        for path in _kept_files()
        if foreign.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


def _kept_files() -> Iterator[Path]:
    """Text files of the tree, without what tools leave behind."""
    left_behind = {".git", ".venv", "var", "build", "dist", "node_modules"}
    kinds = {".py", ".md", ".toml", ".html", ".js", ".css", ".svg", ".yml", ".yaml", ".jsonl", ".txt", ".sh", ""}
    for top in sorted(ROOT.iterdir()):
        if top.name in left_behind or top.name.endswith(("_cache", ".egg-info")) or top.name == ".hypothesis":
            continue
        for path in top.rglob("*") if top.is_dir() else (top,):
            if path.is_file() and path.suffix in kinds and "__pycache__" not in path.parts:
                yield path
