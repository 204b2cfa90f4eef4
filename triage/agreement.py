"""How frames and classifier decide together. One table of who may do what, so that nobody need search for it.

- the classifier alone may raise to high; the more the frames heard, the less it takes;
- an emergency needs a frame: its own word, or danger in a frame and an emergency in the classifier;
- where the classifier hears no danger, a frame's "high" or "emergency" counts as medium: the person is asked
  directly and people look at it, but the alarm does not ring; and where it hears not even sadness about life,
  as low. How little it must hear for that was set by measuring (see the model card), least for emergencies.
- plain words of danger that fill a whole clause (firm frames) stay as they are, whatever the classifier hears.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import replace

from triage.classifier import Opinion, Points
from triage.risk import Category, Level, Signal

CALM = "calm"  # the scope named on a signal that the classifier lowered
MODEL_SAYS = {
    "model.low": "字句整体上像是难过、吃力（文字模型判断）",
    "model.medium": "字句整体上像有轻生念头或正受伤害（文字模型判断，需要直接问）",
    "model.high": "字句整体上像有计划、准备或正在发生的危险（文字模型判断，没有对上具体规则）",
    "model.emergency": "规则看到危险，文字模型判断正在发生",
}
LAMENESS = {
    "missing": "文字模型没有装上，本条只按规则判断",
    "broken": "文字模型出错，本条只按规则判断",
    "slow": "这条太长，后面部分只按规则判断",
}


def calmed(
    signals: Iterable[Signal], opinion: Opinion, points: Points, firm: Container[str] = ()
) -> list[Signal]:  # fmt: skip
    """The frames' signals after the classifier was asked; those of `firm` frames that no scope lowered stay."""
    kept = list(signals)
    framed = _framed(kept)
    most = Level.EMERGENCY
    if opinion.of(Level.HIGH) < points.alarm[framed] and opinion.of(Level.MEDIUM) < points.sure:
        most = Level.MEDIUM if opinion.of(Level.MEDIUM) >= points.ask[framed] else Level.LOW
    return [
        replace(s, level=most, scope=CALM) if s.level > most and not (s.rule in firm and not s.scope) else s
        for s in kept
    ]


def heard(signals: Iterable[Signal], opinion: Opinion, points: Points) -> Level:
    """The level that the classifier itself speaks for."""
    framed = _framed(signals)
    if framed >= Level.MEDIUM and opinion.of(Level.EMERGENCY) >= points.agree:
        return Level.EMERGENCY
    if opinion.of(Level.HIGH) >= points.alarm[framed]:
        return Level.HIGH
    if opinion.of(Level.MEDIUM) >= points.ask[framed]:
        return Level.MEDIUM
    return Level.LOW if opinion.of(Level.LOW) >= points.low else Level.NONE


def named(opinion: Opinion, points: Points) -> tuple[Category, ...]:
    """The categories that the classifier hears."""
    return tuple(
        category for category, chance in zip(Category, opinion.categories, strict=True) if chance >= points.category
    )


def _framed(signals: Iterable[Signal]) -> Level:
    return max((signal.level for signal in signals), default=Level.NONE)
