"""The gradient of a mini-batch as a random vector: its mean and its covariance, by enumeration of every batch.

gᵢ are the gradients of N examples at fixed weights, μ their mean, `S = 1/N Σ (gᵢ - μ)(gᵢ - μ)ᵀ` their covariance.
"""

from __future__ import annotations

from itertools import combinations, product

import torch
from torch import Tensor

from repro.theory.identity import identity, relative_gap


def minibatch_gradients(per_example: Tensor, batch: int, *, replacement: bool) -> Tensor:
    """The mean gradient of every batch that can be drawn, each equally likely.

    Args:
        per_example: gᵢ, shape `(N, p)`; N to the power of `batch` of them are enumerated with replacement.
        batch: B, examples in a batch.
        replacement: whether an example can be drawn twice.

    Returns:
        Shape `(batches, p)`.
    """
    indices = range(len(per_example))
    drawn = product(indices, repeat=batch) if replacement else combinations(indices, batch)
    return torch.stack([per_example[list(batch_)].mean(0) for batch_ in drawn])


def covariance(vectors: Tensor) -> Tensor:
    """The covariance of equally likely vectors, shape `(n, p)`; divisor n; shape `(p, p)`."""
    centred = vectors - vectors.mean(0)
    return centred.T @ centred / len(vectors)


@identity(
    title="The expected gradient of a mini-batch is the gradient over all examples",
    statement=r"\mathbb{E}[g_B] = \mu",
    source="Hoffer et al. 2017, section 3",
    premises="every batch of B examples is equally likely, with or without replacement",
)
def unbiased(per_example: Tensor, batches: Tensor) -> float:
    """Gap between the mean over all batches' gradients, shape `(batches, p)`, and over all examples', `(N, p)`."""
    return relative_gap(batches.mean(0), per_example.mean(0))


@identity(
    title="With replacement the covariance of a mini-batch's gradient is the examples' divided by the batch",
    statement=r"\operatorname{Cov}(g_B) = S / B",
    source="Hoffer et al. 2017, eq. 6; derived by enumeration",
    premises="examples are drawn independently",
)
def covariance_with_replacement(per_example: Tensor, batches: Tensor, batch: int) -> float:
    """Gap between the covariance of all batches' gradients and S / B."""
    return relative_gap(covariance(batches), covariance(per_example) / batch)


@identity(
    title="Without replacement the covariance of a mini-batch's gradient is smaller by (N - B)/(N - 1)",
    statement=r"\operatorname{Cov}(g_B) = \frac{N - B}{B (N - 1)} S",
    source="sampling from a finite population; Smith et al. 2018, section 2 has (N/B - 1)",
    premises="examples are drawn without replacement",
)
def covariance_without_replacement(per_example: Tensor, batches: Tensor, batch: int) -> float:
    """Gap between the covariance of all batches' gradients and the formula; both vanish at B = N."""
    n = len(per_example)
    factor = (n - batch) / (batch * (n - 1))
    return relative_gap(covariance(batches), factor * covariance(per_example))


@identity(
    title="The second moment of a mini-batch's gradient is its covariance only where the mean gradient is zero",
    statement=r"\mathbb{E}[g_B g_B^\top] = S / B + \mu \mu^\top",
    source="Hoffer et al. 2017, eq. 6, whose formula is the second moment",
    premises="examples are drawn independently",
)
def second_moment(per_example: Tensor, batches: Tensor, batch: int) -> float:
    """Gap between the second moment over all batches and `S / B + μμᵀ`."""
    mean = per_example.mean(0)
    return relative_gap(batches.T @ batches / len(batches), covariance(per_example) / batch + mean.outer(mean))


@identity(
    title="Over a shuffled epoch at fixed weights the gradients of the mini-batches add up to the same sum",
    statement=r"\sum_{k} g_{B_k} = \tfrac{N}{B} \mu \text{ for every order of the examples}",
    source="sampling without replacement over an epoch; derived",
    premises="weights stand still, every example is used once, batches are of one size",
)
def no_variance_over_an_epoch(per_example: Tensor, order: Tensor, batch: int) -> float:
    """Gap between the sum over an epoch's batches in the given order of examples and `N/B μ`.

    Args:
        per_example: gᵢ, shape `(N, p)`.
        order: indices of the examples as they are used, shape `(N,)`.
        batch: B, a divisor of N.
    """
    steps = [per_example[chosen].mean(0) for chosen in torch.split(order, batch)]
    return relative_gap(torch.stack(steps).sum(0), per_example.mean(0) * (len(per_example) / batch))
