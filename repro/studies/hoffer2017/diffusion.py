"""Claims about the way of the weights (section 4, Figs. 2 and 3, the appendix)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from repro.errors import UsageError
from repro.measure import log_grid, logarithmic, power
from repro.studies import reading
from repro.studies.hoffer2017.setting import Setting
from repro.studies.potential import PotentialAtStart
from repro.studies.study import Reading, Row, RunRecord, Sample
from repro.train.loop import DISTANCES_PER_DECADE

FIRST = 10
"""Fits and comparisons of distances leave out the updates before this one."""
DECADE = 10
"""Fits need updates from `FIRST` to this many times as many."""
LAST_PART = 1 / 3
"""Errors against updates are compared over this last part of training."""
SETTLED = 0.1
"""Parts of a long run are this fraction of its epochs, and compared by their means."""


def logarithmic_diffusion(setting: Setting) -> Iterator[Sample]:
    """H2: a logarithm against a power law, before the first drop of the learning rate."""
    for seed in setting.seeds:
        for row, (column, moved) in _WALKS.items():
            run, end = (setting.run_of(column, seed),), _first_drop(setting, column)
            yield Sample("H2", "", seed, "aic-difference", run, _fitted(_preference, end, moved), row)
            for name, number in _FITS.items():
                yield Sample("H2", column, seed, name, run, _fitted(number, end, moved), row)


def collapse(setting: Setting) -> Iterator[Sample]:
    """H6: how far the large batch's distances lie from the small one's at equal updates, before and after."""
    gap = _distance_gap(_first_drop(setting, "LB"))
    for seed in setting.seeds:
        before, after = ((setting.run_of("SB", seed), setting.run_of(column, seed)) for column in ("LB", "+RA"))
        yield Sample("H6", "before", seed, "distance-gap", before, gap)
        yield Sample("H6", "after", seed, "distance-gap", after, gap)
        yield Sample("H6", "", seed, "remaining-gap", after, gap, "collapse")


def error_against_updates(setting: Setting) -> Iterator[Sample]:
    """H7: test errors of SB and +RA at the same updates."""
    for seed in setting.seeds:
        needs = (setting.run_of("SB", seed), setting.run_of("+RA", seed))
        yield Sample("H7", "", seed, "error-difference", needs, _error_difference)


def random_potential(setting: Setting) -> Iterator[Sample]:
    """H8: how the spread of the loss grows with the distance from the initial weights."""
    for seed in setting.seeds:
        needs = (PotentialAtStart(setting.run_of("SB", seed).spec, measured=setting.measured),)
        yield Sample("H8", "", seed, "alpha", needs, lambda content: Reading(content["alpha"], cost=content["cost"]))
        yield Sample("H8", "", seed, "loss-deviation", needs, _deviations)


def longer(setting: Setting) -> Iterator[Sample]:
    """H10: after the lowest test loss, the error goes on falling while the loss rises."""
    for seed in setting.seeds:
        run = (setting.run(setting.beyond_the_plateau, seed),)
        yield Sample("H10", "", seed, "error-change", run, lambda record: Reading(-_since_lowest(record, "accuracy")))
        yield Sample("H10", "", seed, "loss-change", run, lambda record: Reading(_since_lowest(record, "loss")), "loss")
        yield Sample("H10", "", seed, "last-layer-norm", run, _norms)


_FITS: Mapping[str, Callable[[list[float], list[float]], float]] = {
    "log-rate": lambda t, y: logarithmic(t, y).rate,
    "log-explained": lambda t, y: logarithmic(t, y).explained,
    "power-rate": lambda t, y: power(t, y).rate,
    "power-explained": lambda t, y: power(t, y).explained,
}


def _preference(t: list[float], y: list[float]) -> float:
    """By how much Akaike's criterion prefers the logarithm."""
    return power(t, y).aic - logarithmic(t, y).aic


def _fitted(
    number: Callable[[list[float], list[float]], float], end: int, moved: Callable[[Row], float]
) -> Callable[[RunRecord], Reading]:
    """A number of fits to the distances up to update `end`; a failure where they are too few, or fit nothing."""

    def read(record: RunRecord) -> Reading:
        if end < DECADE * FIRST:
            return Reading(math.nan, failure=f"{FIRST} to {end} updates are less than a decade")
        try:
            return Reading(number(*_between(record, FIRST, end, moved)))
        except UsageError as error:
            return Reading(math.nan, failure=str(error))

    return read


def _distance_gap(end: int) -> Callable[[RunRecord, RunRecord], Reading]:
    """Mean |ln ratio| of the second run's distances and the first's, up to update `end`."""

    def read(one: RunRecord, other: RunRecord) -> Reading:
        if end < FIRST:
            return Reading(math.nan, failure=f"the rate drops after {end} updates, and distances count from {FIRST}")
        logged = zip(*_between(other, FIRST, end), strict=True)
        gaps = [abs(math.log(distance / reading.distance_at(one, int(t)))) for t, distance in logged]
        return Reading(sum(gaps) / len(gaps))

    return read


def _first_drop(setting: Setting, column: str) -> int:
    """Updates of a column before its learning rate first drops."""
    regime = setting.regimes[column]
    return regime.updates_until(regime.phases[0].epochs, setting.examples)


def _whole(row: Row) -> float:
    return float(row["distance"])


def _first_layer(row: Row) -> float:
    return float(next(iter(row["modules"].values())))


_WALKS = {"": ("SB", _whole), "LB": ("LB", _whole), "first-layer": ("SB", _first_layer)}
"""The rows of H2: whose distances are fitted, and of which weights."""


def _between(
    record: RunRecord, first: int, last: int, moved: Callable[[Row], float] = _whole
) -> tuple[list[float], list[float]]:
    """Updates and distances on the logarithmic grid; the ends of epochs, logged as well, are left out."""
    grid = set(log_grid(record.distances[-1]["update"], DISTANCES_PER_DECADE))
    rows = [row for row in record.distances if first <= row["update"] <= last and row["update"] in grid]
    return [float(row["update"]) for row in rows], [moved(row) for row in rows]


def _error_difference(small: RunRecord, adapted: RunRecord) -> Reading:
    """Mean test error of +RA minus that of SB, percentage points, over the last part of SB's epochs."""
    ends = small.epochs[-max(1, round(LAST_PART * len(small.epochs))) :]
    updates = [row["update"] for row in adapted.epochs]
    accuracies = [reading.percent(row, "test_accuracy") for row in adapted.epochs]
    gaps = [
        reading.percent(row, "test_accuracy") - float(np.interp(row["update"], updates, accuracies)) for row in ends
    ]
    return Reading(sum(gaps) / len(gaps))


def _deviations(content: dict[str, Any]) -> list[Reading]:
    pairs = zip(content["distances"], content["deviations"], strict=True)
    return [Reading(deviation, x=distance) for distance, deviation in pairs]


def _norms(record: RunRecord) -> list[Reading]:
    return [Reading(row["last_norm"], x=float(row["update"])) for row in record.distances]


def _since_lowest(record: RunRecord, metric: str) -> float:
    """How much the mean of a test metric changed from the part of the lowest test loss to the last; points or nats."""
    width = max(1, round(SETTLED * len(record.epochs)))
    parts = [record.epochs[start : start + width] for start in range(len(record.epochs) - width + 1)]
    lowest = min(parts, key=lambda rows: sum(float(row["test_loss"]) for row in rows))
    settled, before = (sum(reading.percent(row, f"test_{metric}") for row in rows) for rows in (parts[-1], lowest))
    return (settled - before) / width
