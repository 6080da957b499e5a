"""The noise scale measured on the way, beside the batch that the schedule has there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.markdown import table
from repro.report.results import Place, Results
from repro.report.runs import DRAWN
from repro.report.seeds import curves, sentence
from repro.report.smith2018.declared import setting_at, steps
from repro.report.summary import NOTHING, cited, number, summary
from repro.studies.smith2018.noise import ARMS

_TABLE = "McCandlish et al. 2018, table 1"
_ROWS = {"mnist": "MNIST", "mnist-embedded": "MNIST", "cifar10": "CIFAR-10", "cifar10-10k": "CIFAR-10"}
_HEAD = ("network", "data set", "schedule", "first epoch", "whole run", "n, failed, diverged", "cost a run")
_NOTE = (
    "B_simple = tr Σ / |G|² in examples, from extra gradients at the run's own weights; BatchNorm normalises each "
    "small batch by itself. Squared lengths are averaged before their ratio; mean ± SD over seeds. Cost in gradients "
    f"of the whole training set. Below, {_TABLE}: another network, at its start and on average over training."
)


def measured_noise(results: Results) -> Exhibit:
    """B_simple in every part of training, and where it starts and is on average."""
    used: list[Observation] = []
    rows, figures = list[Sequence[str]](), []
    for place in results.places:
        found = {arm: results.select(place, "S1", "noise-scale", arm) for arm in ARMS}
        if any(found.values()):
            rows += [*(_row(results, place, arm) for arm in ARMS), *_published(results, place)]
            figure = Figure(f"{results.profile}-{place.network}-noise", [[_panel(results, place, found)]])
            figures.append((figure, f"{place.network} on {place.dataset}: {sentence(found)}. {_CAPTION} {DRAWN}"))
        used += [each for curve in found.values() for each in curve]
    text = f"{_NOTE}\n\n{table(_HEAD, rows)}" if rows else ""
    return Exhibit("Noise: what is measured beside the batch", used, text, figures)


_CAPTION = "Each point is of the epochs since the one before; a part whose estimate of |G|² is not positive has none."


def _row(results: Results, place: Place, arm: str) -> Sequence[str]:
    start, average = (results.select(place, "S1", f"noise-scale-{name}", arm) for name in ("start", "average"))
    costs = [each.cost for each in average if each.cost is not None]
    spent = number(max(costs)) if costs else NOTHING
    return *place, arm, summary(start).mean, summary(average).mean, summary(average).counts, spent


def _published(results: Results, place: Place) -> list[Sequence[str]]:
    """The published numbers on the same images, where there are any."""
    row = _ROWS.get(place.dataset, "")
    cells = [cited(results.paper.cite(f"{_TABLE}/{column}", row).numbers) for column in ("start", "average")]
    return [("their CNN", row, "constant", *cells, NOTHING, NOTHING)] if row else []


def _panel(results: Results, place: Place, found: Mapping[str, Sequence[Observation]]) -> Panel:
    regimes = setting_at(results, place).regimes
    measured = [Line(f"{arm}, B_simple", arm, curves(rows)) for arm, rows in found.items()]
    batches = [
        Line(f"{arm}, batch", arm, {"": steps(regimes[arm], lambda phase: phase.batch)}, dashed=True, averaged=False)
        for arm in found
    ]
    title = f"{place.network}, {place.dataset}"
    return Panel(title, "epoch", "examples", [*measured, *batches], log_y=True)
