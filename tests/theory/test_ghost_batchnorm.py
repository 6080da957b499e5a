from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from repro.nets import glorot_uniform_
from repro.nets.ghost_batchnorm import GhostBatchNorm
from repro.nets.ghost_statistics import running_weights
from repro.nets.keskar2017 import fully_connected
from repro.streams import stream
from repro.theory import ghost_batchnorm

EXACT = 1e-12
ROUNDING = 1e-8  # a ghost of two examples that almost agree has a variance of few digits
CHANNELS = 2
SEEDS = st.integers(0, 2**32)
SEVERAL = st.integers(2, 4)
STATISTICS = st.sampled_from(["running_mean", "running_var"])


@st.composite
def layers(draw: st.DrawFn, **settings) -> GhostBatchNorm:
    """Ghosts whose parameters and running statistics are none of them at their start."""
    momentum = draw(st.floats(0.05, 0.9))
    layer = GhostBatchNorm(CHANNELS, draw(st.integers(2, 5)), momentum=momentum, **settings).double()
    drawn = stream(draw(SEEDS), "layer")
    for tensor in (layer.weight.data, layer.bias.data, layer.running_mean, layer.running_var):
        tensor.copy_(torch.rand(CHANNELS, generator=drawn) + 0.5)
    return layer


@st.composite
def examples(draw: st.DrawFn, ghost_size: int, ghosts: st.SearchStrategy[int], images: bool = True) -> Tensor:
    """Whole ghosts and perhaps a smaller last one; each ghost has a mean well apart from the others'."""
    count, rest = draw(ghosts), draw(st.sampled_from([0, *range(2, ghost_size)]))
    shape = (CHANNELS, 2, 3) if images and draw(st.booleans()) else (CHANNELS,)
    inputs = torch.randn(count * ghost_size + rest, *shape, generator=stream(draw(SEEDS), "x"), dtype=torch.float64)
    return inputs + 3 * (torch.arange(len(inputs)) // ghost_size).view(-1, *[1] * len(shape))


@st.composite
def batches(draw: st.DrawFn, images: bool = True, **settings) -> tuple[GhostBatchNorm, Tensor]:
    """Ghosts and a batch of several of them."""
    layer = draw(layers(**settings))
    return layer, draw(examples(layer.ghost_size, SEVERAL, images))


def like(inputs: Tensor, seed: int) -> Tensor:
    return torch.randn(inputs.shape, generator=stream(seed, "slope"), dtype=torch.float64)


@pytest.mark.holds(ghost_batchnorm.one_ghost)
@given(batches(), st.integers(0, 5), SEEDS)
def test_a_ghost_as_large_as_the_batch_or_larger_is_batchnorm_to_the_last_bit(batch, more, seed) -> None:
    layer, inputs = batch
    layer.ghost_size = len(inputs) + more
    assert ghost_batchnorm.one_ghost(layer, inputs, like(inputs, seed)) == 0


@pytest.mark.breaks(ghost_batchnorm.one_ghost)
@given(batches(), SEEDS)
def test_a_ghost_smaller_than_the_batch_is_not_batchnorm(batch, seed) -> None:
    layer, inputs = batch
    assert ghost_batchnorm.one_ghost(layer, inputs, like(inputs, seed)) > 1e-2


def forgetful(layer: GhostBatchNorm, _: object) -> None:
    layer.momentum /= 2


def raised(_: nn.Module, __: object, output: Tensor) -> Tensor:
    return output + 0.5


def steeper(_: nn.Module, __: object, output: Tensor) -> Tensor:
    """The same output with twice the gradient."""
    return output + (output - output.detach())


@pytest.mark.breaks(ghost_batchnorm.one_ghost)
@pytest.mark.parametrize("change", [raised, steeper])
@given(batches(), SEEDS)
def test_another_output_or_another_gradient_alone_is_not_batchnorm(change, batch, seed) -> None:
    layer, inputs = batch
    layer.ghost_size = len(inputs)
    layer.register_forward_hook(change)
    assert ghost_batchnorm.one_ghost(layer, inputs, like(inputs, seed)) > 1e-2


@pytest.mark.breaks(ghost_batchnorm.one_ghost)
@given(batches(), SEEDS)
def test_another_momentum_alone_is_not_batchnorm(batch, seed) -> None:
    layer, inputs = batch
    layer.ghost_size = len(inputs)
    layer.register_forward_pre_hook(forgetful)
    assert ghost_batchnorm.one_ghost(layer, inputs, like(inputs, seed)) > 1e-3


@pytest.mark.holds(ghost_batchnorm.equivariance)
@given(batches(), SEEDS)
def test_outputs_go_along_when_examples_change_places_within_ghosts_and_ghosts_change_places(batch, seed) -> None:
    layer, inputs = batch
    drawn = stream(seed, "order")
    *whole, last = torch.arange(len(inputs)).split(layer.ghost_size)
    ghosts = [whole[k] for k in torch.randperm(len(whole), generator=drawn)] + [last]
    order = torch.cat([ghost[torch.randperm(len(ghost), generator=drawn)] for ghost in ghosts])
    assert ghost_batchnorm.equivariance(layer, inputs, order) < ROUNDING


@pytest.mark.breaks(ghost_batchnorm.equivariance)
@given(batches(), st.data())
def test_outputs_change_when_two_examples_of_different_ghosts_change_places(batch, data) -> None:
    layer, inputs = batch
    order = torch.arange(len(inputs))
    one = data.draw(st.integers(0, layer.ghost_size - 1))
    other = data.draw(st.integers(layer.ghost_size, len(inputs) - 1))
    order[[one, other]] = order[[other, one]]
    assert ghost_batchnorm.equivariance(layer, inputs, order) > 1e-3


@st.composite
def copies(draw: st.DrawFn) -> tuple[GhostBatchNorm, Tensor]:
    """The same examples in every ghost, each time in another order."""
    layer = draw(layers())
    ghost = draw(examples(layer.ghost_size, st.just(1)))[: layer.ghost_size]
    drawn = stream(draw(SEEDS), "order")
    orders = [torch.randperm(len(ghost), generator=drawn) for _ in range(draw(st.integers(2, 4)))]
    return layer, torch.cat([ghost[order] for order in orders])


@pytest.mark.holds(ghost_batchnorm.equal_ghosts)
@given(copies())
def test_ghosts_of_the_same_examples_are_batchnorm(batch) -> None:
    assert ghost_batchnorm.equal_ghosts(*batch) < ROUNDING


@pytest.mark.breaks(ghost_batchnorm.equal_ghosts)
@given(copies())
def test_ghosts_of_which_one_holds_other_examples_are_not(batch) -> None:
    layer, inputs = batch
    inputs[: layer.ghost_size] += 3
    assert ghost_batchnorm.equal_ghosts(layer, inputs) > 0.1


@pytest.mark.holds(ghost_batchnorm.output_moments)
@given(batches(), st.sampled_from([1e-5, 0.5, 4.0]))
def test_every_ghost_leaves_with_the_layers_mean_and_variance(batch, eps) -> None:
    layer, inputs = batch
    layer.eps = eps
    assert ghost_batchnorm.output_moments(layer, inputs, layer.ghost_size) < ROUNDING


@pytest.mark.breaks(ghost_batchnorm.output_moments)
@given(batches())
def test_runs_of_examples_that_lie_across_ghosts_do_not(batch) -> None:
    layer, inputs = batch
    assert ghost_batchnorm.output_moments(layer, inputs, layer.ghost_size + 1) > 1e-3


def stretched(layer: GhostBatchNorm, _: object, output: Tensor) -> Tensor:
    """Twice as far from the bias, which stays the mean."""
    bias = layer.bias.view(-1, *[1] * (output.ndim - 2))
    return bias + 2 * (output - bias)


@pytest.mark.breaks(ghost_batchnorm.output_moments)
@pytest.mark.parametrize("change", [raised, stretched])
@given(batches())
def test_outputs_with_another_mean_or_another_variance_alone_do_not(change, batch) -> None:
    layer, inputs = batch
    layer.register_forward_hook(change)
    assert ghost_batchnorm.output_moments(layer, inputs, layer.ghost_size) > 0.1


def shares(inputs: Tensor, ghost_size: int) -> Tensor:
    return torch.tensor([len(ghost) / len(inputs) for ghost in inputs.split(ghost_size)], dtype=torch.float64)


@pytest.mark.holds(ghost_batchnorm.variance_decomposition)
@given(st.data(), st.integers(2, 5))
def test_the_batchs_variance_is_within_ghosts_and_between_them(data, ghost_size) -> None:
    inputs = data.draw(examples(ghost_size, st.integers(1, 4), images=False))
    assert ghost_batchnorm.variance_decomposition(inputs, ghost_size, shares(inputs, ghost_size)) < EXACT


@pytest.mark.breaks(ghost_batchnorm.variance_decomposition)
@given(st.data(), st.integers(3, 5))
def test_ghosts_of_unlike_sizes_weighted_alike_do_not_add_up_to_it(data, ghost_size) -> None:
    inputs = data.draw(examples(ghost_size, st.integers(1, 2), images=False))
    inputs = inputs[: len(inputs) // ghost_size * ghost_size]
    inputs = torch.cat([inputs, 100 + inputs[:2]])
    count = len(inputs.split(ghost_size))
    alike = torch.full((count,), 1 / count, dtype=torch.float64)
    assert ghost_batchnorm.variance_decomposition(inputs, ghost_size, alike) > 1e-3


@pytest.mark.holds(ghost_batchnorm.sequential_statistics)
@given(batches(images=False))
def test_running_statistics_take_one_step_for_each_ghost_in_turn(batch) -> None:
    assert ghost_batchnorm.sequential_statistics(*batch) < EXACT


@pytest.mark.breaks(ghost_batchnorm.sequential_statistics)
@given(batches(images=False, running="averaged"))
def test_one_step_to_the_mean_of_the_ghosts_is_another(batch) -> None:
    assert ghost_batchnorm.sequential_statistics(*batch) > 1e-3


def moved(statistic: str, layer: GhostBatchNorm, *_: object) -> None:
    getattr(layer, statistic).add_(1)


def moving(layer: GhostBatchNorm, statistic: str) -> GhostBatchNorm:
    """Of which this one statistic is moved further in every pass."""
    layer.register_forward_hook(partial(moved, statistic))
    return layer


@pytest.mark.breaks(ghost_batchnorm.sequential_statistics)
@given(batches(images=False), STATISTICS)
def test_another_step_of_either_statistic_is_another(batch, statistic) -> None:
    layer, inputs = batch
    assert ghost_batchnorm.sequential_statistics(moving(layer, statistic), inputs) > 1e-3


def alone(batch: tuple[GhostBatchNorm, Tensor]) -> tuple[GhostBatchNorm, Tensor]:
    layer, inputs = batch
    return layer, inputs[: layer.ghost_size]


@pytest.mark.holds(ghost_batchnorm.fixed_point)
@given(batches(images=False).map(alone), st.integers(1, 5), st.sampled_from(["sequential", "divided", "averaged"]))
def test_statistics_that_all_ghosts_share_are_kept(batch, count, convention) -> None:
    layer, ghost = batch
    layer.running = convention
    assert ghost_batchnorm.fixed_point(layer, ghost, count) < EXACT


@pytest.mark.breaks(ghost_batchnorm.fixed_point)
@given(batches(images=False, running="paper").map(alone), st.integers(2, 5))
def test_algorithm_1_to_the_letter_moves_them(batch, count) -> None:
    layer, ghost = batch
    keep, weights = running_weights([len(ghost)] * count, layer.momentum, "paper")
    assume(abs(keep + sum(weights) - 1) > 0.02)  # there are momenta at which they add up to 1 by chance
    assert ghost_batchnorm.fixed_point(*batch, count) > 1e-3


@pytest.mark.breaks(ghost_batchnorm.fixed_point)
@given(batches(images=False).map(alone), st.integers(1, 5), STATISTICS)
def test_either_statistic_that_is_moved_alone_is_not_kept(batch, count, statistic) -> None:
    layer, ghost = batch
    assert ghost_batchnorm.fixed_point(moving(layer, statistic), ghost, count) > 1e-3


@pytest.mark.holds(ghost_batchnorm.evaluation)
@given(batches(), st.integers(1, 3), SEEDS)
def test_in_evaluation_the_other_examples_do_not_matter(batch, count, seed) -> None:
    layer, inputs = batch
    chosen = torch.randperm(len(inputs), generator=stream(seed, "chosen"))[:count]
    assert ghost_batchnorm.evaluation(layer.eval(), inputs, chosen) < EXACT


@pytest.mark.breaks(ghost_batchnorm.evaluation)
@given(st.data(), layers(), st.integers(3, 5))
def test_in_training_they_do(data, layer, ghost_size) -> None:
    layer.ghost_size = ghost_size
    inputs = data.draw(examples(ghost_size, SEVERAL))
    of_two_ghosts = torch.tensor([0, ghost_size])
    assert ghost_batchnorm.evaluation(layer, inputs, of_two_ghosts) > 1e-3


@st.composite
def networks(draw: st.DrawFn, batch: int) -> tuple[nn.Module, Tensor, Tensor]:
    """Two hidden layers with BatchNorm, and a batch of three classes."""
    model = fully_connected((3,), 3, hidden=2, width=4)
    seed = draw(SEEDS)
    glorot_uniform_(model, stream(seed, "weights"))
    inputs = torch.randn(batch, 3, generator=stream(seed, "x"), dtype=torch.float64)
    return model.double(), inputs, torch.randint(3, (batch,), generator=stream(seed, "y"))


@pytest.mark.holds(ghost_batchnorm.micro_batches)
@settings(max_examples=40)
@given(st.data(), st.integers(3, 5), st.integers(1, 3), st.booleans())
def test_accumulated_micro_batches_are_ghosts(data, size, count, uneven) -> None:
    network = data.draw(networks(count * size + (2 if uneven else 0)))
    assert ghost_batchnorm.micro_batches(*network, ghost_size=size, micro_batch=size) < ROUNDING


@pytest.mark.breaks(ghost_batchnorm.micro_batches)
@settings(max_examples=40)
@given(st.data(), st.integers(3, 5), st.integers(2, 3))
def test_micro_batches_larger_than_the_ghosts_are_not(data, size, count) -> None:
    network = data.draw(networks(2 * count * size))
    assert ghost_batchnorm.micro_batches(*network, ghost_size=size, micro_batch=2 * size) > 1e-3
