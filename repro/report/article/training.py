"""Training performance: losses of three batches against epochs, where they end, and the switch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repro.claims.evidence import Observation
from repro.report import markdown
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.results import Place, Results
from repro.report.runs import DRAWN, final_accuracies, loss_curve
from repro.report.seeds import drawn, sentence
from repro.report.summary import summary

ONE_RATE = {"64": ("A1", ""), "256": ("A1", "batch=256"), "1024": ("A1", "")}
"""Each batch at one rate, and the row that has its losses."""
LINEAR = {"64": ("A1", ""), "256 linear": ("A2", "batch=256"), "1024 linear": ("A2", "")}
ROOT = {"64": ("A1", ""), "256 sqrt": ("A2", "batch=256 sqrt"), "1024 sqrt": ("A2", "sqrt")}
TUNED = {"64 tuned": ("A2", "tuned"), "256 tuned": ("A2", "batch=256 tuned"), "1024 tuned": ("A2", "tuned")}
SWITCH = {"64": ("A8", ""), "1024": ("A1", ""), "switched": ("A8", "")}
EVERY = {**ONE_RATE, **ROOT, **LINEAR, **TUNED, "switched": SWITCH["switched"]}
PANELS = {"one learning rate": ONE_RATE, "rate ∝ batch": LINEAR, "rate ∝ √batch": ROOT}
_TEXT = """Mean ± SD over seeds, after the final epoch. Tuned: each seed at the rate of a grid that was best for the
other seeds, so that no run is judged by what chose it. A rate that suits the others may not suit it: the mean of the
tuned runs can then lie above that of a rule."""


def losses(results: Results) -> Exhibit:
    """The article's two figures: one rate for all batches, and the rate adjusted by either rule."""
    return _curves(results, "Batch and rate: validation loss of batch 64, 256 and 1024", "losses", PANELS)


def switch(results: Results) -> Exhibit:
    """A run that starts with the large batch beside both batches throughout."""
    title = "Switch: validation loss of a run that changes from batch 1024 to 64"
    return _curves(results, title, "switch", {"one learning rate": SWITCH})


def table(results: Results) -> Exhibit:
    """The final loss of every batch at every rate."""
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    for place in results.places:
        for arm, found in _losses(results, place, EVERY).items():
            used += found
            if found:
                rows.append((*place, arm, summary(found).mean, summary(found).counts))
    head = ("network", "data set", "batch and rate", "test loss, nats", "n, failed, diverged")
    return Exhibit("Losses: where each batch ends", used, f"{_TEXT}\n\n{markdown.table(head, rows)}")


def _curves(results: Results, title: str, name: str, panels: Mapping[str, Mapping[str, tuple[str, str]]]) -> Exhibit:
    used: list[Observation] = []
    figures = []
    for place in results.places:
        found = {words: _losses(results, place, rows) for words, rows in panels.items()}
        rows = [each for arms in found.values() for seeds in arms.values() for each in seeds]
        used += rows
        if rows:
            figure = Figure(
                f"{results.profile}-{place.network}-{name}", [[_panel(results, *each) for each in found.items()]]
            )
            every = {arm: seeds for arms in found.values() for arm, seeds in arms.items()}
            figures.append((figure, f"{place.network} on {place.dataset}: {sentence(every)}. {DRAWN}"))
    return Exhibit(title, used, figures=figures)


def _panel(results: Results, words: str, found: Mapping[str, Sequence[Observation]]) -> Panel:
    curve = loss_curve(results, "epoch")
    lines = [Line(arm.split()[0], arm.split()[0], drawn(seeds, curve)) for arm, seeds in found.items()]
    return Panel(words, "epoch", "test loss, nats", lines, log_y=True)


def _losses(results: Results, place: Place, rows: Mapping[str, tuple[str, str]]) -> dict[str, list[Observation]]:
    return final_accuracies(results, place, rows, "test-loss")
