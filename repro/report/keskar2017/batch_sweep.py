"""Fig. 4: test accuracy and sharpness against the batch size."""

from __future__ import annotations

import math

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.origin import data_set
from repro.report.results import Place, Results
from repro.report.seeds import curves, sentence

_ROWS = (
    ("test-accuracy", "", "test accuracy, percent", "test"),
    ("sharpness", "sharpness", "sharpness φ, %", "sharpness"),
)


def figure_4(results: Results) -> Exhibit:
    """Both against the batch size, with the place of the paper's threshold."""
    used: list[Observation] = []
    figures = []
    for place in results.places:
        found = {quantity: results.select(place, "K7", quantity, variant=row) for quantity, row, *_ in _ROWS}
        if any(curves(rows) for rows in found.values()):
            panels = _panels(results, place, found)
            figure = Figure(f"{results.profile}-{place.network}-fig4", [panels], interactive=True)
            words = f"{sentence(found)}. Thin lines are seeds, the thick line is their mean with its 95 % interval."
            figures.append((figure, f"{place.network} on {data_set(results, *place)}: {words}{_marked(panels)}"))
        used += [each for rows in found.values() for each in rows]
    return Exhibit("Fig. 4: batch size", used, figures=figures)


def _panels(results: Results, place: Place, found: dict[str, list[Observation]]) -> list[Panel]:
    return [
        Panel(
            title=f"{place.network}, {place.dataset}",
            x="batch size, examples",
            y=axis,
            lines=[Line(quantity.replace("-", " "), colour, curves(found[quantity]))],
            log_x=True,
            log_y=quantity == "sharpness",
            share=quantity == "test-accuracy",
            ticks=sorted({x for points in curves(found[quantity]).values() for x, _ in points}),
            marks=_threshold(results, place),
        )
        for quantity, _, axis, colour in _ROWS
    ]


def _marked(panels: list[Panel]) -> str:
    """What the vertical line is, if there is one."""
    said = (
        " The dotted line stands between two batches of the sweep, on either side of the paper's threshold, taken as "
        "the same share of the training set."
    )
    return said if panels[0].marks else ""


def _threshold(results: Results, place: Place) -> list[tuple[float, str, str]]:
    """Between the largest batch that the study holds to be below the paper's threshold and the next one."""
    below, above = (_batches(results, place, arm) for arm in ("below", "above"))
    if not below or not above:
        return []
    low, high = max(below), min(above)
    return [(math.sqrt(low * high), f"the paper's threshold, scaled: between {low} and {high}", "train")]


def _batches(results: Results, place: Place, arm: str) -> list[int]:
    rows = results.select(place, "K7", "test-accuracy", arm, "threshold")
    return [results.runs[key]["batch"] for row in rows for key in row.spec.split() if key in results.runs]
