"""Sharpness in boxes of every size beside what slope and largest eigenvalue predict for small ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from repro.claims.estimate import one_sample
from repro.claims.evidence import Observation
from repro.claims.regression import fit
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.markdown import blocks, table
from repro.report.origin import data_set
from repro.report.results import Place, Results
from repro.report.seeds import Points
from repro.report.summary import NOTHING, number

ARMS = ("SB", "LB")
BROKEN = 2.0
"""The prediction is broken where φ is off by more than this factor, in the geometric mean over seeds."""
_WIDE = {5e-4: "eps=5e-4", 1e-3: ""}
"""Boxes of Table 3 and their variants of K3."""
_HEAD = ("network", "arm", "ε", "n", "φ / slope", "φ / curvature", "φ / both")
_FITS = ("network", "ε", "n", "on log(curvature), R²", "on log λ₁, R²")


class _Point(NamedTuple):
    """One minimum in one box: φ, both of its predictions, percent, and the largest eigenvalue."""

    arm: str
    seed: int
    eps: float
    found: float
    slope: float
    curvature: float
    largest: float

    @property
    def both(self) -> float:
        return self.slope + self.curvature


def small_boxes(results: Results) -> Exhibit:
    """Ratios of φ to its predictions for every ε, where they break, and how φ goes with them over all minima."""
    used: list[Observation] = []
    ratios: list[Sequence[str]] = []
    fits: list[Sequence[str]] = []
    said, figures = [], []
    for place in results.places:
        points = list(_points(results, place))
        if not points:
            continue
        used += [each for arm in ARMS for each in results.select(place, "K14", "sharpness", arm)]
        boxes = sorted({point.eps for point in points})
        groups = {(arm, eps): _of(points, arm, eps) for arm in ARMS for eps in boxes}
        ratios += [_ratios(place, *key, group) for key, group in groups.items() if group]
        fits += [_fits(place, eps, [point for point in points if point.eps == eps]) for eps in boxes]
        said += [_breaks(place, arm, {eps: groups[arm, eps] for eps in boxes}) for arm in ARMS]
        figure = Figure(f"{results.profile}-{place.network}-small-boxes", [_panels(place, points)])
        figures.append((figure, f"{place.network} on {data_set(results, *place)}. {_CAPTION}"))
    text = blocks([_NOTE, table(_HEAD, ratios), " ".join(said), _OVER_RUNS, table(_FITS, fits)]) if used else ""
    return Exhibit("Boxes: does curvature predict sharpness", used, text, figures)


_NOTE = (
    "In a box small enough, φ is what gradient and Hessian make of it. *Slope*: 100 ε Σ|gᵢ|(|xᵢ| + 1) / (1 + f), "
    "from the gradient that is left at the minimum. *Curvature*: 100 ε² λ₁ (Σ|v₁ᵢ|(|xᵢ| + 1))² / 2(1 + f), from the "
    "largest eigenvalue. *Both*: their sum. Geometric means of φ over its prediction, with 95 % intervals over seeds."
)
_OVER_RUNS = (
    "Over the minima of both arms, the slope of log φ against the logarithm of the curvature term, and of λ₁ alone, "
    "with 95 % interval and R². A slope of 1 is a law of proportion."
)
_CAPTION = "Solid: φ, searched. Dashed: what slope and curvature predict together."


def _points(results: Results, place: Place) -> Iterator[_Point]:
    for arm in ARMS:
        largest, slope, curvature = (
            {each.seed: each.value for each in results.select(place, "K14", quantity, arm) if each.status == "ok"}
            for quantity in ("hessian-top", "sharpness-slope", "sharpness-curvature")
        )
        for seed, eps, found in _sharpnesses(results, place, arm):
            if seed in largest and found > 0:
                terms = slope[seed] * eps, curvature[seed] * eps**2
                yield _Point(arm, seed, eps, found, *terms, largest[seed])


def _sharpnesses(results: Results, place: Place, arm: str) -> list[tuple[int, float, float]]:
    """Seed, ε and φ of every box that was searched, those of Table 3 among them."""
    small = [(each, each.x) for each in results.select(place, "K14", "sharpness", arm)]
    wide = [(each, eps) for eps, row in _WIDE.items() for each in results.select(place, "K3", "sharpness", arm, row)]
    return sorted((each.seed, eps, each.value) for each, eps in small + wide if each.status == "ok" and eps)


def _of(points: Sequence[_Point], arm: str, eps: float) -> list[_Point]:
    return [point for point in points if (point.arm, point.eps) == (arm, eps)]


def _ratios(place: Place, arm: str, eps: float, group: Sequence[_Point]) -> Sequence[str]:
    shown = (_ratio([p.found / p.slope for p in group]), _ratio([p.found / p.curvature for p in group]))
    return place.network, arm, f"{eps:g}", str(len(group)), *shown, _ratio([p.found / p.both for p in group])


def _ratio(values: Sequence[float]) -> str:
    estimate = one_sample([math.log10(value) for value in values])
    bounds = estimate.interval(0.05)
    interval = f" [{', '.join(number(10**bound) for bound in bounds)}]" if bounds else ""
    return number(10**estimate.mean) + interval


def _breaks(place: Place, arm: str, groups: dict[float, list[_Point]]) -> str:
    """From which ε on the sum of both terms is no prediction any more."""
    means = {
        eps: math.exp(math.fsum(math.log(p.found / p.both) for p in group) / len(group))
        for eps, group in groups.items()
        if group
    }
    broken = [eps for eps, mean in means.items() if not 1 / BROKEN <= mean <= BROKEN]
    if not means:
        return ""
    where = f"breaks between {_before(means, broken[0])} and {broken[0]:g}" if broken else "holds in every box tried"
    return f"{place.network}, {arm}: the prediction by both, within a factor of {BROKEN:g}, {where}."


def _before(boxes: dict[float, float], eps: float) -> str:
    smaller = [each for each in boxes if each < eps]
    return f"{max(smaller):g}" if smaller else "0"


def _fits(place: Place, eps: float, group: Sequence[_Point]) -> Sequence[str]:
    ys = [math.log10(point.found) for point in group]
    return (
        place.network,
        f"{eps:g}",
        str(len(group)),
        *(
            _fitted([math.log10(value) for value in xs], ys)
            for xs in ([point.curvature for point in group], [point.largest for point in group])
        ),
    )


def _fitted(xs: Sequence[float], ys: Sequence[float]) -> str:
    line = fit(xs, ys)
    if line is None:
        return NOTHING
    interval = f" [{line.interval[0]:.2f}, {line.interval[1]:.2f}]" if line.interval else ""
    return f"{line.slope:.2f}{interval}, {line.explained:.2f}"


def _panels(place: Place, points: Sequence[_Point]) -> list[Panel]:
    title, x = f"{place.network}, {place.dataset}", "ε, relative size of the box"
    sharp = [
        line
        for arm in ARMS
        for line in (
            Line(arm, arm, _curves(points, arm, lambda point: point.found)),
            Line(f"{arm}, predicted", arm, _curves(points, arm, lambda point: point.both), dashed=True),
        )
    ]
    ratios = [Line(arm, arm, _curves(points, arm, lambda point: point.found / point.both)) for arm in ARMS]
    return [
        Panel(title, x, "sharpness φ, %", sharp, log_x=True, log_y=True),
        Panel(title, x, "φ / prediction", ratios, log_x=True, log_y=True),
    ]


def _curves(points: Sequence[_Point], arm: str, read: Callable[[_Point], float]) -> dict[str, Points]:
    found: dict[str, Points] = {}
    for point in points:
        if point.arm == arm:
            found.setdefault(str(point.seed), []).append((point.eps, read(point)))
    return found
