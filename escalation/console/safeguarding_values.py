"""A safeguarding matter as values for the screens: what was written, what was done, which clocks run, what may be done.

Whoever a complaint is about sees that there is one, and nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from escalation.console.access import Console, Visitor
from escalation.safeguarding import states
from escalation.safeguarding.safeguarding_desk import DECISIONS, proposer
from escalation.safeguarding.states import COMPLAINT, KIND_WORDS, NOTIFICATION, STATE_WORDS
from escalation.safeguarding.terms import Field, Form
from escalation.showing import displayable
from records.matters import Detail, Matter, MatterStep, MatterTask


@dataclass(frozen=True)
class Look:
    """Who looks, in one transaction."""

    console: Console
    connection: sa.Connection
    visitor: Visitor
    names: Mapping[str, str]  # counsellor id -> display name

    def may(self, action: str, case_id: str | None) -> bool:
        """Whether the visitor may do an action (on this case)."""
        who, session_id = self.visitor.counsellor, self.visitor.session.id
        now = self.console.now()
        return self.console.desks.admission.allows(self.connection, who, session_id, action, case_id, now)


def right_for(kind: str, action: str) -> str:
    """The permission that a step of a matter needs."""
    if kind in (COMPLAINT, NOTIFICATION):
        return "complaint_handle" if kind == COMPLAINT else "notification_make"
    if action in DECISIONS:
        return "safeguarding_second"
    return "safeguarding_excuse" if action == "excuse" else "safeguarding_make"


def matter_values(look: Look, matter: Matter) -> dict[str, Any]:
    """One matter, as far as the visitor may see it."""
    clocks = look.console.desks.safeguarding.clocks
    head = {
        "id": matter.id,
        "kind": matter.kind,
        "kind_words": KIND_WORDS[matter.kind],
        "state": matter.state,
        "state_words": STATE_WORDS[matter.kind, matter.state],
        "case_id": matter.case_id,
        "by": look.names.get(matter.made_by or "", "来访者（在对话里）"),
        "at": matter.made_at.isoformat(),
        "is_drill": matter.is_drill,
        "about": [look.names.get(one, "") for one in matter.about],
        "clocks": [clock_values(look, task) for task in clocks.matters.clocks(look.connection, matter.id)],
    }
    if not _may_read(look, matter):
        return {**head, "is_hidden": True, "lines": [], "steps": [], "may": []}
    steps = clocks.matters.steps(look.connection, matter.id)
    return {
        **head,
        "is_hidden": False,
        "lines": _lines(look, matter.kind, "make", matter.form),
        "steps": [_step(look, matter.kind, step) for step in steps],
        "may": _may(look, matter, steps),
    }


def clock_values(look: Look, task: MatterTask) -> dict[str, Any]:
    """One clock that runs."""
    return {
        "words": look.console.desks.safeguarding.clocks.terms.clocks[task.kind].words,
        "opened_at": task.opened_at.isoformat(),
        "due_at": task.due_at.isoformat(),
        "is_late": task.due_at <= look.console.now(),
    }


def form_values(console: Console) -> dict[str, Any]:
    """Every form as the page draws it, by "kind.action"."""
    terms = console.desks.safeguarding.clocks.terms
    return {f"{kind}.{action}": _form(console, kind, form) for (kind, action), form in terms.forms.items()}


def staff_values(look: Look) -> list[dict[str, str]]:
    """Colleagues that a complaint may name."""
    return [
        {"id": who.id, "name": who.display_name}
        for who in look.console.accounts.staff.all(look.connection)
        if who.is_active
    ]


def _may_read(look: Look, matter: Matter) -> bool:
    if matter.kind != COMPLAINT:
        return True
    is_theirs = matter.made_by == look.visitor.id or look.may("complaint_handle", None)
    return is_theirs and look.visitor.id not in matter.about


def _may(look: Look, matter: Matter, steps: Sequence[MatterStep]) -> list[str]:
    """What may be done now, by this visitor."""
    case_id = matter.case_id if matter.kind not in (COMPLAINT, NOTIFICATION) else None
    is_proposer = look.visitor.id == proposer(matter, steps)
    return [
        action
        for action in states.may(matter.kind, matter.state, owes_notice=matter.owes_notice)
        if look.may(right_for(matter.kind, action), case_id) and not (action in DECISIONS and is_proposer)
    ]


def _step(look: Look, kind: str, step: MatterStep) -> dict[str, Any]:
    form = look.console.desks.safeguarding.clocks.terms.forms[kind, step.action]
    return {
        "what": form.title or form.words,
        "by": look.names.get(step.by_id, ""),
        "at": step.at.isoformat(),
        "lines": _lines(look, kind, step.action, step.detail),
    }


def _lines(look: Look, kind: str, action: str, detail: Detail) -> list[list[str]]:
    """What was filled in, field by field: [what was asked, what was written]."""
    fields = look.console.desks.safeguarding.clocks.terms.forms[kind, action].fields
    known = {field.name: field for field in fields} | {"messages": Field("messages", "messages", "来访者的原话")}
    return [
        [known[name].words, displayable(_said(look, known[name], value))]
        for name, value in detail.items()
        if name in known
    ]


def _said(look: Look, field: Field, value: Any) -> str:  # Any: JSON
    terms = look.console.desks.safeguarding.clocks.terms
    if field.kind == "basis":
        basis = terms.bases[value]
        return f"{basis.words}（{basis.article}）"
    if field.kind == "choice":
        return terms.options[field.options].get(value, value)
    if field.kind == "many":
        return "、".join(terms.options[field.options].get(code, code) for code in value)
    if field.kind == "staff":
        return "、".join(look.names.get(one, "") for one in value)
    if field.kind == "share":
        return "\n".join(f"{terms.shares[code].words}：{text}" for code, text in value.items())
    if field.kind == "messages":
        found = [look.console.alarm.conversations.message(look.connection, one) for one in value]
        return "\n".join(f"“{message.body}”" for message in found if message)
    if field.kind == "time":
        return f"{datetime.fromisoformat(value):%m月%d日 %H:%M}"
    return "是" if field.kind == "flag" else str(value)


def _form(console: Console, kind: str, form: Form) -> dict[str, Any]:
    return {
        "words": form.words,
        "title": form.title,
        "fields": [
            {
                "name": field.name, "kind": field.kind, "words": field.words, "hint": field.hint,
                "optional": field.optional, "when": field.when, "least": field.least,
                "options": _options(console, kind, field),
            }
            for field in form.fields
        ],
    }  # fmt: skip


def _options(console: Console, kind: str, field: Field) -> list[dict[str, Any]]:
    terms = console.desks.safeguarding.clocks.terms
    if field.kind == "basis":
        return [
            {"code": code, "words": basis.words, "more": basis.article} for code, basis in terms.bases_of(kind).items()
        ]
    if field.kind == "share":
        return [
            {"code": code, "words": share.words, "is_minimum": share.is_minimum}
            for code, share in terms.shares_of(kind).items()
        ]
    return [{"code": code, "words": words} for code, words in terms.options.get(field.options, {}).items()]
