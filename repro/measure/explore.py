"""Sign ascents from many corners: a network's box has about one local maximum a class, and the highest counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from repro.measure.box import Box
from repro.measure.measurement import Status
from repro.measure.objective import Objective
from repro.measure.search import NotFinite, Sample, Search, Spent, Watched
from repro.measure.sign_ascent import SignAscent

WORTH = 0.85
"""A climb from a proposal goes on only if it starts above this fraction of the highest rise so far."""
ALIKE = 0.5
"""Two points are the same find if the cosine between their displacements from the centre exceeds this."""
OPPOSITE = 16
"""Corners opposite to all finds; after as many, which lead to the same places again, every other corner is random."""


@runtime_checkable
class Sketched(Protocol):
    """An objective that knows a cheaper one of the same variables, such as the loss on every tenth example.

    The cheaper one proposes where to search; every value reported is the true one's.
    """

    def sketch(self) -> tuple[Objective, float] | None:
        """The cheaper objective and its cost as a fraction of one's own; `None` if there is none."""


class Corners:
    """Corners to start from, each opposite to the sum of all that was found so far.

    The first maximum of a classifier's box maps all examples to one class. Opposite to it that class is least likely,
    so a climb from there finds another, where a few random corners find the same few classes again and again.

    Args:
        box: whose corners.
        generator: draws a corner where the opposite one has been used already, and every other one in a long search.
    """

    def __init__(self, box: Box, generator: torch.Generator) -> None:
        self._box, self._generator = box, generator
        self._found = torch.zeros_like(box.lower)
        self._used: set[bytes] = set()
        self._given = 0

    def avoid(self, point: Tensor) -> None:
        """Remember a point that a climb ended at, shape `(p,)`."""
        self._found += (point - self._box.centre).sign()

    def next(self) -> Tensor:
        """Where to start next, shape `(p,)`."""
        self._given += 1
        if self._given > OPPOSITE and self._given % 2:
            return self._random()
        signs = -self._found.sign()
        name = sha256(signs.to(torch.int8).numpy().tobytes()).digest()
        if name in self._used:
            return self._random()
        self._used.add(name)
        return self._box.inside(signs)

    def _random(self) -> Tensor:
        return self._box.inside(random_signs(len(self._found), self._generator))


def random_signs(size: int, generator: torch.Generator) -> Tensor:
    """Entries +1 and -1, equally likely, float64, shape `(size,)`."""
    return torch.randint(0, 2, (size,), generator=generator).double() * 2 - 1


def climbs(watched: Watched, corners: Corners, start: Sample | None = None) -> Iterator[SignAscent]:
    """One climb after another, each until it pauses: from `start`, then from corners, which learn where it ended.

    Raises:
        Spent: the budget is; the climb that it cut short came before.
    """
    while True:
        climb = SignAscent(watched, start or corners.next())
        start = None
        try:
            while not climb.paused:
                climb.step()
        except Spent:
            yield climb
            raise
        corners.avoid(climb.at.point)
        yield climb


def proposals(sketch: Watched, corners: Corners) -> list[Tensor]:
    """Maxima of a cheaper function, the highest first and no two alike, float32, each of shape `(p,)`.

    Args:
        sketch: the cheaper function, for example the loss on every tenth example, with a budget.
        corners: where to climb from; the first is the centre of the box.
    """
    centre, found = sketch.box.centre.float(), list[tuple[float, Tensor]]()
    with suppress(Spent, NotFinite):
        for climb in climbs(sketch, corners):
            value, end = climb.at.value, climb.at.point.float()
            alike = [_cosine(end - centre, other - centre) > ALIKE for _, other in found]
            if all(value > height for (height, _), same in zip(found, alike, strict=True) if same):
                found = [pair for pair, same in zip(found, alike, strict=True) if not same]
                found.append((value, end))
    return [end for _, end in sorted(found, key=lambda pair: -pair[0])]


def explore(watched: Watched, x: Sample, corners: Corners, *, direct: int, suggested: Sequence[Tensor] = ()) -> Search:
    """Climb from x and opposite corners, then from what was suggested, always finishing the highest, for the budget.

    Args:
        watched: the function to climb, with a budget.
        x: where it starts, evaluated.
        corners: where it starts again.
        direct: evaluations for x and opposite corners before the suggestions have their turn.
        suggested: points to climb from, the most promising first, each of shape `(p,)`.
    """
    lead = _Lead(SignAscent(watched, x))
    status, message = Status.BUDGET, ""
    try:
        _explore(lead, watched, corners, direct, suggested)
    except Spent as reason:
        message = str(reason)
        if lead.best.settled:
            status, message = Status.CONVERGED, "no step leads higher from the highest point found"
    except NotFinite as reason:
        status, message = Status.DIVERGED, str(reason)
    return watched.report("sign ascent", status, message, lead.steps, lead.work)


class _Lead:
    """The highest climb so far, and sums over all climbs; only one climb is kept in memory."""

    def __init__(self, climb: SignAscent) -> None:
        self.best = climb
        self._steps, self._work = 0, 0.0

    @property
    def steps(self) -> int:
        return self._steps + self.best.steps

    @property
    def work(self) -> float:
        return self._work + self.best.work

    def challenge(self, climb: SignAscent) -> None:
        loser = self.best if climb.at.value > self.best.at.value else climb
        if loser is self.best:
            self.best = climb
        self._steps, self._work = self._steps + loser.steps, self._work + loser.work

    def settle(self) -> None:
        while not self.best.settled:
            self.best.step()


def _explore(lead: _Lead, watched: Watched, corners: Corners, direct: int, suggested: Sequence[Tensor]) -> None:
    """Climb for as long as `watched` lets it: ends by `Spent`."""
    onward = climbs(watched, corners, lead.best.at)
    while watched.evaluations < direct:
        lead.challenge(next(onward))
    for point in suggested:
        climb = SignAscent(watched, point)
        try:
            if climb.rise > WORTH * lead.best.rise:
                climb.step()
        finally:
            lead.challenge(climb)
    while True:
        lead.settle()
        lead.challenge(next(onward))


def _cosine(a: Tensor, b: Tensor) -> float:
    return torch.cosine_similarity(a, b, dim=0).item()
