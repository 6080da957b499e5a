from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from repro.nets import glorot_uniform_
from repro.streams import stream
from repro.theory import accumulation
from repro.theory.accumulation import gradient_of
from repro.theory.clipping import clipped

EXACT = 1e-12
SIZES = st.integers(2, 12)


@st.composite
def batches(
    draw: st.DrawFn, *norm: nn.Module, sizes: st.SearchStrategy[int] = SIZES
) -> tuple[nn.Module, Tensor, Tensor]:
    """A hidden layer, by default without coupling between examples, and a batch of three classes."""
    model = nn.Sequential(nn.Linear(3, 4), *norm, nn.Tanh(), nn.Linear(4, 3))
    seed, batch = draw(st.integers(0, 2**32)), draw(sizes)
    glorot_uniform_(model, stream(seed, "weights"))
    inputs = torch.randn(batch, 3, generator=stream(seed, "x"), dtype=torch.float64)
    return model.double(), inputs, torch.randint(3, (batch,), generator=stream(seed, "y"))


@pytest.mark.holds(accumulation.large_batch)
@settings(max_examples=50)
@given(batches(), st.integers(1, 13))
def test_micro_batches_of_any_size_add_up_to_the_large_batch(batch, micro_batch) -> None:
    assert accumulation.large_batch(*batch, micro_batch) < EXACT


@pytest.mark.breaks(accumulation.large_batch)
@settings(max_examples=50)
@given(st.data(), st.integers(3, 5), st.integers(2, 3))
def test_with_batchnorm_they_do_not(data, micro_batch, count) -> None:
    batch = data.draw(batches(nn.BatchNorm1d(4), sizes=st.just(micro_batch * count)))
    assert accumulation.large_batch(*batch, micro_batch) > 1e-3


@pytest.mark.holds(accumulation.weighted_alike)
@settings(max_examples=50)
@given(st.data(), st.integers(1, 4), st.integers(1, 4))
def test_micro_batches_of_one_size_may_be_weighted_alike(data, micro_batch, count) -> None:
    batch = data.draw(batches(sizes=st.just(micro_batch * count)))
    assert accumulation.weighted_alike(*batch, micro_batch) < EXACT


@pytest.mark.breaks(accumulation.weighted_alike)
@settings(max_examples=50)
@given(st.data(), st.integers(2, 4), st.integers(1, 3))
def test_a_last_micro_batch_that_is_smaller_counts_too_much_so(data, micro_batch, count) -> None:
    model, inputs, labels = data.draw(batches(sizes=st.just(micro_batch * count + 1)))
    labels = torch.zeros_like(labels)
    labels[-1] = 1
    assert accumulation.weighted_alike(model, inputs, labels, micro_batch) > 1e-3


@st.composite
def clippings(draw: st.DrawFn, bounds: st.SearchStrategy[float]) -> tuple[nn.Module, Tensor, Tensor, int, float]:
    """A batch, a micro-batch smaller than it, and a bound on the gradient in units of its norm."""
    model, inputs, labels = draw(batches(sizes=st.integers(4, 12)))
    bound = draw(bounds) * gradient_of(model, inputs, labels, len(inputs)).norm().item()
    return model, inputs, labels, draw(st.integers(1, len(inputs) // 2)), bound


@pytest.mark.holds(accumulation.clipped_once)
@settings(max_examples=50)
@given(clippings(st.floats(0.1, 2)))
def test_the_accumulated_gradient_is_clipped_as_the_large_batchs(clipping) -> None:
    model, inputs, labels, micro_batch, bound = clipping
    (accumulated,) = clipped([gradient_of(model, inputs, labels, micro_batch)], bound)
    assert accumulation.clipped_once(gradient_of(model, inputs, labels, len(inputs)), accumulated, bound) < EXACT


@pytest.mark.breaks(accumulation.clipped_once)
@settings(max_examples=50)
@given(clippings(st.floats(0.1, 0.5)))
def test_micro_batches_clipped_one_by_one_give_another(clipping) -> None:
    model, inputs, labels, micro_batch, bound = clipping
    labels = torch.arange(len(labels)) % 3
    accumulated = torch.zeros(())
    for x, y in zip(inputs.split(micro_batch), labels.split(micro_batch), strict=True):
        (part,) = clipped([gradient_of(model, x, y, len(x))], bound)
        accumulated = accumulated + len(x) / len(inputs) * part
    assert accumulation.clipped_once(gradient_of(model, inputs, labels, len(inputs)), accumulated, bound) > 1e-4
