"""S9: seconds of the schedules by the line of their updates, beside what whole runs took."""

from __future__ import annotations

from collections.abc import Sequence

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.markdown import table
from repro.report.results import Place, Results
from repro.report.runs import final_accuracies
from repro.report.smith2018.schedules import SCHEDULES
from repro.report.summary import by_seed, fitted, spread, summary
from repro.studies.records import Row
from repro.studies.smith2018.cost import ARMS, TIMINGS

_TEXT = """Processor seconds of all updates, by the line through timings of updates; mean ± SD over seeds, in brackets
half the 95 % interval of one fit. By the timings: at the median seconds of each batch, without the line, which need not
meet them at every batch. The last column is what whole runs took, evaluations and other load included."""
_ELSEWHERE = """Not all whole runs were made on the machine of the timings (runs: {runs}; timings: {timings}), so the
last column compares neither with the others nor row by row."""
_HEAD = (
    *("network", "data set", "schedule", "seconds", "examples a second", "saved, %"),
    *("by the timings", "n, failed, diverged", "whole runs, seconds"),
)


def seconds(results: Results) -> Exhibit:
    """Every schedule that S9 compares, once."""
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    row_of = {arm: row for row, arms in ARMS.items() for arm in arms} | {"decay": ""}
    runs: list[Row] = []
    for place in results.places:
        whole = _whole(results, place)
        for arm, row in row_of.items():
            found = results.select(place, "S9", "seconds", arm, row)
            if found:
                used += found
                rows.append((*place, arm, *_cells(results, place, arm, row, found), _seconds(whole[arm])))
                runs += whole[arm]
    text = f"{_TEXT} {_elsewhere(runs, used)}".strip()
    return Exhibit("Seconds: what each schedule takes", used, f"{text}\n\n{table(_HEAD, rows)}")


def _whole(results: Results, place: Place) -> dict[str, list[Row]]:
    """The records of the whole runs of every schedule."""
    found = final_accuracies(results, place, SCHEDULES)
    return {arm: [results.runs[each.spec] for each in ran if each.spec in results.runs] for arm, ran in found.items()}


def _seconds(runs: Sequence[Row]) -> str:
    return spread(run["cpu_seconds"] for run in runs)


def _elsewhere(runs: Sequence[Row], timings: Sequence[Observation]) -> str:
    """Where the runs and the timings were made, if not all were made in one place."""
    ran, timed = {run["machine"] for run in runs}, {each.provenance.machine for each in timings}
    named = {"runs": ", ".join(sorted(ran)), "timings": ", ".join(sorted(timed))}
    return _ELSEWHERE.format(**named) if ran - timed else ""


def _cells(results: Results, place: Place, arm: str, row: str, found: Sequence[Observation]) -> Sequence[str]:
    own, decay = by_seed(found), by_seed(results.select(place, "S9", "seconds", "decay", row))
    saved = [100 * (1 - own[seed] / decay[seed]) for seed in own if seed in decay and arm != "decay"]
    rates = by_seed(results.select(place, "S9", "examples-a-second", arm, row))
    timed = by_seed(results.select(place, "S9", "seconds", arm, TIMINGS))
    return fitted(found), spread(rates.values()), spread(saved), spread(timed.values()), summary(found).counts
