"""RunSpec: everything that decides what a training run computes, and nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from repro.train.canonical import as_json, from_json
from repro.train.objectives import CrossEntropy, TrainingObjective
from repro.train.regime import Regime

OptimizerName = Literal["adam", "sgd", "nesterov", "adagrad"]
Precision = Literal["fp32", "bf16"]
AugmentationName = Literal["none", "keskar2017", "keskar2017-no-flip", "pad-crop-flip", "move-erase"]


@dataclass(frozen=True)
class Plateau:
    """Stop once the epoch's mean training loss has ceased to improve.

    Training ends after an epoch when, for `patience` epochs, no epoch's mean training loss has been lower than
    `1 - min_gain` times the lowest before it.

    Attributes:
        patience: epochs without improvement.
        min_gain: relative improvement that counts, a fraction.
    """

    patience: int = 5
    min_gain: float = 0.01

    def __post_init__(self) -> None:
        if self.patience < 1 or not 0 <= self.min_gain < 1:
            raise ValueError(
                f"patience={self.patience} must be at least 1 and min_gain={self.min_gain} must lie in [0, 1)."
            )

    def reached(self, losses: list[float]) -> bool:
        """Whether the mean training losses of the epochs so far, in order, have ceased to improve."""
        best, since = float("inf"), 0
        for loss in losses:
            best, since = (loss, 0) if loss < best * (1 - self.min_gain) else (min(best, loss), since + 1)
        return since >= self.patience


@dataclass(frozen=True)
class Start:
    """Begin from the weights that another run had after `update` updates; the optimiser starts fresh."""

    run: str
    update: int


@dataclass(frozen=True)
class RunSpec:
    """One training run, fully declared.

    Attributes:
        network: a name known to `repro.nets.build`.
        dataset: a name known to `repro.data.load`.
        regime: batch size, learning rate and momentum at every update, and how many epochs at most.
        optimizer: the update rule.
        objective: what one update minimises.
        augmentation: random transformation of the training inputs.
        stop: when to end before the regime does.
        start: another run's snapshot to begin from, instead of fresh weights.
        seed: names all random streams; the initial weights depend on it alone, not on the regime.
        precision: `fp32`, or `bf16` autocast with float32 weights.
        weight_decay: λ, whose product with the weights is added to their gradient (coupled), per update.
    """

    network: str
    dataset: str
    regime: Regime
    optimizer: OptimizerName = "adam"
    objective: TrainingObjective = field(default_factory=CrossEntropy)
    augmentation: AugmentationName = "none"
    stop: Plateau | None = None
    start: Start | None = None
    seed: int = 0
    precision: Precision = "fp32"
    weight_decay: float = 0.0

    @cached_property
    def key(self) -> str:
        """Twenty hexadecimal digits that identify the run: a hash of its canonical JSON."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()[:20]

    def as_json(self) -> dict[str, Any]:
        """The canonical form; fields that equal their default are left out, so new fields keep old keys."""
        form = as_json(self)
        assert isinstance(form, dict)
        return form

    @classmethod
    def from_json(cls, form: dict[str, Any]) -> RunSpec:
        """The spec whose canonical form is `form`.

        Raises:
            ValueError: a field is unknown, missing or of the wrong type.
        """
        return from_json(cls, form)
