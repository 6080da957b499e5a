"""What every search for a maximum in a box shares: it counts, stays inside, and keeps the best point it has seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, nan
from typing import NamedTuple

import torch
from torch import Tensor

from repro.measure.box import Box
from repro.measure.measurement import Status

Function = Callable[[Tensor], tuple[float, Tensor]]
"""Takes a point, float64 `(p,)`; gives the value there and the gradient, float64 `(p,)`."""


class Sample(NamedTuple):
    """A point, shape `(p,)`, with the value and the gradient, shape `(p,)`, of the function there."""

    point: Tensor
    value: float
    gradient: Tensor


class Spent(Exception):
    """The budget of evaluations is spent."""


class NotFinite(Exception):
    """The function is not finite at some point of the box, so it has no maximum to speak of."""


@dataclass(frozen=True)
class Search:
    """How one search went.

    Attributes:
        method: its name.
        status: how it ended. A search that gained nothing is FAILED.
        message: the same in the solver's words.
        value: the largest value at any point it evaluated, all of them in the box; not that of its last iterate.
        rise: how far that lies above the value where it started.
        work: what the gradients say of the rise, `Σ ½(gₖ + gₖ₊₁)·(yₖ₊₁ - yₖ)` along the way (exact for a quadratic).
            If it is not positive where the function rose, the gradient is not the function's.
        iterations: steps accepted.
        evaluations: full-data values with gradient.
        history: the best value after each evaluation.
    """

    method: str
    status: Status
    message: str
    value: float
    rise: float
    work: float
    iterations: int
    evaluations: int
    history: tuple[float, ...]


class Watched:
    """A function as a search sees it: every point is clipped into the box, counted and remembered if it is the best.

    Args:
        function: what is maximised.
        box: where.
        budget: evaluations allowed, or `None`.
        start: a point whose value is known already, from which the rise is counted; else the first one evaluated.
    """

    def __init__(
        self,
        function: Function,
        box: Box,
        budget: int | None = None,
        start: Sample | None = None,
    ) -> None:
        self.box, self.first, self.best = box, start, start
        self.history: list[float] = []
        self._function, self._budget = function, budget

    @property
    def evaluations(self) -> int:
        """Values with gradient computed so far."""
        return len(self.history)

    def __call__(self, point: Tensor) -> Sample:
        """Evaluate at `point`, shape `(p,)`, clipped into the box; raises as `at`."""
        return self.at(self.box.clip(point))

    def at(self, inside: Tensor) -> Sample:
        """Evaluate at a point of the box, float64, shape `(p,)`.

        Raises:
            Spent: the budget is.
            NotFinite: the value or the gradient is not finite there.
        """
        if self._budget is not None and self.evaluations >= self._budget:
            raise Spent("the budget of evaluations is spent")
        sample = Sample(inside, *self._function(inside))
        finite = isfinite(sample.value) and isfinite(sample.gradient.sum())
        if finite and (self.best is None or sample.value > self.best.value):
            self.best = sample
        self.first = self.first or sample
        self.history.append(self.best.value if self.best else sample.value)
        if not finite:
            raise NotFinite(f"the function is {sample.value} in the box, or its gradient is not finite")
        return sample

    def report(self, method: str, status: Status, message: str, iterations: int, work: float) -> Search:
        """The search so far, as a record; it is FAILED if nothing was gained."""
        value, foot = (sample.value if sample else nan for sample in (self.best, self.first))
        if not value > foot and status is not Status.DIVERGED:
            status, message = Status.FAILED, f"nothing higher was found: {message}"
        spent, history = self.evaluations, tuple(self.history)
        return Search(method, status, message, value, value - foot, work, iterations, spent, history)


def promise(sample: Sample, box: Box) -> float:
    """The rise that the gradient at `sample` promises at most, `Σ |gᵢ|·(distance to the bound that gᵢ points to)`."""
    room = torch.where(sample.gradient > 0, box.upper - sample.point, sample.point - box.lower)
    return float(sample.gradient.abs() @ room)


def trapezoid(a: Sample, b: Sample) -> float:
    """The rise from `a` to `b` that their gradients predict, `½(g_a + g_b)·(b - a)`."""
    step = b.point - a.point
    return float(a.gradient @ step + b.gradient @ step) / 2
