"""Figs. 1 to 3: errors against epochs, distances and errors against updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.hoffer2017.authors import colours
from repro.report.hoffer2017.columns import COLUMNS
from repro.report.results import Place, Results
from repro.report.runs import DRAWN, Curve, final_accuracies, test_error_curve
from repro.report.seeds import Points, curves, drawn, sentence


def figure_1(results: Results) -> Exhibit:
    """Final test accuracy against the batch, nothing else adjusted; and test error against epochs, at every batch."""
    used: list[Observation] = []
    figures = []
    for place in results.places:
        sweep = results.select(place, "H1", "test-accuracy", variant="trend")
        found = final_accuracies(results, place, {column: COLUMNS[column] for column in ("SB", "LB")})
        if curves(sweep) or any(found.values()):
            batches = sorted({int(x) for points in curves(sweep).values() for x, _ in points})
            line = Line("final test accuracy", "test", curves(sweep))
            title = f"{place.network}, {place.dataset}"
            panels = [
                Panel(
                    title,
                    "batch size, examples",
                    "test accuracy, percent",
                    [line],
                    log_x=True,
                    ticks=batches,
                    share=True,
                ),
                _panel(place, "epoch", "test error, percent", found, test_error_curve(results, "epoch"), share=True),
                Panel(title, "epoch", "test error, percent", _sweep(results, sweep, batches), share=True),
            ]
            figure = Figure(f"{results.profile}-{place.network}-fig1", [panels], interactive=True)
            figures.append((figure, _caption(place, found)))
        used += [*sweep, *(each for rows in found.values() for each in rows)]
    return Exhibit("Fig. 1: the gap grows with the batch", used, figures=figures)


def figure_2(results: Results) -> Exhibit:
    """Distance from the start against updates, of every column."""

    def distances(run: Observation) -> Points:
        return [(row["update"], row["distance"]) for row in results.distances.get(run.spec, ())]

    return _against_updates(results, "Fig. 2: distance from the start", "fig2", "distance from the start", distances)


def figure_3(results: Results) -> Exhibit:
    """Test error against updates, of every column."""
    errors = test_error_curve(results, "update")
    return _against_updates(results, "Fig. 3: error against updates", "fig3", "test error, percent", errors, share=True)


def _against_updates(
    results: Results, title: str, name: str, axis: str, curve: Curve, *, share: bool = False
) -> Exhibit:
    used: list[Observation] = []
    figures = []
    for place in results.places:
        found = final_accuracies(results, place, COLUMNS)
        if any(found.values()):
            panels = [
                _panel(
                    place, "updates", axis, {column: found[column] for column in chosen}, curve, log_x=True, share=share
                )
                for chosen in (("SB", "LB", "+LR"), ("SB", "+GBN", "+RA"))
            ]
            figure = Figure(f"{results.profile}-{place.network}-{name}", [panels], interactive=True)
            figures.append((figure, _caption(place, found)))
        used += [each for rows in found.values() for each in rows]
    return Exhibit(title, used, figures=figures)


def _sweep(results: Results, sweep: Sequence[Observation], batches: Sequence[int]) -> list[Line]:
    """Test errors of a sweep's runs, of which each point of the sweep names all."""
    error, colour = test_error_curve(results, "epoch"), colours(batches)

    def at(batch: int) -> Curve:
        def curve(point: Observation) -> Points:
            own = [key for key in point.spec.split() if results.runs[key]["batch"] == batch]
            return [pair for key in own for pair in error(replace(point, spec=key))]

        return curve

    points = {batch: [each for each in sweep if each.x == batch] for batch in batches}
    return [Line(f"batch {batch}", colour[batch], drawn(points[batch], at(batch))) for batch in batches]


def _panel(
    place: Place,
    x: str,
    y: str,
    found: dict[str, list[Observation]],
    curve: Curve,
    *,
    log_x: bool = False,
    share: bool = False,
) -> Panel:
    lines = [Line(column, column, drawn(rows, curve)) for column, rows in found.items()]
    return Panel(f"{place.network}, {place.dataset}", x, y, lines, log_x=log_x, share=share)


def _caption(place: Place, found: dict[str, list[Observation]]) -> str:
    return f"{place.network} on {place.dataset}: {sentence(found)}. {DRAWN}"
