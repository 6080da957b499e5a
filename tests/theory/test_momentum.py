from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from repro.theory import momentum
from repro.theory.momentum import moments, places, stationary_variance_of
from repro.train.regime import Phase

EXACT = 1e-10

entries = st.builds(lambda sign, size: sign * size, st.sampled_from([-1, 1]), st.floats(0.5, 2))
gradients = st.lists(entries, min_size=1, max_size=3).map(lambda drawn: torch.tensor(drawn, dtype=torch.float64))


@st.composite
def phases(draw: st.DrawFn, least: float = 0.0) -> Phase:
    """A phase with `least ≤ m ≤ 0.98`."""
    return Phase(epochs=1, batch=1, learning_rate=draw(st.floats(1e-3, 2)), momentum=draw(st.floats(least, 0.98)))


def impulse(gradient: Tensor, updates: int) -> Tensor:
    """The gradient once, then nothing, shape `(updates, p)`."""
    return torch.cat([gradient[None], torch.zeros(updates - 1, len(gradient), dtype=torch.float64)])


@pytest.mark.holds(momentum.impulse_response)
@given(gradients, phases(), st.integers(1, 20))
def test_one_gradient_acts_until_its_geometric_series_is_spent(gradient, phase, updates) -> None:
    assert momentum.impulse_response(places(impulse(gradient, updates), phase), gradient, phase) < EXACT


@pytest.mark.breaks(momentum.impulse_response)
@given(gradients, phases(least=0.3), st.integers(2, 20))
def test_a_velocity_that_is_wiped_after_the_gradient_ends_its_action(gradient, phase, updates) -> None:
    path = places(impulse(gradient, updates), phase, wiped_every=1)
    lost = phase.momentum * (1 - phase.momentum ** (updates - 1)) / (1 - phase.momentum**updates)
    assert momentum.impulse_response(path, gradient, phase) == pytest.approx(lost)


@pytest.mark.holds(momentum.suppressed_updates)
@given(gradients, phases(), st.integers(1, 30))
def test_a_constant_gradient_is_suppressed_at_first(gradient, phase, updates) -> None:
    path = places(gradient.expand(updates, -1), phase)
    assert momentum.suppressed_updates(path, gradient, phase) < EXACT


@pytest.mark.breaks(momentum.suppressed_updates)
@given(gradients, phases(least=0.3), st.integers(1, 10))
def test_a_velocity_that_has_grown_before_is_not_suppressed(gradient, phase, updates) -> None:
    path = places(gradient.expand(2 * updates, -1), phase)
    assert momentum.suppressed_updates(path[updates:] - path[updates - 1], gradient, phase) > 0.03


@pytest.mark.parametrize(("m", "updates"), [(0.9, 9), (0.98, 49)])
def test_in_the_long_run_nine_updates_are_lost_at_nine_tenths_and_49_at_98_hundredths(m, updates) -> None:
    """The losses that the derivation from Smith et al. 2018 predicts, in updates at the effective rate."""
    path = places(torch.ones(1500, 1, dtype=torch.float64), Phase(1, 1, 1 - m, m))
    assert 1500 + path[-1].item() == pytest.approx(updates, rel=1e-9)


@pytest.mark.holds(momentum.wiped_momentum)
@given(gradients, phases(), st.integers(1, 10), st.integers(1, 4))
def test_momentum_wiped_in_every_epoch_loses_the_same_in_every_epoch(gradient, phase, epoch, epochs) -> None:
    path = places(gradient.expand(epoch * epochs, -1), phase, wiped_every=epoch)
    assert momentum.wiped_momentum(path, gradient, phase, epoch) < EXACT


@pytest.mark.breaks(momentum.wiped_momentum)
@given(gradients, phases(least=0.3), st.integers(1, 10), st.integers(2, 4))
def test_momentum_that_is_kept_loses_only_in_the_first_epoch(gradient, phase, epoch, epochs) -> None:
    path = places(gradient.expand(epoch * epochs, -1), phase)
    assert momentum.wiped_momentum(path, gradient, phase, epoch) > 0.01


@pytest.mark.parametrize(("epoch", "fraction"), [(391, 0.977), (196, 0.954), (49, 0.817), (25, 0.666), (13, 0.484)])
def test_wiped_momentum_halves_the_drift_of_large_batches_on_cifar(epoch, fraction) -> None:
    """Updates in an epoch of 50,000 images at a batch of 128, 256, 1024, 2048 and 4096."""
    path = places(torch.ones(2 * epoch, 1, dtype=torch.float64), Phase(1, 1, 0.1, 0.9), wiped_every=epoch)
    assert -path[-1].item() / (2 * epoch) == pytest.approx(fraction, abs=5e-4)


@st.composite
def noisy_quadratics(
    draw: st.DrawFn, least: float = 0.02, most: float = 1.8, largest: float = 0.95
) -> tuple[Phase, float, float]:
    """A phase with `m ≤ largest` and a curvature with `least ≤ ηh ≤ most`, and the variance of a step's gradient."""
    curvature = draw(st.floats(0.1, 10))
    phase = Phase(1, 1, draw(st.floats(least, most)) / curvature, draw(st.floats(0, largest)))
    return phase, curvature, draw(st.floats(0.1, 10))


@pytest.mark.holds(momentum.stationary_variance)
@given(noisy_quadratics())
def test_the_lyapunov_equation_has_the_variance_of_the_formula(quadratic) -> None:
    assert momentum.stationary_variance(stationary_variance_of(*quadratic), *quadratic) < EXACT


@pytest.mark.breaks(momentum.stationary_variance)
@given(noisy_quadratics(most=0.5))
def test_after_one_update_the_variance_is_far_from_stationary(quadratic) -> None:
    early = moments(*quadratic, start=0.0, updates=1)[-1, 1].item()
    assert momentum.stationary_variance(early, *quadratic) > 0.2


@given(noisy_quadratics(least=0.3, most=1.0, largest=0.6))
def test_the_recursion_comes_to_rest_where_the_lyapunov_equation_says(quadratic) -> None:
    mean, variance = moments(*quadratic, start=1.0, updates=100)[-1].tolist()
    assert mean == pytest.approx(0, abs=1e-8)
    assert variance == pytest.approx(stationary_variance_of(*quadratic), rel=1e-9)
