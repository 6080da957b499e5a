"""S9: seconds of the schedules by the line of their updates, beside what whole runs took."""

from __future__ import annotations

from collections.abc import Sequence

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.markdown import table
from repro.report.results import Place, Results
from repro.report.summary import by_seed, fitted, spread, summary
from repro.studies.smith2018.cost import ARMS, TIMINGS

_TEXT = """Processor seconds of all updates, by the line through timings of updates; mean ± SD over seeds, in brackets
half the 95 % interval of one fit. By the timings: at the median seconds of each batch, without the line. The last
column is what whole runs took, evaluations and other load included."""
_HEAD = (
    *("network", "data set", "schedule", "seconds", "examples a second", "saved, %"),
    *("by the timings", "n, failed, diverged", "whole runs, seconds"),
)


def seconds(results: Results) -> Exhibit:
    """Every schedule that S9 compares, once."""
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    row_of = {arm: row for row, arms in ARMS.items() for arm in arms} | {"decay": ""}
    for place in results.places:
        for arm, row in row_of.items():
            found = results.select(place, "S9", "seconds", arm, row)
            if found:
                used += found
                rows.append((*place, arm, *_cells(results, place, arm, row, found)))
    return Exhibit("Seconds: what each schedule takes", used, f"{_TEXT}\n\n{table(_HEAD, rows)}")


def _cells(results: Results, place: Place, arm: str, row: str, found: Sequence[Observation]) -> Sequence[str]:
    own, decay = by_seed(found), by_seed(results.select(place, "S9", "seconds", "decay", row))
    saved = [100 * (1 - own[seed] / decay[seed]) for seed in own if seed in decay and arm != "decay"]
    rates = by_seed(results.select(place, "S9", "examples-a-second", arm, row))
    specs = [each.spec for each in results.select(place, "S3", "test-accuracy", arm)]
    whole = spread(results.runs[spec]["cpu_seconds"] for spec in specs if spec in results.runs)
    timed = by_seed(results.select(place, "S9", "seconds", arm, TIMINGS))
    return (
        *(fitted(found), spread(rates.values()), spread(saved)),
        *(spread(timed.values()), summary(found).counts, whole),
    )
