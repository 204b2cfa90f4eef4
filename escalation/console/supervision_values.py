"""What the pages 督导 and 我的成长 both show: a review with what was written, trainings, how somebody stands."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from fastapi import HTTPException
from fastapi.responses import JSONResponse

from escalation.cases import NoSuchCase
from escalation.console.access import CaseView, Console, Visitor
from escalation.console.talk import case_values
from escalation.showing import displayable
from escalation.supervision.duty import day
from escalation.supervision.review import STATE_WORDS, State, Unfit
from escalation.supervision.review_desk import AGREED, SET_ASIDE, WRITTEN
from records.reviews import Listed, Review, ReviewEntry
from records.trainings import Training

_KINDS = {"image": "（图片）", "voice": "（语音）", "video": "（视频）", "file": "（文件）"}


def refused(error: Unfit) -> JSONResponse:
    """What is to be mended, beside each field."""
    return JSONResponse({"detail": str(error), "errors": error.errors}, 422)


def find_review(console: Console, review_id: str) -> Review:
    """A review, or the page that is not there."""
    with console.engine.connect() as connection:
        review = console.desks.supervision.reviews.reviews.get(connection, review_id)
    if review is None:
        raise HTTPException(404, "没有这个页面")
    return review


def listed_values(console: Console, one: Listed) -> dict[str, Any]:
    """One line of a list of reviews."""
    review = one.review
    return {
        "id": review.id, "case_no": one.case_no, "level": int(review.level), "is_drill": review.is_drill,
        "level_label": f"{review.level.colour}·{review.level.label}", "due_by": review.due_by, "state": review.state,
        "why": console.desks.supervision.reviews.rules.why[review.why], "ended_at": review.served_until,
        "state_words": STATE_WORDS[State(review.state)], "signed_at": review.signed_at, "done_at": review.done_at,
    }  # fmt: skip


def review_values(console: Console, review: Review, visitor: Visitor, *, sees_talk: bool) -> dict[str, Any]:
    """A review with what both wrote and the remarks, beside the conversation where it may be seen."""
    desk = console.desks.supervision.reviews
    with console.engine.connect() as connection:
        case = console.alarm.cases.get(connection, review.case_id)
        if case is None:
            raise NoSuchCase("没有这个个案")
        names = {who.id: who.display_name for who in console.accounts.staff.all(connection)}
        entries = desk.reviews.entries(connection, review.id)
        remarks = desk.reviews.remarks(connection, review.id)
        talk = case_values(console, CaseView(connection, case, names, visitor)) if sees_talk else []
    by_message: dict[str, list[dict[str, Any]]] = {}
    for one in remarks:
        said = {"by": names.get(one.by_id, ""), "text": displayable(one.body), "at": one.at}
        by_message.setdefault(one.message_id, []).append(said)
    written = _newest(entries, WRITTEN)
    return {
        "review": review, "case": case, "form": desk.form, "names": names, "remarks": by_message,
        "row": listed_values(console, Listed(review, case.case_no)),
        "messages": [
            {**message, "text": message["text"] or message["heard"] or _KINDS.get(message["kind"], "（其他内容）")}
            for message in talk
        ],
        "written": written, "answers": json.loads(written.body) if written else {},
        "times_written": sum(entry.what == WRITTEN for entry in entries),
        "agreed": _newest(entries, AGREED), "aside": _newest(entries, SET_ASIDE),
        "is_mine": review.counsellor_id == visitor.id,
    }  # fmt: skip


def training_values(training: Training, now: datetime) -> dict[str, Any]:
    """One training."""
    return {
        "id": training.id,
        "topic": training.topic,
        "hours": f"{training.minutes / 60:g}",
        "held_on": day(training.held_at),
        "score": "" if training.score is None else str(training.score),
        "expires_on": day(training.expires_at) if training.expires_at else "",
        "is_expired": training.expires_at is not None and day(training.expires_at) < day(now),
    }


def _newest(entries: list[ReviewEntry], what: str) -> ReviewEntry | None:
    return next((entry for entry in reversed(entries) if entry.what == what), None)
