"""How far the weights have come against the updates done: a logarithm, or a power (Hoffer et al. 2017, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from repro.errors import UsageError

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Growth:
    """A law of two parameters fitted to distances by least squares.

    Attributes:
        amplitude: a of `a + b ln t`, or c of `c t^p`; in the unit of the distance.
        rate: b, in the same unit, or p, dimensionless.
        explained: R², the share of the distances' variance that the law accounts for.
        aic: Akaike's criterion up to what all laws on the same points have in common, `n ln(RSS / n) + 4`; the law
            with the lower one is to be preferred.
    """

    amplitude: float
    rate: float
    explained: float
    aic: float


def logarithmic(updates: Sequence[float], distances: Sequence[float]) -> Growth:
    """`‖w_t - w₀‖ = a + b ln t`: ultra-slow diffusion in a random potential.

    Args:
        updates: t, each at least 1.
        distances: as many, in the weights' unit.

    Raises:
        UsageError: fewer than three points, an update below 1, or values that are not finite.
    """
    t, y = _checked(updates, distances)
    b, a = np.polyfit(np.log(t), y, 1)
    return _growth(a, b, y, a + b * np.log(t))


def power(updates: Sequence[float], distances: Sequence[float]) -> Growth:
    """`‖w_t - w₀‖ = c t^p`; p = 1/2 is ordinary diffusion. Arguments and errors as for `logarithmic`.

    Raises:
        UsageError: moreover, a distance that is not positive, or no power of which the search is certain.
    """
    t, y = _checked(updates, distances)
    if not (y > 0).all():
        raise UsageError(f"distances={list(distances)} must be positive for a power law; leave out the start.")
    p, ln_c = np.polyfit(np.log(t), np.log(y), 1)
    try:
        (c, p), _ = curve_fit(_power, t, y, p0=(np.exp(ln_c), p))
    except RuntimeError as error:
        raise UsageError(f"no power law fits these {len(t)} distances ({error}); look at them.") from error
    return _growth(c, p, y, _power(t, c, p))


def _power(t: Values, c: float, p: float) -> Values:
    return c * t**p


def _checked(updates: Sequence[float], distances: Sequence[float]) -> tuple[Values, Values]:
    t, y = np.asarray(updates, dtype=np.float64), np.asarray(distances, dtype=np.float64)
    if t.shape != y.shape or t.ndim != 1 or len(t) < 3:
        raise UsageError(f"{t.size} updates and {y.size} distances must be as many, and at least 3.")
    if not (np.isfinite(t).all() and np.isfinite(y).all() and (t >= 1).all()):
        raise UsageError("updates and distances must be finite, and updates at least 1; leave out the start.")
    return t, y


def _growth(amplitude: float, rate: float, found: Values, fitted: Values) -> Growth:
    rss, spread = float(((found - fitted) ** 2).sum()), float(((found - found.mean()) ** 2).sum())
    n = len(found)
    aic = n * log(max(rss / n, np.finfo(np.float64).tiny)) + 4
    return Growth(float(amplitude), float(rate), 1 - rss / spread if spread else float("nan"), aic)
