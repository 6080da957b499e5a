"""Verdicts: a pure function of what a claim says and of the interval that was measured."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

Kind = Literal["directional", "equivalence", "range"]
Interval = tuple[float, float]


class Verdict(Enum):
    """Whether the paper's sentence holds."""

    REPRODUCED = "reproduced"
    CONTRADICTED = "contradicted"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not run"


class Finding(Enum):
    """How it holds, or why it does not."""

    AS_CLAIMED = "as claimed"
    SMALLER = "smaller than the margin"
    REVERSED = "reversed"
    NO_DIFFERENCE = "no difference beyond the margin"
    LARGER = "larger than the margin"
    BELOW = "below the range"
    ABOVE = "above the range"
    UNDECIDED = "the interval allows both"
    TOO_FEW = "too few runs, or no spread between them, for an interval"
    NO_GAP = "the gap was not shown"
    NO_RATIO = "a value is not positive, so there is no ratio"
    NOTHING = ""


@dataclass(frozen=True)
class Conclusion:
    """A verdict and its finding."""

    verdict: Verdict
    finding: Finding


AS_CLAIMED = Conclusion(Verdict.REPRODUCED, Finding.AS_CLAIMED)
NOT_RUN = Conclusion(Verdict.NOT_RUN, Finding.NOTHING)
TOO_FEW = Conclusion(Verdict.INCONCLUSIVE, Finding.TOO_FEW)
UNDECIDED = Conclusion(Verdict.INCONCLUSIVE, Finding.UNDECIDED)
NO_GAP = Conclusion(Verdict.INCONCLUSIVE, Finding.NO_GAP)
NO_RATIO = Conclusion(Verdict.INCONCLUSIVE, Finding.NO_RATIO)


def decide(kind: Kind, interval: Interval, region: Interval, direction: int) -> Conclusion:
    """The verdict on a claim of this kind.

    Args:
        kind: `directional`, `equivalence` or `range`.
        interval: corrected interval of the effect.
        region: of the effect, in its unit: the margin around zero, or the range claimed.
        direction: sign of the effect that a directional claim predicts; 0 otherwise.
    """
    if kind == "directional":
        return directional(interval, region, direction)
    return within(kind, interval, region)


def directional(interval: Interval, region: Interval, direction: int) -> Conclusion:
    """Reproduced if the interval lies wholly on the claimed side of zero, however small the effect.

    Contradicted if it lies wholly on the other side, or wholly inside the margin around zero. An interval on
    the claimed side and inside the margin is reproduced, and its finding says that it is small.
    """
    low, high = interval if direction > 0 else (-interval[1], -interval[0])
    small = _inside(interval, region)
    if low > 0:
        return Conclusion(Verdict.REPRODUCED, Finding.SMALLER) if small else AS_CLAIMED
    if high < 0:
        return Conclusion(Verdict.CONTRADICTED, Finding.REVERSED)
    return Conclusion(Verdict.CONTRADICTED, Finding.NO_DIFFERENCE) if small else UNDECIDED


def within(kind: Kind, interval: Interval, region: Interval) -> Conclusion:
    """Reproduced if the interval lies wholly inside the region, contradicted if wholly outside."""
    if _inside(interval, region):
        return AS_CLAIMED
    if interval[1] < region[0]:
        return Conclusion(Verdict.CONTRADICTED, Finding.BELOW if kind == "range" else Finding.LARGER)
    if interval[0] > region[1]:
        return Conclusion(Verdict.CONTRADICTED, Finding.ABOVE if kind == "range" else Finding.LARGER)
    return UNDECIDED


def _inside(interval: Interval, region: Interval) -> bool:
    return region[0] < interval[0] and interval[1] < region[1]
