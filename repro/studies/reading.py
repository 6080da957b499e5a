"""How a number of a study is read off a run's record or a measurement's answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

import numpy as np

from repro.errors import UsageError
from repro.studies.study import Reading, RunRecord

Content = dict[str, Any]


def final(record: RunRecord, metric: str) -> float:
    """A metric after the last epoch; accuracies in percent, losses in nats."""
    return percent(record.epochs[-1], metric)


def percent(row: dict[str, Any], metric: str) -> float:
    """A metric of an epoch or an evaluation; accuracies in percent."""
    return float(row[metric]) * (100 if metric.endswith("accuracy") else 1)


def final_metric(metric: str) -> Callable[[RunRecord], Reading]:
    """Reads a metric after the last epoch."""
    return lambda record: Reading(final(record, metric))


test_accuracy = final_metric("test_accuracy")
"""Reads the test accuracy after the last epoch, percent."""


def best_test_accuracy(record: RunRecord) -> Reading:
    """The highest test accuracy of any epoch, percent."""
    return Reading(max(percent(row, "test_accuracy") for row in record.epochs))


def peak_drop(record: RunRecord) -> Reading:
    """Highest test accuracy of any epoch minus that of the last, percentage points."""
    return Reading(best_test_accuracy(record).value - final(record, "test_accuracy"))


def sharpness(content: Content) -> Reading:
    """φ, percent of 1 + f(x), with its error bar; a search that failed is a failure."""
    if content["failure"]:
        return Reading(math.nan, cost=content["cost"], failure=content["failure"])
    return Reading(content["value"], residual=content["residual"], cost=content["cost"])


def share_of(which: str) -> Callable[[Content], Reading]:
    """Reads φ with some coordinates free as a fraction of φ in the full space."""

    def read(content: Content) -> Reading:
        part, whole = sharpness(content[which]), sharpness(content["whole"])
        share = together([part, whole], lambda values: values[0] / values[1])
        return share._replace(cost=content[which]["cost"])

    return read


def distance_at(record: RunRecord, update: int) -> float:
    """Distance from the start after `update` updates, linear in log t between the logged ones."""
    rows = record.distances
    logs = [math.log(row["update"]) for row in rows]
    return float(np.interp(math.log(update), logs, [row["distance"] for row in rows]))


def ratio_at_equal_epochs(small: RunRecord, large: RunRecord) -> Reading:
    """|x_SB - x_0| / |x_LB - x_0| after the last epoch that both runs completed."""
    last = min(len(small.epochs), len(large.epochs)) - 1
    updates = [record.epochs[last]["update"] for record in (small, large)]
    return Reading(distance_at(small, updates[0]) / distance_at(large, updates[1]))


def ratio_at_equal_updates(small: RunRecord, large: RunRecord) -> Reading:
    """|x_SB - x_0| / |x_LB - x_0|, both after as many updates as the large-batch run made."""
    update = large.distances[-1]["update"]
    return Reading(distance_at(small, update) / distance_at(large, update))


def epochs_until(metric: str, wanted: float) -> Callable[[RunRecord], Reading]:
    """Reads the epochs until a metric first reaches `wanted`, linear between the ends of epochs and from 0."""

    def read(record: RunRecord) -> Reading:
        values = [0.0, *(percent(row, metric) for row in record.epochs)]
        for done, (before, after) in enumerate(pairwise(values)):
            if after >= wanted:
                return Reading(done + (wanted - before) / (after - before))
        return Reading(math.nan, failure=f"{metric} did not reach {wanted:g} in {len(record.epochs)} epochs")

    return read


Try = RunRecord | Reading
"""A run, or the failed reading of one that diverged or failed."""


def best_of_tries(read: Callable[[RunRecord], Reading]) -> Callable[..., Reading]:
    """Reads the largest number of several runs; fails where all do."""

    def choose(*tries: Try) -> Reading:
        return max((_read(each, read) for each in tries), key=lambda r: -math.inf if r.failure else r.value)

    return choose


def best_for_others(own: int, arms: int, read: Callable[[RunRecord], Reading]) -> Callable[..., Reading]:
    """Reads one seed in the arm with the least mean over the other seeds, so that no run is judged by what chose it.

    Args:
        own: the seed's place.
        arms: how many there are; their runs are given arm by arm, each seed by seed.
        read: gives the number; an arm where it fails for another seed is the last to be chosen.

    Raises:
        UsageError: when read, there is no other seed.
    """

    def of_others(readings: Sequence[Reading]) -> float:
        return fmean(math.inf if r.failure else r.value for place, r in enumerate(readings) if place != own)

    def choose(*tries: Try) -> Reading:
        readings = [_read(each, read) for each in tries]
        each = len(readings) // arms
        if each == 1:
            raise UsageError("a rate is tuned on the other seeds, and there is none; run at least two.")
        return min((readings[k : k + each] for k in range(0, len(readings), each)), key=of_others)[own]

    return choose


def _read(given: Try, read: Callable[[RunRecord], Reading]) -> Reading:
    return given if isinstance(given, Reading) else read(given)


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Least-squares slope of the values `ys` against `xs`."""
    return float(np.polyfit(xs, ys, 1)[0])


def each_at(xs: Sequence[float], read: Callable[[Any], Reading]) -> Callable[..., list[Reading]]:
    """Reads a curve: one reading of every need, at the places `xs`."""
    return lambda *given: [read(item)._replace(x=float(x)) for x, item in zip(xs, given, strict=True)]


def accuracy_trend(batches: Sequence[int]) -> Callable[..., Reading]:
    """Reads the slope of final test accuracy against the decimal logarithm of the batch, points a decade."""
    decades = [math.log10(batch) for batch in batches]
    return lambda *runs: together([*map(test_accuracy, runs)], lambda values: slope(decades, values))


def largest_eigenvalue(content: Content) -> Reading:
    """Reads λ₁ with its error; a value that did not converge is a failure."""
    return eigenvalue(0)(content)


def eigenvalue(rank: int) -> Callable[[Content], Reading]:
    """Reads the eigenvalue of this rank, 0 for the largest, with its error; one that did not converge is a failure."""

    def read(content: Content) -> Reading:
        if rank >= len(content["converged"]) or not content["converged"][rank]:
            return Reading(math.nan, failure=f"eigenvalue {rank + 1} did not converge")
        return Reading(content["eigenvalues"][rank], residual=content["errors"][rank], cost=cost_of_products(content))

    return read


def cost_of_products(content: Content) -> float:
    """Of products with a Hessian, in gradients."""
    return 2.0 * float(content["products"])


def together(values: Sequence[Reading], combine: Callable[[list[float]], float]) -> Reading:
    """One number from several readings; a failure where one of them is."""
    if failure := next((value.failure for value in values if value.failure), ""):
        return Reading(math.nan, failure=failure)
    return Reading(combine([value.value for value in values]))
