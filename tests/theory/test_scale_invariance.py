from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from repro.measure import NetworkObjective
from repro.measure.batchnorm import batchnorm_layers
from repro.nets import glorot_uniform_
from repro.nets.keskar2017 import fully_connected
from repro.streams import stream
from repro.theory import scale_invariance

ROUNDING = 1e-9
VANISHING = 1e-300  # added to a variance it changes no digit of it, and PyTorch refuses 0
FILTERS, INPUTS = 3, 4
SEEDS = st.integers(0, 2**32)
FEWER = settings(max_examples=40)


def normal(seed: int, name: str, *shape: int) -> Tensor:
    return torch.randn(shape, generator=stream(seed, name), dtype=torch.float64)


@st.composite
def losses(draw: st.DrawFn, eps: float = VANISHING) -> NetworkObjective:
    """The loss of one batch as a function of the first layer's weights, BatchNorm in training mode behind them.

    Labels are what the network says by itself, so that the loss falls as its outputs grow.
    """
    seed, hidden = draw(SEEDS), draw(st.integers(1, 2))
    model = fully_connected((INPUTS,), 3, hidden=hidden, width=FILTERS)
    glorot_uniform_(model, stream(seed, "weights"))
    model.double()
    inputs = normal(seed, "x", draw(st.integers(8, 12)), INPUTS)
    labels = model(inputs).argmax(1)
    for layer in batchnorm_layers(model).values():
        layer.eps = eps
    return NetworkObjective(model, inputs, labels, batchnorm="batch", parameters=["1.weight"])


COARSE = losses(eps=1.0)


def factors(seed: int) -> Tensor:
    """One factor above 0 for each filter, well apart from 1."""
    return normal(seed, "factors", FILTERS).abs() + 1.5


@pytest.mark.holds(scale_invariance.loss)
@FEWER
@given(losses(), SEEDS, st.booleans())
def test_the_loss_does_not_see_how_long_filters_are(objective, seed, shorter) -> None:
    lengths = factors(seed)
    assert scale_invariance.loss(objective, objective.start, 1 / lengths if shorter else lengths) < ROUNDING


@pytest.mark.breaks(scale_invariance.loss)
@FEWER
@given(COARSE, SEEDS)
def test_with_an_epsilon_as_large_as_the_variance_it_does(objective, seed) -> None:
    assert scale_invariance.loss(objective, objective.start, factors(seed)) > 1e-6


@pytest.mark.holds(scale_invariance.gradient)
@FEWER
@given(losses(), SEEDS)
def test_the_gradient_falls_as_filters_grow(objective, seed) -> None:
    assert scale_invariance.gradient(objective, objective.start, factors(seed)) < ROUNDING


@pytest.mark.breaks(scale_invariance.gradient)
@FEWER
@given(COARSE, SEEDS)
def test_with_a_large_epsilon_it_falls_otherwise(objective, seed) -> None:
    assert scale_invariance.gradient(objective, objective.start, factors(seed)) > 1e-3


@pytest.mark.holds(scale_invariance.hessian)
@FEWER
@given(losses(), SEEDS)
def test_the_hessian_falls_with_the_square(objective, seed) -> None:
    direction = normal(seed, "u", objective.size)
    assert scale_invariance.hessian(objective, objective.start, factors(seed), direction) < ROUNDING


@pytest.mark.breaks(scale_invariance.hessian)
@FEWER
@given(COARSE, SEEDS)
def test_with_a_large_epsilon_the_hessian_does_not(objective, seed) -> None:
    direction = normal(seed, "u", objective.size)
    assert scale_invariance.hessian(objective, objective.start, factors(seed), direction) > 1e-3


@pytest.mark.holds(scale_invariance.orthogonality)
@FEWER
@given(losses())
def test_the_gradient_is_orthogonal_to_each_filter(objective) -> None:
    assert scale_invariance.orthogonality(objective, objective.start, FILTERS) < ROUNDING


@pytest.mark.breaks(scale_invariance.orthogonality)
@FEWER
@given(COARSE)
def test_with_a_large_epsilon_it_leans_along_the_filters(objective) -> None:
    assert scale_invariance.orthogonality(objective, objective.start, FILTERS) > 1e-4


@dataclass(frozen=True)
class Leaning:
    """A loss whose gradient leans along its first filter and against its second, in all along none."""

    inner: NetworkObjective

    def value_and_grad(self, point: Tensor) -> tuple[float, Tensor]:
        value, slope = self.inner.value_and_grad(point)
        filters = point.view(FILTERS, -1)
        lean = torch.zeros_like(filters)
        lean[:2] = filters[:2] / filters[:2].square().sum(1, keepdim=True)
        lean[1] *= -1
        return value, slope + slope.norm() / lean.norm() * lean.flatten()


@pytest.mark.breaks(scale_invariance.orthogonality)
@FEWER
@given(losses())
def test_a_gradient_orthogonal_to_all_weights_together_may_lean_along_each(objective) -> None:
    assert scale_invariance.orthogonality(Leaning(objective), objective.start, FILTERS) > 1e-2
    assert scale_invariance.orthogonality(Leaning(objective), objective.start, 1) < ROUNDING


@pytest.mark.holds(scale_invariance.hessian_along_weights)
@FEWER
@given(losses(), SEEDS)
def test_the_hessian_takes_each_filter_to_its_negative_gradient(objective, seed) -> None:
    signed = normal(seed, "C", FILTERS)
    assert scale_invariance.hessian_along_weights(objective, objective.start, signed) < ROUNDING


