"""Fig. 6: sharpness against the training loss along both runs."""

from __future__ import annotations

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.origin import data_set
from repro.report.results import Place, Results
from repro.report.seeds import curves, sentence


def figure_6(results: Results) -> Exhibit:
    """One line a run: seeds do not share their losses, so there is no mean."""
    used: list[Observation] = []
    figures = []
    for place in results.places:
        found = {arm: results.select(place, "K9", "sharpness", arm) for arm in ("SB", "LB")}
        if any(curves(rows) for rows in found.values()):
            figure = Figure(f"{results.profile}-{place.network}-fig6", [[_panel(place, found)]])
            words = f"{sentence(found)}. One line a run; training goes to the right"
            figures.append((figure, f"{place.network} on {data_set(results, *place)}: {words}."))
        used += [each for rows in found.values() for each in rows]
    return Exhibit("Fig. 6: sharpness against loss", used, figures=figures)


def _panel(place: Place, found: dict[str, list[Observation]]) -> Panel:
    lines = [Line(arm, arm, curves(rows), averaged=False) for arm, rows in found.items()]
    title, x, y = f"{place.network}, {place.dataset}", "training loss, nats", "sharpness φ, %"
    return Panel(title, x, y, lines, log_x=True, log_y=True, falling=True)
