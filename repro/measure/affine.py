"""What grows with the batch along a line `y(b) = a + c b`: seconds of a call, examples needed for an accuracy.

Errors are taken as fractions of the line, for a slower call varies by more seconds: the fit solves
`Σ (yᵢ - a - c bᵢ) / (a + c bᵢ)² (1, bᵢ) = 0`, quasi-likelihood with a constant coefficient of variation (McCullagh and
Nelder 1989, chapter 8), by weighted least squares until the weights agree with the line. Neither a nor c is forced
to be positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.stats import t as student

from repro.errors import UsageError

_ROUNDS = 100
_AGREE = 1e-12


@dataclass(frozen=True)
class Affine:
    """A fitted line; everything predicted from it is a sum `u a + v c`.

    Attributes:
        intercept: a, in the unit of y: what a batch costs however small it is.
        slope: c, in the unit of y for each example.
        covariance: of (a, c), with variances first and last: `(aa, ac, cc)`.
        free: degrees of freedom, the points less two.
        departures: of each point from the line, as fractions of the line, in the order of the points.
    """

    intercept: float
    slope: float
    covariance: tuple[float, float, float]
    free: int
    departures: tuple[float, ...]

    def of(self, intercepts: float, slopes: float) -> float:
        """`u a + v c`: of u calls on v examples together."""
        return intercepts * self.intercept + slopes * self.slope

    def error(self, intercepts: float, slopes: float) -> float:
        """Half the width of the 95 % interval of `of`, by Student's t, for departures that are independent."""
        aa, ac, cc = self.covariance
        variance = intercepts**2 * aa + 2 * intercepts * slopes * ac + slopes**2 * cc
        return float(student.isf(0.025, self.free)) * sqrt(max(variance, 0.0))

    def at(self, batch: float) -> float:
        """`a + c b`."""
        return self.of(1, batch)

    @property
    def balance(self) -> float:
        """The batch `a / c` at which both parts are equal, in examples.

        Raises:
            UsageError: y does not grow with the batch.
        """
        if self.slope <= 0:
            raise UsageError(f"slope={self.slope} must be positive: measure larger batches, where y grows with them.")
        return self.intercept / self.slope


def fit_affine(batches: Sequence[float], values: Sequence[float]) -> Affine:
    """The line through the points (b, y), errors as fractions of it.

    Args:
        batches: b, examples, positive; at least three different ones.
        values: y, as many, positive.

    Raises:
        UsageError: points that break these rules, or that lie on no line which is positive at all of them.
    """
    b, y = np.asarray(batches, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if b.shape != y.shape or len(set(b.tolist())) < 3:
        raise UsageError(f"{y.size} values at batches={list(batches)} must be as many, of three batches or more.")
    for name, given in (("batches", b), ("values", y)):
        if not (np.isfinite(given).all() and (given > 0).all()):
            raise UsageError(f"{name}={given.tolist()} must be positive and finite; leave out what failed.")
    line = y
    for _ in range(_ROUNDS):
        rows = np.stack([np.ones_like(b), b], axis=1) / line[:, None]
        (a, c), *_ = np.linalg.lstsq(rows, y / line)
        before, line = line, a + c * b
        if not (line > 0).all():
            raise UsageError(f"values={list(values)} at batches={list(batches)} lie near no positive line; plot them.")
        if np.allclose(line, before, rtol=_AGREE, atol=0):
            break
    else:
        raise UsageError(f"values={list(values)} at batches={list(batches)} do not settle on a line; plot them.")
    departures = y / line - 1
    spread = float(departures @ departures) / (len(b) - 2)
    covariance = spread * np.linalg.inv(rows.T @ rows)
    return Affine(
        float(a),
        float(c),
        (float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1])),
        len(b) - 2,
        tuple(departures.tolist()),
    )
