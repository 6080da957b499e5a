"""A9: updates, seconds and bytes until a first useful accuracy, against the batch."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.markdown import table
from repro.report.results import Place, Results
from repro.report.runs import DRAWN
from repro.report.seeds import Points, curves, sentence
from repro.report.summary import by_seed, spread, summary

_MEASURES = {"updates": ("updates", 1.0), "seconds": ("seconds", 1.0), "bytes": ("gigabytes moved", 1e-9)}
"""Each quantity of the sweep: its words and its scale."""
_TEXT = """Every batch at the rate that was best for the other seeds; mean ± SD over seeds. Seconds by the line of
*Seconds*, on one processor; bytes of gradients sent and parameters fetched, if every update exchanges both once. The
last columns are of the whole sweep: the critical batch, the batch of the fewest seconds, and beside them the noise
scale of the gradient in examples, measured at the smallest batch and the first rate until its accuracy is useful."""
_HEAD = (
    *("network", "data set", "batch", *(words for words, _ in _MEASURES.values()), "n, failed, diverged"),
    *("critical batch", "cheapest batch", "noise scale"),
)


def useful_accuracy(results: Results) -> Exhibit:
    """The sweep as a table, and updates and seconds as a figure."""
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    figures = []
    for place in results.places:
        sweep = {name: results.select(place, "A9", name) for name in _MEASURES}
        ends = {name: results.select(place, "A9", f"{name}-batch") for name in ("critical", "cheapest", "noise")}
        if any(sweep.values()):
            used += [each for found in (*sweep.values(), *ends.values()) for each in found]
            rows += _rows(place, sweep, ends)
            figure = Figure(f"{results.profile}-{place.network}-useful", [_panels(place, sweep, ends)])
            figures.append((figure, f"{place.network} on {place.dataset}: {sentence({'': sweep['updates']})}. {DRAWN}"))
    return Exhibit("Useful accuracy: what it takes", used, f"{_TEXT}\n\n{table(_HEAD, rows)}", figures)


def _rows(place: Place, sweep: dict[str, list[Observation]], ends: dict[str, list[Observation]]) -> list[Sequence[str]]:
    batches = sorted({each.x for each in sweep["updates"] if each.x is not None})
    last = [spread(by_seed(found).values()) for found in ends.values()]
    rows: list[Sequence[str]] = []
    for batch in batches:
        found = {name: [each for each in every if each.x == batch] for name, every in sweep.items()}
        cells = [
            spread(scale * each.value for each in found[name] if each.status == "ok")
            for name, (_, scale) in _MEASURES.items()
        ]
        rows.append((*place, f"{batch:g}", *cells, summary(found["updates"]).counts, *last))
        last = [""] * len(ends)
    return rows


def _panels(place: Place, sweep: dict[str, list[Observation]], ends: dict[str, list[Observation]]) -> list[Panel]:
    marks = [
        (median(values), f"{name} batch, median", colour)
        for (name, found), colour in zip(ends.items(), ("SB", "LB", "train"), strict=True)
        if (values := by_seed(found).values())
    ]
    title = f"{place.network}, {place.dataset}"
    return [
        Panel(title, "batch", f"{name} until useful", [_line(sweep[name])], log_x=True, log_y=True, marks=marks)
        for name in ("updates", "seconds")
    ]


def _line(found: Sequence[Observation]) -> Line:
    points: dict[str, Points] = curves(found)
    return Line("at its best rate", "test", points)
