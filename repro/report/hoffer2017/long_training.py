"""H10: far past the lowest test loss, the loss, the error and the norm of the last layer."""

from __future__ import annotations

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.results import Results
from repro.report.runs import DRAWN, loss_curve, test_error_curve
from repro.report.seeds import Points, curves, drawn, sentence


def long_training(results: Results) -> Exhibit:
    """Test loss and error against epochs, and the norm of the last layer's weights against updates."""
    used: list[Observation] = []
    figures = []
    for place in results.places:
        runs = results.select(place, "H10", "error-change")
        norms = results.select(place, "H10", "last-layer-norm")
        used += [*runs, *norms]
        if runs:
            title = f"{place.network}, {place.dataset}"
            panels = [
                _panel(title, "epoch", "test loss, nats", drawn(runs, loss_curve(results, "epoch"))),
                _panel(
                    title, "epoch", "test error, percent", drawn(runs, test_error_curve(results, "epoch")), share=True
                ),
            ]
            if curves(norms):
                panels.append(_panel(title, "updates", "norm of the last layer", curves(norms)))
            words = f"{title}, at the first learning rate: {sentence({'runs:': runs, 'norms:': norms})}. {DRAWN}"
            figure = Figure(f"{results.profile}-{place.network}-long", [panels], interactive=True)
            figures.append((figure, words))
    return Exhibit("Long training: loss, error and the norm of the last layer", used, figures=figures)


def _panel(title: str, x: str, y: str, seeds: dict[str, Points], *, share: bool = False) -> Panel:
    return Panel(title, x, y, [Line("SB, no drops", "test", seeds)], log_x=True, share=share)
