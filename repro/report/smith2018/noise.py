"""The noise scale measured on the way, beside the batch that the schedule has there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.markdown import blocks, table
from repro.report.results import Place, Results
from repro.report.runs import DRAWN
from repro.report.seeds import curves, sentence
from repro.report.smith2018.declared import setting_at, steps
from repro.report.summary import number, spread, summary
from repro.studies.smith2018.noise import ARMS

_TABLE = "McCandlish et al. 2018, table 1"
_ROWS = {"mnist": "MNIST", "mnist-embedded": "MNIST", "cifar10": "CIFAR-10", "cifar10-10k": "CIFAR-10"}
_HEAD = ("network", "data set", "schedule", "epochs", "its batch", "B_simple", "n, failed, diverged")


def measured_noise(results: Results) -> Exhibit:
    """B_simple at the start and in every phase beside the phase's batch, and the published numbers."""
    used: list[Observation] = []
    rows, figures, notes = list[Sequence[object]](), [], [_NOTE]
    for place in results.places:
        found = {arm: results.select(place, "S1", "noise-scale", arm) for arm in ARMS}
        if any(found.values()):
            rows += [row for arm in ARMS for row in _rows(results, place, arm)]
            figure = Figure(f"{results.profile}-{place.network}-noise", [[_panel(results, place, found)]])
            figures.append((figure, f"{place.network} on {place.dataset}: {sentence(found)}. {_CAPTION} {DRAWN}"))
            notes.append(_published(results, place))
        used += [each for curve in found.values() for each in curve]
    text = blocks([*notes, table(_HEAD, rows)]) if rows else ""
    return Exhibit("Noise: what is measured beside the batch", used, text, figures)


_NOTE = (
    "B_simple = tr Σ / |G|² in examples, from extra gradients at the run's own weights; BatchNorm normalises each "
    "small batch by itself. Squared lengths are averaged over the looks of a row before their ratio; mean ± SD over "
    "seeds. Far above the batches of a look it is little more than an order of magnitude, and where |G|² comes out "
    "negative it is counted as failed."
)
_CAPTION = "Each point is of the epochs since the one before."


def _rows(results: Results, place: Place, arm: str) -> list[Sequence[object]]:
    """The first epoch, then every phase."""
    phases = setting_at(results, place).regimes[arm].phases
    whole = results.select(place, "S1", "noise-scale-phase", arm)
    rows = [("1", phases[0].batch, results.select(place, "S1", "noise-scale-start", arm))]
    ends = list(accumulate(phase.epochs for phase in phases))
    for phase, end in zip(phases, ends, strict=True):
        rows.append((f"{max(2, end - phase.epochs + 1)} to {end}", phase.batch, [o for o in whole if o.x == end]))
    return [(*place, arm, epochs, f"{batch:,}", *_cells(found)) for epochs, batch, found in rows]


def _cells(found: Sequence[Observation]) -> tuple[str, str]:
    return spread(each.value for each in found if each.status == "ok"), summary(found).counts


def _published(results: Results, place: Place) -> str:
    """The published numbers on the same images, and what ours cost."""
    looks = [each for arm in ARMS for each in results.select(place, "S1", "noise-scale", arm)]
    costs = [each.cost for each in looks if each.cost is not None]
    spent = f"A look costs {number(min(costs))} gradients of the whole training set." if costs else ""
    if place.dataset not in _ROWS:
        return spent
    row = _ROWS[place.dataset]
    start, average = (results.paper.cite(f"{_TABLE}/{column}", row).numbers[0] for column in ("start", "average"))
    return (
        f"{spent} {_TABLE}, has {start:,.0f} at the start and {average:,.0f} on average for another network on {row}."
    )


def _panel(results: Results, place: Place, found: Mapping[str, Sequence[Observation]]) -> Panel:
    regimes = setting_at(results, place).regimes
    measured = [Line(f"{arm}, B_simple", arm, curves(rows)) for arm, rows in found.items()]
    batches = [
        Line(f"{arm}, batch", arm, {"": steps(regimes[arm], lambda phase: phase.batch)}, dashed=True, averaged=False)
        for arm in found
    ]
    title = f"{place.network}, {place.dataset}"
    return Panel(title, "epoch", "examples", [*measured, *batches], log_y=True)
