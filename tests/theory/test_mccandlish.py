from __future__ import annotations

from statistics import fmean
from typing import NamedTuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from repro.measure.noise import GradientNoise
from repro.theory import mccandlish
from repro.theory.mccandlish import every_estimate

EXACT = 1e-11


class Population(NamedTuple):
    """Gradients of a few examples, shape `(N, p)`, and two batch sizes."""

    gradients: Tensor
    small: int
    large: int

    def estimates(self, *, replacement: bool) -> list[GradientNoise]:
        return every_estimate(*self, replacement=replacement)


@st.composite
def populations(draw: st.DrawFn, sizes: tuple[int, ...] = (2, 3), spread: float = 2.0) -> Population:
    """Gradients of one of `sizes` whose entries lie within `spread / 2` of 2 or of -2, and two batch sizes up to N."""
    examples, size = draw(st.integers(3, 4)), draw(st.sampled_from(sizes))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    noise = torch.rand(examples, size, generator=generator, dtype=torch.float64) - 0.5
    small, large = draw(st.sampled_from([(1, 2), (1, 3), (2, 3)]))
    return Population(draw(st.sampled_from([-2, 2])) + spread * noise, small, large)


@pytest.mark.holds(mccandlish.squared_gradient)
@given(populations())
def test_the_mean_estimate_of_the_squared_gradient_is_right(population) -> None:
    assert mccandlish.squared_gradient(population.gradients, population.estimates(replacement=True)) < EXACT


@pytest.mark.breaks(mccandlish.squared_gradient)
@given(populations())
def test_batches_without_replacement_hide_some_of_the_squared_gradient(population) -> None:
    assert mccandlish.squared_gradient(population.gradients, population.estimates(replacement=False)) > 1e-4


@pytest.mark.holds(mccandlish.trace)
@given(populations())
def test_the_mean_estimate_of_the_trace_is_right(population) -> None:
    assert mccandlish.trace(population.gradients, population.estimates(replacement=True)) < EXACT


@pytest.mark.breaks(mccandlish.trace)
@given(populations())
def test_batches_without_replacement_overstate_the_trace(population) -> None:
    gap = mccandlish.trace(population.gradients, population.estimates(replacement=False))
    assert gap == pytest.approx(1 / len(population.gradients), rel=1e-9)


@pytest.mark.holds(mccandlish.squared_gradient_without_replacement)
@given(populations())
def test_what_batches_without_replacement_hide_is_the_trace_over_n_less_1(population) -> None:
    estimates = population.estimates(replacement=False)
    assert mccandlish.squared_gradient_without_replacement(population.gradients, estimates) < EXACT


@pytest.mark.breaks(mccandlish.squared_gradient_without_replacement)
@given(populations())
def test_independent_batches_hide_nothing_of_the_squared_gradient(population) -> None:
    estimates = population.estimates(replacement=True)
    assert mccandlish.squared_gradient_without_replacement(population.gradients, estimates) > 1e-4


@pytest.mark.holds(mccandlish.trace_without_replacement)
@given(populations())
def test_batches_without_replacement_estimate_the_trace_with_divisor_n_less_1(population) -> None:
    assert mccandlish.trace_without_replacement(population.gradients, population.estimates(replacement=False)) < EXACT


@pytest.mark.breaks(mccandlish.trace_without_replacement)
@given(populations())
def test_independent_batches_estimate_the_trace_with_divisor_n(population) -> None:
    gap = mccandlish.trace_without_replacement(population.gradients, population.estimates(replacement=True))
    assert gap == pytest.approx(1 / len(population.gradients), rel=1e-9)


@pytest.mark.holds(mccandlish.ratio_of_averages)
@given(populations())
def test_averages_taken_before_the_ratio_give_the_noise_scale(population) -> None:
    estimates = population.estimates(replacement=True)
    averaged = GradientNoise(fmean(e.squared_gradient for e in estimates), fmean(e.trace for e in estimates))
    assert mccandlish.ratio_of_averages(population.gradients, averaged.simple_noise_scale()) < EXACT


@pytest.mark.breaks(mccandlish.ratio_of_averages)
@given(populations(sizes=(1,), spread=0.4).filter(lambda population: population.large >= 2 * population.small))
def test_the_average_of_ratios_overstates_the_noise_scale(population) -> None:
    """The noise is along the gradient, and so small that no estimate of the squared gradient is negative."""
    ratios = [estimate.simple_noise_scale() for estimate in population.estimates(replacement=True)]
    assert mccandlish.ratio_of_averages(population.gradients, fmean(ratios)) > 0.1
