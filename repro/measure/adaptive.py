"""Adaptive sharpness: a box that shrinks and grows with each weight, so that rescaling the network changes nothing."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from repro.errors import UsageError
from repro.measure.box import Box, check_eps
from repro.measure.maximise import searched
from repro.measure.objective import Objective, checked_point
from repro.measure.sharpness import Sharpness, check_budget, sharpness_in_box


def adaptive_box(x: Tensor, eps: float, dtype: torch.dtype = torch.float64) -> Box:
    """`|yᵢ - xᵢ| ≤ ε|xᵢ|`; weights that are zero cannot move.

    Args:
        x: the minimiser, shape `(p,)`.
        eps: size ε of the box, dimensionless.
        dtype: in what points are really evaluated; the box is rounded inward to it.

    Raises:
        UsageError: ε is not positive and finite, or x is zero.
    """
    check_eps(eps)
    if not x.any():
        raise UsageError("x is zero in every entry; its adaptive box is a point.")
    return Box.around(x, eps * x.double().abs(), dtype)


def adaptive_sharpness(
    objective: Objective, x: Tensor, eps: float = 1e-3, *, budget: int = 60, seed: int = 0
) -> Sharpness:
    """The `searched` sharpness in the box `ε|xᵢ|`, in percent of 1 + f(x).

    It is the adaptive sharpness of Kwon et al. 2021 (ASAM) for `T = diag |x|` and the maximum norm, in the unit of
    Metric 2.1. If `f(Dx) = f(x)` for every x and a positive diagonal D, it is the same at x and at Dx; with Keskar's
    `+ 1`, or ASAM's `+ η`, it is not. It never exceeds Metric 2.1 at the same ε, if both maxima are found.

    Args:
        objective: f, on all the data.
        x: the minimiser, shape `(p,)`.
        eps: size ε of the box, dimensionless.
        budget: full-data gradients for all searches together.
        seed: of random starts.

    Raises:
        UsageError: x does not fit the objective or is zero, 1 + f(x) is not positive, or a setting has no meaning.
    """
    check_budget(budget)
    x = checked_point(objective, x)
    box = adaptive_box(x, eps, objective.dtype)
    return sharpness_in_box(objective, x, box, partial(searched, budget=budget - 1, seed=seed))
