"""Processor seconds of a run's network against the batch: of whole updates, or of predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from repro.data import Split, load
from repro.errors import UsageError
from repro.measure.affine import Affine
from repro.measure.timing import Timing, time_batches
from repro.nets.ghost_batchnorm import ghostify
from repro.nets.layout import arranged, layout_of
from repro.runs.store import RunStore
from repro.streams import stream
from repro.studies.network import OfOneRun, network_at
from repro.studies.study import Reading
from repro.train.optimizers import build_optimizer, descend
from repro.train.spec import Precision, RunSpec

Work = Literal["update", "prediction"]
Draw = Callable[[int], tuple[Tensor, Tensor]]
Call = Callable[[Tensor, Tensor], object]
FRACTION_OF_UPDATE = {"update": 1.0, "prediction": 1 / 3}
"""What an example takes of a pass forward and backward."""


@dataclass(frozen=True)
class SecondsOf(OfOneRun):
    """Processor seconds of a call of the run's network, at several batch sizes.

    Attributes:
        work: `update`, with the run's optimiser and ghosts, on training examples; `prediction`, on test examples.
        batches: examples a call, rising, at most as many as there are.
        precision: of the passes; the weights are float32.
        rounds: as of `repro.measure.time_batches`.
    """

    METHOD: ClassVar[int] = 2

    work: Work
    batches: tuple[int, ...]
    precision: Precision = "fp32"
    rounds: int = 9

    @property
    def measured(self) -> int:
        """Examples of a round, where no call is repeated."""
        return sum(self.batches)

    @property
    def gradients(self) -> float:
        """Cost in gradients: the rounds, a warm-up and one to count by."""
        return (self.rounds + 2) * FRACTION_OF_UPDATE[self.work]

    def measure(self, store: RunStore) -> dict[str, Any]:
        """The fields of `repro.measure.Timing`.

        Raises:
            UsageError: a batch is larger than the data set's part.
        """
        data = load(self.spec.dataset)
        model = network_at(store, self.spec, None, data).cpu()
        part = data.train if self.work == "update" else data.test
        if max(self.batches) > len(part):
            raise UsageError(f"batches={list(self.batches)} must be at most the {len(part)} examples there are.")
        draw = _in_turn(part, layout_of(model), self.spec.seed)
        call = (
            _update(self.spec, model, self.precision) if self.work == "update" else _prediction(model, self.precision)
        )
        return asdict(time_batches(lambda batch: call(*draw(batch)), self.batches, rounds=self.rounds))


def timing_of(content: dict[str, Any]) -> Timing:
    """The timing that `SecondsOf.measure` put down."""
    return Timing(tuple(content["batches"]), tuple(map(tuple, content["seconds"])))


def cost_of(content: dict[str, Any]) -> Affine:
    """The line through it: seconds a call and seconds an example."""
    return timing_of(content).cost()


def predicted(cost: Affine, calls: float, examples: float) -> Reading:
    """Seconds of so many calls on so many examples together, with half their 95 % interval."""
    return Reading(cost.of(calls, examples), residual=cost.error(calls, examples))


def _in_turn(split: Split, layout: torch.memory_format, seed: int) -> Draw:
    """Batches one after another in a shuffled order, so that no batch is warm from the last call."""
    order, place = torch.randperm(len(split), generator=stream(seed, "timing")), 0

    def draw(batch: int) -> tuple[Tensor, Tensor]:
        nonlocal place
        place = place if place + batch <= len(order) else 0
        inputs, labels = split.batch(order[place : place + batch])
        place += batch
        return arranged(inputs, layout), labels

    return draw


def _update(spec: RunSpec, model: nn.Module, precision: Precision) -> Call:
    phase = spec.regime.phases[0]
    if phase.ghost_size:
        ghostify(model, phase.ghost_size)
    model.train()
    optimizer = build_optimizer(spec.optimizer, model.parameters(), spec.weight_decay)
    step = partial(descend, optimizer, phase=phase, precision=precision)
    return lambda inputs, labels: spec.objective.update(model, step, inputs, labels)


def _prediction(model: nn.Module, precision: Precision) -> Call:
    def predict(inputs: Tensor, _: Tensor) -> Tensor:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            return model(inputs).argmax(1)  # type: ignore[no-any-return]

    return predict
