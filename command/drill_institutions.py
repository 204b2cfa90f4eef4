"""Three invented institutions, so that a drill can refer somebody: marked as such, never offered to a real case."""

from __future__ import annotations

import tomllib
from pathlib import Path

import desk_rules
import wiring
from escalation.directory.directory_desk import DirectoryDesk
from escalation.directory.fields import load_directory
from records.staff import Counsellor
from settings import Settings

INSTITUTIONS = Path(__file__).parent / "drill_institutions.toml"
_NOBODY = Counsellor("drill", "drill", "演示", (), "", False, 0, None, False, None)  # no account: nobody phoned anybody


def place_institutions(settings: Settings, path: Path = INSTITUTIONS) -> int:
    """Put those into the directory that are not there yet, as checked today; returns how many."""
    store, now = wiring.open_store(settings), wiring.utc_now()
    rules = desk_rules.make_referral_rules(settings)
    desk = DirectoryDesk(store.institutions, store.staff, load_directory(), rules.fresh_for)
    placed = 0
    with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
        for texts in tomllib.loads(path.read_text(encoding="utf-8"))["institution"]:
            there = store.institutions.named(connection, texts["name"], texts["region"])
            if there is None:
                desk.add(connection, _NOBODY, texts, now, checked=True, is_drill=True)
                placed += 1
            else:
                desk.verify(connection, there, _NOBODY, now)
    store.engine.dispose()
    return placed
