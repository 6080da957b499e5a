"""K14: the Hessian at both minima and on the way there, and what it says of sharpness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.markdown import table
from repro.report.origin import IN_BRACKETS, data_set, where
from repro.report.results import Place, Results
from repro.report.seeds import curves, sentence
from repro.report.summary import summary
from repro.studies.keskar2017 import Setting
from repro.studies.keskar2017.curvature import LINEAR

ARMS = ("SB", "LB")
_COUNTS = "n, failed, diverged"
_HEAD = ("network, data set", "arm", "largest eigenvalue", "trace", _COUNTS, "large eigenvalues", _COUNTS)
_NUMBERS = {"hessian-top": "", "hessian-trace": "trace", "hessian-large": "many"}
_FAINTEST = 1e-7
"""Densities end here; one eigenvalue of a million stands well above it."""
_DECADES = [-1e3, -10.0, -0.1, -1e-3, 0.0, 1e-3, 0.1, 10.0, 1e3]


def spectra(results: Results) -> Exhibit:
    """Largest eigenvalues, trace and density of the Hessian at both minima."""
    used: list[Observation] = []
    rows, figures = [], []
    for place in results.places:
        found = {arm: results.select(place, "K14", "hessian-top", arm) for arm in ARMS}
        rows += [_row(results, place, arm) for arm in ARMS if found[arm]]
        used += [each for arm in ARMS for each in found[arm]]
        if any(found.values()):
            figure = Figure(f"{results.profile}-{place.network}-hessian", _spectra(results, place), interactive=True)
            figures.append((figure, f"{place.network} on {data_set(results, *place)}: {sentence(found)}. {_SPECTRA}"))
    note = (
        "Mean ± SD over seeds, in nats; Hessian of the training loss at the final weights, BatchNorm statistics "
        "recomputed. Large: above a tenth of the geometric mean of both arms' largest eigenvalue, estimated "
        f"from the density of a few probes. {IN_BRACKETS}"
    )
    text = f"{note}\n\n{table(_HEAD, rows)}" if rows else ""
    return Exhibit("Hessian: eigenvalues of both minima", used, text, figures)


def along_training(results: Results) -> Exhibit:
    """Eigenvalues, trace and the gradient's share in the top five against the epoch, and against the loss."""
    used: list[Observation] = []
    figures = []
    for place in results.places:
        found = {arm: results.select(place, "K14", "tracked-eigenvalue-1", arm) for arm in ARMS}
        if any(curves(rows) for rows in found.values()):
            figure = Figure(f"{results.profile}-{place.network}-hessian-epochs", _epochs(results, place))
            examples = results.settings[place.network].get("tracked", Setting.tracked)
            words = f"{sentence(found)}. Hessian of the loss on {examples:,} evenly spaced training examples"
            figures.append((figure, f"{place.network} on {place.dataset}: {words}."))
        used += [each for rows in found.values() for each in rows]
    return Exhibit("Training: eigenvalues on the way", used, figures=figures)


_SPECTRA = (
    f"Above: share of the eigenvalues in each unit of arsinh(λ / {LINEAR:g}), one line a seed. Below: the largest, and "
    "how much of the gradient's squared length lies along each of their eigenvectors."
)


def _row(results: Results, place: Place, arm: str) -> Sequence[str]:
    top, trace, large = (summary(results.select(place, "K14", name, arm, row)) for name, row in _NUMBERS.items())
    return where(results, place), arm, top.mean, trace.mean, top.counts, large.mean, large.counts


def _spectra(results: Results, place: Place) -> list[list[Panel]]:
    title, unit = f"{place.network}, {place.dataset}", "eigenvalue, nats"
    eigenvalues = Panel(title, "rank", unit, _both(results, place, "eigenvalue"), log_y=True)
    shares = [replace(line, averaged=False) for line in _both(results, place, "gradient-overlap")]
    overlap = Panel(title, "rank of the eigenvalue", "share of the gradient", shares, log_y=True)
    return [[_density(results, place, arm) for arm in ARMS], [eigenvalues, overlap]]


def _density(results: Results, place: Place, arm: str) -> Panel:
    (line,) = _lines(results, place, "spectral-density", arm)
    seeds = {seed: _visible(points) for seed, points in line.seeds.items()}
    xs = [x for points in seeds.values() for x, _ in points]
    ticks = [x for x in _DECADES if xs and min(xs) <= x <= max(xs)]
    return Panel(
        f"{place.network}, {place.dataset}, {arm}",
        "eigenvalue, nats",
        "density",
        [replace(line, seeds=seeds, averaged=False)],
        log_y=True,
        low_y=_FAINTEST,
        linear_x=LINEAR,
        ticks=ticks,
    )


def _visible(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Without the ends, on which there is nothing."""
    xs = [x for x, y in points if y >= _FAINTEST]
    return [(x, y) for x, y in points if xs and min(xs) <= x <= max(xs)]


def _epochs(results: Results, place: Place) -> list[list[Panel]]:
    title, unit = f"{place.network}, {place.dataset}", "eigenvalue, nats"
    top = [
        Line(f"{arm}, {name}", arm, curves(results.select(place, "K14", f"tracked-eigenvalue-{rank}", arm)), dashed)
        for arm in ARMS
        for rank, name, dashed in ((1, "largest", False), (5, "fifth", True))
    ]
    losses = [
        Line(arm, arm, curves(results.select(place, "K14", "eigenvalue-at-loss", arm)), averaged=False) for arm in ARMS
    ]
    trace, overlap = (_both(results, place, f"tracked-{name}") for name in ("trace", "overlap"))
    return [
        [
            Panel(title, "epoch", unit, top, log_y=True),
            Panel(title, "training loss, nats", "largest " + unit, losses, log_x=True, log_y=True, falling=True),
        ],
        [
            Panel(title, "epoch", "trace, nats", trace, log_y=True),
            Panel(title, "epoch", "gradient in the top five, percent", _percent(overlap), share=True),
        ],
    ]


def _percent(lines: Sequence[Line]) -> list[Line]:
    """Lines of fractions, in percent."""
    return [
        replace(line, seeds={seed: [(x, 100 * y) for x, y in points] for seed, points in line.seeds.items()})
        for line in lines
    ]


def _both(results: Results, place: Place, quantity: str) -> list[Line]:
    return [line for arm in ARMS for line in _lines(results, place, quantity, arm)]


def _lines(results: Results, place: Place, quantity: str, arm: str) -> list[Line]:
    return [Line(arm, arm, curves(results.select(place, "K14", quantity, arm)))]
