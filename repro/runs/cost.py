"""What a run would cost on this machine: a few updates of the real network are timed, and multiplied."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor
from torch.nn import functional as F

from repro.data import CATALOGUE
from repro.machine import CPU, device, prepare
from repro.nets import build
from repro.runs.worker import RunRequest
from repro.streams import stream
from repro.train.optimizers import build_optimizer, descend
from repro.train.regime import Phase

_LARGE, _SMALL, _REPEATS = 128, 16, 3
_ENOUGH = 2.0
"""Seconds after which nothing is timed again: what takes so long is hardly slower the first time."""


def run_seconds(request: RunRequest) -> float:
    """Processor seconds that the run takes if no plateau ends it early; a pass forward is a third of one with gradient.

    What an update takes beside its examples counts too, for a small batch it is most.
    """
    spec, entry = request.spec, CATALOGUE[request.spec.dataset]
    examples = spec.regime.epochs * (spec.objective.passes * entry.train + entry.test / 3)
    examples += sum(probe.cost(spec.regime, entry.train) for probe in request.probes)
    updates = spec.objective.passes * spec.regime.updates(entry.train)
    overhead = seconds_per_update(spec.network, spec.dataset, spec.optimizer)
    return examples * seconds_per_example(spec.network, spec.dataset) + updates * overhead


@cache
def seconds_per_example(network: str, dataset: str) -> float:
    """Processor seconds of one example forward and backward, on one thread, timed now in batches of 128.

    On a GPU they are seconds by the clock, as if this process had it for itself.
    """
    return _timed(network, dataset, _LARGE) / _LARGE


@cache
def seconds_per_update(network: str, dataset: str, optimizer: str) -> float:
    """Processor seconds of an update beyond those of its examples, timed now with a batch of 16."""
    return max(0.0, _timed(network, dataset, _SMALL, optimizer) - _SMALL * seconds_per_example(network, dataset))


def _timed(network: str, dataset: str, batch: int, optimizer: str | None = None) -> float:
    """Seconds of one pass forward and backward, and of a step of the optimiser where one is named."""
    prepare()
    entry = CATALOGUE[dataset]
    generator = stream(0, "cost")
    model = build(network, entry.shape, entry.classes, generator).to(device())
    inputs = torch.rand((batch, *entry.shape), generator=generator).to(device())
    labels = torch.randint(entry.classes, (batch,), generator=generator).to(device())

    def loss() -> Tensor:
        return F.cross_entropy(model(inputs), labels)

    def backward() -> None:
        loss().backward()  # type: ignore[no-untyped-call]

    step: Callable[[], None] = backward
    if optimizer is not None:
        step = partial(descend, build_optimizer(optimizer, model.parameters()), loss, Phase(1, batch, 1e-3, 0.9))

    clock = time.process_time if device() == CPU else time.perf_counter
    taken: list[float] = []
    while len(taken) < _REPEATS and sum(taken) < _ENOUGH:
        before = clock()
        step()
        next(model.parameters()).sum().item()  # a GPU has done all that it was asked for once it gives a number
        taken.append(clock() - before)
    return min(taken)
