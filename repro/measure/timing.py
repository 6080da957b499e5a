"""How long a call takes at several batch sizes, on a machine that is busy with other things too.

The clock counts processor seconds of this process, which another program's load hardly changes. Rounds go through all
batches, every other one backwards, so that what drifts slowly touches all batches alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from scipy.stats import binom

from repro.errors import UsageError
from repro.measure.affine import Affine, fit_affine

Clock = Callable[[], float]


@dataclass(frozen=True)
class Timing:
    """Seconds of one call at each batch size.

    Attributes:
        batches: examples a call, rising.
        seconds: for each batch one number a round, the mean over the round's calls.
    """

    batches: tuple[int, ...]
    seconds: tuple[tuple[float, ...], ...]

    @property
    def medians(self) -> tuple[float, ...]:
        """Seconds of one call, for each batch the median over rounds."""
        return tuple(map(median, self.seconds))

    @property
    def intervals(self) -> tuple[tuple[float, float], ...]:
        """For each median an interval of order statistics that covers it with probability 0.95 or more."""
        return tuple(map(_around_the_median, self.seconds))

    def cost(self) -> Affine:
        """`t(b) = a + c b` through the medians: seconds a call and seconds an example.

        Raises:
            UsageError: fewer than three batches, or no such line.
        """
        return fit_affine(self.batches, self.medians)


def time_batches(
    work: Callable[[int], object],
    batches: Sequence[int],
    *,
    rounds: int = 9,
    least: float = 0.01,
    clock: Clock = time.process_time,
) -> Timing:
    """Time `work(batch)` at every batch size.

    Args:
        work: one call on that many examples; called once before any timing, to warm caches and allocator up.
        batches: examples a call, rising.
        rounds: numbers a batch, six or more: the extremes of five cover their median too seldom.
        least: seconds that a number rests on at least: calls are repeated until they took so long.
        clock: seconds; by default processor seconds of this process, all its threads together.

    Raises:
        UsageError: batches that do not rise from 1 or more, or fewer than six rounds.
    """
    if list(batches) != sorted(set(batches)) or not batches or batches[0] < 1 or rounds < 6:
        raise UsageError(f"batches={list(batches)} must rise from 1 or more, and rounds={rounds} be 6 or more.")
    calls = {batch: _calls(work, batch, least, clock) for batch in batches}
    taken: dict[int, list[float]] = {batch: [] for batch in batches}
    for index in range(rounds):
        for batch in batches[:: -1 if index % 2 else 1]:
            taken[batch].append(_seconds(work, batch, calls[batch], clock))
    return Timing(tuple(batches), tuple(tuple(taken[batch]) for batch in batches))


def _calls(work: Callable[[int], object], batch: int, least: float, clock: Clock) -> int:
    work(batch)
    once = _seconds(work, batch, 1, clock)
    return max(1, ceil(least / max(once, 1e-3 * least)))


def _seconds(work: Callable[[int], object], batch: int, calls: int, clock: Clock) -> float:
    begun = clock()
    for _ in range(calls):
        work(batch)
    return (clock() - begun) / calls


def _around_the_median(values: Sequence[float]) -> tuple[float, float]:
    rank, ordered = int(binom.ppf(0.025, len(values), 0.5)), sorted(values)
    return ordered[rank - 1], ordered[-rank]