@pytest.mark.breaks(scale_invariance.hessian_along_weights)
@FEWER
@given(COARSE, SEEDS)
def test_with_a_large_epsilon_it_takes_them_elsewhere(objective, seed) -> None:
    assert scale_invariance.hessian_along_weights(objective, objective.start, factors(seed)) > 1e-3


def moving(objective: NetworkObjective, share: float) -> float:
    """A learning rate at which the first update is this share of the weights' length."""
    return share * float(objective.start.norm() / objective.value_and_grad(objective.start)[1].norm())


SHARES = st.floats(0.05, 0.5)


@pytest.mark.holds(scale_invariance.growth)
@FEWER
@given(losses(), SHARES)
def test_an_update_lengthens_each_filter_by_pythagoras(objective, share) -> None:
    assert scale_invariance.growth(objective, objective.start, FILTERS, moving(objective, share), 0.0) < ROUNDING


@pytest.mark.breaks(scale_invariance.growth)
@FEWER
@given(losses(), SHARES, st.floats(0.1, 0.5))
def test_weight_decay_takes_some_of_it_away(objective, share, shrinkage) -> None:
    rate = moving(objective, share)
    assert scale_invariance.growth(objective, objective.start, FILTERS, rate, shrinkage / rate) > 1e-2


@pytest.mark.breaks(scale_invariance.growth)
@FEWER
@given(losses(), SHARES)
def test_what_lengthens_one_filter_and_shortens_another_is_seen_in_each_alone(objective, share) -> None:
    leaning, rate = Leaning(objective), moving(objective, share)
    assert scale_invariance.growth(leaning, objective.start, FILTERS, rate, 0.0) > 1e-2
    assert scale_invariance.growth(leaning, objective.start, 1, rate, 0.0) < ROUNDING


@pytest.mark.holds(scale_invariance.effective_rate)
@FEWER
@given(losses(), SHARES, st.floats(0.2, 5))
def test_longer_weights_at_a_larger_rate_follow_the_same_path(objective, share, scale) -> None:
    rates = [moving(objective, share), moving(objective, share) / 2]
    assert scale_invariance.effective_rate(objective, objective.start, rates, scale, scale**2) < ROUNDING


@pytest.mark.breaks(scale_invariance.effective_rate)
@FEWER
@given(losses(), SHARES, st.floats(1.5, 5), st.sampled_from([0, 1, 3]))
def test_at_a_rate_scaled_by_another_power_they_do_not(objective, share, scale, power) -> None:
    rates = [moving(objective, share), moving(objective, share) / 2]
    assert scale_invariance.effective_rate(objective, objective.start, rates, scale, scale**power) > 1e-4


@pytest.mark.holds(scale_invariance.decay_is_a_growing_rate)
@FEWER
@given(losses(), st.floats(0.05, 0.2), st.floats(0.05, 0.3), st.integers(1, 4))
def test_weight_decay_is_a_learning_rate_that_grows(objective, share, shrinkage, updates) -> None:
    rate = moving(objective, share)
    path = objective, objective.start, rate, shrinkage / rate, updates
    assert scale_invariance.decay_is_a_growing_rate(*path) < 1e-8


@pytest.mark.breaks(scale_invariance.decay_is_a_growing_rate)
@FEWER
@given(COARSE, st.floats(0.05, 0.2), st.floats(0.1, 0.3), st.integers(2, 4))
def test_with_a_large_epsilon_it_is_not(objective, share, shrinkage, updates) -> None:
    rate = moving(objective, share)
    path = objective, objective.start, rate, shrinkage / rate, updates
    assert scale_invariance.decay_is_a_growing_rate(*path) > 1e-5


@dataclass(frozen=True)
class Spiral:
    """`κ angle(w) + ρ log ‖w‖` in the plane: with ρ = 0 a loss that does not see ‖w‖, whose g̃ has the length κ."""

    kappa: float
    rho: float

    def value_and_grad(self, point: Tensor) -> tuple[float, Tensor]:
        round_, out = torch.stack([-point[1], point[0]]), point
        value = self.kappa * torch.atan2(point[1], point[0]) + self.rho * point.norm().log()
        return float(value), (self.kappa * round_ + self.rho * out) / point.square().sum()


@st.composite
def decays(draw: st.DrawFn) -> tuple[Tensor, float, float, int]:
    """Weights at first, η, λ, and updates enough for any of them."""
    rate, shrinkage = draw(st.floats(0.01, 1)), draw(st.floats(0.1, 0.4))
    return normal(draw(SEEDS), "w", 2) + 0.1, rate, shrinkage / rate, 150


@pytest.mark.holds(scale_invariance.equilibrium)
@settings(max_examples=20)
@given(decays(), st.floats(0.1, 2))
def test_weight_decay_holds_the_weights_at_one_length(decay, kappa) -> None:
    assert scale_invariance.equilibrium(Spiral(kappa, 0.0), *decay) < ROUNDING


@pytest.mark.breaks(scale_invariance.equilibrium)
@settings(max_examples=20)
@given(decays(), st.floats(0.1, 2))
def test_a_loss_that_falls_with_the_weights_length_holds_them_at_another(decay, kappa) -> None:
    assert scale_invariance.equilibrium(Spiral(kappa, -kappa), *decay) > 0.1
