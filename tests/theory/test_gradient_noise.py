from __future__ import annotations

import math
from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from repro.theory import gradient_noise
from repro.theory.gradient_noise import matching_variance, noisy_gradients, noisy_minibatches
from repro.theory.minibatch import covariance, minibatch_gradients

EXACT = 1e-11

deviations = st.floats(0.2, 3)
pairs = st.sampled_from([(1, 2), (1, 3), (1, 4), (2, 3), (2, 4)])


@st.composite
def gradients(draw: st.DrawFn, fewest: int = 2) -> Tensor:
    """A few gradients, shape `(n, p)`, whose entries are all positive or all negative."""
    examples, size = draw(st.integers(fewest, 4)), draw(st.integers(2, 3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    noise = torch.rand(examples, size, generator=generator, dtype=torch.float64)
    return draw(st.sampled_from([-1, 1])) * (0.5 + noise)


def centred(vectors: Tensor) -> Tensor:
    return vectors - vectors.mean(0)


@pytest.mark.holds(gradient_noise.unbiased)
@given(gradients(), deviations)
def test_noise_around_one_leaves_the_mean_of_a_batch(batch, deviation) -> None:
    assert gradient_noise.unbiased(batch, noisy_gradients(batch, deviation)) < EXACT


@pytest.mark.breaks(gradient_noise.unbiased)
@given(gradients(), deviations)
def test_noise_around_another_mean_lengthens_the_gradient(batch, deviation) -> None:
    off_centre = noisy_gradients(1.5 * batch, deviation)
    assert gradient_noise.unbiased(batch, off_centre) == pytest.approx(1 / 3)


@pytest.mark.holds(gradient_noise.conditional_covariance)
@given(gradients(), deviations)
def test_noise_adds_the_mean_square_of_the_batch(batch, deviation) -> None:
    assert gradient_noise.conditional_covariance(batch, noisy_gradients(batch, deviation), deviation) < EXACT


@pytest.mark.breaks(gradient_noise.conditional_covariance)
@given(gradients(), deviations)
def test_noise_that_the_batch_shares_does_not_average_out(batch, deviation) -> None:
    shared = torch.stack([(1 - deviation) * batch.mean(0), (1 + deviation) * batch.mean(0)])
    assert gradient_noise.conditional_covariance(batch, shared, deviation) > 0.1


@pytest.mark.holds(gradient_noise.total_covariance)
@given(gradients(), st.integers(1, 3), deviations)
def test_the_noise_raises_the_second_moment_of_the_examples(per_example, batch, deviation) -> None:
    noisy = noisy_minibatches(per_example, batch, deviation)
    assert gradient_noise.total_covariance(per_example, noisy, batch, deviation) < EXACT


@pytest.mark.breaks(gradient_noise.total_covariance)
@given(gradients(fewest=3).map(centred), deviations)
def test_batches_without_replacement_have_a_smaller_total_covariance(per_example, deviation) -> None:
    noisy = torch.cat([noisy_gradients(torch.stack(pair), deviation) for pair in combinations(per_example, 2)])
    missing = 1 / (len(per_example) - 1) / (1 + deviation**2)
    assert gradient_noise.total_covariance(per_example, noisy, 2, deviation) == pytest.approx(missing)


@pytest.mark.holds(gradient_noise.matched)
@given(gradients().map(lambda drawn: centred(drawn[:3])), pairs)
def test_matched_noise_gives_the_large_batch_the_covariance_of_the_small(per_example, batches) -> None:
    small, large = batches
    noisy = noisy_minibatches(per_example, large, math.sqrt(matching_variance(small, large)))
    assert gradient_noise.matched(minibatch_gradients(per_example, small, replacement=True), noisy) < EXACT


@pytest.mark.breaks(gradient_noise.matched)
@given(gradients().map(lambda drawn: drawn[:3]), pairs)
def test_a_mean_gradient_makes_matched_noise_too_strong_by_its_square(per_example, batches) -> None:
    small, large = batches
    of_small = minibatch_gradients(per_example, small, replacement=True)
    noisy = noisy_minibatches(per_example, large, math.sqrt(matching_variance(small, large)))
    assert gradient_noise.matched(of_small, noisy) > 0.2
    excess = (1 / small - 1 / large) * per_example.mean(0).outer(per_example.mean(0))
    torch.testing.assert_close(covariance(noisy) - covariance(of_small), excess)
