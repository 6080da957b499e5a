"""What K14 reads off the answers of its measurements: numbers that are known by hand."""

from __future__ import annotations

from dataclasses import replace
from math import asinh
from typing import Any

import pytest

from repro.studies.curvature import SpectrumAt
from repro.studies.keskar2017 import Setting, samples
from repro.studies.keskar2017.curvature import LINEAR
from repro.studies.minimum import ExpandedSharpnessAt
from repro.studies.study import Reading, Sample

SETTING = Setting(
    profile="quick",
    network="F1",
    dataset="mnist-embedded",
    large_batch=600,
    claims=("K14",),
    seeds=(0,),
    track_epochs=(1, 4),
    tracked=1_000,
    boxes=(1e-5, 1e-4),
)


def answer(top: float, **changes: Any) -> dict[str, Any]:
    """A thousand eigenvalues: two known ones, a tenth of the others at 2, the rest at 0."""
    rest = 1 - 2 / 1000
    spread = {"size": 1000, "outliers": [top, top / 2], "products": 7}
    return {
        "eigenvalues": [top, top / 2],
        "errors": [1e-7, 2e-7],
        "converged": [True, True],
        "overlaps": [0.5, 0.125],
        "trace": 42.0,
        "trace_error": 0.0,
        "density": spread | {"nodes": [[0.0, 2.0]] * 2, "weights": [[0.9 * rest, 0.1 * rest]] * 2},
        "products": 30,
        "loss": 0.25,
        "slope": 300.0,
        "curvature": 7e6,
        **changes,
    }


def samples_of(quantity: str, arm: str = "LB") -> list[Sample]:
    return [s for s in samples(SETTING) if (s.quantity, s.arm) == (quantity, arm)]


def read(quantity: str, *answers: dict[str, Any]) -> Any:
    (sample,) = samples_of(quantity)
    assert len(sample.needs) == len(answers)
    return sample.read(*answers)


def test_single_numbers_come_with_their_errors() -> None:
    assert read("hessian-top", answer(8.0)) == Reading(8.0, residual=1e-7, cost=60.0)
    assert read("hessian-trace", answer(8.0)) == Reading(42.0, residual=0.0)
    assert read("sharpness-slope", answer(8.0)).value == 300.0
    assert read("sharpness-curvature", answer(8.0)).value == 7e6


def test_large_eigenvalues_are_counted_above_a_bound_that_both_arms_share() -> None:
    # a tenth of the geometric mean of 8 and 32 is 1.6: the tenth of the bulk at 2 lies above it
    small, large = answer(8.0), answer(32.0)
    assert read("hessian-large", small, large).value == pytest.approx(2 + 0.1 * 998)
    # of 200 and 800 it is 40: one arm has both of its two above it, the other as well, the bulk has none
    small, large = answer(200.0), answer(800.0)
    assert read("hessian-large", small, large).value == pytest.approx(2)
    (sample,) = samples_of("hessian-large", "SB")
    assert sample.read(answer(60.0), answer(3e4)).value == pytest.approx(0)


def test_a_count_that_two_probes_disagree_on_counts_with_its_error_whatever_its_size() -> None:
    rest = 1 - 2 / 1000
    unsure = answer(8.0)
    unsure["density"]["weights"] = [[0.9 * rest, 0.1 * rest], [0.7 * rest, 0.3 * rest]]
    found = read("hessian-large", unsure, unsure)  # 101.8 and 301.4 eigenvalues
    assert (found.value, found.residual) == (pytest.approx(2 + 0.2 * 998), pytest.approx(99.8))


def test_an_eigenvalue_that_did_not_converge_is_a_failure() -> None:
    assert "did not converge" in read("hessian-top", answer(8.0, converged=[False, True])).failure


def test_ranked_values_are_a_curve_over_the_rank() -> None:
    assert [(r.x, r.value) for r in read("eigenvalue", answer(8.0))] == [(1, 8.0), (2, 4.0)]
    assert [r.residual for r in read("eigenvalue", answer(8.0))] == [1e-7, 2e-7]
    assert [(r.x, r.value) for r in read("gradient-overlap", answer(8.0))] == [(1, 0.5), (2, 0.125)]


def test_the_density_holds_every_eigenvalue_once_in_its_place() -> None:
    points = read("spectral-density", answer(8.0))
    places = [asinh(r.x / LINEAR) for r in points]
    mass = [r.value * (places[1] - places[0]) for r in points]
    assert sum(mass) == pytest.approx(1, abs=1e-6)
    above = sum(m for m, r in zip(mass, points, strict=True) if r.x > 0.5)
    assert above == pytest.approx(2 / 1000 + 0.1 * 0.998, abs=1e-6)


def test_along_training_each_epoch_is_a_point() -> None:
    early, late = answer(8.0), answer(2.0, loss=0.01)
    assert [(r.x, r.value) for r in read("tracked-eigenvalue-2", early, late)] == [(1, 4.0), (4, 1.0)]
    assert [r.residual for r in read("tracked-eigenvalue-2", early, late)] == [2e-7, 2e-7]
    unsure = answer(2.0, converged=[True, False])
    assert [r.failure for r in read("tracked-eigenvalue-2", early, unsure)] == ["", "eigenvalue 2 did not converge"]
    assert [r.failure for r in read("tracked-eigenvalue-5", early, late)] == ["eigenvalue 5 did not converge"] * 2
    assert [(r.x, r.value) for r in read("tracked-overlap", early, late)] == [(1, 0.625), (4, 0.625)]
    assert [(r.x, r.value) for r in read("tracked-trace", early, late)] == [(1, 42.0), (4, 42.0)]
    assert [(r.x, r.value) for r in read("eigenvalue-at-loss", early, late)] == [(0.25, 8.0), (0.01, 2.0)]


def test_it_measures_at_the_minima_in_small_boxes_and_after_the_tracked_epochs() -> None:
    (top,) = samples_of("hessian-top")
    assert top.needs == (SpectrumAt(SETTING.minimum("LB", 0), top=20, probes=2, steps=40),)
    (boxes,) = samples_of("sharpness")
    whole = ExpandedSharpnessAt(SETTING.minimum("LB", 0), rule="ascent", budget=20)
    assert boxes.needs == (replace(whole, eps=1e-5), replace(whole, eps=1e-4))
    (tracked,) = samples_of("tracked-trace")
    run = SETTING.fixed(600, 4, 0)
    assert tracked.needs == tuple(SpectrumAt(run, u, top=5, probes=0, measured=1_000) for u in (10, 40))
