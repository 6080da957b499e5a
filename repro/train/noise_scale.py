"""The noise scale of a schedule's settings, and how long momentum takes to come up to it (Smith et al. 2018).

ε is the learning rate, m the momentum, B the batch and N the examples of the phase in force at an update, as
`regime.at(update, examples).phase` answers.
"""

from __future__ import annotations

import math

from repro.train.regime import Phase


def noise_scale(phase: Phase, examples: int) -> float:
    """`g = ε (N/B - 1) / (1 - m)`, in units of the learning rate (Smith et al. 2018, section 2)."""
    return phase.learning_rate * (examples / phase.batch - 1) / (1 - phase.momentum)


def approximate_noise_scale(phase: Phase, examples: int) -> float:
    """`g ≈ ε N / (B (1 - m))`, which neglects B beside N, in units of the learning rate (Smith et al. 2018)."""
    return phase.learning_rate * examples / (phase.batch * (1 - phase.momentum))


def lost_updates(phase: Phase, done: float = math.inf) -> float:
    """`m (1 - mᵀ) / (1 - m)`: how many of T updates from rest at a constant gradient are as if not done (derived).

    Args:
        phase: m.
        done: T, updates since the velocity was 0; in the long run `m / (1 - m)` of them are lost.
    """
    return phase.momentum * (1 - float(phase.momentum**done)) / (1 - phase.momentum)


def forgetting_epochs(phase: Phase, examples: int) -> float:
    """`B / (N (1 - m))`: epochs in which the velocity forgets a gradient but for a share of 1/e (Smith et al. 2018)."""
    return phase.batch / (examples * (1 - phase.momentum))
