"""Population statistics: evaluation on them is training on the whole set as one batch."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from repro.errors import DataError, UsageError
from repro.measure import population_statistics, recompute_statistics
from repro.nets import glorot_uniform_
from repro.streams import stream


def dense_network() -> nn.Sequential:
    layers = [nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(5, 3))
    glorot_uniform_(model, stream(0, "init"))
    return model


def image_network() -> nn.Sequential:
    convolution = [nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.MaxPool2d(2), nn.ReLU()]
    dense = [nn.Linear(16, 6), nn.BatchNorm1d(6), nn.Dropout(0.0), nn.Linear(6, 3)]
    model = nn.Sequential(*convolution, nn.Flatten(), *dense)
    glorot_uniform_(model, stream(0, "init"))
    return model


def inputs_for(shape: tuple[int, ...], count: int = 23) -> Tensor:
    return 3 + 2 * torch.randn(count, *shape, generator=stream(0, "inputs"))


def one_large_batch(model: nn.Module, inputs: Tensor) -> Tensor:
    """Training mode on everything at once, in float64."""
    return copy.deepcopy(model).double().train()(inputs.double())  # type: ignore[no-any-return]


def test_the_first_layers_statistics_are_those_of_its_inputs() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2))
    inputs = torch.tensor([[1.0, 0.0], [2.0, 0.0], [6.0, 3.0]])
    statistics = population_statistics(nn.Sequential(model, nn.Linear(2, 1)), inputs, chunk=2)["0.0"]
    assert statistics.mean.tolist() == [3.0, 1.0]
    torch.testing.assert_close(statistics.variance, torch.tensor([14 / 3, 2.0]).double())


@pytest.mark.parametrize("chunk", [1, 5, 23, 1000])
def test_evaluation_is_then_training_on_the_whole_set_as_one_batch(chunk: int) -> None:
    for model, shape in ((dense_network(), (4,)), (image_network(), (2, 6, 6))):
        inputs = inputs_for(shape).double()
        expected = one_large_batch(model, inputs)
        recompute_statistics(model.double(), inputs, chunk=chunk)
        torch.testing.assert_close(model.eval()(inputs), expected, rtol=1e-11, atol=1e-11)


def test_a_float32_network_gets_them_to_float32_rounding() -> None:
    model, inputs = image_network(), inputs_for((2, 6, 6))
    expected = one_large_batch(model, inputs)
    recompute_statistics(model, inputs, chunk=5)
    torch.testing.assert_close(model.eval()(inputs).double(), expected, rtol=1e-4, atol=1e-5)


def test_control_pytorchs_cumulative_average_is_another_number() -> None:
    model, inputs = dense_network().double(), inputs_for((4,)).double()
    expected = one_large_batch(model, inputs)
    for layer in (model[1], model[4]):
        layer.momentum = None
        layer.reset_running_stats()
    for part in inputs.split(5):
        model.train()(part)
    assert (model.eval()(inputs) - expected).abs().max() > 1e-2


def test_a_large_mean_does_not_drown_the_variance() -> None:
    model = nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1)).double()
    inputs = 1e8 + torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64)
    assert population_statistics(model, inputs, chunk=1)["0"].variance.item() == pytest.approx(2 / 3, rel=1e-6)


class Reversed(nn.Module):
    """Runs its layers in the opposite order to that in which it holds them, and one of them never."""

    def __init__(self) -> None:
        super().__init__()
        self.late, self.early, self.unused = nn.BatchNorm1d(4), nn.BatchNorm1d(4), nn.BatchNorm1d(4)
        self.dense = nn.Linear(4, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.late(torch.relu(self.dense(self.early(inputs))))  # type: ignore[no-any-return]


def test_layers_are_taken_in_the_order_in_which_they_run() -> None:
    model, inputs = Reversed().double(), inputs_for((4,)).double()
    glorot_uniform_(model, stream(0, "init"))
    expected = one_large_batch(model, inputs)
    assert list(population_statistics(model, inputs, chunk=5)) == ["early", "late"]
    recompute_statistics(model, inputs, chunk=5)
    torch.testing.assert_close(model.eval()(inputs), expected, rtol=1e-11, atol=1e-11)
    assert model.unused.running_var is not None
    assert model.unused.running_var.eq(1).all()


def test_a_network_without_parameters_has_statistics_too() -> None:
    model, inputs = nn.Sequential(nn.BatchNorm1d(4, affine=False)), inputs_for((4,))
    found = population_statistics(model, inputs)["0"]
    torch.testing.assert_close(found.mean, inputs.double().mean(0))
    torch.testing.assert_close(found.variance, inputs.double().var(0, correction=0))


def test_nothing_but_the_statistics_changes() -> None:
    model, inputs = dense_network(), inputs_for((4,))
    model[1].eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes, random_state = [m.training for m in model.modules()], torch.get_rng_state()
    recompute_statistics(model, inputs, chunk=5)
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"1.running_mean", "1.running_var", "4.running_mean", "4.running_var"}
    assert [m.training for m in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), random_state)
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_pixels_are_fractions_of_255() -> None:
    pixels = torch.randint(256, (9, 4), generator=stream(0, "pixels"), dtype=torch.uint8)
    first = population_statistics(dense_network(), pixels)["4"]
    second = population_statistics(dense_network(), pixels.float() / 255)["4"]
    assert torch.equal(first.mean, second.mean)


def test_a_network_without_batchnorm_is_left_alone() -> None:
    assert population_statistics(nn.Linear(4, 2), inputs_for((4,))) == {}


def test_no_inputs_are_refused() -> None:
    with pytest.raises(DataError, match="inputs are empty"):
        recompute_statistics(dense_network(), inputs_for((4,), 0))


def test_a_chunk_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="chunk=0 must be at least 1"):
        population_statistics(dense_network(), inputs_for((4,)), chunk=0)


def test_a_layer_that_runs_twice_is_refused() -> None:
    shared = nn.BatchNorm1d(4)
    with pytest.raises(UsageError, match=r"BatchNorm layers \['0'\] run more than once"):
        recompute_statistics(nn.Sequential(shared, nn.Linear(4, 4), shared), inputs_for((4,)))


def test_a_layer_without_running_statistics_is_refused() -> None:
    model = nn.Sequential(nn.BatchNorm1d(4, track_running_stats=False), nn.Linear(4, 4))
    with pytest.raises(UsageError, match=r"BatchNorm layers \['0'\] keep no running statistics"):
        recompute_statistics(model, inputs_for((4,)))
