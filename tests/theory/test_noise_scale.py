from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from repro.theory import noise_scale
from repro.theory.minibatch import minibatch_gradients
from repro.theory.noise_scale import traded
from repro.train.regime import Phase, Regime

EXACT = 1e-12
CIFAR = 50_000

SCHEDULES = {
    "original": (78_200, [(60, 128, 0.1, 0.9), (60, 128, 0.02, 0.9), (40, 128, 0.004, 0.9), (40, 128, 0.0008, 0.9)]),
    "hybrid": (34_520, [(60, 128, 0.1, 0.9), (60, 640, 0.1, 0.9), (40, 640, 0.02, 0.9), (40, 640, 0.004, 0.9)]),
    "increasing batch": (
        29_240,
        [(60, 128, 0.1, 0.9), (60, 640, 0.1, 0.9), (40, 3200, 0.1, 0.9), (40, 5120, 0.032, 0.9)],
    ),
    "increased initial learning rate": (
        6_500,
        [(60, 640, 0.5, 0.9), (60, 3200, 0.5, 0.9), (40, 5120, 0.16, 0.9), (40, 5120, 0.032, 0.9)],
    ),
    "increased momentum": (
        2_360,
        [(60, 3200, 0.5, 0.98), (60, 5120, 0.16, 0.98), (40, 5120, 0.032, 0.98), (40, 5120, 0.0064, 0.98)],
    ),
}
"""Schedules of Smith et al. 2018: their updates, and epochs, batch, learning rate and momentum of each phase."""


def regime(phases: list[tuple[int, int, float, float]]) -> Regime:
    return Regime(tuple(Phase(*phase) for phase in phases))


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_schedules_of_smith_et_al_have_one_noise_scale_and_the_reported_updates(name) -> None:
    updates, phases = SCHEDULES[name]
    original = regime(SCHEDULES["original"][1])
    assert noise_scale.equal_over_schedules(original, regime(phases), CIFAR) < EXACT
    assert regime(phases).updates(CIFAR) == updates


@st.composite
def decays(draw: st.DrawFn) -> Regime:
    """A regime of one batch and momentum whose learning rate falls by one factor from phase to phase."""
    first = Phase(1, draw(st.integers(1, 8)), draw(st.floats(1e-3, 2)), draw(st.floats(0, 0.98)))
    factor = draw(st.integers(2, 5))
    return Regime(
        tuple(
            replace(first, epochs=draw(st.integers(1, 3)), learning_rate=first.learning_rate / factor**drop)
            for drop in range(draw(st.integers(2, 4)))
        )
    )


@pytest.mark.holds(noise_scale.equal_over_schedules)
@given(decays(), st.data())
def test_what_is_traded_phase_by_phase_keeps_the_noise_scale_of_every_epoch(decay, data) -> None:
    momentum = data.draw(st.floats(0, 0.98))
    others = Regime(tuple(traded(phase, data.draw(st.integers(1, 64)), momentum) for phase in decay.phases))
    assert noise_scale.equal_over_schedules(decay, others, examples=100) < EXACT


@pytest.mark.breaks(noise_scale.equal_over_schedules)
@given(decays())
def test_a_batch_that_stops_growing_while_the_learning_rate_stays_is_too_noisy(decay) -> None:
    first = decay.phases[0]
    growing = [
        traded(phase, round(first.batch * first.learning_rate / phase.learning_rate), phase.momentum)
        for phase in decay.phases
    ]
    stuck = replace(growing[-1], batch=growing[-2].batch)
    assert noise_scale.equal_over_schedules(decay, Regime((*growing[:-1], stuck)), examples=100) > 0.4


