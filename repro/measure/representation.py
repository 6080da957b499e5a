"""How much of the classes a representation holds: a linear classifier on its features, and the nearest neighbours."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from repro.errors import UsageError

_ITERATIONS, _SLOPE = 200, 1e-6
"""Of L-BFGS at most, and the largest entry of the gradient at an optimum."""


def linear_probe(features: Tensor, labels: Tensor, held_out: Tensor, *, ridge: float = 1e-3) -> Tensor:
    """Classes of held-out examples by multinomial logistic regression on standardised features.

    Minimises the mean cross-entropy plus `ridge / 2` times the squared norm of the weights (not of the biases), by
    L-BFGS from zero, which is convex: the start leaves no trace.

    Args:
        features: of the training examples, shape `(n, d)`; mean and deviation are theirs, constant ones count as 0.
        labels: their classes, int64, shape `(n,)`.
        held_out: features of other examples, shape `(m, d)`.
        ridge: λ, dimensionless, above 0.

    Returns:
        Classes, int64, shape `(m,)`.

    Raises:
        UsageError: `ridge` is not above 0, or so small that the optimum was not found; or shapes do not fit.
    """
    _check(features, labels, held_out)
    if not ridge > 0:
        raise UsageError(f"ridge={ridge} must be above 0; separable features have no finite classifier without it.")
    mean, deviation = features.double().mean(0), features.double().std(0)
    known, other = ((each.double() - mean) / deviation.where(deviation > 0, torch.inf) for each in (features, held_out))
    shape = int(labels.max()) + 1, features.shape[1] + 1
    weights = torch.zeros(shape, dtype=torch.float64, device=features.device, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weights], max_iter=_ITERATIONS, tolerance_grad=_SLOPE, tolerance_change=0.0, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(_scores(weights, known), labels) + ridge / 2 * weights[:, :-1].square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    loss()
    assert weights.grad is not None
    steepest = float(weights.grad.abs().max())
    if not steepest <= _SLOPE:
        raise UsageError(
            f"ridge={ridge}: after {_ITERATIONS} iterations the gradient has an entry of {steepest:.1e}, and must "
            f"have none above {_SLOPE:.0e}; pass a larger ridge, and features that are finite."
        )
    return _scores(weights.detach(), other).argmax(1)


def nearest_neighbours(features: Tensor, labels: Tensor, held_out: Tensor, *, k: int = 20) -> Tensor:
    """Classes of held-out examples by the vote of the k training examples with the largest cosine.

    Args:
        features: of the training examples, shape `(n, d)`.
        labels: their classes, int64, shape `(n,)`.
        held_out: features of other examples, shape `(m, d)`.
        k: voters, from 1 to n.

    Returns:
        Classes, int64, shape `(m,)`; of classes with as many votes the smallest.

    Raises:
        UsageError: `k` is out of range, or shapes do not fit.
    """
    _check(features, labels, held_out)
    if not 1 <= k <= len(features):
        raise UsageError(f"k={k} must lie between 1 and the {len(features)} training examples.")
    cosines = F.normalize(held_out.double(), dim=1) @ F.normalize(features.double(), dim=1).T
    return F.one_hot(labels[cosines.topk(k).indices]).sum(1).argmax(1)


def _scores(weights: Tensor, features: Tensor) -> Tensor:
    return features @ weights[:, :-1].T + weights[:, -1]


def _check(features: Tensor, labels: Tensor, held_out: Tensor) -> None:
    if features.ndim != 2 or held_out.shape[1:] != features.shape[1:] or labels.shape != features.shape[:1]:
        raise UsageError(
            f"features {tuple(features.shape)}, labels {tuple(labels.shape)} and held_out {tuple(held_out.shape)} must "
            "be (n, d), (n,) and (m, d)."
        )
