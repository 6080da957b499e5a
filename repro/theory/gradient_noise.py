"""Noise that multiplies every example's gradient, so that a large batch is as noisy as a small one.

`ĝ = 1/B Σ zᵢ gᵢ` with independent zᵢ of mean 1 and variance s². Only these two moments enter what is stated here, so
`z = 1 ± s` stands for the normal distribution of Hoffer et al. 2017, and every case is enumerated.
gᵢ are the gradients of N examples at fixed weights, μ their mean, S their covariance with divisor N.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from repro.theory.identity import identity, relative_gap
from repro.theory.minibatch import covariance

SOURCE = "Hoffer et al. 2017, on multiplicative noise"


def noisy_gradients(batch: Tensor, deviation: float) -> Tensor:
    """The noisy mean gradient ĝ of one batch for every sign of every `zᵢ = 1 ± s`, each equally likely.

    Args:
        batch: gᵢ of the batch, shape `(B, p)`.
        deviation: s, dimensionless.

    Returns:
        Shape `(2 ** B, p)`.
    """
    signs = torch.tensor(list(product((-1.0, 1.0), repeat=len(batch))), dtype=batch.dtype)
    return (1 + deviation * signs) @ batch / len(batch)


def noisy_minibatches(per_example: Tensor, batch: int, deviation: float) -> Tensor:
    """The noisy mean gradient of every batch drawn with replacement and every noise, each equally likely.

    Args:
        per_example: gᵢ, shape `(N, p)`.
        batch: B, examples in a batch.
        deviation: s, dimensionless.

    Returns:
        Shape `((2 N) ** B, p)`.
    """
    drawn = product(range(len(per_example)), repeat=batch)
    return torch.cat([noisy_gradients(per_example[list(batch_)], deviation) for batch_ in drawn])


def matching_variance(small_batch: int, large_batch: int) -> float:
    """s², dimensionless, that makes a large batch as noisy as a small one without noise: `B_large / B_small - 1`."""
    return large_batch / small_batch - 1


@identity(
    title="Noise of mean 1 on the examples' gradients leaves the expected gradient of a batch as it is",
    statement=r"\mathbb{E}[\hat g \mid B] = g_B",
    source=SOURCE,
    premises="the noise has mean 1",
)
def unbiased(batch: Tensor, noisy: Tensor) -> float:
    """Gap between the mean over all noises, shape `(noises, p)`, and the mean gradient of the batch, `(B, p)`."""
    return relative_gap(noisy.mean(0), batch.mean(0))


@identity(
    title="Given the batch the noise adds the mean square of its gradients, times the variance over the batch",
    statement=r"\operatorname{Cov}(\hat g \mid B) = \frac{s^2}{B^2} \sum_{i \in B} g_i g_i^\top",
    source=SOURCE + "; derived",
    premises="each example has noise of its own, of variance s²",
)
def conditional_covariance(batch: Tensor, noisy: Tensor, deviation: float) -> float:
    """Gap between the covariance over all noises, shape `(noises, p)`, and the formula for the batch, `(B, p)`."""
    return relative_gap(covariance(noisy), deviation**2 / len(batch) ** 2 * batch.T @ batch)


@identity(
    title="Over batches and noise the covariance is that of examples whose second moment the noise has raised",
    statement=r"\operatorname{Cov}(\hat g) = \frac{(1 + s^2)(S + \mu \mu^\top) - \mu \mu^\top}{B}",
    source=SOURCE + "; derived by the law of total covariance",
    premises="examples are drawn independently, each with noise of its own",
)
def total_covariance(per_example: Tensor, noisy: Tensor, batch: int, deviation: float) -> float:
    """Gap between the covariance over all batches and noises, shape `(cases, p)`, and the formula for gᵢ, `(N, p)`."""
    S, mean = covariance(per_example), per_example.mean(0)
    square = mean.outer(mean)
    return relative_gap(covariance(noisy), ((1 + deviation**2) * (S + square) - square) / batch)


@identity(
    title="Noise of variance B/b - 1 gives a batch of B the covariance of a batch of b where the mean gradient is zero",
    statement=r"\mu = 0,\ s^2 = B / b - 1 \implies \operatorname{Cov}(\hat g_B) = \operatorname{Cov}(g_b) = S / b",
    source=SOURCE + ", whose η²/M Σ g gᵀ is a second moment; derived",
    premises="the mean gradient is zero, s² = B/b - 1; else the covariance is larger by (1/b - 1/B) μμᵀ",
)
def matched(small: Tensor, noisy: Tensor) -> float:
    """Gap between the covariances of all small batches and of all noisy large ones, shapes `(cases, p)`."""
    return relative_gap(covariance(noisy), covariance(small))
