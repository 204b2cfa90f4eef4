"""What may happen to a matter, and which clocks run meanwhile, as tables. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from escalation.cases import NotAllowed

REPORT, BREACH, NOTIFICATION, COMPLAINT = "report", "breach", "notification", "complaint"
KIND_WORDS = {REPORT: "强制报告", BREACH: "突破保密", NOTIFICATION: "3级及以上通报", COMPLAINT: "投诉"}
STARTS = {REPORT: "open", BREACH: "proposed", NOTIFICATION: "proposed", COMPLAINT: "open"}
SHARED_FIRST = "shared_first"  # danger to life left no time for a second person

# A report needs nobody's leave: only not to report needs two people, and whoever thinks again may report at any time.
TRANSITIONS: Mapping[tuple[str, str, str], str] = {
    (REPORT, "open", "report"): "reported",
    (REPORT, "open", "decline"): "declined",
    (REPORT, "declined", "report"): "reported",
    (REPORT, "declined", "agree"): "not_reported",
    (REPORT, "declined", "refuse"): "open",
    (REPORT, "reported", "report"): "reported",
    (REPORT, "reported", "supplement"): "reported",
    (REPORT, "not_reported", "report"): "reported",
    (BREACH, "proposed", "agree"): "approved",
    (BREACH, "proposed", "refuse"): "refused",
    (BREACH, "proposed", "withdraw"): "withdrawn",
    (BREACH, "approved", "share"): "shared",
    (BREACH, "approved", "withdraw"): "withdrawn",
    (BREACH, SHARED_FIRST, "agree"): "shared",
    (BREACH, SHARED_FIRST, "refuse"): "disputed",
    (NOTIFICATION, "proposed", "agree"): "approved",
    (NOTIFICATION, "proposed", "refuse"): "refused",
    (NOTIFICATION, "proposed", "withdraw"): "withdrawn",
    (NOTIFICATION, "approved", "send"): "sent",
    (NOTIFICATION, "approved", "withdraw"): "withdrawn",
    (NOTIFICATION, "sent", "acknowledge"): "acknowledged",
    (COMPLAINT, "open", "try"): "open",
    (COMPLAINT, "open", "talk"): "talked",
    **{(COMPLAINT, state, action): state for state in ("open", "talked") for action in ("note", "name")},
    **{(COMPLAINT, state, "close"): "closed" for state in ("open", "talked")},
    (COMPLAINT, "closed", "reopen"): "open",
}
TELLING = ("notify", "excuse")  # while the person has not been told; the state stays
_GIVEN = frozenset({SHARED_FIRST, "shared", "disputed"})  # something has left the house

STATE_WORDS = {
    (REPORT, "open"): "要报告",
    (REPORT, "declined"): "有人认为不报告，等第二人",
    (REPORT, "reported"): "已报告",
    (REPORT, "not_reported"): "两人决定不报告",
    (BREACH, "proposed"): "等第二人",
    (BREACH, "approved"): "第二人已同意，还没有提供",
    (BREACH, SHARED_FIRST): "情况紧急已先提供，等第二人",
    (BREACH, "shared"): "已提供",
    (BREACH, "disputed"): "已提供，第二人不同意",
    (BREACH, "refused"): "第二人不同意，没有提供",
    (BREACH, "withdrawn"): "撤回，没有提供",
    (NOTIFICATION, "proposed"): "等第二人",
    (NOTIFICATION, "approved"): "第二人已同意，还没有通报",
    (NOTIFICATION, "sent"): "已通报，等对方回执",
    (NOTIFICATION, "acknowledged"): "对方已收到",
    (NOTIFICATION, "refused"): "第二人不同意，没有通报",
    (NOTIFICATION, "withdrawn"): "撤回，没有通报",
    (COMPLAINT, "open"): "还没有联系上",
    (COMPLAINT, "talked"): "已联系上，等答复",
    (COMPLAINT, "closed"): "已办结",
}

_CLOCKS: Mapping[tuple[str, str], frozenset[str]] = {
    (REPORT, "open"): frozenset({"report"}),
    (REPORT, "declined"): frozenset({"report", "report_second"}),
    (BREACH, "proposed"): frozenset({"breach_second"}),
    (BREACH, "approved"): frozenset({"share"}),
    (BREACH, SHARED_FIRST): frozenset({"breach_second"}),
    (NOTIFICATION, "proposed"): frozenset({"notification", "notification_second"}),
    (NOTIFICATION, "approved"): frozenset({"notification"}),
    (NOTIFICATION, "sent"): frozenset({"acknowledgement"}),
    (COMPLAINT, "open"): frozenset({"call_back"}),
    (COMPLAINT, "talked"): frozenset({"answer"}),
}
CLOCKS = frozenset({clock for running in _CLOCKS.values() for clock in running} | {"notice"})


def after(kind: str, state: str, action: str, *, owes_notice: bool) -> str:
    """The state after an action; raise NotAllowed in words for the counsellor."""
    if action in TELLING and owes_notice:
        return state
    try:
        return TRANSITIONS[(kind, state, action)]
    except KeyError:
        raise NotAllowed(f"这件事现在是“{STATE_WORDS[kind, state]}”，不能这样做，请刷新后再看") from None


def may(kind: str, state: str, *, owes_notice: bool) -> list[str]:
    """What may be done now."""
    actions = [action for at, there, action in TRANSITIONS if (at, there) == (kind, state)]
    return actions + list(TELLING if owes_notice else ())


def clocks(kind: str, state: str, *, owes_notice: bool) -> frozenset[str]:
    """Which clocks run."""
    return _CLOCKS.get((kind, state), frozenset()) | (frozenset({"notice"}) if owes_notice else frozenset())


def owes_notice(kind: str, state: str, *, was_told: bool) -> bool:
    """Whether the person still has to hear what was given to whom: as soon as something has left the house."""
    return kind == BREACH and state in _GIVEN and not was_told
