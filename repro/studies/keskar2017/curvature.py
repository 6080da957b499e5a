"""Claim about the Hessian at the minima (abstract, section 2), and how sharpness hangs together with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import asinh, prod, sqrt
from typing import Any

import torch

from repro.measure import LeadingTerms
from repro.studies import reading
from repro.studies.curvature import SpectrumAt, density_of
from repro.studies.keskar2017.setting import Setting
from repro.studies.minimum import SHORT, ExpandedSharpnessAt
from repro.studies.study import Reading, Sample

TRACKED = 5
"""Eigenvalues measured along training."""
LARGE = 0.1
"""An eigenvalue counts as large above this fraction of the geometric mean of both arms' largest."""
LINEAR = 1e-4
"""Around zero the axis of the densities is linear up to about here, in nats; beyond it is logarithmic."""
REACH, POINTS, WIDTH = 1e4, 201, 0.25
"""Largest eigenvalue on that axis, grid points on it, and the smoothing kernel's standard deviation along it."""

Content = dict[str, Any]


def hessian_at_the_minima(setting: Setting) -> Iterator[Sample]:
    """K14: eigenvalues, trace and density at both minima; on the way there; and φ in boxes of every size."""
    for seed in setting.seeds:
        at = {arm: _at_minimum(setting, arm, seed) for arm in setting.batches}
        for place, (arm, spectrum) in enumerate(at.items()):
            yield Sample("K14", arm, seed, "hessian-top", (spectrum,), reading.largest_eigenvalue)
            yield Sample("K14", arm, seed, "hessian-trace", (spectrum,), _trace, "trace")
            yield Sample("K14", arm, seed, "hessian-large", tuple(at.values()), _count(place), "many")
            yield Sample("K14", arm, seed, "eigenvalue", (spectrum,), _ranked("eigenvalues", "errors"))
            yield Sample("K14", arm, seed, "gradient-overlap", (spectrum,), _ranked("overlaps"))
            yield Sample("K14", arm, seed, "spectral-density", (spectrum,), _density)
            yield from _boxes(setting, arm, seed, spectrum)
            if setting.track_epochs:
                yield from _along_training(setting, arm, seed)


def _at_minimum(setting: Setting, arm: str, seed: int) -> SpectrumAt:
    return SpectrumAt(
        setting.minimum(arm, seed),
        top=setting.eigenvalues,
        probes=setting.density_probes,
        steps=setting.density_steps,
        measured=setting.measured,
    )


def _boxes(setting: Setting, arm: str, seed: int, spectrum: SpectrumAt) -> Iterator[Sample]:
    whole = ExpandedSharpnessAt(spectrum.spec, measured=setting.measured, **SHORT)
    boxes = tuple(replace(whole, eps=eps) for eps in setting.boxes)
    yield Sample("K14", arm, seed, "sharpness", boxes, reading.each_at(setting.boxes, reading.sharpness))
    yield Sample("K14", arm, seed, "sharpness-expanded", boxes, reading.each_at(setting.boxes, _expanded))
    for term in LeadingTerms._fields:
        yield Sample("K14", arm, seed, f"sharpness-{term}", (spectrum,), _term(term))


def _along_training(setting: Setting, arm: str, seed: int) -> Iterator[Sample]:
    spec, updates = setting.along(arm, seed)
    needs = tuple(SpectrumAt(spec, update, top=TRACKED, probes=0, measured=setting.tracked) for update in updates)
    values = {f"eigenvalue-{rank + 1}": reading.eigenvalue(rank) for rank in range(TRACKED)}
    values |= {"trace": _costed(lambda content: float(content["trace"])), "overlap": _costed(_together)}
    for name, read in values.items():
        curve = reading.each_at(setting.track_epochs, read)
        yield Sample("K14", arm, seed, f"tracked-{name}", needs, curve)
    yield Sample("K14", arm, seed, "eigenvalue-at-loss", needs, _against_loss)


def _trace(content: Content) -> Reading:
    return Reading(content["trace"], residual=content["trace_error"])


def _count(place: int) -> Callable[[Content, Content], Reading]:
    """Eigenvalues above a bound that both arms share; those between the measured ones and the bulk are estimated."""

    def read(*contents: Content) -> Reading:
        bound = LARGE * sqrt(prod(content["eigenvalues"][0] for content in contents))
        found = density_of(contents[place]["density"]).count_above(bound)
        return Reading(found.value, residual=found.error)

    return read


def _ranked(name: str, errors: str = "") -> Callable[[Content], list[Reading]]:
    def read(content: Content) -> list[Reading]:
        bars = content[errors] if errors else [None] * len(content[name])
        pairs = zip(content[name], bars, strict=True)
        return [Reading(value, x=float(rank), residual=bar) for rank, (value, bar) in enumerate(pairs, start=1)]

    return read


def _density(content: Content) -> list[Reading]:
    """Share of the eigenvalues in each unit of arsinh(λ / LINEAR), smoothed along it by a Gaussian."""
    end = asinh(REACH / LINEAR)
    places = torch.linspace(-end, end, POINTS, dtype=torch.float64)
    means, errors = density_of(content["density"]).curve(places, WIDTH, lambda values: (values / LINEAR).asinh())
    rows = zip((LINEAR * places.sinh()).tolist(), means.tolist(), errors.tolist(), strict=True)
    return [Reading(mean, x=value, residual=error) for value, mean, error in rows]


def _expanded(content: Content) -> Reading:
    return Reading(content["expanded"], failure=content["failure"])


def _term(name: str) -> Callable[[Content], Reading]:
    return lambda content: Reading(content[name])


def _costed(read: Callable[[Content], float]) -> Callable[[Content], Reading]:
    return lambda content: Reading(read(content), cost=reading.cost_of_products(content))


def _against_loss(*contents: Content) -> list[Reading]:
    return [reading.largest_eigenvalue(content)._replace(x=content["loss"]) for content in contents]


def _together(content: Content) -> float:
    """The share of the gradient's squared length that lies in the span of the eigenvectors."""
    return float(sum(content["overlaps"]))