@st.composite
def populations(draw: st.DrawFn) -> tuple[Tensor, Phase]:
    """Gradients of a few examples, shape `(N, p)`, and a phase whose batch is smaller than N."""
    examples, size = draw(st.integers(3, 6)), draw(st.integers(1, 3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    gradients = torch.randn(examples, size, generator=generator, dtype=torch.float64)
    batch = draw(st.integers(1, min(examples - 1, 4)))
    return gradients, Phase(1, batch, draw(st.floats(1e-3, 2)), draw(st.floats(0, 0.98)))


@pytest.mark.holds(noise_scale.exact_scale)
@given(populations())
def test_batches_without_replacement_are_as_noisy_as_the_exact_noise_scale_says(population) -> None:
    gradients, phase = population
    batches = minibatch_gradients(gradients, phase.batch, replacement=False)
    assert noise_scale.exact_scale(gradients, batches, phase) < EXACT


@pytest.mark.breaks(noise_scale.exact_scale)
@given(populations().filter(lambda population: population[1].batch > 1))
def test_independent_batches_are_noisier_than_the_exact_noise_scale_says(population) -> None:
    gradients, phase = population
    batches = minibatch_gradients(gradients, phase.batch, replacement=True)
    missing = (phase.batch - 1) / (len(gradients) - 1)
    assert noise_scale.exact_scale(gradients, batches, phase) == pytest.approx(missing)


@st.composite
def trades(draw: st.DrawFn) -> tuple[Phase, Phase, int]:
    """A phase, another of a larger batch and the same simple noise scale, and a number of examples above both."""
    small, large, examples = sorted(draw(st.sets(st.integers(1, 1000), min_size=3, max_size=3)))
    phase = Phase(1, small, draw(st.floats(1e-3, 2)), draw(st.floats(0, 0.98)))
    return phase, traded(phase, large, draw(st.floats(0, 0.98))), examples


@pytest.mark.holds(noise_scale.neglected_term)
@given(trades())
def test_the_neglected_term_is_the_ratio_of_what_the_batches_leave_of_the_examples(trade) -> None:
    assert noise_scale.neglected_term(*trade) < EXACT


@pytest.mark.breaks(noise_scale.neglected_term)
@given(trades().filter(lambda trade: trade[1].batch >= 2 * trade[0].batch))
def test_a_larger_batch_at_the_same_learning_rate_is_less_noisy_than_that(trade) -> None:
    small, large, examples = trade
    untraded = replace(small, batch=large.batch)
    missing = 1 - small.batch / large.batch
    assert noise_scale.neglected_term(small, untraded, examples) == pytest.approx(missing)


@pytest.mark.holds(noise_scale.neglected_share)
@given(trades())
def test_the_neglected_term_is_no_more_than_the_larger_batchs_share(trade) -> None:
    assert noise_scale.neglected_share(*trade) < EXACT


@pytest.mark.breaks(noise_scale.neglected_share)
@given(trades().filter(lambda trade: trade[1].batch >= 2 * trade[0].batch))
def test_a_larger_batch_at_the_same_learning_rate_loses_more_than_its_share(trade) -> None:
    small, large, examples = trade
    left, right = 1 - large.batch / examples, 1 - small.batch / examples
    missing = left - left / right * small.batch / large.batch
    gap = noise_scale.neglected_share(small, replace(small, batch=large.batch), examples)
    assert gap == pytest.approx(missing, abs=EXACT)
    assert gap > 0


@st.composite
def races(draw: st.DrawFn, least: float, most: float) -> tuple[Phase, Phase, float, float, float, int]:
    """Two phases of one noise scale, `least ≤ εh ≤ most` in the larger batch, for `same_curve`."""
    curvature, epochs, batch = draw(st.floats(0.1, 10)), draw(st.integers(1, 3)), draw(st.integers(1, 8))
    ratio, per_epoch = draw(st.sampled_from([4, 8])), draw(st.integers(5, 10))
    large = Phase(epochs, batch * ratio, draw(st.floats(least, most)) / curvature)
    start = draw(st.sampled_from([-1, 1])) * draw(st.floats(0.1, 10))
    return traded(large, batch, 0.0), large, curvature, draw(st.floats(0.1, 10)), start, per_epoch * large.batch


@pytest.mark.holds(noise_scale.same_curve)
@given(races(least=0.01, most=0.1))
def test_at_a_small_learning_rate_the_batch_does_not_show_in_the_curve_by_epochs(race) -> None:
    _, large, curvature, *_ = race
    assert noise_scale.same_curve(*race) < large.learning_rate * curvature


@pytest.mark.breaks(noise_scale.same_curve)
@given(races(least=0.8, most=1.4))
def test_at_a_learning_rate_near_the_inverse_curvature_it_does(race) -> None:
    assert noise_scale.same_curve(*race) > 0.3


positive = st.floats(0.1, 10)


@pytest.mark.breaks(noise_scale.same_curve)
@given(st.integers(2, 8), positive, positive, positive)
def test_two_rates_on_either_side_of_the_inverse_curvature_may_spread_alike_and_stand_apart(
    ratio, curvature, variance, start
) -> None:
    slow = Phase(1, 3, 2 / (1 + ratio) / curvature)
    fast = replace(slow, batch=3 * ratio**2, learning_rate=slow.learning_rate * ratio)
    apart = 2 * (ratio - 1) / (ratio + 1)
    assert noise_scale.same_curve(slow, fast, curvature, variance, start, examples=1) == pytest.approx(apart)


@pytest.mark.breaks(noise_scale.same_curve)
@given(st.integers(1, 8), st.floats(0.01, 1.5), positive, positive, positive)
def test_twice_the_batch_at_one_rate_stands_alike_and_spreads_less(batch, step, curvature, variance, start) -> None:
    small = Phase(1, batch, step / curvature)
    large = replace(small, batch=2 * batch)
    assert noise_scale.same_curve(small, large, curvature, variance, start, examples=1) == pytest.approx(step)


@st.composite
def noisy_quadratics(draw: st.DrawFn, least: float, most: float) -> tuple[Phase, float, float]:
    """A phase and a curvature with `least ≤ εh ≤ most`, and the variance of one example's gradient."""
    curvature = draw(st.floats(0.1, 10))
    rate = draw(st.floats(least, most)) / curvature
    phase = Phase(1, draw(st.integers(1, 1000)), rate, draw(st.floats(0, 0.95)))
    return phase, curvature, draw(st.floats(0.1, 10))


@pytest.mark.holds(noise_scale.stationary_spread)
@given(noisy_quadratics(least=0.005, most=0.1))
def test_at_a_small_learning_rate_the_noise_scale_alone_sets_the_stationary_spread(quadratic) -> None:
    phase, curvature, _ = quadratic
    error = phase.learning_rate * curvature / (2 * (1 + phase.momentum))
    assert noise_scale.stationary_spread(*quadratic) == pytest.approx(error, rel=1e-6)


@pytest.mark.breaks(noise_scale.stationary_spread)
@given(noisy_quadratics(least=1.0, most=1.6))
def test_at_a_learning_rate_above_the_inverse_curvature_the_spread_is_wider(quadratic) -> None:
    assert noise_scale.stationary_spread(*quadratic) > 0.2
