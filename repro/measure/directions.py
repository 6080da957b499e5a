"""Random directions in which every filter is as long as the network's own (Li et al. 2018, arXiv 1712.09913).

A line in such a direction is the control for the path between two minima: it favours neither end, and
rescaling a layer in a way that leaves the network's function unchanged leaves the profile unchanged too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.data.tensors import Split
from repro.measure.flat import flatten, unflatten
from repro.measure.landscape import BatchNormRule, Evaluator, Landscape
from repro.measure.paths import Curve, NetworkPath, grid, trace
from repro.streams import stream


@dataclass(frozen=True)
class Surface:
    """What was found on a plane through a point, on one data set.

    Attributes:
        alpha: steps along the first direction, dimensionless.
        beta: steps along the second.
        loss: `loss[i][j]` is the mean cross-entropy at `alpha[i]`, `beta[j]`, in nats.
        accuracy: in the same order, fractions.
        cost: full-data gradients spent, or their equivalent (a pass forward is 1/3).
    """

    alpha: tuple[float, ...]
    beta: tuple[float, ...]
    loss: tuple[tuple[float, ...], ...]
    accuracy: tuple[tuple[float, ...], ...]
    cost: float


def filter_normalised(direction: Iterable[Tensor], weights: Iterable[Tensor]) -> list[Tensor]:
    """`d_ij ‖w_ij‖ / ‖d_ij‖` for each filter or neuron j of each layer i (Li et al. 2018, section 4).

    As in the authors' code, tensors of fewer than two axes (biases, BatchNorm's parameters) get direction 0.

    Args:
        direction: d, tensors of the weights' shapes.
        weights: w, in the same order; a filter is an entry of the first axis.

    Returns:
        float64 tensors; a filter of weight 0 gets direction 0.
    """
    return [_normalised(d.double(), w.detach().double()) for d, w in zip(direction, weights, strict=True)]


def random_direction(model: nn.Module, seed: int, *name: object) -> Tensor:
    """A Gaussian direction normalised to the model's filters: float64 `(p,)`, as `model.parameters()`.

    The draw depends on the seed, the name and p alone, not on the weights.

    Args:
        model: the network around whose parameters the direction is meant.
        seed: of the stream.
        name: which direction, for example `"first"`.
    """
    weights = [weight.detach().cpu() for weight in model.parameters()]
    size = sum(weight.numel() for weight in weights)
    drawn = torch.randn(size, generator=stream(seed, "direction", *name), dtype=torch.float64)
    return flatten(filter_normalised(unflatten(drawn, weights), weights))


def ray(centre: Tensor, direction: Tensor) -> Curve:
    """`x + α d`, both of shape `(p,)`."""
    x, d = centre.double(), direction.double()
    return lambda alpha: x + alpha * d


def survey(
    evaluator: Evaluator,
    centre: Tensor,
    directions: tuple[Tensor, Tensor],
    alphas: Sequence[float],
    betas: Sequence[float],
) -> tuple[Surface, ...]:
    """Evaluate at `x + α d + β e` on a grid: one surface for each of the evaluator's data sets.

    Args:
        evaluator: what is drawn.
        centre: x, shape `(p,)`.
        directions: d and e, shape `(p,)` each.
        alphas: steps along d.
        betas: steps along e.
    """
    first, second = directions
    across = ray(centre, first)
    rows = [trace(evaluator, ray(across(alpha), second), betas) for alpha in alphas]
    return tuple(
        Surface(
            alpha=tuple(alphas),
            beta=tuple(betas),
            loss=tuple(profile.loss for profile in profiles),
            accuracy=tuple(profile.accuracy for profile in profiles),
            cost=sum(profile.cost for profile in profiles),
        )
        for profiles in zip(*rows, strict=True)
    )


def random_line(
    model: nn.Module,
    train: Split,
    test: Split,
    *,
    seed: int,
    alphas: Sequence[float] = grid(-1, 1),
    batchnorm: BatchNormRule = "recomputed",
    statistics: int | None = None,
    chunk: int = 1000,
) -> NetworkPath:
    """Loss and accuracy along a filter-normalised random direction through the model's parameters.

    Args:
        model: the network at its minimum; it is given back as it was.
        train: training examples.
        test: test examples.
        seed: of the direction; equal seeds give networks of one architecture the same draw.
        alphas: steps, in units of each filter's own norm.
        batchnorm: which statistics BatchNorm uses, see `repro.measure.landscape`; under `interpolated` the
            running statistics stay where they are.
        statistics: under `recomputed`, the number of training examples they come from; by default all.
        chunk: examples per pass through the network.

    Raises:
        UsageError: as `repro.measure.landscape.Landscape`.
    """
    landscape = Landscape(model, train, test, batchnorm=batchnorm, statistics=statistics, chunk=chunk)
    centre = landscape.point(model.state_dict())
    along = ray(centre, _still_statistics(random_direction(model, seed, "first"), centre))
    return NetworkPath("random", landscape.rule, *trace(landscape, along, alphas))


def random_surface(
    model: nn.Module,
    train: Split,
    test: Split,
    *,
    seed: int,
    alphas: Sequence[float] = grid(-1, 1),
    betas: Sequence[float] = grid(-1, 1),
    batchnorm: BatchNormRule = "recomputed",
    statistics: int | None = None,
    chunk: int = 1000,
) -> tuple[Surface, Surface]:
    """Loss and accuracy on a plane of two such directions, on the training and on the test set.

    The arguments are those of `random_line`, whose line is this plane's at β = 0.

    Raises:
        UsageError: as `repro.measure.landscape.Landscape`.
    """
    landscape = Landscape(model, train, test, batchnorm=batchnorm, statistics=statistics, chunk=chunk)
    centre = landscape.point(model.state_dict())
    first, second = (_still_statistics(random_direction(model, seed, name), centre) for name in ("first", "second"))
    on_train, on_test = survey(landscape, centre, (first, second), alphas, betas)
    return on_train, on_test


def _normalised(d: Tensor, w: Tensor) -> Tensor:
    if w.ndim < 2:
        return torch.zeros_like(d)
    lengths, wanted = (tensor.flatten(1).norm(dim=1) for tensor in (d, w))
    scale = torch.where(lengths > 0, wanted / lengths, 0.0)
    return d * scale.view(-1, *[1] * (d.ndim - 1))


def _still_statistics(direction: Tensor, centre: Tensor) -> Tensor:
    """Zeros for the running statistics that a point may hold behind its parameters."""
    return F.pad(direction, (0, centre.numel() - direction.numel()))
