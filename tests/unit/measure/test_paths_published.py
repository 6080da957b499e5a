"""The authors' own figures, as data: complete, and what our summaries say of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from repro.measure import PathProfile, barrier, grid, rise

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FIGURES = tomllib.loads(
    (Path(__file__).parents[3] / "papers" / "keskar2017" / "figures.toml").read_text(encoding="utf-8")
)
NETWORKS = ["C1", "C2", "C3", "C4"]
CURVES = ["train_loss", "test_loss", "train_acc", "test_acc"]


def profile(network, split):
    found = FIGURES[network]
    accuracy = tuple(percent / 100 for percent in found[f"{split}_acc"])
    return PathProfile(tuple(FIGURES["alpha"]), tuple(found[f"{split}_loss"]), accuracy, cost=0.0)


def test_the_points_are_the_25_of_our_line():
    assert tuple(FIGURES["alpha"]) == grid(-1, 2)


def test_each_figure_has_its_source_and_no_network_is_missing():
    assert "commit 9759302" in FIGURES["source"]
    assert [name for name, found in FIGURES.items() if isinstance(found, dict)] == NETWORKS


@pytest.mark.parametrize("network", NETWORKS)
def test_every_curve_has_a_value_at_each_point(network):
    assert {curve: len(values) for curve, values in FIGURES[network].items()} == dict.fromkeys(CURVES, 25)


@pytest.mark.parametrize("network", NETWORKS)
def test_losses_are_nats_and_accuracies_percent(network):
    found = FIGURES[network]
    assert all(0 < loss < 11 for curve in CURVES[:2] for loss in found[curve])
    assert all(0 < percent <= 100 for curve in CURVES[2:] for percent in found[curve])
    assert max(found["train_acc"]) > 99


@pytest.mark.parametrize(
    ("network", "at_sb", "at_lb", "highest", "beyond_lb"),
    [
        ("C1", (0.0011, 80.52), (0.0004, 77.26), 0.8739, 2.7947),
        ("C2", (0.0009, 89.80), (0.0004, 89.17), 1.7055, 0.0606),
        ("C3", (0.0182, 48.26), (0.0073, 44.25), 2.3247, 4.9757),
        ("C4", (0.0368, 63.73), (0.0148, 64.31), 9.0298, 0.5217),
    ],
)
def test_the_ends_the_barrier_and_the_loss_beyond_it(network, at_sb, at_lb, highest, beyond_lb):
    train, accuracy = profile(network, "train"), FIGURES[network]["test_acc"]
    assert (train.loss_at(0), accuracy[8]) == at_sb
    assert (train.loss_at(1), accuracy[16]) == at_lb
    assert train.loss_at(1.125) == beyond_lb
    assert barrier(train) == pytest.approx(highest - at_sb[0])


@pytest.mark.parametrize("network", NETWORKS)
def test_the_published_large_batch_end_rises_at_least_a_hundred_times_as_fast(network):
    train = profile(network, "train")
    assert rise(train, at=1, distance=0.125) > 100 * rise(train, at=0, distance=0.125) > 0
