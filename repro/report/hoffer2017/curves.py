"""Figs. 1 to 3: errors against epochs, distances and errors against updates; the authors' own beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.hoffer2017 import authors
from repro.report.hoffer2017.columns import COLUMNS
from repro.report.results import Place, Results
from repro.report.runs import DRAWN, Curve, final_accuracies, test_error_curve
from repro.report.seeds import Points, curves, drawn, sentence

_CURES = {"before": ("SB", "LB"), "after": ("SB", "+LR", "+GBN", "+RA")}
"""Columns in which nothing but the batch differs, and those with cures, as in the paper's Fig. 2."""
_ERROR = "test error, percent"
_HALVES = "Before: nothing but the batch differs; after: with a larger rate, then ghosts as well, then more epochs."
_CAVEAT = (
    " Their after has the larger rate and ghosts. Their distances are very probably those of the first parameter, all "
    "that the released code logs."
)

Found = Mapping[str, Sequence[Observation]]


def figure_1(results: Results) -> Exhibit:
    """Final error against the batch, nothing else adjusted; and error against epochs, by column and by batch."""
    used: list[Observation] = []
    figures = []
    for place in results.places:
        sweep = results.select(place, "H1", "test-accuracy", variant="trend")
        found = final_accuracies(results, place, {column: COLUMNS[column] for column in ("SB", "LB")})
        if curves(sweep) or any(found.values()):
            finals = []
            courses = [_panel(_title(place), "epoch", _ERROR, found, test_error_curve(results, "epoch"), share=True)]
            if curves(sweep):
                finals.append(_final_errors(place, sweep))
                every = f"{_title(place)}, every batch"
                courses.append(Panel(every, "epoch", _ERROR, _sweep(results, sweep), share=True))
            theirs = [authors.final_errors(results.figures)] if results.figures else []
            rows = [[*finals, *theirs], courses] if theirs else [[*finals, *courses]]
            figure = Figure(f"{results.profile}-{place.network}-fig1", rows, interactive=True)
            figures.append((figure, _caption(place, found) + authors.remark(results)))
        used += [*sweep, *(each for listed in found.values() for each in listed)]
    return Exhibit("Fig. 1: error against the batch", used, figures=figures)


def figure_2(results: Results) -> Exhibit:
    """Distance from the start against updates, of every column."""

    def distances(run: Observation) -> Points:
        return [(row["update"], row["distance"]) for row in results.distances.get(run.spec, ())]

    theirs = [authors.distances(results.figures, which) for which in _CURES] if results.figures else []
    axis, said = "distance from the start", authors.remark(results, _CAVEAT)
    return _against_updates(results, "Fig. 2: distance from the start", "fig2", axis, distances, theirs, said)


def figure_3(results: Results) -> Exhibit:
    """Test error against updates, of every column."""
    errors, said = test_error_curve(results, "update"), authors.adapted_errors(results)
    return _against_updates(results, "Fig. 3: error against updates", "fig3", _ERROR, errors, said=said, share=True)


def _against_updates(
    results: Results,
    title: str,
    name: str,
    axis: str,
    curve: Curve,
    theirs: Sequence[Panel] = (),
    said: str = "",
    *,
    share: bool = False,
) -> Exhibit:
    """Columns before and after the cures, and below them the authors' panels, if any."""
    used: list[Observation] = []
    figures = []
    for place in results.places:
        found = final_accuracies(results, place, COLUMNS)
        if any(found.values()):
            panels = [
                _panel(f"{_title(place)} ({which})", "updates", axis, chosen, curve, log_x=True, share=share)
                for which, chosen in _before_and_after(found).items()
            ]
            rows = [panels, theirs] if theirs else [panels]
            figure = Figure(f"{results.profile}-{place.network}-{name}", rows, interactive=True)
            figures.append((figure, f"{_caption(place, found)} {_HALVES}{said}"))
        used += [each for listed in found.values() for each in listed]
    return Exhibit(title, used, figures=figures)


def _before_and_after(found: Found) -> Mapping[str, Found]:
    return {which: {column: found[column] for column in columns} for which, columns in _CURES.items()}


def _final_errors(place: Place, sweep: Sequence[Observation]) -> Panel:
    seeds = {seed: [(batch, 100 - accuracy) for batch, accuracy in each] for seed, each in curves(sweep).items()}
    return Panel(
        _title(place),
        "batch size, examples",
        _ERROR,
        [Line("final test error", "test", seeds)],
        log_x=True,
        ticks=_batches(sweep),
        share=True,
    )


def _sweep(results: Results, sweep: Sequence[Observation]) -> list[Line]:
    """Test errors of a sweep's runs, of which each point of the sweep names all."""
    batches = _batches(sweep)
    error, colour = test_error_curve(results, "epoch"), authors.colours(batches)

    def at(batch: int) -> Curve:
        def curve(point: Observation) -> Points:
            own = [key for key in point.spec.split() if results.runs[key]["batch"] == batch]
            return [pair for key in own for pair in error(replace(point, spec=key))]

        return curve

    points = {batch: [each for each in sweep if each.x == batch] for batch in batches}
    return [Line(f"batch {batch}", colour[batch], drawn(points[batch], at(batch))) for batch in batches]


def _batches(sweep: Sequence[Observation]) -> list[int]:
    return sorted({int(x) for points in curves(sweep).values() for x, _ in points})


def _panel(
    title: str, x: str, y: str, found: Found, curve: Curve, *, log_x: bool = False, share: bool = False
) -> Panel:
    lines = [Line(column, column, drawn(rows, curve)) for column, rows in found.items()]
    return Panel(title, x, y, lines, log_x=log_x, share=share)


def _title(place: Place) -> str:
    return f"{place.network}, {place.dataset}"


def _caption(place: Place, found: Found) -> str:
    return f"{place.network} on {place.dataset}: {sentence(found)}. {DRAWN}"
