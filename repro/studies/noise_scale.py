"""The simple noise scale off what a probe saw of a run (estimators of McCandlish et al. 2018)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import StatisticsError, fmean

from repro.errors import UsageError
from repro.measure import gradient_noise
from repro.runs.noise import NoiseProbe
from repro.studies.study import Reading, Row


def noise_scale_of(rows: Sequence[Row], probe: NoiseProbe, examples: int) -> Reading:
    """`tr Σ / |G|²` in examples, each squared length averaged over a probe's rows before the ratio.

    The cost is in gradients of all `examples`; without a row, or where `|G|²` comes out negative, there is no value.
    """
    large_batch = probe.batch * probe.batches
    try:
        found = gradient_noise(
            small_batch=probe.batch,
            large_batch=large_batch,
            small_squared_norm=fmean(row["small"] for row in rows),
            large_squared_norm=fmean(row["large"] for row in rows),
        )
        return Reading(found.simple_noise_scale(), cost=len(rows) * large_batch / examples)
    except (UsageError, StatisticsError) as error:
        return Reading(math.nan, failure=str(error))
