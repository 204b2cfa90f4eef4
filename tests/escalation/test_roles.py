"""Permissions are data: every action that the code asks for stands in the table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from escalation.roles import load_permissions, permission_page

_ROOT = Path(__file__).parents[2]
ASKED = {
    action
    for folder in ("escalation", "command")
    for path in (_ROOT / folder).rglob("*.py")
    for action in re.findall(
        r'\b(?:(?:writing_|case_)?visitor|act|allows|may)\([^"()]*"([a-z_]+)"',
        path.read_text(encoding="utf-8").replace("console, request", "request"),
    )
}
PERMISSIONS = load_permissions()


def test_every_action_that_the_code_asks_for_is_in_the_table_and_no_other() -> None:
    assert set(PERMISSIONS.actions) == ASKED


def test_an_action_that_is_not_listed_is_refused_to_everybody() -> None:
    assert not PERMISSIONS.allows(PERMISSIONS.names, "case_delete")


def test_a_role_that_is_not_listed_may_nothing() -> None:
    assert not any(PERMISSIONS.allows(["root", ""], action) for action in PERMISSIONS.actions)


def test_the_system_administrator_sees_no_content() -> None:
    assert [action for action in PERMISSIONS.actions if PERMISSIONS.allows(["admin"], action)] == [
        "accounts_manage",
        "account_own",
    ]


@pytest.mark.parametrize("action", ["case_level_confirm", "case_close_high"])
def test_a_counsellor_alone_neither_confirms_a_lowering_nor_closes_orange_and_red(action: str) -> None:
    assert not PERMISSIONS.allows(["counsellor"], action)
    assert PERMISSIONS.allows(["counsellor", "supervisor"], action)


def test_a_table_with_an_unknown_role_is_refused_at_start(tmp_path: Path) -> None:
    table = tmp_path / "roles.toml"
    table.write_text('[actions]\nqueue_view = ["counselor"]\n[names]\ncounsellor = "接线员"\n', encoding="utf-8")
    with pytest.raises(ValueError, match="counselor"):
        load_permissions(table)


def test_the_page_of_permissions_is_current() -> None:
    page = (_ROOT / "docs/permissions.md").read_text(encoding="utf-8")
    assert page == permission_page(PERMISSIONS), "run: hotline permissions > docs/permissions.md"


def test_the_page_says_the_conditions_in_words() -> None:
    line = next(line for line in permission_page(PERMISSIONS).splitlines() if "`case_view`" in line)
    assert "自己接手的且绿色、蓝色的" in line
    assert line.startswith("| 看个案")
