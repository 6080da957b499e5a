"""Ascent by the sign of the gradient: what rises most in a box is nearly always at a corner of it."""

from __future__ import annotations

import torch
from torch import Tensor

from repro.measure.measurement import Status
from repro.measure.search import NotFinite, Sample, Search, Spent, Watched, trapezoid

LONGEST = 2.5
"""The first step, in radii of the box: 2 are its width, the rest is for rounding."""
SHORTEST = 1e-4
"""The smallest step tried, in radii of the box: the relative accuracy of a maximum inside of it."""
PAUSE = 5e-3
"""A step that adds less than this fraction of the whole rise is a good moment to try elsewhere."""
FLAT = 1e-5
"""A step that adds less than this fraction of the whole rise is the last."""


class SignAscent:
    """A climb that can be paused: `y ← clip(y + t·r·sign(2gₖ - gₖ₋₁))`, r the radius of the box.

    At first t is so large that the step leads from anywhere to the corner to which the gradient points. On a convex
    function such a step never leads down, and where it leads nowhere the corner is a local maximum. t is halved
    whenever a step would not lead up.
    `2gₖ - gₖ₋₁` is the gradient to be expected at the next point (as in Popov 1980); it crosses plateaus in half the
    steps, and gives way to gₖ for good once it has led down.

    Args:
        watched: the function to climb.
        start: a point of the box, shape `(p,)`, or one already evaluated.

    Raises:
        Spent: as `watched` does, here and in `step`; the climb stays where it was.
        NotFinite: likewise.
    """

    def __init__(self, watched: Watched, start: Tensor | Sample) -> None:
        self.at = start if isinstance(start, Sample) else watched(start)
        self.steps, self.work = 0, 0.0
        self.settled = False
        self.last_gain = float("inf")
        self._watched = watched
        self._length = LONGEST
        self._turn: Tensor | None = None

    @property
    def rise(self) -> float:
        """How far the climb stands above the first point that `watched` knew."""
        foot = self._watched.first
        return self.at.value - foot.value if foot else 0.0

    @property
    def paused(self) -> bool:
        """Whether the last step added little."""
        return self.settled or self.last_gain < PAUSE * self.rise

    def step(self) -> None:
        """Evaluate one more point, and move there if it is higher."""
        target = self._target()
        if torch.equal(target, self.at.point):
            self._retreat(0.0)
            return
        found = self._watched.at(target)
        if found.value > self.at.value:
            self._move(found)
        else:
            self._retreat(self._length / 2)

    def _target(self) -> Tensor:
        box, slope = self._watched.box, self.at.gradient
        signs = slope.sign() if self._turn is None else (slope + self._turn).sign_()
        return box.clip(signs.mul_(box.radius).mul_(self._length).add_(self.at.point))

    def _move(self, found: Sample) -> None:
        if self._turn is not None or self.steps == 0:
            turn = found.gradient - self.at.gradient
            self._turn = turn if turn.any() else None
        self.last_gain = found.value - self.at.value
        self.work += trapezoid(self.at, found)
        self.at, self.steps = found, self.steps + 1
        self.settled = self.last_gain < FLAT * self.rise

    def _retreat(self, length: float) -> None:
        """The step led nowhere: stop extrapolating, or if that is done, go on with shorter steps."""
        if self._turn is not None:
            self._turn = None
        else:
            self._length = length
            self.settled = length < SHORTEST


def sign_ascent(watched: Watched, start: Tensor | Sample) -> Search:
    """One climb from `start` until it stops improving or the budget is spent; FAILED if it gained nothing.

    Args:
        watched: the function to climb.
        start: a point of the box, shape `(p,)`, or one already evaluated.
    """
    status, message, climb = Status.CONVERGED, "no step leads higher", None
    try:
        climb = SignAscent(watched, start)
        while not climb.settled:
            climb.step()
    except Spent as reason:
        status, message = Status.BUDGET, str(reason)
    except NotFinite as reason:
        status, message = Status.DIVERGED, str(reason)
    steps, work = (climb.steps, climb.work) if climb else (0, 0.0)
    return watched.report("sign ascent", status, message, steps, work)
