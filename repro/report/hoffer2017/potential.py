"""H8: the spread of the loss against the distance from the initial weights."""

from __future__ import annotations

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.results import Results
from repro.report.seeds import curves, sentence
from repro.report.summary import number, summary


def potential(results: Results) -> Exhibit:
    """One line a seed, with the exponent that its slope gives."""
    used: list[Observation] = []
    figures = []
    for place in results.places:
        deviations = results.select(place, "H8", "loss-deviation")
        exponents = summary(results.select(place, "H8", "alpha"))
        used += deviations
        if curves(deviations):
            x, y = "distance from the initial weights", "standard deviation of the loss, nats"
            line = Line("over 20 random rays", "train", curves(deviations), averaged=False)
            panel = Panel(f"{place.network}, {place.dataset}", x, y, [line], log_x=True, log_y=True)
            found = ", ".join(number(value) for value in exponents.values)
            words = (
                f"{sentence({'': deviations})}. Twice the slopes: {found}; a mere slope of the loss gives 2 as well."
            )
            figures.append((Figure(f"{results.profile}-{place.network}-potential", [[panel]]), words))
    return Exhibit("Potential: spread of the loss around the initial weights", used, figures=figures)
