from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from repro.theory import minibatch
from repro.theory.minibatch import minibatch_gradients

EXACT = 1e-12


@st.composite
def populations(draw: st.DrawFn) -> tuple[Tensor, int]:
    """Gradients of a few examples, shape `(N, p)`, and a batch size up to N."""
    examples, size = draw(st.integers(2, 6)), draw(st.integers(1, 3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    gradients = torch.randn(examples, size, generator=generator, dtype=torch.float64) + draw(st.integers(-3, 3))
    return gradients, draw(st.integers(1, min(examples, 4)))


@pytest.mark.holds(minibatch.unbiased)
@given(populations(), st.booleans())
def test_the_mean_over_all_batches_is_the_gradient_over_all_examples(population, replacement) -> None:
    gradients, batch = population
    assert minibatch.unbiased(gradients, minibatch_gradients(gradients, batch, replacement=replacement)) < EXACT


@pytest.mark.breaks(minibatch.unbiased)
@given(populations())
def test_batches_that_never_hold_the_first_example_are_biased(population) -> None:
    gradients, batch = population
    assert minibatch.unbiased(gradients, minibatch_gradients(gradients[1:], batch, replacement=True)) > 1e-6


@pytest.mark.holds(minibatch.covariance_with_replacement)
@given(populations())
def test_the_covariance_of_independent_batches_falls_as_one_over_the_batch(population) -> None:
    gradients, batch = population
    batches = minibatch_gradients(gradients, batch, replacement=True)
    assert minibatch.covariance_with_replacement(gradients, batches, batch) < EXACT


@pytest.mark.breaks(minibatch.covariance_with_replacement)
@given(populations().filter(lambda population: population[1] > 1))
def test_batches_without_replacement_have_a_smaller_covariance(population) -> None:
    gradients, batch = population
    batches = minibatch_gradients(gradients, batch, replacement=False)
    assert minibatch.covariance_with_replacement(gradients, batches, batch) > 0.1


@pytest.mark.holds(minibatch.covariance_without_replacement)
@given(populations())
def test_the_covariance_without_replacement_has_the_factor_of_a_finite_population(population) -> None:
    gradients, batch = population
    batches = minibatch_gradients(gradients, batch, replacement=False)
    if batch < len(gradients):
        assert minibatch.covariance_without_replacement(gradients, batches, batch) < EXACT
    else:
        assert minibatch.covariance(batches).abs().max() < EXACT


@pytest.mark.breaks(minibatch.covariance_without_replacement)
@given(populations().filter(lambda population: population[1] > 1))
def test_independent_batches_do_not_have_that_factor(population) -> None:
    gradients, batch = population
    batches = minibatch_gradients(gradients, batch, replacement=True)
    assert minibatch.covariance_without_replacement(gradients, batches, batch) > 0.1


@pytest.mark.holds(minibatch.second_moment)
@given(populations())
def test_the_second_moment_is_the_covariance_and_the_square_of_the_mean(population) -> None:
    gradients, batch = population
    batches = minibatch_gradients(gradients, batch, replacement=True)
    assert minibatch.second_moment(gradients, batches, batch) < EXACT


@pytest.mark.breaks(minibatch.second_moment)
@given(populations().filter(lambda population: population[1] > 1))
def test_the_second_moment_of_batches_without_replacement_is_another(population) -> None:
    gradients, batch = population
    batches = minibatch_gradients(gradients - gradients.mean(0), batch, replacement=False)
    assert minibatch.second_moment(gradients - gradients.mean(0), batches, batch) > 0.1


@st.composite
def epochs(draw: st.DrawFn) -> tuple[Tensor, Tensor, int]:
    """Gradients of N examples, an order of them, and a divisor of N below it."""
    batch, count = draw(st.integers(1, 4)), draw(st.integers(2, 5))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    gradients = torch.randn(batch * count, 3, generator=generator, dtype=torch.float64) + 1
    return gradients, torch.randperm(batch * count, generator=generator), batch


@pytest.mark.holds(minibatch.no_variance_over_an_epoch)
@given(epochs())
def test_a_shuffled_epoch_adds_up_to_the_same_step_whatever_the_order(epoch) -> None:
    assert minibatch.no_variance_over_an_epoch(*epoch) < EXACT


@pytest.mark.breaks(minibatch.no_variance_over_an_epoch)
@given(epochs())
def test_an_epoch_that_uses_one_example_for_another_does_not(epoch) -> None:
    gradients, order, batch = epoch
    order = order.clone()
    order[0] = order[-1]
    assert minibatch.no_variance_over_an_epoch(gradients, order, batch) > 1e-6
