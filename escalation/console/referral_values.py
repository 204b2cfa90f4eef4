"""A referral as values for the screens: where it stands, what is to do, what may be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from escalation.console.access import Console
from escalation.referral.states import (
    ACTION_WORDS,
    ATTENDED_WORDS,
    READABLE,
    STAGE_WORDS,
    TASK_WORDS,
    TRANSITIONS,
    Stage,
)
from escalation.showing import displayable
from records.institutions import Institution
from records.partner_links import PartnerLink
from records.referral_tasks import ReferralTask
from records.referrals import Provision, Referral, Step

Names = Mapping[str, str]  # counsellor id -> display name


def referral_values(
    console: Console, referral: Referral, institution: Institution | None, tasks: Sequence[ReferralTask], names: Names
) -> dict[str, Any]:
    """One referral without a word of the person."""
    terms, stage = console.desks.referrals.desk.terms, Stage(referral.state)
    return {
        "id": referral.id,
        "case_id": referral.case_id,
        "institution": institution.name if institution else "（机构已不在名录）",
        "institution_id": referral.institution_id,
        "phones": list(institution.fields["phones"]) if institution else [],
        "kind": terms.kinds.get(referral.kind, referral.kind),
        "urgency": terms.urgencies.get(referral.urgency, referral.urgency),
        "is_urgent": referral.urgency == "now",
        "direction": terms.directions.get(referral.direction, referral.direction),
        "method": terms.methods.get(referral.method, referral.method),
        "basis": terms.bases[referral.basis].words,
        "state": stage.value,
        "state_words": STAGE_WORDS[stage],
        "attended": ATTENDED_WORDS.get(referral.attended, ""),
        "is_drill": referral.is_drill,
        "by": names.get(referral.by_id, ""),
        "by_id": referral.by_id,
        "second": names.get(referral.second_id or "", ""),
        "made_at": referral.made_at.isoformat(),
        "due_at": referral.due_at.isoformat() if referral.due_at else "",
        "tasks": [task_values(task, names) for task in tasks],
        "may": sorted({action for at, action in TRANSITIONS if at is stage}),
        "may_link": stage in READABLE,
    }


def task_values(task: ReferralTask, names: Names) -> dict[str, Any]:
    """One thing to do; without a counsellor it is for whoever leads the shift."""
    return {
        "id": task.id,
        "kind": task.kind,
        "words": TASK_WORDS[task.kind],
        "for": names.get(task.for_id or "", "值班长或督导"),
        "for_id": task.for_id,
        "at": task.opened_at.isoformat(),
    }


def history_values(
    console: Console, connection: sa.Connection, referral: Referral, names: Names
) -> list[dict[str, Any]]:
    """Every step of a referral and what was done about it, oldest first; in it are words of people."""
    desk = console.desks.referrals.desk
    steps = [_step(step, names) for step in desk.referrals.steps(connection, referral.id)]
    notes = [
        {"what": TASK_WORDS[kind], "by": names.get(by_id or "", ""), "at": at.isoformat(), "words": displayable(note)}
        for kind, by_id, at, note in desk.tasks.notes(connection, referral.id)
    ]
    given = [
        _provision(console, one, names)
        for one in desk.referrals.provisions(connection, referral.case_id)
        if one.referral_id == referral.id
    ]
    return sorted([*steps, *notes, *given], key=lambda entry: str(entry["at"]))


def link_words(link: PartnerLink | None, now: datetime) -> str:
    """How it stands with the partner's link; nothing of the link itself."""
    if link is None or link.closed_at is not None:
        return ""
    if link.locked_at is not None:
        return "链接已锁：输错5次访问码，请重新生成"
    if now >= link.expires_at:
        return "链接已过期"
    return "链接：对方打开过" if link.visit_until is not None else "链接：对方还没有打开"


def _provision(console: Console, given: Provision, names: Names) -> dict[str, Any]:
    fields, methods = console.desks.referrals.desk.terms.fields, console.desks.referrals.desk.terms.methods
    shared = "、".join(fields[code].words for code in given.shared if code in fields) or "只有抬头和理由"
    second = f"，第二人 {names.get(given.second_id, '')}" if given.second_id else ""
    return {
        "what": f"提供给对方（{methods.get(given.method, given.method)}{second}）", "by": names.get(given.by_id, ""),
        "at": given.at.isoformat(), "words": shared,
    }  # fmt: skip


def _step(step: Step, names: Names) -> dict[str, Any]:
    detail = step.detail
    words = "，".join(
        filter(
            None, (ATTENDED_WORDS.get(detail.get("attended", ""), ""), detail.get("on", ""), detail.get("words", ""))
        )
    )
    who = detail.get("who", "")
    by = names.get(step.by_id or "", "") if step.by_id else f"对方（{displayable(who)}）"
    with_whom = f"（对方：{displayable(who)}）" if step.by_id and who else ""
    return {
        "what": ACTION_WORDS.get(step.action, step.action) + with_whom, "by": by, "at": step.at.isoformat(),
        "words": displayable(words),
    }  # fmt: skip
