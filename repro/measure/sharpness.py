"""Keskar's sharpness: how far the loss can rise in a small box around a minimum (Keskar et al. 2017, Metric 2.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from math import isfinite, nan
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from repro.errors import UsageError
from repro.measure.box import Box, keskar_box
from repro.measure.lbfgsb import NO_TOLERANCE, Tolerances
from repro.measure.manifold import Manifold, OnManifold, manifold_box
from repro.measure.maximise import Maximum, ascents, published, searched
from repro.measure.measurement import Measurement, Status
from repro.measure.objective import Objective, checked_point
from repro.measure.search import Sample

Rule = Literal["searched", "ascent", "published"]

Maximiser = Callable[[Objective, Box, Sample], Maximum]
"""Finds the maximum of an objective in a box around a point already evaluated."""


@dataclass(frozen=True, kw_only=True)
class Sharpness(Measurement):
    """`φ = 100 (max f - f(x)) / (1 + f(x))`, percent of 1 + f(x).

    `residual` is the disagreement between L-BFGS-B and the best sign ascent, in the unit of the value; a rule of one
    search has none. `cost` counts the gradients of a cheaper objective by what they cost.

    Attributes:
        loss: f(x), in nats for a cross-entropy.
        maximum: the largest value at any point of the box that was evaluated; known even if the search FAILED.
        iterations: steps accepted, all searches together.
        evaluations: full-data values with gradient, all searches together, and one for f(x).
        fraction_on_bound: fraction of the highest point's coordinates that stand on the bound of the box.
        reason: how each search ended, in its own words.
        histories: the best value after each evaluation, one tuple for each search.
        displacement: from x to the highest point, in the objective's own variables, float64, shape `(n,)`.
    """

    loss: float
    maximum: float
    iterations: int
    evaluations: int
    fraction_on_bound: float
    reason: str
    histories: tuple[tuple[float, ...], ...] = field(repr=False)
    displacement: Tensor = field(repr=False, compare=False)


def sharpness(
    objective: Objective,
    x: Tensor,
    eps: float = 1e-3,
    *,
    rule: Rule = "searched",
    manifold: Manifold | None = None,
    budget: int = 60,
    start: Literal["x", "random"] = "x",
    seed: int = 0,
    iterations: int = 10,
    tolerances: Tolerances = NO_TOLERANCE,
) -> Sharpness:
    """Metric 2.1 at x: how far `f(x + Az)` rises above f(x) for `|zᵢ| ≤ ε(|(A⁺x)ᵢ| + 1)`, in percent of 1 + f(x).

    A search can only find a lower bound of the maximum. If it finds nothing above f(x) it is FAILED and its value NaN,
    never zero: it cannot tell a maximum from not having moved. It is FAILED too if the gradient contradicts the values.

    Args:
        objective: f, on all the data.
        x: the minimiser, shape `(n,)`; f is evaluated where x is rounded to the objective's dtype.
        eps: size ε of the box, dimensionless; the paper uses 1e-3 and 5e-4.
        rule: `published`, one run of 10 iterations of SciPy's L-BFGS-B, which may miss the maximum by orders of
            magnitude; `searched`, the best of L-BFGS-B and of sign ascents from many corners; or `ascent`, the latter
            alone, to compare many minima at little cost.
        manifold: A; `None` is the identity, that is the full space.
        budget: full-data gradients that the `searched` and `ascent` rules may spend, all their searches together.
        start: where the `published` search begins, at x or at a random point of the box.
        seed: of random starts.
        iterations: of the `published` search.
        tolerances: of the `published` search. The paper gives none; SciPy's own may end it before it begins.

    Raises:
        UsageError: x does not fit the objective, 1 + f(x) is not positive, or a setting has no meaning.
    """
    maximiser = _maximiser(rule, budget, start, seed, iterations, tolerances)
    x = checked_point(objective, x)
    if manifold is None:
        return sharpness_in_box(objective, x, keskar_box(x, eps, objective.dtype), maximiser)
    inner, zero = OnManifold(objective, x, manifold), torch.zeros(manifold.columns, dtype=torch.float64)
    found = sharpness_in_box(inner, zero, manifold_box(manifold, x, eps), maximiser)
    return replace(found, displacement=manifold.displacement(found.displacement))


def sharpness_in_box(objective: Objective, x: Tensor, box: Box, maximiser: Maximiser) -> Sharpness:
    """The rise of the objective in any box around x, as `Sharpness`.

    Args:
        objective: f.
        x: the minimiser, shape `(p,)`.
        box: where f may be evaluated; x lies in it.
        maximiser: how to search, such as `partial(searched, budget=60)`.

    Raises:
        UsageError: 1 + f(x) is not positive, or the box is a point.
    """
    if not (box.lower < box.upper).any():
        raise UsageError(f"the box is a point in {objective.dtype}; take a larger eps, or pass model.double().")
    point = x.to(objective.dtype).double()
    at_x = Sample(point, *objective.value_and_grad(point))
    if not isfinite(at_x.value):
        return _sharpness(at_x, box, Maximum(at_x, (), 0.0), Status.DIVERGED)
    if at_x.value <= -1:
        raise UsageError(f"f(x)={at_x.value} must exceed -1, for sharpness divides by 1 + f(x).")
    found = maximiser(objective, box, at_x)
    return _sharpness(at_x, box, found, _status(found))


class SearchCheck(NamedTuple):
    """A search beside a longer one.

    Attributes:
        short: the search in question.
        long: the longer one.
        shortfall: fraction of the longer search's value by which the first falls short of it, negative where that found
            less; NaN if either failed.
    """

    short: Sharpness
    long: Sharpness
    shortfall: float


def check_search(
    objective: Objective,
    x: Tensor,
    eps: float = 1e-3,
    *,
    manifold: Manifold | None = None,
    budget: int = 60,
    factor: int = 10,
    seed: int = 0,
) -> SearchCheck:
    """Hold the `searched` rule against itself with `factor` times the budget; arguments as for `sharpness`."""
    short, long = (
        sharpness(objective, x, eps, manifold=manifold, budget=gradients, seed=seed)
        for gradients in (budget, factor * budget)
    )
    return SearchCheck(short, long, 1 - short.value / long.value)


def _status(found: Maximum) -> Status:
    """DIVERGED or FAILED if any search is, or if the gradient contradicts the values; else that of the highest."""
    statuses = [search.status for search in found.searches]
    for bad in (Status.DIVERGED, Status.FAILED):
        if bad in statuses:
            return bad
    if sum(search.work for search in found.searches) <= 0:
        return Status.FAILED
    return max(found.searches, key=lambda search: search.value).status


def _sharpness(x: Sample, box: Box, found: Maximum, status: Status) -> Sharpness:
    percent = 100 / (1 + x.value)
    usable = status in (Status.CONVERGED, Status.BUDGET)
    values = [search.value for search in found.searches]
    return Sharpness(
        value=percent * (found.best.value - x.value) if usable else nan,
        status=status,
        cost=found.cost + 1,
        residual=percent * (max(values) - min(values)) if usable and len(values) > 1 else None,
        loss=x.value,
        maximum=found.best.value,
        iterations=sum(search.iterations for search in found.searches),
        evaluations=sum(search.evaluations for search in found.searches) + 1,
        fraction_on_bound=box.fraction_on_bound(found.best.point),
        reason="; ".join(f"{s.method}: {s.message}" for s in found.searches) or "f(x) is not finite",
        histories=tuple(search.history for search in found.searches),
        displacement=found.best.point - x.point,
    )


def check_budget(budget: int) -> None:
    """Raise `UsageError` unless every search has gradients enough to begin."""
    if budget < 8:
        raise UsageError(f"budget={budget} must be at least 8 gradients; `check_search` says whether 60 are enough.")


def _maximiser(
    rule: Rule, budget: int, start: Literal["x", "random"], seed: int, iterations: int, tolerances: Tolerances
) -> Maximiser:
    if rule not in get_args(Rule):
        raise UsageError(f"rule={rule!r} must be one of {', '.join(get_args(Rule))}.")
    if start not in ("x", "random"):
        raise UsageError(f"start={start!r} must be 'x' or 'random'.")
    check_budget(budget)
    if iterations < 1:
        raise UsageError(f"iterations={iterations} must be at least 1.")
    if rule == "published":
        return partial(published, start=start, seed=seed, iterations=iterations, tolerances=tolerances)
    return partial(searched if rule == "searched" else ascents, budget=budget - 1, seed=seed)
