from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from repro.theory import clipping
from repro.theory.clipping import clipped, clipped_step
from repro.train.regime import Phase

ROUNDING = 1e-12
PYTORCHS_EPS = 1e-6

limits, rates = st.floats(0.1, 10), st.floats(1e-3, 2)


@st.composite
def gradients(draw: st.DrawFn, least: float, most: float) -> tuple[list[Tensor], float]:
    """Gradients of a matrix and a vector, and a limit; their norm is between `least` and `most` times the limit."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    shapes = ((draw(st.integers(1, 3)), 2), (draw(st.integers(1, 3)),))
    drawn = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    limit = draw(limits)
    length = limit * draw(st.floats(least, most)) / norm(drawn)
    return [length * tensor for tensor in drawn], limit


def norm(tensors: list[Tensor]) -> float:
    return torch.cat([tensor.flatten() for tensor in tensors]).norm().item()


@pytest.mark.holds(clipping.norm_bound)
@given(gradients(least=0.01, most=100))
def test_no_clipped_gradient_is_longer_than_the_limit(case) -> None:
    drawn, limit = case
    assert clipping.norm_bound(clipped(drawn, limit), limit) < ROUNDING


@pytest.mark.breaks(clipping.norm_bound)
@given(gradients(least=2, most=100))
def test_parameters_clipped_one_by_one_are_too_long_together(case) -> None:
    drawn, limit = case
    long = [limit * tensor / tensor.norm() * 2 for tensor in drawn]
    one_by_one = [clipped([tensor], limit)[0] for tensor in long]
    assert clipping.norm_bound(one_by_one, limit) == pytest.approx(2**0.5 - 1, abs=1e-4)


def test_a_gradient_that_is_not_a_number_is_within_no_limit() -> None:
    assert not clipping.norm_bound([torch.tensor([1.0, torch.nan])], 1.0) < ROUNDING


@pytest.mark.holds(clipping.short_gradients)
@given(gradients(least=0.01, most=0.9999))
def test_a_short_gradient_passes_as_it_is(case) -> None:
    assert clipping.short_gradients(*case) == 0


@pytest.mark.breaks(clipping.short_gradients)
@given(gradients(least=1.2, most=100))
def test_a_long_gradient_does_not_pass_as_it_is(case) -> None:
    drawn, limit = case
    assert clipping.short_gradients(*case) == pytest.approx(1 - limit / norm(drawn), abs=1e-4)


@pytest.mark.holds(clipping.direction_only)
@given(gradients(least=1, most=100), rates, st.floats(0, 0.98))
def test_a_step_on_a_clipped_gradient_keeps_its_direction_only(case, rate, momentum) -> None:
    drawn, limit = case
    step = clipped_step(drawn, Phase(1, 1, rate, momentum, clip=limit))
    assert clipping.direction_only(step, drawn, rate, limit) <= PYTORCHS_EPS / norm(drawn) + ROUNDING


@pytest.mark.breaks(clipping.direction_only)
@given(gradients(least=0.01, most=0.9), rates)
def test_a_step_on_a_short_gradient_is_shorter(case, rate) -> None:
    drawn, limit = case
    step = clipped_step(drawn, Phase(1, 1, rate, clip=limit))
    assert clipping.direction_only(step, drawn, rate, limit) == pytest.approx(1 - norm(drawn) / limit)


@given(gradients(least=1, most=100), rates, st.floats(1, 100), st.floats(0.1, 10))
def test_a_scaled_loss_changes_no_clipped_step_and_a_scaled_rate_its_length_alone(case, rate, louder, faster) -> None:
    drawn, limit = case
    step = clipped_step(drawn, Phase(1, 1, rate, clip=limit))
    of_louder = clipped_step([louder * tensor for tensor in drawn], Phase(1, 1, rate, clip=limit))
    of_faster = clipped_step(drawn, Phase(1, 1, faster * rate, clip=limit))
    torch.testing.assert_close(of_louder, step, rtol=PYTORCHS_EPS / norm(drawn), atol=0)
    torch.testing.assert_close(of_faster, faster * step)
