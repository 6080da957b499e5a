"""The training loop: one object that holds all that the next update depends on.

Every random number belongs to a stream named by the seed, its use, and the epoch or update, so a run resumed at any
update continues as if it had never stopped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from repro.data import Dataset, Split, augmentation
from repro.machine import CPU
from repro.nets import build
from repro.nets.distance import by_module, last_layer_norm, log_grid, squared_distances
from repro.nets.ghost_batchnorm import GhostBatchNorm, ghostify
from repro.nets.layout import arranged, fast_layout
from repro.streams import stream, stream_seed
from repro.train.optimizers import build_optimizer, descend
from repro.train.regime import Phase, Position
from repro.train.spec import RunSpec

Row = dict[str, Any]
DISTANCES_PER_DECADE = 20
EVALUATION_CHUNK = 500


class Diverged(Exception):
    """The training loss or the weights are no longer finite."""

    def __init__(self, update: int) -> None:
        super().__init__(f"the loss or the weights stopped being finite at update {update}")
        self.update = update


class Training:
    """A run in progress.

    Args:
        spec: what to train and how.
        data: the data set that `spec.dataset` names.
        weights: state of the network to begin from, where `spec.start` asks for another run's snapshot.
        device: where the network and the data are; random numbers are drawn on the CPU, those of dropout apart.
    """

    def __init__(
        self, spec: RunSpec, data: Dataset, weights: dict[str, Tensor] | None = None, device: torch.device = CPU
    ) -> None:
        self.spec, self.data, self.device = spec, data.to(device), device
        self.examples = len(data.train)
        self.updates = spec.regime.updates(self.examples)
        self.model = build(spec.network, data.shape, data.classes, stream(spec.seed, "weights"))
        _check(spec, self.model, self.examples)
        if weights is not None:
            self.model.load_state_dict(weights)
        self.layout = fast_layout(self.model)
        self.model.to(device, memory_format=self.layout)  # type: ignore[call-overload]
        if any(phase.ghost_size for phase in spec.regime.phases):
            ghostify(self.model, spec.regime.phases[0].batch)
        self.initial = {name: parameter.detach().clone() for name, parameter in self.model.named_parameters()}
        self.optimizer = build_optimizer(spec.optimizer, self.model.parameters(), spec.weight_decay)
        self.update = 0
        self.losses: list[float] = []
        self._loss_sum, self._correct, self._seen = 0.0, 0, 0
        self._grid = frozenset(log_grid(self.updates, DISTANCES_PER_DECADE))
        self._order: tuple[int, Tensor] | None = None
        self._augment = None if spec.augmentation == "none" else augmentation(spec.augmentation)
        self._ghosts = [layer for layer in self.model.modules() if isinstance(layer, GhostBatchNorm)]
        self._draws = any(isinstance(m, nn.modules.dropout._DropoutNd) for m in self.model.modules())

    @property
    def finished(self) -> bool:
        """Whether the regime has ended or the training loss has ceased to improve."""
        at_epoch_end = self._seen == 0
        stopped = self.spec.stop is not None and at_epoch_end and self.spec.stop.reached(self.losses)
        return self.update >= self.updates or stopped

    def advance(self) -> list[Row]:
        """Do one update; return what it gave rise to record: distances from the start, and an epoch's measures.

        Raises:
            Diverged: the training loss or the weights are not finite.
        """
        position = self.spec.regime.at(self.update, self.examples)
        inputs, labels = self._batch(position)
        self._enter(position, len(inputs))
        with self._seeded(), self._weighted(position.phase, len(labels)):
            step = partial(descend, self.optimizer, phase=position.phase, precision=self.spec.precision)
            outcome = self.spec.objective.update(self.model, step, inputs, labels)
        self.update += 1
        loss = float(outcome.loss)
        if not math.isfinite(loss):
            raise Diverged(self.update)
        self._loss_sum += loss * len(labels)
        self._correct += int(outcome.correct)
        self._seen += len(labels)
        return self._rows(position)

    def prepared(self, places: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Training examples as an update sees them: augmented, and in the network's layout.

        Args:
            places: of b examples in the training set, int64 `(b,)`.
            generator: of the augmentation.

        Returns:
            Inputs `(v b, ...)`, view by view where the objective asks for v of them, and labels `(b,)`.
        """
        inputs, labels = self.data.train.batch(places)
        if self._augment is not None:
            inputs = self._augment(torch.cat([inputs] * self.spec.objective.views), generator)
        return arranged(inputs, self.layout), labels

    def state(self) -> dict[str, Any]:
        """Everything that the next update depends on, beyond the spec and the data."""
        return {
            "update": self.update,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "losses": self.losses,
            "epoch": (self._loss_sum, self._correct, self._seen),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.update = state["update"]
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.losses = list(state["losses"])
        self._loss_sum, self._correct, self._seen = state["epoch"]

    def _batch(self, position: Position) -> tuple[Tensor, Tensor]:
        if self._order is None or self._order[0] != position.epoch:
            generator = stream(self.spec.seed, "order", position.epoch)
            self._order = position.epoch, torch.randperm(self.examples, generator=generator)
        places = self._order[1][position.examples(self.examples)]
        return self.prepared(places, stream(self.spec.seed, "augmentation", self.update))

    def _enter(self, position: Position, count: int) -> None:
        """Set what an update's phase says of the network and of the optimiser's memory."""
        for layer in self._ghosts:
            layer.ghost_size = position.phase.ghost_size_of(count)
        if position.phase.forgetful and position.batch_index == 0:
            self.optimizer.state.clear()

    def _seeded(self) -> AbstractContextManager[None]:
        """Dropout draws from the global generator: lend it a seed of its own for this update."""
        if not self._draws:
            return nullcontext()
        return _lent_seed(stream_seed(self.spec.seed, "dropout", self.update), self.device)

    def _weighted(self, phase: Phase, count: int) -> AbstractContextManager[None]:
        """Each example's gradient is multiplied by a factor of mean 1; losses stay as they are."""
        if not phase.noise and not phase.ghosts_alike:
            return nullcontext()
        factors = _alike(count, phase.ghost_size_of(count)) if phase.ghosts_alike else torch.ones(count)
        if phase.noise:
            normal = torch.randn(count, generator=stream(self.spec.seed, "noise", self.update))
            factors = factors * (1 + phase.noise * normal)
        return _multiplied_gradients(self.model, factors)

    def _rows(self, position: Position) -> list[Row]:
        ends_epoch = position.ends_epoch(self.examples)
        rows: list[Row] = []
        if self.update in self._grid or ends_epoch:
            parameters = dict(self.model.named_parameters())
            squares = squared_distances(parameters, self.initial)
            distance = math.sqrt(sum(squares.values()))
            if not math.isfinite(distance):
                raise Diverged(self.update)
            row = {"kind": "distance", "update": self.update, "distance": distance, "modules": by_module(squares)}
            rows.append(row | {"last_norm": last_layer_norm(parameters)})
        if ends_epoch:
            rows.append(self._close_epoch(position))
        return rows

    def _close_epoch(self, position: Position) -> Row:
        train_loss = self._loss_sum / self._seen
        row: Row = {
            "kind": "epoch",
            "epoch": position.epoch + 1,
            "update": self.update,
            "train_loss": train_loss,
            "train_accuracy": self._correct / self._seen,
            **self._tested(),
        }
        self.losses.append(train_loss)
        self._loss_sum, self._correct, self._seen = 0.0, 0, 0
        return row

    def _tested(self) -> Row:
        """The measures of the test split; an objective without labels has none."""
        if self.spec.objective.views > 1:
            return {}
        loss, accuracy = evaluate(self.model, self.data.test, self.layout)
        self.model.train()
        return {"test_loss": loss, "test_accuracy": accuracy}


def _check(spec: RunSpec, model: nn.Module, examples: int) -> None:
    if spec.objective.views > 1 and spec.augmentation == "none":
        raise ValueError(f"augmentation='none' gives {spec.objective.views} views that are alike; choose another.")
    if spec.objective.views > 1 and any(phase.noise or phase.ghosts_alike for phase in spec.regime.phases):
        raise ValueError(
            f"noise and ghosts_alike weigh each example's own gradient, and a loss of {spec.objective.views} views has "
            "none; leave them out, or train with labels."
        )
    normalises = any(isinstance(layer, _BatchNorm) for layer in model.modules())
    for phase in spec.regime.phases:
        last = examples % phase.batch
        if normalises and 1 in (phase.batch, last):
            others = (batch for batch in range(phase.batch + 1, examples + 1) if examples % batch != 1)
            raise ValueError(
                f"batch={phase.batch} leaves one example of {examples} alone in an update, which BatchNorm cannot "
                f"normalise; choose another batch, for example {next(others, 'of two examples or more')}."
            )
        batches = {spec.objective.views * count for count in (phase.batch, last or phase.batch)}
        if phase.ghost_size is not None and any(_leaves_one(count, phase.ghost_size_of(count)) for count in batches):
            raise ValueError(
                f"ghost_size={phase.ghost_size} leaves one example of a batch of {phase.batch}, or of the last of "
                f"{examples}, alone in a ghost, which BatchNorm cannot normalise; choose another."
            )


def _leaves_one(count: int, ghost_size: int) -> bool:
    """Whether a ghost of a batch of `count` has one example alone."""
    return 1 in (ghost_size, count % ghost_size)


def _alike(count: int, ghost_size: int) -> Tensor:
    """Factors of mean 1 by which each of the K ghosts weighs as much as another, whatever its n examples: B / (K n)."""
    ghosts = torch.split(torch.ones(count), ghost_size)
    return torch.cat([ghost * (count / (len(ghosts) * len(ghost))) for ghost in ghosts])


def evaluate(model: nn.Module, split: Split, layout: torch.memory_format) -> tuple[float, float]:
    """Mean cross-entropy in nats and accuracy, a fraction, of `model` in evaluation mode and full precision."""
    model.eval()
    loss, correct = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(split), EVALUATION_CHUNK):
            inputs, labels = split.batch(slice(start, start + EVALUATION_CHUNK))
            logits = model(arranged(inputs, layout)).double()
            loss += float(F.cross_entropy(logits, labels, reduction="sum"))
            correct += int((logits.argmax(1) == labels).sum())
    return loss / len(split), correct / len(split)


@contextmanager
def _multiplied_gradients(model: nn.Module, factors: Tensor) -> Iterator[None]:
    def listen(_: nn.Module, __: tuple[Tensor, ...], logits: Tensor) -> None:
        if logits.requires_grad:
            logits.register_hook(lambda slope: slope * factors.to(slope).unsqueeze(1))  # type: ignore[no-untyped-call]

    handle = model.register_forward_hook(listen)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def _lent_seed(seed: int, device: torch.device) -> Iterator[None]:
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)  # noqa: TID251 - given back
        yield
