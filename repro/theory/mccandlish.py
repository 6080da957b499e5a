"""The estimators of gradient noise from two batch sizes: what they estimate, and what their ratio does not.

gᵢ are the gradients of N examples at fixed weights, G their mean, S their covariance with divisor N.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from torch import Tensor

from repro.measure.noise import GradientNoise, gradient_noise
from repro.theory.identity import identity, relative_gap
from repro.theory.minibatch import covariance, minibatch_gradients

SOURCE = "McCandlish et al. 2018, appendix A"


def every_estimate(
    per_example: Tensor, small_batch: int, large_batch: int, *, replacement: bool
) -> list[GradientNoise]:
    """The package's estimates from every pair of a small and a large batch, each pair equally likely.

    Args:
        per_example: gᵢ, shape `(N, p)`; all batches of both sizes are enumerated.
        small_batch: B_small, examples.
        large_batch: B_big, examples.
        replacement: whether an example can be drawn twice into one batch.
    """
    small, large = (
        minibatch_gradients(per_example, batch, replacement=replacement).square().sum(1).tolist()
        for batch in (small_batch, large_batch)
    )
    return [
        gradient_noise(small_batch=small_batch, large_batch=large_batch, small_squared_norm=s, large_squared_norm=l_)
        for s in small
        for l_ in large
    ]


@identity(
    title="Two batch sizes give an unbiased estimate of the squared gradient",
    statement=r"\mathbb{E} \frac{B_l |g_l|^2 - B_s |g_s|^2}{B_l - B_s} = |G|^2",
    source=SOURCE,
    premises="examples are drawn independently",
)
def squared_gradient(per_example: Tensor, estimates: Sequence[GradientNoise]) -> float:
    """Gap between the mean of all estimates and `|G|²`; gᵢ have shape `(N, p)`."""
    return relative_gap(fmean(e.squared_gradient for e in estimates), _squared_mean(per_example))


@identity(
    title="Two batch sizes give an unbiased estimate of the trace of the examples' covariance",
    statement=r"\mathbb{E} \frac{|g_s|^2 - |g_l|^2}{1 / B_s - 1 / B_l} = \operatorname{tr} S",
    source=SOURCE,
    premises="examples are drawn independently",
)
def trace(per_example: Tensor, estimates: Sequence[GradientNoise]) -> float:
    """Gap between the mean of all estimates and `tr S`; gᵢ have shape `(N, p)`."""
    return relative_gap(fmean(e.trace for e in estimates), _trace(per_example))


@identity(
    title="Without replacement the estimate of the squared gradient is too small by tr S / (N - 1)",
    statement=r"\mathbb{E} \frac{B_l |g_l|^2 - B_s |g_s|^2}{B_l - B_s} = |G|^2 - \frac{\operatorname{tr} S}{N - 1}",
    source="derived by enumeration from the covariance of a finite population",
    premises="each batch is drawn without replacement",
)
def squared_gradient_without_replacement(per_example: Tensor, estimates: Sequence[GradientNoise]) -> float:
    """Gap between the mean of all estimates and `|G|² - tr S / (N - 1)`; gᵢ have shape `(N, p)`."""
    expected = _squared_mean(per_example) - _trace(per_example) / (len(per_example) - 1)
    return relative_gap(fmean(e.squared_gradient for e in estimates), expected)


@identity(
    title="Without replacement the estimate of the trace is too large by N / (N - 1)",
    statement=r"\mathbb{E} \frac{|g_s|^2 - |g_l|^2}{1 / B_s - 1 / B_l} = \frac{N}{N - 1} \operatorname{tr} S",
    source="derived by enumeration from the covariance of a finite population",
    premises="each batch is drawn without replacement",
)
def trace_without_replacement(per_example: Tensor, estimates: Sequence[GradientNoise]) -> float:
    """Gap between the mean of all estimates and `tr S · N / (N - 1)`; gᵢ have shape `(N, p)`."""
    n = len(per_example)
    return relative_gap(fmean(e.trace for e in estimates), _trace(per_example) * n / (n - 1))


@identity(
    title="The ratio of averaged estimates is the simple noise scale; the average of ratios is not",
    statement=r"\frac{\mathbb{E}\, \widehat{\operatorname{tr} S}}{\mathbb{E}\, \widehat{|G|^2}}"
    r" = \frac{\operatorname{tr} S}{|G|^2} \neq"
    r" \mathbb{E} \frac{\widehat{\operatorname{tr} S}}{\widehat{|G|^2}}",
    source="McCandlish et al. 2018, appendix A, who average both parts before they divide",
    premises="examples are drawn independently; averages come before the ratio",
)
def ratio_of_averages(per_example: Tensor, noise_scale: float) -> float:
    """Gap between an expected noise scale, in examples, and `tr S / |G|²`; gᵢ have shape `(N, p)`."""
    return relative_gap(noise_scale, _trace(per_example) / _squared_mean(per_example))


def _squared_mean(per_example: Tensor) -> float:
    return per_example.mean(0).square().sum().item()


def _trace(per_example: Tensor) -> float:
    return covariance(per_example).trace().item()
