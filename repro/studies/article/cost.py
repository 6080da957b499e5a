"""Cost: processor seconds of an update and of a prediction against the batch, and predictions through a queue."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from repro.measure.cost import saturation
from repro.studies.article.serving import QueueOver
from repro.studies.article.setting import Cost
from repro.studies.study import Reading, Sample
from repro.studies.timing import SecondsOf, Work, cost_of, predicted, timing_of
from repro.train.spec import Precision

ROWS: dict[str, tuple[Work, Precision]] = {
    "": ("update", "fp32"),
    "bf16": ("update", "bf16"),
    "prediction": ("prediction", "fp32"),
    "prediction bf16": ("prediction", "bf16"),
}
"""What is timed in each row of A3."""
SMALL_OVERHEAD = 0.1
"""Share of the examples' seconds from which on an overhead is small."""
GIVEN_UP = 0.01
"""Share of requests given up beyond which a machine did not keep up with them."""
LATE = 4
"""A cost per example is saturated if it stays the same for a batch so many times as large."""

Content = dict[str, Any]


def falls_until_saturated(setting: Cost) -> Iterator[Sample]:
    """A3: the batch whose work takes as long as its overhead, and the timings and the line behind it."""
    for seed in setting.seeds:
        for row, (work, precision) in ROWS.items():
            needs = (timing(setting, seed, work, precision),)
            for quantity, read in _OF_A_TIMING.items():
                yield Sample("A3", "", seed, quantity, needs, read, row)
        yield Sample("A3", "", seed, "late-ratio", (timing(setting, seed),), _late_ratio, "saturated")


def batched_prediction(setting: Cost) -> Iterator[Sample]:
    """A4: processor seconds of a prediction through a queue, as a fraction of those one by one."""
    for seed in setting.seeds:
        queue, line = _queue(setting, seed), timing(setting, seed, "prediction")
        yield Sample("A4", "", seed, "cpu-ratio", (queue,), _ratio("model_seconds"))
        yield Sample("A4", "", seed, "cpu-ratio", (queue,), _ratio("process_seconds"), "process")
        yield Sample("A4", "", seed, "cpu-ratio", (queue, line), _ratio_of_the_line, "line")
        for arm in ("alone", "queued"):
            for quantity, key in _OF_A_QUEUE.items():
                yield Sample("A4", arm, seed, quantity, (queue,), _of(arm, key))


def timing(setting: Cost, seed: int, work: Work = "update", precision: Precision = "fp32") -> SecondsOf:
    """What is timed of a seed, at its run of the article's small batch."""
    batches = setting.updates if work == "update" else setting.predictions
    return SecondsOf(setting.first(seed).spec, work, batches, precision)


def _queue(setting: Cost, seed: int) -> QueueOver:
    return QueueOver(setting.first(seed).spec, setting.requests, setting.requests_a_second, deadline=setting.deadline)


def _per_example(content: Content) -> list[Reading]:
    """Medians over rounds, with half the width of their intervals."""
    timed = timing_of(content)
    points = zip(timed.batches, timed.medians, timed.intervals, strict=True)
    return [
        Reading(median / batch, x=float(batch), residual=(high - low) / 2 / batch)
        for batch, median, (low, high) in points
    ]


def _line(content: Content) -> list[Reading]:
    cost = cost_of(content)
    return [predicted(cost, 1 / batch, 1)._replace(x=float(batch)) for batch in content["batches"]]


def _departures(content: Content) -> list[Reading]:
    """Percent of the line."""
    pairs = zip(content["batches"], cost_of(content).departures, strict=True)
    return [Reading(100 * departure, x=float(batch)) for batch, departure in pairs]


_OF_A_TIMING: dict[str, Callable[[Content], Reading | list[Reading]]] = {
    "half-batch": lambda content: Reading(cost_of(content).balance),
    "saturated-batch": lambda content: Reading(saturation(cost_of(content), SMALL_OVERHEAD)),
    "overhead": lambda content: predicted(cost_of(content), 1, 0),
    "slope": lambda content: predicted(cost_of(content), 0, 1),
    "seconds-per-example": _per_example,
    "line": _line,
    "departure": _departures,
}
_OF_A_QUEUE = {
    "calls": "calls",
    "computed": "computed",
    "timeouts": "timeouts",
    "model-seconds": "model_seconds",
    "process-seconds": "process_seconds",
    "median-latency": "median_latency",
    "late-latency": "late_latency",
}


def _late_ratio(content: Content) -> Reading:
    """Cost per example at the largest batch over that at one `LATE` times as small."""
    medians = dict(zip(content["batches"], timing_of(content).medians, strict=True))
    largest = max(medians)
    return Reading(medians[largest] / (LATE * medians[largest // LATE]))


def _of(arm: str, key: str) -> Callable[[Content], Reading]:
    return lambda content: Reading(float(content[arm][key]))


def _ratio(key: str) -> Callable[[Content], Reading]:
    """Of the two arms, per request that was computed."""

    def read(content: Content) -> Reading:
        if failure := _overrun(content):
            return Reading(math.nan, failure=failure)
        queued, alone = (content[arm][key] / content[arm]["computed"] for arm in ("queued", "alone"))
        return Reading(queued / alone)

    return read


def _overrun(content: Content) -> str:
    """Why the arms cannot be compared: a machine that did not keep up gave requests up."""
    shares = {arm: served["timeouts"] / served["requests"] for arm, served in content.items()}
    late = [f"{100 * share:.0f} % of the requests {arm}" for arm, share in shares.items() if share > GIVEN_UP]
    return f"{' and '.join(late)} were given up; measure while the machine is idle" if late else ""


def _ratio_of_the_line(content: Content, timed: Content) -> Reading:
    """The same by the line of A3, at the queue's mean batch."""
    if failure := _overrun(content):
        return Reading(math.nan, failure=failure)
    cost, queued = cost_of(timed), content["queued"]
    return Reading(cost.of(queued["calls"] / queued["computed"], 1) / cost.at(1))
