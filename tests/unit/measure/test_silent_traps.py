"""Four ways in which a spectrum comes out wrong without a word; each with a control that falls in."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.measure import CurvatureOperator, NetworkObjective, Quadratic, eigenpairs
from repro.measure.curvature.operator import dense
from repro.streams import stream

Truth = Callable[..., Tensor]

PyHessian = importlib.import_module("pyhessian.hessian").hessian


def normalised_network() -> tuple[nn.Module, Tensor, Tensor]:
    """A network whose running statistics are not those of its data."""
    generator = stream(0, "traps")
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 3)).double()
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    inputs = torch.randn(12, 3, generator=generator, dtype=torch.float64)
    return model, inputs, torch.arange(12) % 3


def test_each_batchnorm_mode_has_a_hessian_of_its_own(autograd_hessian: Truth) -> None:
    model, inputs, labels = normalised_network()
    found = {}
    for mode in ("running", "batch"):
        objective = NetworkObjective(model, inputs, labels, batchnorm=mode, chunk=12)  # type: ignore[arg-type]
        found[mode] = dense(CurvatureOperator(objective, objective.start))
        model.train(mode == "batch")
        torch.testing.assert_close(found[mode], autograd_hessian(model, inputs, labels), rtol=1e-9, atol=1e-11)
    running, batch = (torch.linalg.eigvalsh(matrix)[-1].item() for matrix in found.values())
    assert abs(running / batch - 1) > 0.2


def interpolating(head: str, autograd_hessian: Truth) -> float:
    """Relative error of a float32 network's Hessian-vector product where the loss is about 1e-9."""
    generator = stream(1, "traps")
    inputs = torch.randn(20, 4, generator=generator)
    labels = (inputs[:, 0] > 0).long()
    inputs[:, 0] = inputs[:, 0].sign() * 10.5
    model = nn.Linear(4, 2, bias=False)
    model.weight.data = torch.tensor([[-1.0, 0.01, 0.02, 0.0], [1.0, 0.0, -0.01, 0.01]])
    vector = torch.randn(8, generator=generator)
    losses = {
        "float64": lambda z, y: F.cross_entropy(z, y, reduction="none"),
        "float32": lambda z, y: F.cross_entropy(z.float(), y, reduction="none").double(),
    }
    product = NetworkObjective(model, inputs, labels, loss=losses[head]).hvp(model.weight.detach().flatten(), vector)
    truth = autograd_hessian(model.double(), inputs.double(), labels) @ vector.double()
    return float((product - truth).norm() / truth.norm())


def test_a_loss_near_zero_keeps_its_hessian(autograd_hessian: Truth) -> None:
    assert interpolating("float64", autograd_hessian) < 1e-5


def test_control_a_float32_cross_entropy_loses_it(autograd_hessian: Truth) -> None:
    assert interpolating("float32", autograd_hessian) > 0.1


@pytest.mark.slow
def test_ten_million_variables_cost_no_digits() -> None:
    values = torch.ones(10_000_000, dtype=torch.float64)
    values[3] = 2.0
    found = eigenpairs(CurvatureOperator(Quadratic(torch.zeros(len(values)), values), torch.zeros(len(values))), 1)
    assert found.values.item() == pytest.approx(2.0, rel=1e-9)
    (vector,) = found.vectors
    assert vector.norm().item() == pytest.approx(1.0, rel=1e-9)
    start = torch.randn(len(values), generator=stream(0, "traps")) / len(values) ** 0.5
    assert abs(float(start @ start) / float(start.double() @ start.double()) - 1) > 1e-6  # control: in float32


def regression(first: float) -> NetworkObjective:
    """A linear model whose Hessian has the eigenvalues `first`, 1, and forty of at most a half."""
    values = torch.cat([torch.tensor([first, 1.0]), torch.linspace(0.5, 0.1, 40)]).double()
    basis, _ = torch.linalg.qr(torch.randn(42, 42, generator=stream(2, "traps"), dtype=torch.float64))
    inputs = (values * 42 / 2).sqrt()[:, None] * basis.T
    model = nn.Linear(42, 1, bias=False).double()
    return NetworkObjective(model, inputs, torch.zeros(42, 1).double(), loss=lambda z, y: (z - y).square().sum(1))


def test_the_largest_eigenvalue_is_not_the_second() -> None:
    objective = regression(1.1)
    for seed in range(20):
        found = eigenpairs(CurvatureOperator(objective, objective.start), 2, seed=seed)
        assert found.values.tolist() == pytest.approx([1.1, 1.0], rel=1e-6)


def test_control_a_power_iteration_takes_the_second_for_the_first() -> None:
    objective = regression(1.1)
    tops = []
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        for seed in range(20):
            torch.manual_seed(seed)
            inputs, labels = objective.data
            bare = PyHessian(objective.model, lambda z, y: (z - y).square().sum(1).mean(), (inputs, labels), cuda=False)
            tops.append(bare.eigenvalues(top_n=1)[0][0])
            objective.model.zero_grad()
    assert min(tops) < 1.05
