"""Updates, seconds and bytes until a first useful accuracy, against the batch; and the batch that takes the fewest."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from repro.data import CATALOGUE
from repro.measure.cost import bytes_moved, cheapest_batch, need
from repro.nets import build
from repro.runs.noise import NoiseProbe
from repro.runs.worker import RunRequest
from repro.streams import stream
from repro.studies import reading
from repro.studies.article.cost import timing
from repro.studies.article.setting import LARGE, SMALL, Cost
from repro.studies.noise_scale import noise_scale_of
from repro.studies.reading import Try
from repro.studies.study import Need, Reading, RunRecord, Sample
from repro.studies.timing import cost_of, predicted

Content = dict[str, Any]
LOOK = 64
"""Small batches at each look of the noise probe."""


def first_useful_accuracy(setting: Cost) -> Iterator[Sample]:
    """A9: every batch at its best rate; then at one rate; then every batch of the sweep, and what follows from it."""
    rates = len(setting.grid)
    for own, seed in enumerate(setting.seeds):
        timed = timing(setting, seed)
        for row, tried in (("", rates), ("one rate", 1)):
            for way in (_Way(setting, batch, own, tried) for batch in (SMALL, LARGE[-1])):
                yield Sample("A9", str(way.batch), seed, "seconds", (timed, *way.runs), way.seconds, row, tries=True)
        sweep = [_Way(setting, batch, own, rates) for batch in setting.sweep]
        for way in sweep:
            for quantity, read in (("updates", way.updates), ("seconds", way.seconds), ("bytes", way.bytes)):
                yield Sample("A9", "", seed, quantity, (timed, *way.runs), read, x=float(way.batch), tries=True)
        every: tuple[Need, ...] = (timed, *(run for way in sweep for run in way.runs))
        for quantity, batch in (("critical-batch", _critical), ("cheapest-batch", _cheapest)):
            yield Sample("A9", "", seed, quantity, every, _of_all(sweep, batch), tries=True)
        probed = replace(setting.first(seed), probes=frozenset({_probe(setting)}))
        yield Sample("A9", "", seed, "noise-batch", (probed,), partial(_noise_on_the_way, setting))


@dataclass(frozen=True)
class _Way:
    """The way of one batch to the useful accuracy.

    Attributes:
        setting, batch: which.
        own: the place of the seed that is read.
        rates: how many rates of the grid are tried; the one that was best for the other seeds counts.
    """

    setting: Cost
    batch: int
    own: int
    rates: int

    @property
    def runs(self) -> tuple[RunRequest, ...]:
        """Every rate, seed by seed."""
        regimes = self.setting.tried(self.batch)[: self.rates]
        return tuple(self.setting.run(regime, seed) for regime in regimes for seed in self.setting.seeds)

    def epochs(self, *runs: Try) -> Reading:
        """Passes over the training set, a real number."""
        until = reading.epochs_until("test_accuracy", self.setting.useful)
        return reading.best_for_others(self.own, self.rates, until)(*runs)

    def updates(self, _: Content, *runs: Try) -> Reading:
        """A part of an epoch has its part of the epoch's updates."""
        phase = self.setting.base(self.batch).phases[0]
        return _times(self.epochs(*runs), phase.updates_per_epoch(self.setting.examples))

    def seconds(self, content: Content, *runs: Try) -> Reading:
        """By the line of A3."""
        updates, examples = self.updates(content, *runs), _times(self.epochs(*runs), self.setting.examples)
        return updates if updates.failure else predicted(cost_of(content), updates.value, examples.value)

    def bytes(self, content: Content, *runs: Try) -> Reading:
        """Of gradients and parameters, where every update exchanges both once."""
        return _times(self.updates(content, *runs), bytes_moved(1, _parameters(self.setting)))


def _of_all(sweep: list[_Way], batch: Callable[[Content, list[float], list[float]], float]) -> Callable[..., Reading]:
    """Reads a batch off the updates that all batches of the sweep took."""
    sizes = [float(way.batch) for way in sweep]

    def read(content: Content, *runs: Try) -> Reading:
        given = iter(runs)
        taken = [way.updates(content, *(next(given) for _ in way.runs)) for way in sweep]
        return reading.together(taken, lambda updates: batch(content, sizes, updates))

    return read


def _critical(_: Content, batches: list[float], updates: list[float]) -> float:
    return need(batches, updates).balance


def _cheapest(content: Content, batches: list[float], updates: list[float]) -> float:
    return cheapest_batch(cost_of(content), need(batches, updates))


def _probe(setting: Cost) -> NoiseProbe:
    """Looks after every epoch, at batches as large as those that BatchNorm sees in training."""
    return NoiseProbe(SMALL, LOOK, tuple(range(1, setting.epochs + 1)))


def _noise_on_the_way(setting: Cost, record: RunRecord) -> Reading:
    """The noise scale in examples, over the ends of epochs up to that in which the accuracy becomes useful."""
    until = reading.epochs_until("test_accuracy", setting.useful)(record)
    if until.failure:
        return until
    ends = {row["update"] for row in record.epochs[: math.ceil(until.value)]}
    rows = [row for row in record.noise(_probe(setting)) if row["update"] in ends]
    return noise_scale_of(rows, _probe(setting), setting.examples)


def _times(read: Reading, factor: float) -> Reading:
    return read._replace(value=read.value * factor)


@cache
def _parameters(setting: Cost) -> int:
    entry = CATALOGUE[setting.dataset]
    network = build(setting.model or setting.network, entry.shape, entry.classes, stream(0, "weights"))
    return sum(parameter.numel() for parameter in network.parameters())
