"""Initial weights: Glorot's bound, and a start that depends on the generator alone."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
from torch import nn

from repro.errors import UsageError
from repro.nets import build, glorot_uniform_
from repro.streams import stream


def start(seed: int) -> list[torch.Tensor]:
    return list(build("F2", (20,), 5, stream(seed, "init")).state_dict().values())


def test_small_and_large_batch_runs_of_one_seed_start_from_the_same_weights() -> None:
    assert all(torch.equal(a, b) for a, b in zip(start(3), start(3), strict=True))


def test_another_seed_starts_from_other_weights() -> None:
    assert not all(torch.equal(a, b) for a, b in zip(start(3), start(4), strict=True))


def test_the_global_generator_is_neither_read_nor_moved() -> None:
    first = start(3)
    before = torch.get_rng_state()
    torch.rand(1)
    shifted = torch.get_rng_state()
    second = start(3)
    assert torch.equal(torch.get_rng_state(), shifted)
    assert not torch.equal(before, shifted)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_default_precision_does_not_change_the_weights() -> None:
    expected = start(3)
    torch.set_default_dtype(torch.float64)
    try:
        actual = start(3)
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(torch.equal(a, b) for a, b in zip(expected, actual, strict=True))


@pytest.mark.parametrize(
    ("layer", "fans"),
    [(nn.Linear(200, 100), 300), (nn.Conv2d(8, 16, 5), (8 + 16) * 25), (nn.Conv2d(8, 16, 3, stride=2), 24 * 9)],
)
def test_weights_fill_glorots_interval_evenly(layer: nn.Linear | nn.Conv2d, fans: int) -> None:
    glorot_uniform_(layer, stream(0, "init"))
    bound = sqrt(6 / fans)
    assert 0.98 * bound < layer.weight.abs().max() <= bound
    assert layer.weight.std().item() == pytest.approx(bound / sqrt(3), rel=0.05)
    assert layer.bias is not None
    assert layer.bias.eq(0).all()


def test_batchnorm_starts_at_the_identity() -> None:
    layer = nn.BatchNorm1d(3)
    layer(torch.randn(9, 3, generator=stream(0, "inputs")))
    with torch.no_grad():
        layer.weight.fill_(2)
        layer.bias.fill_(2)
    glorot_uniform_(layer, stream(0, "init"))
    assert [t.tolist() for t in layer.state_dict().values()] == [[1] * 3, [0] * 3, [0] * 3, [1] * 3, 0]


def test_a_layer_without_bias_is_filled_too() -> None:
    layer = nn.Linear(4, 4, bias=False)
    before = layer.weight.clone()
    glorot_uniform_(layer, stream(0, "init"))
    assert not torch.equal(layer.weight, before)


def test_a_layer_that_the_rule_does_not_cover_is_refused() -> None:
    with pytest.raises(UsageError, match="layer '1' is a LayerNorm; this rule is for linear"):
        glorot_uniform_(nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)), stream(0, "init"))
