from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from repro.data import Split
from repro.measure import random_direction, to_vector
from repro.nets import glorot_uniform_
from repro.streams import stream
from repro.theory import filter_normalisation

EXACT = 1e-12
STEPS = (-0.5, 0.0, 1.0)
SEEDS = st.integers(0, 2**32)


@st.composite
def networks(draw: st.DrawFn, *norm: nn.Module) -> nn.Module:
    """A hidden layer of four, its biases none of them 0, and three classes."""
    model = nn.Sequential(nn.Linear(3, 4), *norm, nn.ReLU(), nn.Linear(4, 3))
    seed = draw(SEEDS)
    glorot_uniform_(model, stream(seed, "weights"))
    for layer in model:
        if isinstance(layer, nn.Linear):
            layer.bias.data = torch.randn(layer.bias.shape, generator=stream(seed, "biases")) / 4
    return model.double()


@st.composite
def examples(draw: st.DrawFn) -> Split:
    seed, count = draw(SEEDS), draw(st.integers(8, 15))
    inputs = torch.randn(count, 3, generator=stream(seed, "x"))
    return Split(inputs, torch.randint(3, (count,), generator=stream(seed, "y")))


def raw(model: nn.Module, seed: int) -> Tensor:
    """The same draw for both networks, whatever their weights."""
    return torch.randn(to_vector(model).shape, generator=stream(seed, "raw"), dtype=torch.float64)


def normalised(models: tuple[nn.Module, nn.Module], seed: int) -> tuple[Tensor, Tensor]:
    return random_direction(models[0], seed, "first"), random_direction(models[1], seed, "first")


def exchanged(model: nn.Module, factor: float) -> tuple[nn.Module, nn.Module]:
    """The network, and a copy with the first layer times the factor and the last layer's weights divided by it."""
    other = copy.deepcopy(model)
    for parameter in other[0].parameters():
        parameter.data *= factor
    other[-1].weight.data /= factor
    return model, other


def lengthened(model: nn.Module, factors: Tensor) -> tuple[nn.Module, nn.Module]:
    """The network, and a copy with each filter of the first layer times a factor of its own."""
    other = copy.deepcopy(model)
    other[0].weight.data *= factors.unsqueeze(1)
    return model, other


@pytest.mark.holds(filter_normalisation.filter_lengths)
@given(networks(), SEEDS)
def test_every_filter_of_a_direction_is_as_long_as_the_networks_own(model, seed) -> None:
    assert filter_normalisation.filter_lengths(model, random_direction(model, seed, "first")) < EXACT


@pytest.mark.breaks(filter_normalisation.filter_lengths)
@given(networks(), SEEDS)
def test_in_a_direction_as_long_as_the_whole_network_they_are_not(model, seed) -> None:
    direction = raw(model, seed)
    assert filter_normalisation.filter_lengths(model, direction * (to_vector(model).norm() / direction.norm())) > 1e-2


FACTORS = st.one_of(st.floats(0.1, 0.6), st.floats(1.5, 10))


@pytest.mark.holds(filter_normalisation.rescaled_layers)
@settings(max_examples=30)
@given(networks(), examples(), FACTORS, SEEDS)
def test_a_longer_layer_and_a_shorter_one_have_the_same_normalised_curve(model, data, factor, seed) -> None:
    models = exchanged(model, factor)
    assert filter_normalisation.rescaled_layers(models, normalised(models, seed), data, STEPS) < EXACT


@pytest.mark.breaks(filter_normalisation.rescaled_layers)
@settings(max_examples=30)
@given(networks(), examples(), FACTORS, SEEDS)
def test_without_normalisation_the_curves_of_one_function_differ(model, data, factor, seed) -> None:
    models = exchanged(model, factor)
    assert filter_normalisation.rescaled_layers(models, (raw(model, seed),) * 2, data, STEPS) > 1e-3


def with_batchnorm() -> st.SearchStrategy[nn.Module]:
    return networks(nn.BatchNorm1d(4, eps=1e-300))  # no digit of a variance changes; PyTorch refuses 0


@st.composite
def spread(draw: st.DrawFn) -> Tensor:
    """A factor for each of four filters, no two alike."""
    drawn = stream(draw(SEEDS), "factors")
    return 2.0 ** (torch.randperm(4, generator=drawn) - 2 + torch.rand(4, generator=drawn).double() / 2)


@pytest.mark.holds(filter_normalisation.rescaled_filters)
@settings(max_examples=30)
@given(with_batchnorm(), examples(), spread(), SEEDS)
def test_longer_filters_before_batchnorm_have_the_same_normalised_curve(model, data, factors, seed) -> None:
    models = lengthened(model, factors)
    assert filter_normalisation.rescaled_filters(models, normalised(models, seed), data, STEPS) < EXACT


@pytest.mark.breaks(filter_normalisation.rescaled_filters)
@settings(max_examples=30)
@given(with_batchnorm(), examples(), spread(), SEEDS)
def test_without_normalisation_longer_filters_have_another_curve(model, data, factors, seed) -> None:
    models = lengthened(model, factors)
    assert filter_normalisation.rescaled_filters(models, (raw(model, seed),) * 2, data, STEPS) > 1e-5
