"""How noisy gradients are while the learning rate falls or the batch grows (estimators of McCandlish et al. 2018)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import pairwise

from repro.runs.noise import NoiseProbe
from repro.studies.noise_scale import noise_scale_of
from repro.studies.smith2018.setting import Setting
from repro.studies.study import Reading, RunRecord, Sample

ARMS = ("decay", "increase")
LOOKS = 3
"""In each phase of a schedule, after equal parts of its epochs."""
BATCHES = 256
"""Small batches at each look, each as large as a ghost."""


def noise_along_training(setting: Setting) -> Iterator[Sample]:
    """`B_simple` in examples: in the first epoch, at every later look, and over the looks of each phase together."""
    probe = probe_of(setting)
    ends = (0, *setting.drops, setting.epochs)
    for seed in setting.seeds:
        for arm in ARMS:
            needs = (replace(setting.run_of(arm, seed), probes=frozenset({probe})),)
            between = partial(_between, setting, arm, probe)
            looks = {end: between(start, end) for start, end in pairwise((1, *probe.epochs))}
            phases = {end: between(max(start, 1), end) for start, end in pairwise(ends)}
            yield Sample("S1", arm, seed, "noise-scale-start", needs, between(0, 1))
            yield Sample("S1", arm, seed, "noise-scale", needs, _curve(looks))
            yield Sample("S1", arm, seed, "noise-scale-phase", needs, _curve(phases))


def probe_of(setting: Setting) -> NoiseProbe:
    """As wide as a ghost; no two looks have a drop between them."""
    phases = pairwise((0, *setting.drops, setting.epochs))
    ends = {start + math.ceil(k * (end - start) / LOOKS) for start, end in phases for k in range(1, LOOKS + 1)}
    return NoiseProbe(setting.ghosts, BATCHES, tuple(sorted(ends)))


def _between(setting: Setting, arm: str, probe: NoiseProbe, first: int, last: int) -> Callable[[RunRecord], Reading]:
    """Reads the noise scale off a run, from the end of one epoch to that of another."""
    examples = setting.examples
    start, end = (setting.regimes[arm].updates_until(epoch, examples) for epoch in (first, last))

    def read(record: RunRecord) -> Reading:
        rows = [row for row in record.noise(probe) if start < row["update"] <= end]
        return noise_scale_of(rows, probe, examples)

    return read


def _curve(reads: Mapping[int, Callable[[RunRecord], Reading]]) -> Callable[[RunRecord], list[Reading]]:
    return lambda record: [read(record)._replace(x=float(epoch)) for epoch, read in reads.items()]
