"""What a run would cost on this machine: a few updates of the real network are timed, and multiplied."""

from __future__ import annotations

import time
from functools import cache

import torch
from torch.nn import functional as F

from repro.data import CATALOGUE
from repro.machine import CPU, device, prepare
from repro.nets import build
from repro.runs.worker import RunRequest
from repro.streams import stream

_BATCH, _REPEATS = 128, 3
_ENOUGH = 2.0
"""Seconds after which nothing is timed again: what takes so long is hardly slower the first time."""


def run_seconds(request: RunRequest) -> float:
    """Processor seconds that the run takes if no plateau ends it early; a pass forward is a third of an update."""
    spec, entry = request.spec, CATALOGUE[request.spec.dataset]
    examples = spec.regime.epochs * (spec.objective.passes * entry.train + entry.test / 3)
    examples += sum(probe.cost(spec.regime, entry.train) for probe in request.probes)
    return examples * seconds_per_example(spec.network, spec.dataset)


@cache
def seconds_per_example(network: str, dataset: str) -> float:
    """Processor seconds of one example forward and backward, on one thread, timed now in batches of 128.

    On a GPU they are seconds by the clock, as if this process had it for itself.
    """
    prepare()
    entry = CATALOGUE[dataset]
    generator = stream(0, "cost")
    model = build(network, entry.shape, entry.classes, generator).to(device())
    inputs = torch.rand((_BATCH, *entry.shape), generator=generator).to(device())
    labels = torch.randint(entry.classes, (_BATCH,), generator=generator).to(device())
    clock = time.process_time if device() == CPU else time.perf_counter
    taken: list[float] = []
    while len(taken) < _REPEATS and sum(taken) < _ENOUGH:
        before = clock()
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        loss.item()  # a GPU has done all that it was asked for once it gives a number
        taken.append(clock() - before)
    return min(taken) / _BATCH
