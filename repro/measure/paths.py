"""Loss and accuracy along a path between two minima (Keskar et al. 2017, Figs. 3 and 7, appendix D).

`x_s` is the start, at α = 0, the paper's small-batch minimum; `x_l` the end, at α = 1, the large-batch one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from torch import Tensor, nn

from repro.data.tensors import Split
from repro.errors import UsageError
from repro.measure.landscape import BatchNormRule, Evaluator, Landscape

Curve = Callable[[float], Tensor]
"""Takes α to a point, float64 `(p,)`."""

_ROUNDING = 1e-9
"""Values of α that are apart by no more are the same point of a grid."""


@dataclass(frozen=True)
class PathProfile:
    """What was found along a curve on one data set.

    Attributes:
        alpha: where on the curve, dimensionless, increasing.
        loss: mean cross-entropy at each α, in nats; not finite where the network overflows.
        accuracy: at each α, a fraction.
        cost: full-data gradients spent, or their equivalent (a pass forward is 1/3).
    """

    alpha: tuple[float, ...]
    loss: tuple[float, ...]
    accuracy: tuple[float, ...]
    cost: float

    def loss_at(self, alpha: float) -> float:
        """The loss at a point of the grid.

        Raises:
            UsageError: `alpha` is not on the grid.
        """
        place = min(range(len(self.alpha)), key=lambda i: abs(self.alpha[i] - alpha))
        if not math.isclose(self.alpha[place], alpha, abs_tol=_ROUNDING):
            raise UsageError(
                f"alpha={alpha} is none of the {len(self.alpha)} points; the nearest is {self.alpha[place]}."
            )
        return self.loss[place]


@dataclass(frozen=True)
class NetworkPath:
    """A network's profiles along one curve.

    Attributes:
        kind: the curve, `linear` or `curvilinear`; `random` for a line in a random direction.
        batchnorm: which statistics BatchNorm used, in words.
        train: the profile on the training set.
        test: the profile on the test set.
    """

    kind: str
    batchnorm: str
    train: PathProfile
    test: PathProfile


def linear(start: Tensor, end: Tensor) -> Curve:
    """`α x_l + (1 - α) x_s` (Keskar et al. 2017, Fig. 3); both ends are met exactly."""
    x_s, x_l = start.double(), end.double()
    return lambda alpha: alpha * x_l + (1 - alpha) * x_s


def curvilinear(start: Tensor, end: Tensor) -> Curve:
    """`sin(απ/2) x_l + cos(απ/2) x_s` (Keskar et al. 2017, appendix D); both ends are met exactly."""
    x_s, x_l = start.double(), end.double()
    # cos(απ/2) written as a sine is exactly 0 at α = 1, where the cosine of the rounded π/2 is 6e-17
    return lambda alpha: math.sin(alpha * math.pi / 2) * x_l + math.sin((1 - alpha) * math.pi / 2) * x_s


def grid(low: float, high: float, points: int = 25) -> tuple[float, ...]:
    """`points` evenly spaced values of α, both ends among them.

    Raises:
        UsageError: fewer than 2 points, or `low` not below `high`.
    """
    if points < 2 or not low < high:
        raise UsageError(f"points={points} from {low} to {high} must be at least 2, and increase.")
    return tuple(low + (high - low) * k / (points - 1) for k in range(points))


def trace(evaluator: Evaluator, curve: Curve, alphas: Sequence[float]) -> tuple[PathProfile, ...]:
    """Evaluate at `curve(α)` for each α, in order: one profile for each of the evaluator's data sets.

    Raises:
        UsageError: there is no α.
    """
    if not alphas:
        raise UsageError("alphas are empty; pass at least one, or `grid(-1, 2)`.")
    found = zip(*(evaluator.evaluate(curve(alpha)) for alpha in alphas), strict=True)
    return tuple(
        PathProfile(
            alpha=tuple(alphas),
            loss=tuple(score.loss for score in scores),
            accuracy=tuple(score.accuracy for score in scores),
            cost=cost * len(alphas),
        )
        for scores, cost in zip(found, evaluator.costs, strict=True)
    )


def path(
    model: nn.Module,
    start_state: Mapping[str, Tensor],
    end_state: Mapping[str, Tensor],
    train: Split,
    test: Split,
    *,
    kind: Literal["linear", "curvilinear"] = "linear",
    alphas: Sequence[float] | None = None,
    batchnorm: BatchNormRule = "recomputed",
    statistics: int | None = None,
    chunk: int = 1000,
) -> NetworkPath:
    """Loss and accuracy of a network on the way from one state to another.

    Args:
        model: a network of the states' kind; it is given back as it was.
        start_state: `state_dict()` at α = 0.
        end_state: `state_dict()` at α = 1.
        train: training examples.
        test: test examples.
        kind: the curve; see `linear` and `curvilinear`.
        alphas: by default 25 points, on [-1, 2] for the line (the authors' choice), on [0, 1] for the curve.
        batchnorm: which statistics BatchNorm uses; see `repro.measure.landscape`.
        statistics: under `recomputed`, the number of training examples they come from; by default all.
        chunk: examples per pass through the network.

    Raises:
        UsageError: an unknown kind or rule, or a state of another network.
    """
    if kind not in _CURVES:
        raise UsageError(f"kind={kind!r} must be one of {', '.join(_CURVES)}.")
    curve, default = _CURVES[kind]
    landscape = Landscape(model, train, test, batchnorm=batchnorm, statistics=statistics, chunk=chunk)
    along = curve(landscape.point(start_state), landscape.point(end_state))
    return NetworkPath(kind, landscape.rule, *trace(landscape, along, default if alphas is None else alphas))


def rise(profile: PathProfile, at: float, distance: float) -> float:
    """How much the loss grows around an end: the mean of `f(at ± distance) - f(at)`, in nats.

    A side that the profile does not reach is left out: on the curvilinear path an end has one side alone.
    Along the line α has one unit at both ends, `‖x_l - x_s‖`, so that their rises compare. The rise is
    not finite where a loss is not.

    Args:
        profile: along any curve.
        at: α of the end, 0 or 1.
        distance: of the points looked at, in α, above 0.

    Raises:
        UsageError: a value is not on the profile's grid, `distance` is not above 0, or no side is reached.
    """
    if distance <= 0:
        raise UsageError(f"distance={distance} must be above 0; it is measured in alpha, from {at}.")
    low, high = profile.alpha[0] - _ROUNDING, profile.alpha[-1] + _ROUNDING
    sides = [alpha for alpha in (at - distance, at + distance) if low <= alpha <= high]
    if not sides:
        raise UsageError(f"distance={distance} from {at} leaves the profile on both sides; take a smaller one.")
    return sum(profile.loss_at(alpha) for alpha in sides) / len(sides) - profile.loss_at(at)


def barrier(profile: PathProfile) -> float:
    """The highest loss from α = 0 to α = 1 less the higher of the two ends' losses, in nats; at least 0.

    It is not finite where a loss is not.

    Raises:
        UsageError: the ends are not on the profile's grid.
    """
    ends = max(profile.loss_at(0.0), profile.loss_at(1.0))
    points = zip(profile.alpha, profile.loss, strict=True)
    between = [loss for alpha, loss in points if -_ROUNDING <= alpha <= 1 + _ROUNDING]
    return float(np.max(between)) - ends  # Python's max passes over a NaN


_CURVES = {"linear": (linear, grid(-1, 2)), "curvilinear": (curvilinear, grid(0, 1))}
