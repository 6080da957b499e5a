"""Sharpness in boxes of every size beside what slope and curvature predict of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from repro.claims.estimate import Estimate, one_sample
from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.markdown import blocks, table
from repro.report.origin import IN_BRACKETS, data_set, where
from repro.report.regression import Fit, fit
from repro.report.results import Place, Results
from repro.report.seeds import Points
from repro.report.summary import NOTHING, number

ARMS = ("SB", "LB")
BROKEN = 2.0
"""The quadratic is broken where the interval of φ over it, a mean over seeds, lies wholly beyond this factor."""
_FITS = ("network, data set", "ε", "n", "on the λ₁ term", "within arms", "on λ₁", "within arms")


class _Point(NamedTuple):
    """One minimum in one box: φ, and in percent as well what predicts it; and the largest eigenvalue."""

    arm: str
    seed: int
    eps: float
    found: float
    expanded: float
    slope: float
    curvature: float
    largest: float


Read = Callable[[_Point], float]

_PREDICTIONS: Mapping[str, Read] = {
    "slope": lambda point: point.slope,
    "λ₁ term": lambda point: point.curvature,
    "quadratic": lambda point: point.expanded,
}
_HEAD = ("network, data set", "arm", "ε", "n", *(f"φ / {name}" for name in _PREDICTIONS))


def boxes(results: Results) -> Exhibit:
    """Ratios of φ to its predictions for every ε, where the quadratic breaks, and how φ goes with λ₁ over minima."""
    used: list[Observation] = []
    ratios: list[Sequence[str]] = []
    fits: list[Sequence[str]] = []
    said, figures = [], []
    for place in results.places:
        points = list(_points(results, place))
        if not points:
            continue
        used += [each for arm in ARMS for each in results.select(place, "K14", "sharpness", arm)]
        sizes = sorted({point.eps for point in points})
        groups = {(arm, eps): [p for p in points if (p.arm, p.eps) == (arm, eps)] for arm in ARMS for eps in sizes}
        ratios += [_ratios(where(results, place), *key, group) for key, group in groups.items() if group]
        said += [_sharper(place, points)]
        said += [_breaks(place, arm, {eps: groups[arm, eps] for eps in sizes if groups[arm, eps]}) for arm in ARMS]
        fits += [_fits(where(results, place), eps, [point for point in points if point.eps == eps]) for eps in sizes]
        figure = Figure(f"{results.profile}-{place.network}-boxes", [_panels(place, points)])
        figures.append((figure, f"{place.network} on {data_set(results, *place)}. {_CAPTION}"))
    text = blocks([_NOTE, table(_HEAD, ratios), " ".join(said), _OVER_RUNS, table(_FITS, fits)]) if used else ""
    return Exhibit("Boxes: does curvature predict sharpness", used, text, figures)


_NOTE = (
    "φ by sign ascents of 20 gradients, over what the Taylor series of the loss says of it. *Slope*: the largest rise "
    "of the linear part in the box, 100 ε Σ|gᵢ|(|xᵢ| + 1) / (1 + f), from the gradient that is left at the minimum. "
    "*λ₁ term*: that of the largest eigenvalue's part, 100 ε² λ₁ (Σ|v₁ᵢ|(|xᵢ| + 1))² / 2(1 + f). *Quadratic*: linear "
    "part and whole Hessian at the very point that was found. Geometric means, with 95 % intervals over seeds. "
    f"{IN_BRACKETS}"
)
_OVER_RUNS = (
    "Slope of log φ on the logarithm of the λ₁ term, and of λ₁ alone, over the minima of both arms, with 95 % interval "
    "and R². A slope of 1 is a law of proportion. All minima count as independent, which pairs of one seed are not; "
    "*within arms* leaves out the difference of the arms' means."
)
_CAPTION = "Solid: φ. Dashed: the quadratic at the point found."


def _points(results: Results, place: Place) -> Iterator[_Point]:
    for arm in ARMS:
        largest, slope, curvature = (
            {each.seed: each.value for each in results.select(place, "K14", quantity, arm) if each.status == "ok"}
            for quantity in ("hessian-top", "sharpness-slope", "sharpness-curvature")
        )
        expanded = {(e.seed, e.x): e for e in results.select(place, "K14", "sharpness-expanded", arm)}
        for each in results.select(place, "K14", "sharpness", arm):
            seed, eps, beside = each.seed, each.x, expanded.get((each.seed, each.x))
            if each.status == "ok" and eps and beside is not None and beside.status == "ok" and seed in largest:
                terms = slope[seed] * eps, curvature[seed] * eps**2
                point = _Point(arm, seed, eps, each.value, beside.value, *terms, largest[seed])
                if min(point[3:]) > 0:  # a ratio to nothing says nothing
                    yield point


def _ratios(named: str, arm: str, eps: float, group: Sequence[_Point]) -> Sequence[str]:
    shown = (_shown(_ratio(group, read)) for read in _PREDICTIONS.values())
    return named, arm, f"{eps:g}", str(len(group)), *shown


def _ratio(group: Sequence[_Point], prediction: Read) -> Estimate:
    """Of φ to its prediction, decades."""
    return one_sample([math.log10(point.found / prediction(point)) for point in group])


def _shown(estimate: Estimate) -> str:
    bounds = estimate.interval(0.05)
    return number(10**estimate.mean) + (f" [{', '.join(number(10**bound) for bound in bounds)}]" if bounds else "")


def _sharper(place: Place, points: Sequence[_Point]) -> str:
    """In how many seeds LB is the sharper one, box by box: the order of the arms depends on the box."""
    found: dict[tuple[float, int], dict[str, float]] = {}
    for point in points:
        found.setdefault((point.eps, point.seed), {})[point.arm] = point.found
    both = [
        (eps, values["LB"] > values["SB"]) for (eps, _), values in sorted(found.items()) if len(values) == len(ARMS)
    ]
    sizes = dict.fromkeys(eps for eps, _ in both)
    told = (f"{both.count((eps, True))} of {sum(eps == at for at, _ in both)} at ε {eps:g}" for eps in sizes)
    return f"{place.network}: seeds in which LB is sharper than SB: {', '.join(told)}."


def _breaks(place: Place, arm: str, groups: dict[float, list[_Point]]) -> str:
    """The smallest ε for which the quadratic is shown to be off."""
    sizes, bound = list(groups), math.log10(BROKEN)
    intervals = [_ratio(group, _PREDICTIONS["quadratic"]).interval(0.05) for group in groups.values()]
    broken = [i for i, found in enumerate(intervals) if found and (found[0] > bound or found[1] < -bound)]
    who = f"{place.network}, {arm}: the quadratic, within a factor of {BROKEN:g},"
    if not broken:
        return f"{who} is not shown to break in any box tried."
    before = f"{sizes[broken[0] - 1]:g}" if broken[0] else "0"
    return f"{who} breaks between {before} and {sizes[broken[0]]:g}."


def _fits(named: str, eps: float, group: Sequence[_Point]) -> Sequence[str]:
    found, arms = [math.log10(point.found) for point in group], [point.arm for point in group]
    cells = []
    for read in (_PREDICTIONS["λ₁ term"], lambda point: point.largest):
        xs = [math.log10(read(point)) for point in group]
        cells += [_fitted(fit(xs, found)), _fitted(fit(xs, found, arms))]
    return named, f"{eps:g}", str(len(group)), *cells


def _fitted(line: Fit | None) -> str:
    if line is None:
        return NOTHING
    interval = f" [{line.interval[0]:.2f}, {line.interval[1]:.2f}]" if line.interval else ""
    return f"{line.slope:.2f}{interval}, R² {line.explained:.2f}"


def _panels(place: Place, points: Sequence[_Point]) -> list[Panel]:
    title, x = f"{place.network}, {place.dataset}", "ε, relative size of the box"
    sharp = [
        line
        for arm in ARMS
        for line in (
            Line(arm, arm, _curves(points, arm, lambda point: point.found)),
            Line(f"{arm}, quadratic", arm, _curves(points, arm, _PREDICTIONS["quadratic"]), dashed=True),
        )
    ]
    ratios = [Line(arm, arm, _curves(points, arm, lambda point: point.found / point.expanded)) for arm in ARMS]
    return [
        Panel(title, x, "sharpness φ, %", sharp, log_x=True, log_y=True),
        Panel(title, x, "φ / quadratic", ratios, log_x=True, log_y=True),
    ]


def _curves(points: Sequence[_Point], arm: str, read: Read) -> dict[str, Points]:
    found: dict[str, Points] = {}
    for point in points:
        if point.arm == arm:
            found.setdefault(str(point.seed), []).append((point.eps, read(point)))
    return found
