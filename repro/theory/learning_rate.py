"""What a learning rate that grows with the batch keeps: the noise of a step, or the drift and the noise of an epoch.

The weights stand still: a step is `Δw = -η g_B`, an epoch the sum of N/B steps whose examples are drawn independently.
"""

from __future__ import annotations

import torch
from torch import Tensor

from repro.theory.identity import identity, relative_gap
from repro.theory.minibatch import covariance, minibatch_gradients
from repro.train.regime import Phase


def steps(per_example: Tensor, phase: Phase) -> Tensor:
    """Every step that can be taken, each equally likely, shape `(steps, p)`; gᵢ have shape `(N, p)`."""
    return -phase.learning_rate * minibatch_gradients(per_example, phase.batch, replacement=True)


def epochs(per_example: Tensor, phase: Phase) -> Tensor:
    """The sum of an epoch's steps for every sequence of N independent draws, each equally likely.

    Args:
        per_example: gᵢ, shape `(N, p)`; Nᴺ sequences are enumerated.
        phase: its batch divides N.

    Returns:
        Shape `(sequences, p)`.
    """
    n = len(per_example)
    sequences = torch.cartesian_prod(*[torch.arange(n)] * n)
    means = [per_example[drawn].mean(1) for drawn in torch.split(sequences, phase.batch, dim=1)]
    return -phase.learning_rate * torch.stack(means).sum(0)


@identity(
    title="With a learning rate proportional to the root of the batch a step's covariance does not depend on the batch",
    statement=r"\eta \propto \sqrt{B} \implies \operatorname{Cov}(\Delta w) = \eta^2 S / B \text{ for every } B",
    source="Hoffer et al. 2017, on the learning rate: η ∝ √M",
    premises="weights stand still, examples are drawn independently, η ∝ √B",
)
def step_covariance(per_example: Tensor, small: Phase, large: Phase) -> float:
    """Gap between the covariances of the steps of two phases; gᵢ have shape `(N, p)`."""
    return relative_gap(covariance(steps(per_example, large)), covariance(steps(per_example, small)))


@identity(
    title="With a learning rate proportional to the batch the drift of an epoch does not depend on the batch",
    statement=r"\eta \propto B \implies \mathbb{E} \sum_{k=1}^{N/B} \Delta w_k = -\eta \tfrac{N}{B} \mu"
    r" \text{ for every } B",
    source="Goyal et al. 2017, the linear scaling rule; derived",
    premises="weights stand still, the batch divides N, η ∝ B",
)
def epoch_drift(per_example: Tensor, small: Phase, large: Phase) -> float:
    """Gap between the mean displacements in an epoch of two phases; gᵢ have shape `(N, p)`."""
    return relative_gap(epochs(per_example, large).mean(0), epochs(per_example, small).mean(0))


@identity(
    title="With a learning rate proportional to the batch the covariance of an epoch does not depend on the batch",
    statement=r"\eta \propto B \implies \operatorname{Cov} \sum_{k=1}^{N/B} \Delta w_k = \eta^2 \tfrac{N}{B^2} S"
    r" \text{ for every } B",
    source="Smith et al. 2018, section 2: the noise scale η N / B; derived",
    premises="weights stand still, examples are drawn independently, the batch divides N, η ∝ B",
)
def epoch_diffusion(per_example: Tensor, small: Phase, large: Phase) -> float:
    """Gap between the covariances of the displacements in an epoch of two phases; gᵢ have shape `(N, p)`."""
    return relative_gap(covariance(epochs(per_example, large)), covariance(epochs(per_example, small)))
