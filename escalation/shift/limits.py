"""How many conversations one person carries at once. A person in danger never waits because of a limit. No I/O.

The limit goes by the most urgent conversation: who has a red one has that alone. A claim beyond it is refused only
while somebody else on duty could take the case and the promised time has not run out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from escalation.cases import NotAllowed
from escalation.shift.presence import Person, State
from escalation.shift.volunteers import may_take
from triage.risk import Level

Limits = Mapping[Level, int]


@dataclass(frozen=True)
class Claim:
    """What a claim meets: the case's level, what the claimer carries, and the others."""

    level: Level
    mine: Sequence[Level]
    others: Sequence[Person]
    is_late: bool  # the promised time has run out


def limit_of(levels: Sequence[Level], limits: Limits) -> int:
    """How many at once somebody with these may have."""
    return limits[max(levels)]


def fits(levels: Sequence[Level], limits: Limits) -> bool:
    """Whether one person may carry all these."""
    return not levels or len(levels) <= limit_of(levels, limits)


def free(others: Iterable[Person], level: Level, limits: Limits) -> list[Person]:
    """Who on duty could take one more at this level, the least loaded first."""
    able = [
        person
        for person in others
        if person.state is State.ON and may_take(person.roles, level) and fits((*person.levels, level), limits)
    ]
    return sorted(able, key=lambda person: (len(person.levels), person.name))


def check_claim(claim: Claim, limits: Limits) -> None:
    """Raise NotAllowed, in words that say what to do, for a claim beyond the limit that another could make."""
    if claim.is_late or fits((*claim.mine, claim.level), limits):
        return
    able = free(claim.others, claim.level, limits)
    if able:
        names = "、".join(person.name for person in able[:3])
        raise NotAllowed(
            f"您手上已有 {len(claim.mine)} 个个案，再接就超过上限了。{names} 现在有空，请让有空的老师接，"
            "或先转交一个；没人来接时，到了时限您也可以接"
        )


def over(levels: Sequence[Level], limits: Limits) -> str:
    """What somebody beyond the limit is told; empty within it."""
    if fits(levels, limits):
        return ""
    top = max(levels)
    return (
        f"您手上有 {len(levels)} 个个案，超过了上限（有{top.colour}色时最多 {limits[top]} 个）。"
        "有同事空出来就转交一个，先顾最急的"
    )
