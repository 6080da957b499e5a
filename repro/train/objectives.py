"""What one update minimises: the mini-batch loss, the remedies of Keskar et al. 2017, appendix E, or a contrast."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.train.contrastive import dcl, nt_xent, recognised

Step = Callable[[Callable[[], Tensor]], None]
"""Takes a closure that returns the loss, and moves the parameters once down its gradient."""

ContrastiveLoss = Literal["nt-xent", "dcl"]
_CONTRASTIVE: Mapping[ContrastiveLoss, Callable[[Tensor, float], Tensor]] = {"nt-xent": nt_xent, "dcl": dcl}


@dataclass(frozen=True)
class Outcome:
    """The mini-batch before the update: mean loss in nats and number of examples classified (or recognised) rightly."""

    loss: Tensor
    correct: Tensor


@dataclass(frozen=True)
class CrossEntropy:
    """Mean cross-entropy over the mini-batch."""

    views: ClassVar[int] = 1
    """Random views of each example that an update takes; where there are more, labels play no part."""
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
    views: ClassVar[int] = 1

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
                start=torch.zeros((), device=inputs.device),
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
    views: ClassVar[int] = 1
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


@dataclass(frozen=True)
class Contrastive:
    """Two views of an example are to find each other among those of the mini-batch (Chen et al. 2020, algorithm 1).

    Attributes:
        loss: `nt-xent`, or the decoupled `dcl`.
        temperature: τ, in units of the cosine.
    """

    loss: ContrastiveLoss = "nt-xent"
    temperature: float = 0.5
    views: ClassVar[int] = 2
    passes: ClassVar[float] = 2.0

    def update(self, model: nn.Module, step: Step, inputs: Tensor, _: Tensor) -> Outcome:
        """Move `model` once on `inputs`, shape `(2b, ...)`, the first views before the second; labels play no part."""
        first: list[Outcome] = []

        def loss() -> Tensor:
            embeddings = torch.stack(model(inputs).chunk(2))
            value = _CONTRASTIVE[self.loss](embeddings, self.temperature)
            first.append(Outcome(value.detach(), recognised(embeddings.detach())))
            return value

        step(loss)
        return first[0]


TrainingObjective = CrossEntropy | Proximal | Adversarial | Contrastive


def _cross_entropy(logits: Tensor, labels: Tensor, seen: list[Outcome]) -> Tensor:
    loss = F.cross_entropy(logits.float(), labels)
    seen.append(Outcome(loss.detach(), (logits.detach().argmax(1) == labels).sum()))
    return loss
