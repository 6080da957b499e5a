"""Requests that arrive whether or not the last one was answered, and what it takes to answer them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch

from repro.measure.timing import Clock
from repro.streams import stream
from repro.studies.article.micro_batching import MicroBatcher


@dataclass(frozen=True)
class Served:
    """What became of the requests.

    Attributes:
        latencies: seconds from the moment a request was due until its answer, of those answered in time.
        timeouts: requests that were given up, or answered too late while the loop was busy.
        batches: requests in each call of the model.
        model_seconds: processor seconds inside the model's calls.
        process_seconds: processor seconds of the whole process, with the queue, the loop and whoever asks.
    """

    latencies: tuple[float, ...]
    timeouts: int
    batches: tuple[int, ...]
    model_seconds: float
    process_seconds: float


def poisson_arrivals(seed: int, rate: float, count: int) -> list[float]:
    """Moments, in seconds from the first gap's beginning, of a Poisson process of `rate` requests a second."""
    gaps = torch.empty(count, dtype=torch.float64).exponential_(rate, generator=stream(seed, "arrivals"))
    return list(accumulate(gaps.tolist()))


async def serve(
    compute: Callable[[list[int]], Sequence[object]],
    arrivals: Sequence[float],
    *,
    largest: int,
    deadline: float,
    patience: float,
    clock: Clock = time.process_time,
) -> Served:
    """Ask for every request at its moment, through a queue; a queue of `largest=1` calls the model for each.

    A latency counts from the moment that was drawn, so that a request which the busy loop takes up late has waited.

    Args:
        compute: answers to requests, which are named by their place in `arrivals`.
        arrivals: moments, in seconds from now, rising.
        largest, deadline: of the queue.
        patience: seconds after which a request is given up.
        clock: processor seconds.
    """
    loop = asyncio.get_running_loop()
    batches: list[int] = []
    spent: list[float] = []

    def counted(requests: list[int]) -> Sequence[object]:
        begun = clock()
        answers = compute(requests)
        spent.append(clock() - begun)
        batches.append(len(requests))
        return answers

    async def ask(request: int, due: float) -> float | None:
        try:
            await asyncio.wait_for(queue.ask(request), due + patience - loop.time())
        except asyncio.TimeoutError:
            return None
        waited = loop.time() - due
        return waited if waited <= patience else None

    begun, start = clock(), loop.time()
    async with MicroBatcher(counted, largest=largest, deadline=deadline) as queue:
        asked = []
        for request, arrival in enumerate(arrivals):
            await asyncio.sleep(start + arrival - loop.time())
            asked.append(asyncio.create_task(ask(request, start + arrival)))
        answered = await asyncio.gather(*asked)
    latencies = tuple(seconds for seconds in answered if seconds is not None)
    return Served(latencies, len(answered) - len(latencies), tuple(batches), sum(spent), clock() - begun)
