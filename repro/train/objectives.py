"""What one update minimises: the mini-batch loss, and the remedies of Keskar et al. 2017, appendix E."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Step = Callable[[Callable[[], Tensor]], None]
"""Takes a closure that returns the loss, and moves the parameters once down its gradient."""


@dataclass(frozen=True)
class Outcome:
    """The mini-batch before the update: mean loss in nats and number of examples classified rightly."""

    loss: Tensor
    correct: Tensor


@dataclass(frozen=True)
class CrossEntropy:
    """Mean cross-entropy over the mini-batch."""

    passes: ClassVar[float] = 1.0
    """Forward and backward passes that an update takes."""

    def update(self, model: nn.Module, step: Step, inputs: Tensor, labels: Tensor) -> Outcome:
        """Move `model` once on `(inputs, labels)`, shapes `(b, ...)` and `(b,)`."""
        first: list[Outcome] = []
        step(lambda: _cross_entropy(model(inputs), labels, first))
        return first[0]


@dataclass(frozen=True)
class Proximal:
    """Conservative training: `argmin f_B(x) + λ/2 ‖x - x_k‖²` by a few inner steps (Keskar et al. 2017, E.2).

    Attributes:
        weight: λ, dimensionless.
        inner_steps: optimiser steps on each mini-batch.
    """

    weight: float = 1e-3
    inner_steps: int = 3

    @property
    def passes(self) -> float:
        """Forward and backward passes that an update takes."""
        return float(self.inner_steps)

    def update(self, model: nn.Module, step: Step, inputs: Tensor, labels: Tensor) -> Outcome:
        """Move `model` by `inner_steps` steps on the same mini-batch."""
        anchors = [parameter.detach().clone() for parameter in model.parameters()]
        first: list[Outcome] = []

        def loss() -> Tensor:
            distance = sum(
                ((p - a).square().sum() for p, a in zip(model.parameters(), anchors, strict=True)),
                start=torch.zeros(()),
            )
            return _cross_entropy(model(inputs), labels, first) + 0.5 * self.weight * distance

        for _ in range(self.inner_steps):
            step(loss)
        return first[0]


@dataclass(frozen=True)
class Adversarial:
    """Half clean, half fast-gradient-sign loss (Goodfellow et al. 2014, as tried in Keskar et al. 2017, E.3).

    Attributes:
        radius: largest change of an input coordinate, in the input's unit (pixels lie in [0, 1]).
        weight: share of the adversarial half, a fraction.
    """

    radius: float = 0.1
    weight: float = 0.5
    passes: ClassVar[float] = 2.7
    """Forward and backward passes that an update takes; the one for the inputs' gradient has no weights' gradient."""

    def update(self, model: nn.Module, step: Step, inputs: Tensor, labels: Tensor) -> Outcome:
        """Move `model` once on the mixed loss."""
        first: list[Outcome] = []

        def loss() -> Tensor:
            watched = inputs.clone().requires_grad_()
            clean = _cross_entropy(model(watched), labels, first)
            (slope,) = torch.autograd.grad(clean, watched, retain_graph=True)
            moved = inputs + self.radius * slope.sign()
            return (1 - self.weight) * clean + self.weight * F.cross_entropy(model(moved).float(), labels)

        step(loss)
        return first[0]


TrainingObjective = CrossEntropy | Proximal | Adversarial


def _cross_entropy(logits: Tensor, labels: Tensor, seen: list[Outcome]) -> Tensor:
    loss = F.cross_entropy(logits.float(), labels)
    seen.append(Outcome(loss.detach(), (logits.detach().argmax(1) == labels).sum()))
    return loss
