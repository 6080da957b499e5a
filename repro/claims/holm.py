"""Holm's step-down correction for many claims judged together, as p-values and as levels of intervals.

Sort the m p-values. The r-th smallest is compared with `α / (m - r + 1)`, the number of hypotheses still
standing; at the first that is not rejected the procedure ends (Holm 1979). The intervals agree
with it: a rejected row has the level at which it was rejected, and the rows that remain share α equally. So a row's
interval excludes its hypothesis exactly if its adjusted p is at most α. They are not simultaneous: intervals that cover
all effects at once with probability 1 - α would be wider.

Equal p-values count each other as still standing, so that the order of the rows leaves no trace.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def adjusted(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, each at most 1, in the order given."""
    steps = [each * _standing(each, p) for each in p]
    return [min(1.0, max(s for s, other in zip(steps, p, strict=True) if other <= each)) for each in p]


def shares(p: Sequence[float], alpha: float) -> list[float]:
    """The part of `alpha` that each row may spend, in the order given.

    Args:
        p: p-values of one family.
        alpha: probability of at least one false rejection in the family.
    """
    end = min((each for each in p if each > alpha / _standing(each, p)), default=math.inf)
    return [alpha / _standing(min(each, end), p) for each in p]


def _standing(value: float, p: Sequence[float]) -> int:
    return sum(other >= value for other in p)
