"""Exact maxima in a box: a function convex in each variable is highest at a corner, and a small box has few corners."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from repro.measure.box import Box
from repro.measure.maximise import Maximum
from repro.measure.measurement import Status
from repro.measure.objective import Objective
from repro.measure.search import Sample, Search
from repro.measure.sharpness import Maximiser, sharpness_in_box
from repro.theory.identity import identity


def corners(box: Box) -> Tensor:
    """Every corner of a box of p variables, float64, shape `(2 ** p, p)`."""
    bounds = zip(box.lower.tolist(), box.upper.tolist(), strict=True)
    return torch.tensor(list(product(*bounds)), dtype=torch.float64)


def highest_corner(objective: Objective, box: Box, x: Sample) -> Maximum:
    """The highest corner, found by evaluating all of them; a `Maximiser`. It is FAILED where no corner lies above x."""
    points = corners(box)
    values = [objective.value(point) for point in points]
    best = max(range(len(points)), key=values.__getitem__)
    found = Sample(points[best], *objective.value_and_grad(points[best]))
    rise = found.value - x.value
    message, history = "every corner was evaluated", (found.value,)
    search = Search("corners", Status.CONVERGED, message, found.value, rise, rise, 0, len(points), history)
    return Maximum(found, (search,), float(len(points)))


@identity(
    title="A function that is convex in each variable takes its maximum over a box at a corner",
    statement=r"\max_{|u_i| \le b_i} f(x + u) = \max_{s \in \{-1, 1\}^p} f(x + s \odot b)",
    source="convexity in one variable after another; derived",
    premises="f is convex along each axis",
)
def convex_maximum(objective: Objective, x: Tensor, box: Box, search: Maximiser) -> float:
    """By which fraction of itself the rise that a search finds in the whole box exceeds that to the highest corner.

    Args:
        objective: f.
        x: the centre of the box, shape `(p,)`.
        box: of few variables.
        search: looks inside of the box too.
    """
    anywhere, cornered = (sharpness_in_box(objective, x, box, maximiser) for maximiser in (search, highest_corner))
    return max(1 - (cornered.maximum - cornered.loss) / (anywhere.maximum - anywhere.loss), 0.0)
