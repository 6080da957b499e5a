"""The noise scale of settings, and what momentum delays, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest

from repro.train.noise_scale import approximate_noise_scale, forgetting_epochs, lost_updates, noise_scale
from repro.train.regime import Phase, Regime

CIFAR = 50_000
FIRST, LAST = Phase(1, 128, 0.1, 0.9), Phase(1, 3200, 0.5, 0.98)


@pytest.mark.parametrize("phase", [FIRST, LAST, Phase(1, 640, 0.5, 0.9)])
def test_the_starts_of_smith_et_al_have_one_noise_scale(phase: Phase) -> None:
    assert approximate_noise_scale(phase, CIFAR) == pytest.approx(7.8125e-3 * CIFAR, rel=1e-12)


def test_at_the_largest_batch_of_smith_et_al_the_neglected_term_is_a_tenth() -> None:
    phase = Phase(1, 5120, 0.1, 0.9)
    assert noise_scale(phase, CIFAR) == pytest.approx(0.1 * (50_000 / 5120 - 1) / 0.1)
    assert 1 - noise_scale(phase, CIFAR) / approximate_noise_scale(phase, CIFAR) == pytest.approx(0.1024)


def test_the_whole_training_set_as_a_batch_has_no_noise() -> None:
    assert noise_scale(Phase(1, 100, 0.1, 0.9), 100) == 0


def test_a_regime_has_the_noise_scale_of_the_phase_in_force() -> None:
    regime = Regime((Phase(1, 10, 0.1), Phase(1, 10, 0.01)))  # 2 updates an epoch
    scales = [noise_scale(regime.at(update, 20).phase, 20) for update in range(4)]
    assert scales == pytest.approx([0.1, 0.1, 0.01, 0.01])


@pytest.mark.parametrize(("phase", "lost", "epochs"), [(FIRST, 9, 0.0256), (LAST, 49, 3.2)])
def test_momentum_loses_updates_and_forgets_over_epochs(phase: Phase, lost: float, epochs: float) -> None:
    assert lost_updates(phase) == pytest.approx(lost)
    assert forgetting_epochs(phase, CIFAR) == pytest.approx(epochs)


def test_the_lost_updates_are_those_of_the_velocity_that_has_not_come_up() -> None:
    velocity, moved = 0.0, []
    for _ in range(20):
        velocity = 0.9 * velocity + 1
        moved.append(velocity)
    for done in range(1, 21):
        assert done - lost_updates(FIRST, done) == pytest.approx(0.1 * sum(moved[:done]))
    assert lost_updates(Phase(1, 8, 0.1), math.inf) == lost_updates(Phase(1, 8, 0.1), 5) == 0
