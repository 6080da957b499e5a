"""A3: seconds an example against the batch, and the line that a fixed overhead gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.markdown import table
from repro.report.results import Place, Results
from repro.report.runs import DRAWN
from repro.report.seeds import Points, curves, sentence
from repro.report.summary import NOTHING, by_seed, fitted, spread
from repro.studies.article.cost import ROWS

_TEXT = """Processor seconds of one thread, `t(b) = a + c b`. Mean ± SD over seeds, each timed anew; in brackets half
the 95 % interval of one fit, mean over seeds. Departs: where the mean seconds lie farthest from the line."""
_HEAD = (
    *("network", "data set", "what", "precision", "a, ms a call", "c, µs an example", "a / c, examples"),
    *("overhead a tenth at", "departs", "n"),
)


def seconds(results: Results) -> Exhibit:
    """The line of every row of A3, and the points that it is fitted to."""
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    figures = []
    for place in results.places:
        points = {row: results.select(place, "A3", "seconds-per-example", variant=row) for row in ROWS}
        if any(points.values()):
            used += [each for row in ROWS for quantity in _QUANTITIES for each in _found(results, place, quantity, row)]
            rows += [_row(results, place, row) for row in ROWS]
            figure = Figure(f"{results.profile}-{place.network}-cost", [list(_panels(results, place))])
            words = (
                f"{place.network} on {place.dataset}: {sentence({'each row': points['']})}. {DRAWN} Dashes: the line."
            )
            figures.append((figure, words))
    return Exhibit("Seconds: an example against the batch", used, f"{_TEXT}\n\n{table(_HEAD, rows)}", figures)


_QUANTITIES = ("overhead", "slope", "half-batch", "saturated-batch", "departure", "seconds-per-example", "line")


def _found(results: Results, place: Place, quantity: str, row: str) -> list[Observation]:
    return [each for each in results.select(place, "A3", quantity, variant=row) if each.status == "ok"]


def _row(results: Results, place: Place, row: str) -> Sequence[str]:
    overheads, slopes, *batches, departures, _, _ = (_found(results, place, name, row) for name in _QUANTITIES)
    numbers = (spread(by_seed(found).values()) for found in batches)
    cells = (fitted(overheads, 1e3), fitted(slopes, 1e6), *numbers, _farthest(departures))
    return (*place, *ROWS[row], *cells, str(len(overheads)))


def _farthest(departures: Sequence[Observation]) -> str:
    by_batch: dict[float, list[float]] = {}
    for each in departures:
        by_batch.setdefault(each.x or 0.0, []).append(each.value)
    means = {batch: fmean(values) for batch, values in by_batch.items()}
    batch = max(means, key=lambda batch: abs(means[batch]), default=0.0)
    return f"{means[batch]:+.0f} % at {batch:g}" if means else NOTHING


def _panels(results: Results, place: Place) -> Iterator[Panel]:
    for work in dict.fromkeys(work for work, _ in ROWS.values()):
        lines = []
        for row, (what, precision) in ROWS.items():
            if what == work:
                points, line = (_found(results, place, name, row) for name in ("seconds-per-example", "line"))
                lines += [
                    Line(precision, precision, _microseconds(points)),
                    Line(f"{precision}, a / b + c", precision, _averaged(_microseconds(line)), dashed=True),
                ]
        title = f"{place.network}, {place.dataset}: {work}"
        yield Panel(title, "examples a call", "microseconds an example", lines, log_x=True, log_y=True)


def _microseconds(found: Sequence[Observation]) -> dict[str, Points]:
    return {seed: [(x, 1e6 * y) for x, y in points] for seed, points in curves(found).items()}


def _averaged(found: dict[str, Points]) -> dict[str, Points]:
    """The mean over seeds, as one line."""
    means = Line("", "", found).means(log=True)
    return {"": [(each.x, each.mean) for each in means]} if means else {}
