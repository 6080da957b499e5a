from __future__ import annotations

from collections.abc import Callable
from functools import partial
from unittest.mock import patch

import pytest
import torch
from torch import Tensor, nn

from repro.measure import CurvatureOperator, NetworkObjective, recompute_statistics
from repro.measure.curvature.folding import Folded
from repro.measure.curvature.operator import dense
from repro.streams import stream

IMAGES, ROWS = (6, 2, 4, 4), (6, 5)


def dense_network() -> nn.Module:
    return nn.Sequential(
        nn.Linear(5, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    )


def convolutional_network(*, bias: bool = True, affine: bool = True) -> nn.Module:
    norm = nn.BatchNorm2d(2, affine=affine)
    return nn.Sequential(
        nn.Conv2d(2, 2, 3, padding=1, bias=bias), norm, nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8, 3)
    )


def shared_layer() -> nn.Module:
    layer = nn.Linear(5, 5)
    return nn.Sequential(layer, nn.BatchNorm1d(5), nn.ReLU(), layer, nn.BatchNorm1d(5))


def shared_weight() -> nn.Module:
    first, second = nn.Linear(5, 5), nn.Linear(5, 5)
    second.weight = first.weight
    return nn.Sequential(first, nn.BatchNorm1d(5), nn.ReLU(), second)


def listened_to() -> nn.Module:
    model = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4))
    model[1].register_forward_hook(lambda *_: None)
    return model


def with_a_forward_of_its_own() -> nn.Module:
    model = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4))
    model[0].forward = partial(nn.Linear.forward, model[0])
    return model


def norm_first() -> nn.Module:
    return nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 3))


class Positions(nn.Module):
    """BatchNorm over positions, as many as there are features: after a Linear, and yet no part of it."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = nn.Sequential(nn.Linear(5, 5), nn.BatchNorm1d(5))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.stack(inputs[:, :, None] * torch.linspace(-1, 1, 5, dtype=inputs.dtype)).sum(2)


def rows_of_rows() -> nn.Module:
    """A Linear along the last axis, and BatchNorm along the one before."""
    return nn.Sequential(nn.Linear(5, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Flatten(), nn.Linear(25, 3))


FOLDED = {
    "dense": (dense_network, ROWS, 2),
    "convolution": (convolutional_network, IMAGES, 1),
    "no bias": (lambda: convolutional_network(bias=False), IMAGES, 1),
    "no scale": (lambda: convolutional_network(affine=False), IMAGES, 1),
    "eps": (lambda: nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4, eps=1e-3), nn.ReLU(), nn.Linear(4, 3)), ROWS, 1),
    "neither": (lambda: convolutional_network(bias=False, affine=False), IMAGES, 1),
}
LEFT = {
    "a layer used twice": (shared_layer, ROWS),
    "a weight used twice": (shared_weight, ROWS),
    "a hook": (listened_to, ROWS),
    "BatchNorm first": (norm_first, ROWS),
    "BatchNorm over positions": (Positions, ROWS),
    "BatchNorm on another axis": (rows_of_rows, (6, 5, 5)),
    "a forward of its own": (with_a_forward_of_its_own, ROWS),
}
Build = Callable[[], nn.Module]
Truth = Callable[..., Tensor]


def trained(build: Build, shape: tuple[int, ...]) -> tuple[nn.Module, Tensor, Tensor]:
    """A network in float64 with random parameters and the statistics of its data."""
    generator = stream(0, "folding")
    model = build().double().eval()
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    inputs = torch.randn(shape, generator=generator, dtype=torch.float64)
    if build is not shared_layer:
        recompute_statistics(model, inputs)
    return model, inputs, torch.arange(len(inputs)) % 3


def batchnorm_calls(network: Callable[[], object]) -> int:
    with patch("torch.nn.functional.batch_norm", wraps=torch.nn.functional.batch_norm) as counted:
        network()
    return counted.call_count


@pytest.mark.parametrize("case", FOLDED)
def test_a_folded_network_has_the_hessian_of_the_network_as_it_is(case: str, autograd_hessian: Truth) -> None:
    build, shape, norms = FOLDED[case]
    model, inputs, labels = trained(build, shape)
    objective = NetworkObjective(model, inputs, labels, chunk=4)
    found = dense(CurvatureOperator(objective, objective.start))
    torch.testing.assert_close(
        found, autograd_hessian(model, inputs, labels, objective.variables), rtol=1e-10, atol=1e-12
    )
    folded = Folded(model, inputs)
    assert batchnorm_calls(lambda: model(inputs)) == norms
    assert batchnorm_calls(lambda: folded({}, inputs)) == 0


def test_batchnorm_on_another_axis_than_the_layers_keeps_its_derivative(autograd_hessian: Truth) -> None:
    model, inputs = rows_of_rows().double().eval(), torch.randn(6, 5, 5, generator=stream(0, "rows")).double()
    objective = NetworkObjective(model, inputs, torch.arange(6) % 3)  # with fresh statistics the outputs agree
    truth = autograd_hessian(model, *objective.data)
    torch.testing.assert_close(dense(CurvatureOperator(objective, objective.start)), truth, rtol=1e-10, atol=1e-12)


def test_parameters_that_are_no_variables_keep_their_values_in_the_fold(autograd_hessian: Truth) -> None:
    model, inputs, labels = trained(dense_network, ROWS)
    objective = NetworkObjective(model, inputs, labels, parameters=["0.weight", "1.bias"])
    found = dense(CurvatureOperator(objective, objective.start))
    torch.testing.assert_close(
        found, autograd_hessian(model, inputs, labels, objective.variables), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("case", LEFT)
def test_what_cannot_be_folded_is_left_as_it_is(case: str) -> None:
    build, shape = LEFT[case]
    model, inputs, _ = trained(build, shape)
    folded = Folded(model, inputs)
    torch.testing.assert_close(folded({}, inputs), model(inputs), rtol=0, atol=0)
    assert batchnorm_calls(lambda: folded({}, inputs)) == batchnorm_calls(lambda: model(inputs))


def test_the_network_is_given_back_even_if_a_call_fails() -> None:
    model, inputs, _ = trained(dense_network, ROWS)
    before = list(model.modules())
    folded = Folded(model, inputs)
    with pytest.raises(RuntimeError, match="shapes"):
        folded({}, inputs[:, :3])
    assert list(model.modules()) == before


class Reusing(nn.Module):
    """Uses the weight of a layer with BatchNorm once more, where no list of modules shows it."""

    def __init__(self, use: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.body, self.use = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4, eps=0.0)), use

    def forward(self, inputs: Tensor) -> Tensor:
        return self.use(self.body(inputs), self.body[0].weight)


@pytest.mark.parametrize("variance", [1.0, 4.0])  # of 1 it changes no value when folded, only slopes
@pytest.mark.parametrize(
    ("use", "folds"),
    [
        (lambda hidden, weight: nn.functional.linear(hidden.tanh(), weight.t()), 0),
        (lambda hidden, weight: hidden + 1e-4 * weight.square().sum(), 0),
        (lambda hidden, _: hidden, 1),
    ],
)
def test_a_layer_whose_weight_is_used_out_of_sight_is_left(use, folds, variance) -> None:
    model, inputs = Reusing(use).eval(), torch.randn(5, 6, generator=stream(0, "inputs"))
    model.body[1].running_var.fill_(variance)
    assert len(Folded(model, inputs)._folds) == folds
