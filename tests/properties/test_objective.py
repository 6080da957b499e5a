"""What must hold of a full-data loss whatever the network, the data and the chunk."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from repro.measure import NetworkObjective, population_statistics
from repro.nets import glorot_uniform_
from repro.nets.keskar2017 import fully_connected
from repro.streams import stream

SEEDS = st.integers(0, 2**32)
COUNTS = st.integers(1, 30)


def network(seed: int) -> nn.Module:
    model = fully_connected((3,), 4, hidden=2, width=4)
    glorot_uniform_(model, stream(seed, "init"))
    return model.double()


def examples(seed: int, count: int) -> tuple[Tensor, Tensor]:
    inputs = torch.randn(count, 3, generator=stream(seed, "inputs"), dtype=torch.float64)
    return inputs, torch.randint(4, (count,), generator=stream(seed, "labels"))


def vector(objective: NetworkObjective, name: str) -> Tensor:
    return torch.randn(objective.size, generator=stream(0, name), dtype=torch.float64)


@settings(max_examples=30)
@given(seed=SEEDS, count=COUNTS, chunk=st.integers(1, 35))
def test_the_mean_does_not_depend_on_the_chunking(seed: int, count: int, chunk: int) -> None:
    model, data = network(seed), examples(seed, count)
    whole, parts = (NetworkObjective(model, *data, chunk=size) for size in (count, chunk))
    x, v = whole.start, vector(whole, "direction")
    assert parts.value(x) == pytest.approx(whole.value(x), rel=1e-13)
    torch.testing.assert_close(parts.value_and_grad(x)[1], whole.value_and_grad(x)[1], rtol=1e-10, atol=1e-14)
    torch.testing.assert_close(parts.hvp(x, v), whole.hvp(x, v), rtol=1e-9, atol=1e-13)


def test_control_a_mean_of_unweighted_chunk_means_does() -> None:
    model, (inputs, labels) = network(0).eval(), examples(0, 5)
    chunks = zip(inputs.split(4), labels.split(4), strict=True)
    of_means = sum(F.cross_entropy(model(x), y).item() for x, y in chunks) / 2
    assert abs(of_means - F.cross_entropy(model(inputs), labels).item()) > 1e-2


@settings(max_examples=20)
@given(seed=SEEDS, count=COUNTS, copies=st.integers(2, 4))
def test_data_given_several_times_have_the_same_loss(seed: int, count: int, copies: int) -> None:
    model, (inputs, labels) = network(seed), examples(seed, count)
    once = NetworkObjective(model, inputs, labels, chunk=7)
    again = NetworkObjective(model, inputs.repeat(copies, 1), labels.repeat(copies), chunk=7)
    assert again.value(once.start) == pytest.approx(once.value(once.start), rel=1e-13)


@settings(max_examples=20)
@given(seed=SEEDS, count=COUNTS)
def test_the_hessian_is_symmetric_and_linear(seed: int, count: int) -> None:
    objective = NetworkObjective(network(seed), *examples(seed, count), chunk=7)
    x, u, v = objective.start, vector(objective, "u"), vector(objective, "v")
    Hu, Hv = objective.hvp(x, u), objective.hvp(x, v)
    assert (u @ Hv).item() == pytest.approx((v @ Hu).item(), rel=1e-9, abs=1e-12)
    torch.testing.assert_close(objective.hvp(x, 2 * u - v), 2 * Hu - Hv, rtol=1e-9, atol=1e-12)


@settings(max_examples=20)
@given(seed=SEEDS, count=st.integers(2, 30), chunk=st.integers(1, 35))
def test_population_statistics_do_not_depend_on_the_chunking(seed: int, count: int, chunk: int) -> None:
    model, (inputs, _) = network(seed), examples(seed, count)
    whole, parts = (population_statistics(model, inputs, chunk=size) for size in (count, chunk))
    assert list(parts) == list(whole) == ["2", "5"]
    for name, expected in whole.items():
        torch.testing.assert_close(parts[name].mean, expected.mean, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(parts[name].variance, expected.variance, rtol=1e-9, atol=1e-12)
