"""Measurements on stored runs, end to end on few examples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from repro.data import load
from repro.errors import UsageError
from repro.runs.engine import LocalEngine
from repro.runs.measurements import carry_out
from repro.runs.store import RunStore
from repro.runs.worker import RunRequest
from repro.studies.between import DirectionFrom, PathBetween
from repro.studies.curvature import SpectrumAt, density_of
from repro.studies.minimum import EvaluationAt, ExpandedSharpnessAt, ManifoldSharpnessAt, SharesAt, SharpnessAt
from repro.studies.network import part_of
from repro.train.regime import constant
from repro.train.spec import RunSpec

SMALL = RunSpec("F1", "mnist-embedded", constant(1, 100, 1e-3, 0.9))
LARGE = replace(SMALL, regime=constant(1, 3000, 1e-3, 0.9))
SOME = 200


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    store = RunStore(tmp_path_factory.mktemp("runs"))
    for _ in LocalEngine(store, 1).execute([RunRequest(SMALL, frozenset({30})), RunRequest(LARGE)]):
        pass
    return store


def content(store: RunStore, request: object) -> dict[str, Any]:
    form = carry_out(store, request)  # type: ignore[arg-type]
    assert form["status"] == "ok", form["reason"]
    return form["content"]  # type: ignore[no-any-return]


def test_a_path_begins_and_ends_at_the_two_minima(store: RunStore) -> None:
    found = content(store, PathBetween(SMALL, LARGE, measured=SOME))["train"]
    ends = {0.0: SMALL, 1.0: LARGE}
    for alpha, spec in ends.items():
        at = found["alpha"].index(alpha)
        alone = content(store, DirectionFrom(spec, seed=0, alphas=(-0.1, 0.0, 0.1), measured=SOME))["train"]
        assert found["loss"][at] == pytest.approx(alone["loss"][1], rel=1e-5)


def test_sharpness_is_higher_in_a_larger_box_and_its_loss_is_that_of_the_minimum(store: RunStore) -> None:
    narrow, wide = (content(store, SharpnessAt(SMALL, eps=eps, budget=12)) for eps in (5e-4, 1e-3))
    assert 0 < narrow["value"] < wide["value"]
    assert narrow["loss"] == pytest.approx(content(store, EvaluationAt(SMALL))["loss"], rel=1e-6)
    assert narrow["cost"] <= 12


def test_a_spectrum_comes_with_its_gradient_and_what_it_predicts_of_sharpness(store: RunStore) -> None:
    found = content(store, SpectrumAt(SMALL, 30, top=3, probes=1, steps=5, measured=SOME))
    assert found["eigenvalues"] == sorted(found["eigenvalues"], reverse=True)
    assert 0 < sum(found["overlaps"]) < 1
    assert density_of(found["density"]).moment(1).value == pytest.approx(found["trace"] / 1_462_794, rel=0.5)
    sharp = content(store, ExpandedSharpnessAt(SMALL, 30, eps=1e-6, budget=10, measured=SOME))
    assert sharp["value"] == pytest.approx(found["slope"] * 1e-6 + found["curvature"] * 1e-12, rel=0.02)
    assert sharp["value"] == pytest.approx(sharp["expanded"], rel=0.01)
    wide = content(store, ExpandedSharpnessAt(SMALL, 30, eps=5e-3, budget=10, measured=SOME))
    assert abs(wide["value"] / wide["expanded"] - 1) > 0.1


def test_without_probes_there_is_no_density(store: RunStore) -> None:
    assert content(store, SpectrumAt(SMALL, top=1, probes=0, measured=SOME))["density"] is None


@pytest.mark.parametrize(
    "request_",
    [
        SharpnessAt(SMALL, budget=8, measured=SOME, rule="ascent"),
        SharpnessAt(SMALL, measured=SOME, rule="published"),
        SharpnessAt(SMALL, measured=SOME, rule="published", start="random"),
        SharpnessAt(SMALL, budget=8, measured=SOME, box="adaptive", eps=0.02),
        SharpnessAt(SMALL, budget=8, measured=SOME, batchnorm="batch"),
        SharpnessAt(SMALL, budget=8, measured=SOME, update=30),
        SharpnessAt(SMALL, budget=8, measured=SOME, update=0),
        ManifoldSharpnessAt(SMALL, budget=8, measured=SOME, columns=5),
        ManifoldSharpnessAt(SMALL, budget=8, measured=SOME, columns=5, entries="unit-columns"),
    ],
)
def test_every_way_of_asking_for_sharpness_is_answered(store: RunStore, request_: SharpnessAt) -> None:
    found = content(store, request_)
    assert not found["failure"]
    assert found["value"] == pytest.approx(100 * (found["maximum"] - found["loss"]) / (1 + found["loss"]))
    assert found["value"] > 0


@pytest.mark.parametrize(
    ("kind", "choices", "named"),
    [
        (SharpnessAt, {"box": "adaptive", "rule": "published"}, "rule='published'"),
        (SharpnessAt, {"box": "adaptive", "start": "random"}, "start='random'"),
        (ManifoldSharpnessAt, {"box": "adaptive"}, "box='adaptive'"),
    ],
)
def test_choices_that_exclude_each_other_are_refused(kind: Any, choices: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        kind(SMALL, **choices)


def test_snapshots_are_measured_at_their_own_weights(store: RunStore) -> None:
    losses = [content(store, SharpnessAt(SMALL, update, budget=8, measured=SOME))["loss"] for update in (0, 30, None)]
    assert losses[0] > losses[1] > losses[2]


def test_the_coordinates_that_matter_most_carry_more_than_random_ones(store: RunStore) -> None:
    found = content(store, SharesAt(SMALL, budget=8, measured=SOME))
    top, random, whole = (found[part]["value"] for part in ("top", "random", "whole"))
    assert 1.01 * whole > top > random > 0


def test_a_measured_part_is_spread_evenly_over_the_training_set() -> None:
    train = load("mnist-embedded").train
    part = part_of(train, 60)
    assert len(part) == 60
    assert bool((part.inputs[1] == train.inputs[100]).all())
    assert part_of(train, 0) is train
    with pytest.raises(UsageError, match="count=7000 must lie between 1 and the 6000"):
        part_of(train, 7000)
