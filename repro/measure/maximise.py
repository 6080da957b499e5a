"""The rules for the maximum of a function in a box: as published, by sign ascents, and searched for in earnest."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from repro.measure.box import Box
from repro.measure.explore import Corners, Sketched, explore, proposals
from repro.measure.lbfgsb import NO_TOLERANCE, Negated, Tolerances, lbfgsb
from repro.measure.measurement import Status
from repro.measure.objective import Objective
from repro.measure.search import Sample, Search, Watched
from repro.streams import stream

QUASI_NEWTON = 0.25
"""The share of the budget that L-BFGS-B gets; what it leaves goes to sign ascent."""
SKETCHING = 0.17
"""The share spent on a cheaper objective that proposes where to climb, if there is one."""
DIRECT = 0.75
"""The share of the sign ascents that only explores, from x and opposite corners, before the highest is finished."""
DIRECT_BESIDE_PROPOSALS = 0.4
"""The same where there are proposals to climb from too."""


class Maximum(NamedTuple):
    """The highest point that some searches found.

    Attributes:
        best: the highest of all points evaluated, x among them.
        searches: how each search went.
        cost: full-data gradients, those of a cheaper objective counted by what they cost.
    """

    best: Sample
    searches: tuple[Search, ...]
    cost: float


def published(
    objective: Objective,
    box: Box,
    x: Sample,
    *,
    iterations: int = 10,
    start: Literal["x", "random"] = "x",
    seed: int = 0,
    tolerances: Tolerances = NO_TOLERANCE,
) -> Maximum:
    """10 iterations of L-BFGS-B in the variables as they are (Keskar et al. 2017, section 2.2.2).

    The paper names neither the start nor the tolerances: x and none are choices.

    Args:
        objective: what is maximised.
        box: where.
        x: its middle, evaluated.
        iterations: of L-BFGS-B.
        start: x, or a point drawn uniformly from the box.
        seed: of that point.
        tolerances: when to stop earlier.
    """
    watched = Watched(objective.value_and_grad, box, start=x)
    begin = x.point if start == "x" else _random_point(box, seed)
    search = lbfgsb(Negated.as_it_is(watched), begin, iterations=iterations, tolerances=tolerances)
    return Maximum(watched.best or x, (search,), search.evaluations)


def searched(objective: Objective, box: Box, x: Sample, *, budget: int, seed: int = 0) -> Maximum:
    """The best of L-BFGS-B in the units of the box, and of sign ascents.

    Args:
        objective: what is maximised; see `ascents`.
        box: where.
        x: its middle, evaluated.
        budget: full-data gradients for all searches together.
        seed: of the random starts.
    """
    watched = Watched(objective.value_and_grad, box, round(QUASI_NEWTON * budget), x)
    first = _quasi_newton(watched, x, seed)
    sketching = SKETCHING * budget
    climbed = ascents(objective, box, x, budget=budget - first.evaluations, sketching=sketching, seed=seed)
    best = max(watched.best or x, climbed.best, key=lambda sample: sample.value)
    return Maximum(best, (first, *climbed.searches), first.evaluations + climbed.cost)


def ascents(
    objective: Objective, box: Box, x: Sample, *, budget: int, sketching: float | None = None, seed: int = 0
) -> Maximum:
    """The best of sign ascents from x, opposite corners and proposals.

    Args:
        objective: what is maximised; one that is `Sketched` lets a cheaper one propose where to climb.
        box: where.
        x: its middle, evaluated.
        budget: full-data gradients for all ascents together.
        sketching: of these, how many the cheaper one may cost; by default its usual share.
        seed: of the random starts.
    """
    suggested, cost = _proposals(objective, box, SKETCHING * budget if sketching is None else sketching, seed)
    left = int(budget - cost)
    watched = Watched(objective.value_and_grad, box, left, x)
    direct = round((DIRECT_BESIDE_PROPOSALS if suggested else DIRECT) * left)
    corners = Corners(box, stream(seed, "sharpness", "corners"))
    search = explore(watched, x, corners, direct=direct, suggested=suggested)
    return Maximum(watched.best or x, (search,), search.evaluations + cost)


def _quasi_newton(watched: Watched, x: Sample, seed: int) -> Search:
    """From x; if that fails, as it must where the gradient is zero, from a random point."""
    search = lbfgsb(Negated.scaled(watched, x.gradient), x.point, stalled=Status.CONVERGED)
    if search.status is Status.FAILED:
        again = _random_point(watched.box, seed)
        search = lbfgsb(Negated.scaled(watched, x.gradient), again, stalled=Status.CONVERGED)
    return search


def _proposals(objective: Objective, box: Box, budget: float, seed: int) -> tuple[list[Tensor], float]:
    """Where to climb, by the objective's sketch, and what it cost in full-data gradients."""
    cheaper = objective.sketch() if isinstance(objective, Sketched) else None
    if cheaper is None:
        return [], 0.0
    sketch, share = cheaper
    watched = Watched(sketch.value_and_grad, box, int(budget / share))
    found = proposals(watched, Corners(box, stream(seed, "sharpness", "sketch")))
    return found, watched.evaluations * share


def _random_point(box: Box, seed: int) -> Tensor:
    fractions = torch.rand(len(box.lower), generator=stream(seed, "sharpness", "start"), dtype=torch.float64)
    return box.inside(2 * fractions - 1)
