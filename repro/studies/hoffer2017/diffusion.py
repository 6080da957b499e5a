"""Claims about the way of the weights (section 4, Figs. 2 and 3, the appendix)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from repro.data import CATALOGUE
from repro.measure import Growth, logarithmic, power
from repro.studies import reading
from repro.studies.hoffer2017.setting import Setting
from repro.studies.potential import PotentialAtStart
from repro.studies.study import Reading, RunRecord, Sample
from repro.train.regime import Regime

FIRST = 10
"""Fits and comparisons of distances leave out the updates before this one."""
LAST_PART = 1 / 3
"""Errors against updates are compared over this last part of training."""
SETTLED = 0.1
"""The end of a long run is the mean over this last part of its epochs."""


def logarithmic_diffusion(setting: Setting) -> Iterator[Sample]:
    """H2: a logarithm against a power law, before the first drop of the learning rate."""
    for seed in setting.seeds:
        for column, row in (("SB", ""), ("LB", "LB")):
            regime = setting.columns[column]
            run, end = (setting.run(regime, seed),), _first_drop(setting, regime)
            yield Sample("H2", "", seed, "aic-difference", run, _preference(end), row)
            for name, law in _LAWS.items():
                yield Sample("H2", column, seed, f"{name}-rate", run, _fitted(law, "rate", end))
                yield Sample("H2", column, seed, f"{name}-explained", run, _fitted(law, "explained", end))


def collapse(setting: Setting) -> Iterator[Sample]:
    """H6: how far the large batch's distances lie from the small one's at equal updates, before and after."""
    end = _first_drop(setting, setting.columns["LB"])
    for seed in setting.seeds:
        small = setting.run(setting.small, seed)
        for arm, column in (("before", "LB"), ("after", "+RA")):
            needs = (small, setting.run(setting.columns[column], seed))

            def gap(one: RunRecord, other: RunRecord) -> Reading:
                updates, _ = _between(other, FIRST, end)
                ratios = [reading.distance_at(other, int(t)) / reading.distance_at(one, int(t)) for t in updates]
                return Reading(sum(abs(math.log(ratio)) for ratio in ratios) / len(ratios))

            yield Sample("H6", arm, seed, "distance-gap", needs, gap)


def error_against_updates(setting: Setting) -> Iterator[Sample]:
    """H7: test errors of SB and +RA at the same updates."""
    for seed in setting.seeds:
        needs = (setting.run(setting.small, seed), setting.run(setting.columns["+RA"], seed))
        yield Sample("H7", "", seed, "error-difference", needs, _error_difference)


def random_potential(setting: Setting) -> Iterator[Sample]:
    """H8: how the spread of the loss grows with the distance from the initial weights."""
    for seed in setting.seeds:
        needs = (PotentialAtStart(setting.run(setting.small, seed).spec, measured=setting.measured),)
        yield Sample("H8", "", seed, "alpha", needs, lambda content: Reading(content["alpha"], cost=content["cost"]))
        yield Sample("H8", "", seed, "loss-deviation", needs, _deviations)


def longer(setting: Setting) -> Iterator[Sample]:
    """H10: after the lowest test loss, the error goes on falling while the loss rises."""
    for seed in setting.seeds:
        run = (setting.run(setting.beyond_the_plateau, seed),)
        yield Sample("H10", "", seed, "error-change", run, lambda record: Reading(-_since_lowest(record, "accuracy")))
        yield Sample("H10", "", seed, "loss-change", run, lambda record: Reading(_since_lowest(record, "loss")), "loss")


_LAWS: Mapping[str, Callable[[list[float], list[float]], Growth]] = {"log": logarithmic, "power": power}


def _preference(end: int) -> Callable[[RunRecord], Reading]:
    """By how much Akaike's criterion prefers the logarithm."""

    def read(record: RunRecord) -> Reading:
        points = _between(record, FIRST, end)
        return Reading(power(*points).aic - logarithmic(*points).aic)

    return read


def _fitted(law: Callable[[list[float], list[float]], Growth], what: str, end: int) -> Callable[[RunRecord], Reading]:
    return lambda record: Reading(getattr(law(*_between(record, FIRST, end)), what))


def _first_drop(setting: Setting, regime: Regime) -> int:
    """Updates before the learning rate first drops."""
    return regime.updates_until(regime.phases[0].epochs, CATALOGUE[setting.dataset].train)


def _between(record: RunRecord, first: int, last: int) -> tuple[list[float], list[float]]:
    rows = [row for row in record.distances if first <= row["update"] <= last]
    return [float(row["update"]) for row in rows], [float(row["distance"]) for row in rows]


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


def _since_lowest(record: RunRecord, metric: str) -> float:
    """How much a test metric changed from the epoch of the lowest test loss to the end; accuracies in points."""
    lowest = min(record.epochs, key=lambda row: float(row["test_loss"]))
    ends = record.epochs[-max(1, round(SETTLED * len(record.epochs))) :]
    settled = sum(reading.percent(row, f"test_{metric}") for row in ends) / len(ends)
    return settled - reading.percent(lowest, f"test_{metric}")
