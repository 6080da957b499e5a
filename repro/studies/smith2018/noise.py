"""How noisy gradients are while the learning rate falls or the batch grows (estimators of McCandlish et al. 2018)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from statistics import fmean

from repro.data import CATALOGUE
from repro.errors import UsageError
from repro.measure import gradient_noise
from repro.runs.noise import NoiseProbe
from repro.studies.smith2018.setting import Setting
from repro.studies.study import Reading, Row, RunRecord, Sample

ARMS = ("decay", "increase")
PARTS = 3
"""Each phase of a schedule is cut into so many parts, over which squared lengths are averaged before their ratio."""


def noise_along_training(setting: Setting) -> Iterator[Sample]:
    """`B_simple` in examples: over each part of a phase, in the first epoch, and over the whole run."""
    probe = NoiseProbe(setting.ghosts)
    for seed in setting.seeds:
        for arm in ARMS:
            needs = (replace(setting.run_of(arm, seed), probes=frozenset({probe})),)
            between = partial(_between, setting, arm, probe)
            curve = {end: between(start, end) for start, end in pairwise((0, *parts(setting)))}
            yield Sample("S1", arm, seed, "noise-scale", needs, _curve(curve))
            yield Sample("S1", arm, seed, "noise-scale-start", needs, between(0, 1))
            yield Sample("S1", arm, seed, "noise-scale-average", needs, between(0, setting.epochs))


def parts(setting: Setting) -> list[int]:
    """The epochs with which the parts of the phases end; no part reaches over a drop."""
    phases = pairwise((0, *setting.drops, setting.epochs))
    return sorted({start + math.ceil(k * (end - start) / PARTS) for start, end in phases for k in range(1, PARTS + 1)})


def noise_scale_of(rows: Sequence[Row], probe: NoiseProbe, examples: int) -> Reading:
    """`tr Σ / |G|²` in examples, each squared length averaged over a probe's rows before the ratio.

    The cost is in gradients of all `examples`; where the estimate of `|G|²` is not positive there is no value.
    """
    small, large = (fmean(row[size] for row in rows) for size in ("small", "large"))
    batches = {"small_batch": probe.batch, "large_batch": probe.batch * probe.batches}
    try:
        found = gradient_noise(**batches, small_squared_norm=small, large_squared_norm=large)
        return Reading(found.simple_noise_scale(), cost=len(rows) * probe.batch * probe.batches / examples)
    except UsageError as error:
        return Reading(math.nan, failure=str(error))


def _between(setting: Setting, arm: str, probe: NoiseProbe, first: int, last: int) -> Callable[[RunRecord], Reading]:
    """Reads the noise scale off a run, from the end of one epoch to that of another."""
    examples = CATALOGUE[setting.dataset].train
    start, end = (setting.regimes[arm].updates_until(epoch, examples) for epoch in (first, last))

    def read(record: RunRecord) -> Reading:
        rows = [row for row in record.noise(probe) if start < row["update"] <= end]
        return noise_scale_of(rows, probe, examples)

    return read


def _curve(reads: Mapping[int, Callable[[RunRecord], Reading]]) -> Callable[[RunRecord], list[Reading]]:
    return lambda record: [read(record)._replace(x=float(epoch)) for epoch, read in reads.items()]
