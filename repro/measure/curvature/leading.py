"""What the slope and the largest eigenvalue at a point say about its sharpness in small boxes."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from repro.errors import UsageError


class LeadingTerms(NamedTuple):
    """φ of Keskar et al. 2017, Metric 2.1, percent, as the Taylor series of f at x has it: `slope` ε + `curvature` ε².

    In the box |z_i| ≤ ε (|x_i| + 1) either part alone has a known maximum. That of both together lies between the
    larger one and their sum.

    Attributes:
        slope: `100 Σ |g_i| (|x_i| + 1) / (1 + f)`, of the linear part.
        curvature: `100 λ₁ (Σ |v_1i| (|x_i| + 1))² / (2 (1 + f))`, of the largest eigenvalue's part of the quadratic.
    """

    slope: float
    curvature: float


def leading_terms(x: Tensor, loss: float, gradient: Tensor, value: float, vector: Tensor) -> LeadingTerms:
    """Both coefficients.

    Args:
        x: shape `(p,)`.
        loss: f(x), in nats, above -1.
        gradient: g, shape `(p,)`.
        value: λ₁, the Hessian's largest eigenvalue.
        vector: its eigenvector v₁, of length 1, shape `(p,)`.

    Raises:
        UsageError: 1 + f(x) is not positive.
    """
    if not 1 + loss > 0:
        raise UsageError(f"1 + f(x) = {1 + loss} must be positive, or φ has no meaning; shift the loss.")
    widths, percent = x.double().abs() + 1, 100 / (1 + loss)
    slope, reach = (float(direction.double().abs() @ widths) for direction in (gradient, vector))
    return LeadingTerms(percent * slope, percent * max(value, 0.0) * reach**2 / 2)


def overlaps(gradient: Tensor, vectors: Tensor) -> Tensor:
    """The share of the gradient's squared length along each of the orthonormal rows `vectors`, shape `(k, p)`: `(k,)`.

    NaN where the gradient is zero (Gur-Ari, Roberts & Dyer 2018, section 2).
    """
    g = gradient.double()
    return (vectors.double() @ g).square() / g.square().sum()
