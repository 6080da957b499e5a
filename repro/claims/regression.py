"""A straight line through points, and how uncertain its slope is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import linregress
from scipy.stats import t as student


@dataclass(frozen=True)
class Fit:
    """Least squares of y on x.

    Attributes:
        slope: in units of y for each unit of x.
        interval: that covers the slope with probability 0.95 if errors are normal and alike; `None` for two points.
        explained: R², the share of the variance of y that the line accounts for.
        n: points.
    """

    slope: float
    interval: tuple[float, float] | None
    explained: float
    n: int


def fit(xs: Sequence[float], ys: Sequence[float]) -> Fit | None:
    """The line through the points (x, y); `None` where they do not determine one.

    Raises:
        ValueError: the lengths differ.
    """
    if len(xs) != len(ys):
        raise ValueError(f"{len(xs)} values of x must have as many of y, not {len(ys)}.")
    if len(set(xs)) < 2 or len(set(ys)) < 2:
        return None
    found = linregress(xs, ys)
    slope, n = float(found.slope), len(xs)
    half = float(student.isf(0.025, n - 2)) * float(found.stderr) if n > 2 else None
    return Fit(slope, None if half is None else (slope - half, slope + half), float(found.rvalue) ** 2, n)
