"""What the page of a case always shows: its row, the messages, changes of level, notes; panels add their own."""

from __future__ import annotations

from typing import Any

from escalation.cases import SERVED
from escalation.console.access import CaseView, Console
from escalation.console.care_marks import care_marks, care_row
from escalation.console.queue import called_for, case_row
from escalation.console.talk import message_values
from escalation.showing import displayable

NOTE_WORDS = {"note": "备注", "opinion": "专家意见"}


def shown_values(console: Console, view: CaseView, after: int | None) -> dict[str, Any]:
    """Messages after a number, or the newest; the rest whole."""
    connection, case = view.connection, view.case
    alert = console.alarm.alerts.ringing(connection, case.id)
    changes = _changes(console, view)
    has_lost = console.alarm.outbox.dead_in(connection, case.conversation_id)
    return {
        "row": case_row(
            console,
            case,
            alert,
            view.names,
            console.now(),
            has_lost_words=bool(has_lost),
            called=called_for(console, connection, alert).get(case.id),
        )
        | care_row(case, care_marks(console, connection, case.id)),
        "is_owner": case.owner_id == view.visitor.id and case.state in SERVED,
        "messages": message_values(console, view, after),
        "changes": changes,
        "proposal": next((change for change in changes if change["state"] == "proposed"), None),
        "notes": _notes(console, view),
        "waiting": console.alarm.outbox.waiting(connection, case.conversation_id),
    }


def _changes(console: Console, view: CaseView) -> list[dict[str, Any]]:
    return [
        {
            "id": change["id"],
            "from": change["from_level"].label,
            "to": change["to_level"].label,
            "to_colour": change["to_level"].colour,
            "state": change["state"],
            "by_id": change["by_id"],
            "by": view.names.get(change["by_id"] or "", "系统筛查"),
            "second": view.names.get(change["second_id"] or "", ""),
            "reason": change["reason"],
            "at": change["at"].isoformat(),
        }
        for change in console.alarm.cases.level_changes(view.connection, view.case.id)
    ]


def _notes(console: Console, view: CaseView) -> list[dict[str, Any]]:
    return [
        {
            "id": note["id"],
            "by": view.names.get(note["by_id"], ""),
            "text": displayable(note["body"]),
            "at": note["at"].isoformat(),
            "redacted": note["redacted_at"] is not None,
            "redacted_by": view.names.get(note["redacted_by"] or "", ""),
            "redaction": displayable(note["redaction"] or ""),
            "what": NOTE_WORDS.get(note["kind"], note["kind"]),
        }
        for note in console.alarm.cases.notes(view.connection, view.case.id)
    ]
