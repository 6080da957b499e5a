"""The box in which a neighbour of a minimum may lie (Keskar et al. 2017, eq. 3)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite

import torch
from torch import Tensor

from repro.errors import UsageError


@dataclass(frozen=True, eq=False)
class Box:
    """`{y : lower ≤ y ≤ upper}`.

    Attributes:
        lower: smallest value of each coordinate, float64, shape `(p,)`.
        upper: largest value of each coordinate, float64, shape `(p,)`.

    Raises:
        UsageError: the shapes differ, a bound is not finite, or a lower bound lies above its upper bound.
    """

    lower: Tensor
    upper: Tensor

    def __post_init__(self) -> None:
        if self.lower.ndim != 1 or self.lower.shape != self.upper.shape:
            raise UsageError(
                f"lower {tuple(self.lower.shape)} and upper {tuple(self.upper.shape)} must both have shape (p,)."
            )
        if not (self.lower.isfinite() & self.upper.isfinite() & (self.lower <= self.upper)).all():
            raise UsageError("a box must have finite bounds, lower <= upper; check that its centre is finite.")

    @classmethod
    def around(cls, x: Tensor, radius: Tensor, dtype: torch.dtype = torch.float64) -> Box:
        """The box `|yᵢ - xᵢ| ≤ radiusᵢ`, rounded inward to numbers of `dtype`.

        Rounding to nearest is monotone and leaves numbers of `dtype` alone. So a point of this box that is cast to
        `dtype` to be evaluated is still in the box. In float64 the bounds are those of ordinary arithmetic.

        Args:
            x: centre, shape `(p,)`; it is rounded to `dtype` first, for the function is evaluated there.
            radius: half-widths, not negative, shape `(p,)`.
            dtype: in what points are really evaluated.
        """
        centre, width = x.to(dtype).double(), radius.double()
        return cls(_rounded(centre - width, dtype, inf), _rounded(centre + width, dtype, -inf))

    @cached_property
    def centre(self) -> Tensor:
        """The middle of the box, shape `(p,)`."""
        return self.lower + self.radius

    @cached_property
    def radius(self) -> Tensor:
        """Half-width in each coordinate, shape `(p,)`."""
        return (self.upper - self.lower) / 2

    def clip(self, point: Tensor) -> Tensor:
        """The point of the box nearest to `point`, float64, shape `(p,)`."""
        return point.double().clamp(self.lower, self.upper)

    def inside(self, fractions: Tensor) -> Tensor:
        """The point at `fractions` of the radius from the centre, each in [-1, 1], shape `(p,)`."""
        return self.clip(self.centre + fractions * self.radius)

    def fraction_on_bound(self, point: Tensor) -> float:
        """Fraction of the coordinates that may move at all which stand on a bound, to a millionth of the radius."""
        on_bound = torch.minimum(point - self.lower, self.upper - point) <= 1e-6 * self.radius
        return on_bound[self.lower < self.upper].double().mean().nan_to_num().item()


def keskar_box(x: Tensor, eps: float, dtype: torch.dtype = torch.float64) -> Box:
    """`|yᵢ - xᵢ| ≤ ε(|xᵢ| + 1)` (Keskar et al. 2017, eq. 3 with A = I).

    Args:
        x: the minimiser, shape `(p,)`.
        eps: size ε of the box, dimensionless; the paper uses 1e-3 and 5e-4.
        dtype: in what points are really evaluated; the box is rounded inward to it.

    Raises:
        UsageError: ε is not positive and finite, or x is not finite and flat.
    """
    check_eps(eps)
    return Box.around(x, eps * (x.double().abs() + 1), dtype)


def check_eps(eps: float) -> None:
    """Raise `UsageError` unless the box has a size."""
    if not (isfinite(eps) and eps > 0):
        raise UsageError(f"eps={eps} must be positive and finite; the paper uses 1e-3 and 5e-4.")


def _rounded(bound: Tensor, dtype: torch.dtype, inward: float) -> Tensor:
    """`bound` as the nearest number of `dtype` that does not lie outside of it; `inward` is plus or minus infinity."""
    near = bound.to(dtype)
    outside = near.double() < bound if inward > 0 else near.double() > bound
    return torch.where(outside, near.nextafter(torch.full_like(near, inward)), near).double()
