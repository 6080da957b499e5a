"""Estimates: the mean effect over seeds, and how uncertain it is (Student 1908, Welch 1947).

Sums use `math.fsum`, so that the order of the seeds leaves no trace in the last digit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import t as student


@dataclass(frozen=True)
class Estimate:
    """A mean effect and its uncertainty.

    With fewer than two values a mean has no standard error: then `standard_error` is `None`, there is no interval and
    no p. The same holds where all values agree exactly: accuracies are counts of examples, and three equal ones show
    how coarse the count is, not that the mean is certain.

    Attributes:
        mean: in the effect's unit.
        sd: sample standard deviation (divisor n - 1) of the differences; for Welch, of the difference between
            one run of each arm. `None` where a sample has fewer than two values.
        standard_error: of the mean, or `None`.
        df: degrees of freedom of Student's t.
    """

    mean: float
    sd: float | None
    standard_error: float | None
    df: float

    def interval(self, error: float) -> tuple[float, float] | None:
        """The central interval that covers the true mean with probability `1 - error`.

        Args:
            error: probability of not covering, strictly between 0 and 1.
        """
        if self.standard_error is None:
            return None
        half = float(student.isf(error / 2, self.df)) * self.standard_error
        return self.mean - half, self.mean + half

    def p_not_above(self, bound: float) -> float | None:
        """One-sided p of the hypothesis that the true mean is at most `bound`."""
        return None if self.standard_error is None else self._tail(self.mean - bound)

    def p_not_below(self, bound: float) -> float | None:
        """One-sided p of the hypothesis that the true mean is at least `bound`."""
        return None if self.standard_error is None else self._tail(bound - self.mean)

    def p_zero(self) -> float | None:
        """Two-sided p of the hypothesis that the true mean is zero."""
        above, below = self.p_not_above(0.0), self.p_not_below(0.0)
        return None if above is None or below is None else min(1.0, 2 * min(above, below))

    def p_outside(self, low: float, high: float) -> float | None:
        """P of a true mean outside `(low, high)`: the larger of two one-sided tests (Schuirmann 1987)."""
        above, below = self.p_not_above(low), self.p_not_below(high)
        return None if above is None or below is None else max(above, below)

    def _tail(self, distance: float) -> float:
        assert self.standard_error is not None
        return float(student.sf(distance / self.standard_error, self.df))


def one_sample(values: Sequence[float]) -> Estimate:
    """Mean of `values` (one number a seed) with Student's interval, n - 1 degrees of freedom.

    Raises:
        ValueError: there is no value.
    """
    return _mean(values, values)


def paired(treatment: Sequence[float], control: Sequence[float]) -> Estimate:
    """Mean of `treatment - control`, seed by seed.

    Args:
        treatment: one number a seed.
        control: one number for each of the same seeds, in the same order.

    Raises:
        ValueError: the lengths differ, or there is no pair.
    """
    differences = [t - c for t, c in zip(treatment, control, strict=True)]
    return _mean(differences, [*treatment, *control])


def welch(treatment: Sequence[float], control: Sequence[float]) -> Estimate:
    """Difference of the means of two independent samples of unequal variance (Welch 1947).

    Raises:
        ValueError: a sample is empty.
    """
    (mean_t, variance_t), (mean_c, variance_c) = _moments(treatment), _moments(control)
    if variance_t is None or variance_c is None:
        return Estimate(mean_t - mean_c, None, None, 0.0)
    if _without_spread(variance_t + variance_c, [*treatment, *control]):
        return Estimate(mean_t - mean_c, 0.0, None, len(treatment) + len(control) - 2)
    share_t, share_c = variance_t / len(treatment), variance_c / len(control)
    df = _satterthwaite(share_t, len(treatment), share_c, len(control))
    return Estimate(mean_t - mean_c, math.sqrt(variance_t + variance_c), math.sqrt(share_t + share_c), df)


def _mean(values: Sequence[float], measured: Sequence[float]) -> Estimate:
    """Of values computed from those measured, which say how large their rounding errors are."""
    mean, variance = _moments(values)
    n = len(values)
    if variance is None:
        return Estimate(mean, None, None, 0.0)
    if _without_spread(variance, measured):
        return Estimate(mean, 0.0, None, n - 1)
    return Estimate(mean, math.sqrt(variance), math.sqrt(variance / n), n - 1)


def _satterthwaite(share_t: float, n_t: int, share_c: float, n_c: int) -> float:
    total = share_t + share_c
    return 1 / ((share_t / total) ** 2 / (n_t - 1) + (share_c / total) ** 2 / (n_c - 1))


def _without_spread(variance: float, measured: Sequence[float]) -> bool:
    """Whether values with this variance agree but for the rounding of those measured."""
    return math.sqrt(variance) <= 1e-9 * max(map(abs, measured))


def _moments(values: Sequence[float]) -> tuple[float, float | None]:
    if not values:
        raise ValueError("A mean needs at least one value; a cell without one has no estimate.")
    n = len(values)
    mean = math.fsum(values) / n
    return mean, math.fsum((value - mean) ** 2 for value in values) / (n - 1) if n > 1 else None
