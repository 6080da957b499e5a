"""A4: requests answered one by one and through a queue, beside the published numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import sub, truediv
from typing import NamedTuple

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.markdown import table
from repro.report.results import Place, Results
from repro.report.summary import NOTHING, by_seed, cited, spread, summary


class _Measure(NamedTuple):
    """One line of the table.

    Attributes:
        words: what it is, with its unit.
        quantity: as in the evidence.
        scale: from the evidence's unit.
        compared: queued with alone.
        published: the column that says the same.
    """

    words: str
    quantity: str
    scale: float
    compared: Callable[[float, float], float]
    published: str = ""


_MEASURES = (
    _Measure("calls of the model", "calls", 1, truediv, "calls"),
    _Measure("processor seconds inside the model", "model-seconds", 1, truediv, "cpu"),
    _Measure("processor seconds of the process", "process-seconds", 1, truediv, "cpu"),
    _Measure("median latency, ms", "median-latency", 1e3, sub, "latency"),
    _Measure("latency of the slowest twentieth, ms", "late-latency", 1e3, sub),
    _Measure("requests given up", "timeouts", 1, sub),
)
_TEXT = """Mean ± SD over seeds, each with its own arrivals. Compared: calls and processor seconds as fractions of those
without a queue, latencies and requests given up as what the queue adds. Published: of another model on other machines,
time-outs there stay below {timeouts} % of the requests."""


def queue(results: Results) -> Exhibit:
    """What a queue saves and what it adds."""
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    for place in results.places:
        for measure in _MEASURES:
            arms = [results.select(place, "A4", measure.quantity, arm) for arm in ("alone", "queued")]
            used += [each for arm in arms for each in arm]
            if all(arms):
                rows.append((*place, *_cells(results, place, measure, *arms)))
    head = ("network", "data set", "", "alone", "queued", "compared", "published", "n, failed, diverged")
    timeouts = cited(results.paper.cite("Scaling TensorFlow/timeouts", "F1").numbers)
    return Exhibit("Queue: one by one and together", used, f"{_TEXT.format(timeouts=timeouts)}\n\n{table(head, rows)}")


def _cells(
    results: Results, place: Place, measure: _Measure, alone: Sequence[Observation], queued: Sequence[Observation]
) -> Sequence[str]:
    one, other = (by_seed(arm, measure.scale) for arm in (alone, queued))
    pairs = [measure.compared(other[seed], one[seed]) for seed in other if seed in one]
    column = f"Scaling TensorFlow/{measure.published}"
    published = cited(results.paper.cite(column, place.network).numbers) if measure.published else NOTHING
    return measure.words, spread(one.values()), spread(other.values()), spread(pairs), published, summary(alone).counts
