"""A straight line through points, and how uncertain its slope is."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.stats import t as student


@dataclass(frozen=True)
class Fit:
    """Least squares of y on x.

    Attributes:
        slope: in units of y for each unit of x.
        interval: that covers the slope with probability 0.95 if errors are independent, normal and alike; `None` where
            no degree of freedom is left.
        explained: R², the share of the variance of y, within groups, that the line accounts for.
        n: points.
    """

    slope: float
    interval: tuple[float, float] | None
    explained: float
    n: int


def fit(xs: Sequence[float], ys: Sequence[float], groups: Sequence[Hashable] | None = None) -> Fit | None:
    """The line through the points (x, y); `None` where they do not determine one.

    Args:
        xs, ys: as many of one as of the other.
        groups: of each point; points of a group share an intercept, and all share the slope. By default one group.

    Raises:
        ValueError: the lengths differ.
    """
    labels = [0] * len(xs) if groups is None else list(groups)
    if not len(xs) == len(ys) == len(labels):
        raise ValueError(f"{len(xs)} values of x must have as many of y, not {len(ys)}, and of groups, {len(labels)}.")
    x, y = (np.asarray(values, dtype=np.float64) for values in (xs, ys))
    for label in set(labels):
        chosen = np.array([each == label for each in labels])
        x[chosen] -= x[chosen].mean()
        y[chosen] -= y[chosen].mean()
    if len(xs) == 0 or not x.any() or not y.any():
        return None
    slope = float(x @ y / (x @ x))
    rest, free = float(((y - slope * x) ** 2).sum()), len(xs) - len(set(labels)) - 1
    half = float(student.isf(0.025, free)) * sqrt(rest / free / float(x @ x)) if free > 0 else None
    return Fit(slope, None if half is None else (slope - half, slope + half), 1 - rest / float(y @ y), len(xs))
