"""SciPy's L-BFGS-B, made to maximise in a box and to admit when it has failed."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize
from torch import Tensor

from repro.measure.measurement import Status
from repro.measure.search import NotFinite, Sample, Search, Spent, Watched, promise, trapezoid

Vector = NDArray[np.float64]


class Tolerances(NamedTuple):
    """When L-BFGS-B stops by itself: relative change of the function, largest entry of the projected gradient."""

    ftol: float
    gtol: float


NO_TOLERANCE = Tolerances(0.0, 0.0)
"""Stops only where nothing changes any more."""
SCIPY_TOLERANCES = Tolerances(1e7 * float(np.finfo(np.float64).eps), 1e-5)
"""SciPy's defaults. At a good minimum no entry of the gradient exceeds 1e-5: the search ends before it begins."""


NOTHING_LEFT = 1e-3
"""A search is over where the gradient promises no more than this fraction of what has been gained."""


class Negated:
    """What SciPy is given: `u -> -height · f(origin + unit·u)` with its gradient, in float64 arrays of shape `(p,)`.

    Args:
        watched: f.
        origin: where u = 0 lies, shape `(p,)`.
        unit: length of u = 1 in each coordinate, positive, shape `(p,)`.
        height: factor of the function, positive.
    """

    def __init__(self, watched: Watched, origin: Tensor, unit: Tensor, height: float = 1.0) -> None:
        self.watched = watched
        self.work = 0.0
        self._origin, self._unit, self._height = origin, unit, height
        self._best: Sample | None = None

    @classmethod
    def as_it_is(cls, watched: Watched) -> Negated:
        """In f's own variables and units: what a plain call of the solver does."""
        return cls(watched, torch.zeros_like(watched.box.lower), torch.ones_like(watched.box.lower))

    @classmethod
    def scaled(cls, watched: Watched, slope: Tensor) -> Negated:
        """In units in which the box is [-1, 1] and the entries of the first gradient that are not 0 average 1.

        Then the solver's first step, a projected gradient step of length 1, crosses the box in about half of the
        coordinates; in the variables as they are it takes a dozen iterations to grow that long.

        Args:
            watched: f.
            slope: f's gradient where the search starts, shape `(p,)`.
        """
        radius = watched.box.radius
        steep = (slope * radius).abs()
        height = 1 / steep[steep > 0].mean().item() if steep.any() else 1.0
        return cls(watched, watched.box.centre, torch.where(radius > 0, radius, 1.0), height)

    def __call__(self, u: Vector) -> tuple[float, Vector]:
        """The negated function and the negated gradient at `u`."""
        sample = self.watched(self._origin + self._unit * torch.from_numpy(u))
        if self._best is None or sample.value > self._best.value:
            self.work += trapezoid(self._best or sample, sample)
            self._best = sample
        return -self._height * sample.value, (-self._height * self._unit * sample.gradient).numpy()

    def coordinates(self, point: Tensor) -> Vector:
        """The u that stands for `point`, shape `(p,)`."""
        u: Vector = ((point - self._origin) / self._unit).numpy()
        return u

    @property
    def exhausted(self) -> bool:
        """Whether the gradient at the best point promises next to nothing."""
        best, first = self.watched.best, self.watched.first
        gained = best.value - first.value if best and first else 0.0
        return best is not None and promise(best, self.watched.box) <= NOTHING_LEFT * gained

    @property
    def bounds(self) -> Bounds:
        """The box in the variables u."""
        box = self.watched.box
        return Bounds(self.coordinates(box.lower), self.coordinates(box.upper))


def lbfgsb(
    problem: Negated,
    start: Tensor,
    *,
    iterations: int = 10**6,
    tolerances: Tolerances = NO_TOLERANCE,
    stalled: Literal[Status.FAILED, Status.CONVERGED] = Status.FAILED,
) -> Search:
    """Climb by L-BFGS-B with 10 corrections and at most 20 evaluations a line search (SciPy's own settings).

    No iteration at all is FAILED, whatever the solver calls it: it did not search.

    Args:
        problem: the function to climb, negated.
        start: a point of the box, shape `(p,)`.
        iterations: how many at most.
        tolerances: when to stop before that.
        stalled: what a line search that finds nothing higher (`ABNORMAL`) means while the gradient still promises
            something. FAILED: the iterations asked for were not done. CONVERGED: it was to climb while it could.
            Where the gradient promises nothing, as at a corner to within rounding, the search has CONVERGED.
    """
    done: list[None] = []
    try:
        outcome = minimize(
            problem,
            problem.coordinates(problem.watched.box.clip(start)),
            jac=True,
            method="L-BFGS-B",
            bounds=problem.bounds,
            callback=lambda _: done.append(None),
            options={
                "maxiter": iterations,
                "maxfun": 10**9,
                "maxcor": 10,
                "maxls": 20,
                "ftol": tolerances.ftol,
                "gtol": tolerances.gtol,
            },
        )
        ended = {0: Status.CONVERGED, 1: Status.BUDGET, 2: Status.CONVERGED if problem.exhausted else stalled}
        status, message = ended[outcome.status], str(outcome.message)
    except Spent as reason:
        status, message = Status.BUDGET, str(reason)
    except NotFinite as reason:
        status, message = Status.DIVERGED, str(reason)
    if not done and status is not Status.DIVERGED:
        status, message = Status.FAILED, f"no iteration was done: {message}"
    return problem.watched.report("L-BFGS-B", status, message, len(done), problem.work)
