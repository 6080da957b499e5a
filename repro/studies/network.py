"""A stored run as a network with its data: what every measurement on weights begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from repro.data import Dataset, Split, load
from repro.data.catalogue import entry_of
from repro.errors import UsageError
from repro.machine import device
from repro.measure import NetworkObjective, recompute_statistics
from repro.nets import build
from repro.nets.layout import fast_layout
from repro.runs.store import RunStore
from repro.runs.worker import RunRequest
from repro.streams import stream
from repro.train.spec import RunSpec

CHUNK = 1000
"""Examples that are normalised together under batch statistics."""
DENSE_CHUNK, CONVOLUTIONAL_CHUNK = 3000, 128
"""Examples per pass where the chunk changes nothing but speed, without and with convolutions."""


@dataclass(frozen=True)
class OfOneRun:
    """What is measured at the end of one run.

    Attributes:
        spec: the run.
    """

    METHOD: ClassVar[int] = 1

    spec: RunSpec

    @property
    def runs(self) -> tuple[RunRequest, ...]:
        """The run."""
        return (RunRequest(self.spec),)


@dataclass(frozen=True)
class AtAnUpdate(OfOneRun):
    """What is measured at the weights that one run had on its way.

    Attributes:
        update: after how many updates; `None` is the end.
    """

    update: int | None = None

    @property
    def runs(self) -> tuple[RunRequest, ...]:
        """The run, with the weights after `update` kept."""
        return (RunRequest(self.spec, frozenset(() if self.update is None else (self.update,))),)


def network_at(store: RunStore, spec: RunSpec, update: int | None, data: Dataset) -> nn.Module:
    """The run's network with the weights it had after `update` updates; `None` is the end.

    It is on `device()`, in the layout in which it is fastest.
    """
    model = build(spec.network, data.shape, data.classes, stream(spec.seed, "weights"))
    model.load_state_dict(store.folder(spec.key).weights(update))
    model.to(device(), memory_format=fast_layout(model))  # type: ignore[call-overload]
    return model.eval()


def objective_at(store: RunStore, spec: RunSpec, update: int | None, batchnorm: str, measured: int) -> NetworkObjective:
    """The training loss of a stored run as an objective, at the weights it had after `update` updates.

    Args:
        store: where the run is.
        spec: the run.
        update: `None` is the end.
        batchnorm: `recomputed`, population statistics of the whole training set at these weights; or `batch`.
        measured: examples of the training set, evenly spaced, in the loss; 0 is all.

    Raises:
        UsageError: the run was trained without labels.
    """
    if spec.objective.views > 1:
        raise UsageError(f"run {spec.key} learnt by contrast: its outputs are no classes; measure a run with labels.")
    data = load(spec.dataset).to(device())
    model = network_at(store, spec, update, data)
    part = part_of(data.train, measured)
    if batchnorm == "batch":
        return NetworkObjective(model, part.inputs, part.labels, chunk=CHUNK, batchnorm="batch")
    recompute_statistics(model, data.train.inputs, chunk=chunk_of(model))
    return NetworkObjective(model, part.inputs, part.labels, chunk=chunk_of(model))


def check_measured(spec: RunSpec, measured: int) -> None:
    """Raise `UsageError` unless the run's training set has `measured` examples."""
    most = entry_of(spec.dataset).train
    if not 0 <= measured <= most:
        raise UsageError(f"measured={measured} must be 1 to {most} examples of {spec.dataset}, or 0, which is all.")


def chunk_of(model: nn.Module) -> int:
    """Examples per pass where the result does not depend on it."""
    return CONVOLUTIONAL_CHUNK if fast_layout(model) is torch.channels_last else DENSE_CHUNK


def part_of(split: Split, measured: int) -> Split:
    """`measured` evenly spaced examples; all of them where it is 0."""
    return split.evenly(measured) if measured else split
