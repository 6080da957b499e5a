"""The noise scale of a schedule: what larger batches, learning rates and momentum may be traded for one another.

ε is the learning rate, m the momentum, B the batch, N the examples. On a quadratic `½hw²` moments are exact recursions
of the package's SGD, with independent noise of variance s per example.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from repro.theory.identity import identity, relative_gap
from repro.theory.minibatch import covariance
from repro.theory.momentum import moments, stationary_variance_of
from repro.train.noise_scale import approximate_noise_scale, noise_scale
from repro.train.regime import Phase, Regime


def traded(phase: Phase, batch: int, momentum: float) -> Phase:
    """The same phase at another batch and momentum, with the learning rate that keeps `ε / (B (1 - m))`."""
    factor = batch / phase.batch * (1 - momentum) / (1 - phase.momentum)
    return replace(phase, batch=batch, momentum=momentum, learning_rate=phase.learning_rate * factor)


@identity(
    title="Schedules that trade learning rate, batch and momentum have one noise scale in every epoch",
    statement=r"\frac{\varepsilon_e}{B_e (1 - m_e)} = \frac{\varepsilon'_e}{B'_e (1 - m'_e)} \text{ in every epoch } e",
    source="Smith et al. 2018, figures 1 and 5",
    premises="where the batch stops growing, the learning rate falls instead",
)
def equal_over_schedules(first: Regime, second: Regime, examples: int) -> float:
    """The largest gap in any epoch between the simple noise scales of two regimes of as many epochs."""
    scales = [
        [approximate_noise_scale(phase, examples) for phase in _phase_of_every_epoch(regime, examples)]
        for regime in (first, second)
    ]
    ratios = torch.tensor(scales[0], dtype=torch.float64) / torch.tensor(scales[1], dtype=torch.float64)
    return relative_gap(ratios, torch.ones_like(ratios))


@identity(
    title="A batch drawn without replacement has the covariance of the exact noise scale, N/B - 1",
    statement=r"\frac{N \varepsilon}{1 - m} \operatorname{Cov}(g_B) = g F,\quad"
    r" g = \frac{\varepsilon}{1 - m} \left( \frac{N}{B} - 1 \right),\quad F = \frac{N}{N - 1} S",
    source="Smith and Le 2018; Smith et al. 2018, section 2; F has divisor N - 1, derived by enumeration",
    premises="examples are drawn without replacement, weights stand still",
)
def exact_scale(per_example: Tensor, batches: Tensor, phase: Phase) -> float:
    """Gap between the covariance of all batches' gradients and that of the exact noise scale; both vanish at B = N.

    Args:
        per_example: gᵢ, shape `(N, p)`.
        batches: gradient of every batch, shape `(batches, p)`.
        phase: ε, m and B.
    """
    n = len(per_example)
    step = n * phase.learning_rate / (1 - phase.momentum) * covariance(batches)
    return relative_gap(step, noise_scale(phase, n) * n / (n - 1) * covariance(per_example))


@identity(
    title="The exact noise scales of two traded phases are as the examples that their batches leave",
    statement=r"\frac{\varepsilon}{B (1 - m)} = \frac{\varepsilon'}{B' (1 - m')} \implies"
    r" \frac{g'}{g} = \frac{N - B'}{N - B}",
    source="Smith et al. 2018, section 2, which neglects the -1; derived",
    premises="one simple noise scale, B ≤ B' ≤ N, B < N",
)
def neglected_term(small: Phase, large: Phase, examples: int) -> float:
    """Gap between the ratio of the exact noise scales and the formula."""
    ratio = noise_scale(large, examples) / noise_scale(small, examples)
    return relative_gap(ratio, (examples - large.batch) / (examples - small.batch))


@identity(
    title="The exact noise scales of two traded phases differ by less than the larger batch's share of the examples",
    statement=r"\frac{\varepsilon}{B (1 - m)} = \frac{\varepsilon'}{B' (1 - m')} \implies"
    r" \frac{g'}{g} \geq 1 - \frac{B'}{N} \text{ for } B \leq B'",
    source="Smith et al. 2018, section 2, which neglects the -1; derived",
    premises="one simple noise scale, B ≤ B' ≤ N, B < N",
)
def neglected_share(small: Phase, large: Phase, examples: int) -> float:
    """By how much the ratio of the exact noise scales lies below the bound, as a fraction of the smaller phase's."""
    ratio = noise_scale(large, examples) / noise_scale(small, examples)
    return max(1 - large.batch / examples - ratio, 0.0)  # in this order a NaN stays one


@identity(
    title="On a quadratic two phases of one noise scale have the same mean and variance at the end of every epoch",
    statement=r"\frac{\varepsilon}{B} = \frac{\varepsilon'}{B'},\ \varepsilon' h \to 0 \implies"
    r" \mathbb{E}[w_e] = \mathbb{E}[w'_e] + O(\varepsilon' h),\ \operatorname{Var}(w_e) = \operatorname{Var}(w'_e)"
    r" (1 + O(\varepsilon' h))",
    source="Smith et al. 2018, section 2, the stochastic differential equation; derived",
    premises="εh small, no momentum, the batches divide N, examples are drawn independently",
)
def same_curve(small: Phase, large: Phase, curvature: float, variance: float, start: float, examples: int) -> float:
    """The largest gap at the end of an epoch; a fraction of the start for means, of `εs/(2hB)` for variances.

    Args:
        small: a phase.
        large: another of as many epochs.
        curvature: h.
        variance: s, of one example's gradient.
        start: w before the first update.
        examples: N.
    """
    ends = []
    for phase in (small, large):
        per_epoch = phase.updates_per_epoch(examples)
        curve = moments(phase, curvature, variance / phase.batch, start, phase.epochs * per_epoch)
        ends.append(curve[per_epoch - 1 :: per_epoch])
    means, variances = (ends[0] - ends[1]).abs().amax(0).tolist()
    return float(max(means / abs(start), variances / _stationary(small, curvature, variance)))


@identity(
    title="On a quadratic the stationary variance is set by the noise scale alone, momentum included",
    statement=r"\operatorname{Var}(w) \to \frac{\varepsilon}{B (1 - m)} \frac{s}{2 h} \text{ as } \varepsilon h \to 0",
    source="Smith et al. 2018, section 2: ε N / (B (1 - m)); derived, its relative error is εh / (2 (1 + m))",
    premises="εh small, examples are drawn independently",
)
def stationary_spread(phase: Phase, curvature: float, variance: float) -> float:
    """Gap between the stationary variance and the formula; h is the curvature, s the variance of one example's."""
    return relative_gap(
        stationary_variance_of(phase, curvature, variance / phase.batch), _stationary(phase, curvature, variance)
    )


def _stationary(phase: Phase, curvature: float, variance: float) -> float:
    """`ε / (B (1 - m)) · s / 2h`."""
    return approximate_noise_scale(phase, 1) * variance / (2 * curvature)


def _phase_of_every_epoch(regime: Regime, examples: int) -> list[Phase]:
    starts = (regime.updates_until(epoch, examples) for epoch in range(regime.epochs))
    return [regime.at(update, examples).phase for update in starts]
