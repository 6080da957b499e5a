"""Predictions of a run's network one by one and through a queue, under the same arrivals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from statistics import quantiles
from typing import Any, ClassVar

import torch

from repro.data import load
from repro.nets.layout import arranged, layout_of
from repro.runs.store import RunStore
from repro.studies.article.open_loop import Served, poisson_arrivals, serve
from repro.studies.network import OfOneRun, network_at


@dataclass(frozen=True)
class QueueOver(OfOneRun):
    """What it takes to answer requests of one example each that arrive as a Poisson process.

    Attributes:
        requests: how many.
        rate: requests a second.
        largest: requests that make a batch full.
        deadline: seconds that the oldest request of a batch waits at most.
        patience: seconds after which a request is given up.
    """

    METHOD: ClassVar[int] = 3

    requests: int = 2000
    rate: float = 400.0
    largest: int = 64
    deadline: float = 0.010
    patience: float = 0.1

    @property
    def measured(self) -> int:
        """Examples of a pass."""
        return self.requests

    @property
    def gradients(self) -> float:
        """Cost in gradients: two passes forward."""
        return 2 / 3

    def measure(self, store: RunStore) -> dict[str, Any]:
        """For `alone` and `queued`: what `repro.studies.article.open_loop.Served` says of them, summed up.

        Seeds take turns in which of the two comes first.
        """
        compute = self._model(store)
        arrivals = poisson_arrivals(self.spec.seed, self.rate, self.requests)
        largest = {"alone": 1, "queued": self.largest}
        content = {}
        for name in sorted(largest, reverse=self.spec.seed % 2 == 1):
            compute(list(range(largest[name])))
            content[name] = _as_content(asyncio.run(self._serve(compute, arrivals, largest[name])))
        return content

    async def _serve(self, compute: Callable[[list[int]], list[int]], arrivals: list[float], largest: int) -> Served:
        return await serve(compute, arrivals, largest=largest, deadline=self.deadline, patience=self.patience)

    def _model(self, store: RunStore) -> Callable[[list[int]], list[int]]:
        """Classes that the run's network gives to test examples, named by their place."""
        data = load(self.spec.dataset)
        model = network_at(store, self.spec, None, data).cpu()
        layout = layout_of(model)

        def compute(requests: list[int]) -> list[int]:
            inputs, _ = data.test.batch(torch.tensor(requests) % len(data.test))
            with torch.inference_mode():
                classes: list[int] = model(arranged(inputs, layout)).argmax(1).tolist()
            return classes

        return compute


def _as_content(served: Served) -> dict[str, Any]:
    cuts = quantiles(served.latencies, n=20) if len(served.latencies) > 1 else [float("nan")] * 19
    return {
        "requests": len(served.latencies) + served.timeouts,
        "calls": len(served.batches),
        "computed": sum(served.batches),
        "timeouts": served.timeouts,
        "model_seconds": served.model_seconds,
        "process_seconds": served.process_seconds,
        "median_latency": cuts[9],
        "late_latency": cuts[18],
    }
