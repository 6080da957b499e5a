"""Figs. 1 to 3: errors against epochs, distances and errors against updates."""

from __future__ import annotations

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.hoffer2017.columns import COLUMNS
from repro.report.results import Place, Results
from repro.report.runs import DRAWN, Curve, accuracy_curve, final_accuracies
from repro.report.seeds import Points, curves, drawn, sentence


def figure_1(results: Results) -> Exhibit:
    """Final test accuracy against the batch, nothing else adjusted; and test error against epochs."""
    used: list[Observation] = []
    figures = []
    for place in results.places:
        sweep = results.select(place, "H1", "test-accuracy", variant="trend")
        found = final_accuracies(results, place, {column: COLUMNS[column] for column in ("SB", "LB")})
        if curves(sweep) or any(found.values()):
            batches = sorted({x for points in curves(sweep).values() for x, _ in points})
            line = Line("final test accuracy", "test", curves(sweep))
            title = f"{place.network}, {place.dataset}"
            panels = [
                Panel(title, "batch size, examples", "test accuracy, percent", [line], log_x=True, ticks=batches),
                _panel(place, "epoch", "test error, percent", found, _errors(results, "epoch")),
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
    errors = _errors(results, "update")
    return _against_updates(results, "Fig. 3: error against updates", "fig3", "test error, percent", errors)


def _against_updates(results: Results, title: str, name: str, axis: str, curve: Curve) -> Exhibit:
    used: list[Observation] = []
    figures = []
    for place in results.places:
        found = final_accuracies(results, place, COLUMNS)
        if any(found.values()):
            panels = [
                _panel(place, "updates", axis, {column: found[column] for column in chosen}, curve, log_x=True)
                for chosen in (("SB", "LB", "+LR"), ("SB", "+GBN", "+RA"))
            ]
            figure = Figure(f"{results.profile}-{place.network}-{name}", [panels], interactive=True)
            figures.append((figure, _caption(place, found)))
        used += [each for rows in found.values() for each in rows]
    return Exhibit(title, used, figures=figures)


def _errors(results: Results, x: str) -> Curve:
    accuracy = accuracy_curve(results, x)
    return lambda run: [(at, 100 - value) for at, value in accuracy(run)]


def _panel(
    place: Place, x: str, y: str, found: dict[str, list[Observation]], curve: Curve, *, log_x: bool = False
) -> Panel:
    lines = [Line(column, column, drawn(rows, curve)) for column, rows in found.items()]
    return Panel(f"{place.network}, {place.dataset}", x, y, lines, log_x=log_x)


def _caption(place: Place, found: dict[str, list[Observation]]) -> str:
    return f"{place.network} on {place.dataset}: {sentence(found)}. {DRAWN}"
