from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from repro.measure.adaptive import adaptive_sharpness
from repro.measure.box import Box
from repro.measure.manifold import random_manifold
from repro.measure.maximise import searched
from repro.measure.measurement import Status
from repro.measure.objective import NetworkObjective
from repro.measure.quadratic import Quadratic
from repro.measure.sharpness import sharpness, sharpness_in_box
from repro.streams import stream


class Unbiased(nn.Module):
    """`W₂ relu(W₁ input)`, with weights `(h, 3)` and `(2, h)`, and perhaps a layer that is never used."""

    def __init__(self, first: torch.Tensor, second: torch.Tensor, unused: int = 0) -> None:
        super().__init__()
        self.first, self.second = nn.Parameter(first.clone()), nn.Parameter(second.clone())
        self.unused = nn.Parameter(torch.ones(unused, dtype=first.dtype))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return (inputs @ self.first.T).relu() @ self.second.T


def weights(hidden: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    return tuple(torch.randn(s, generator=generator).double() for s in ((hidden, 3), (2, hidden)))


def data(examples: int = 23) -> tuple[torch.Tensor, torch.Tensor]:
    inputs = torch.randn(examples, 3, generator=torch.Generator().manual_seed(8)).double()
    return inputs, (inputs.sum(1) > 0).long()


def unbiased(first: torch.Tensor, second: torch.Tensor, *, chunk: int = 10, unused: int = 0) -> NetworkObjective:
    return NetworkObjective(Unbiased(first, second, unused), *data(), chunk=chunk)


def rescaling(factor: float) -> torch.Tensor:
    """D of Dinh et al. 2017: the first layer times a, the second divided by it."""
    return torch.cat([torch.full((12,), factor), torch.full((8,), 1 / factor)]).double()


def normalised_network() -> nn.Module:
    model = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 2))
    generator = torch.Generator().manual_seed(3)
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    return model


@pytest.mark.parametrize("factor", [0.1, 1.0, 10.0])
def test_dinhs_identity_a_rescaled_network_has_the_sharpness_of_another_box(factor):
    first, second = weights()
    d, f = rescaling(factor), unbiased(first, second)
    x = f.start
    moved = unbiased(factor * first, second / factor)
    assert torch.allclose(moved.start, d * x)
    box = Box.around(x, 1e-2 * (x.abs() + 1 / d))
    other = sharpness_in_box(f, x, box, lambda *problem: searched(*problem, budget=59))
    assert sharpness(moved, moved.start, 1e-2).value == pytest.approx(other.value, rel=1e-6)


def test_a_rescaling_that_leaves_the_function_alone_changes_metric_2_1():
    first, second = weights()
    plain, scaled = unbiased(first, second), unbiased(10 * first, second / 10)
    values = [sharpness(f, f.start, 1e-2) for f in (plain, scaled)]
    assert values[0].loss == pytest.approx(values[1].loss, rel=1e-12)
    assert values[1].value > 2 * values[0].value


@pytest.mark.parametrize("factor", [0.01, 0.1, 10.0, 100.0])
def test_adaptive_sharpness_does_not_change_with_such_a_rescaling(factor):
    first, second = weights()
    plain, scaled = unbiased(first, second), unbiased(factor * first, second / factor)
    one, other = (adaptive_sharpness(f, f.start, 5e-2).value for f in (plain, scaled))
    assert other == pytest.approx(one, rel=1e-6)


@pytest.mark.parametrize("eta", [1.0, 0.01])
def test_the_constant_of_keskar_or_of_asams_code_breaks_the_invariance(eta):
    first, second = weights()

    def with_constant(f: NetworkObjective) -> float:
        box = Box.around(f.start, 5e-2 * (f.start.abs() + eta))
        return sharpness_in_box(f, f.start, box, lambda *problem: searched(*problem, budget=59)).value

    one, other = (with_constant(unbiased(a * first, second / a)) for a in (1.0, 100.0))
    assert abs(other / one - 1) > 0.01


def test_adaptive_sharpness_never_exceeds_keskars():
    f = unbiased(*weights())
    assert 0 < adaptive_sharpness(f, f.start, 1e-2).value < sharpness(f, f.start, 1e-2).value


def test_permuting_hidden_units_changes_nothing():
    first, second = weights()
    order = torch.tensor([2, 0, 3, 1])
    plain, permuted = unbiased(first, second), unbiased(first[order], second[:, order])
    for rule in ("published", "ascent", "searched"):
        one, other = (sharpness(f, f.start, 1e-2, rule=rule).value for f in (plain, permuted))
        assert other == pytest.approx(one, rel=1e-6)


def test_parameters_without_influence_change_nothing():
    alive, with_dead = unbiased(*weights()), unbiased(*weights(), unused=5)
    assert with_dead.size == alive.size + 5
    for rule in ("published", "ascent", "searched"):
        one, other = (sharpness(f, f.start, 1e-2, rule=rule).value for f in (alive, with_dead))
        assert other == pytest.approx(one, rel=1e-6)


@pytest.mark.parametrize("chunk", [1, 7, 10, 22, 23, 100])
def test_an_uneven_last_chunk_changes_nothing(chunk):
    whole, cut = unbiased(*weights(), chunk=23), unbiased(*weights(), chunk=chunk)
    one, other = (sharpness(f, f.start, 1e-2).value for f in (whole, cut))
    assert other == pytest.approx(one, rel=1e-9)


def test_a_mean_of_means_over_uneven_chunks_would_change_it():
    f, (inputs, labels) = unbiased(*weights()), data()
    parts = [NetworkObjective(f.model, inputs[rows], labels[rows]) for rows in (slice(0, 22), slice(22, 23))]
    of_means = sum(part.value(f.start) for part in parts) / 2
    assert abs(of_means / f.value(f.start) - 1) > 0.01


def test_a_rise_far_below_the_resolution_of_float32_is_still_measured():
    first, second = weights()
    f = NetworkObjective(Unbiased(first.float(), second.float()), data()[0].float(), data()[1])
    exact = unbiased(first.float().double(), second.float().double())
    found, truth = sharpness(f, f.start, 1e-6), sharpness(exact, exact.start, 1e-6)
    assert truth.maximum / truth.loss - 1 < 1e-4
    assert found.value == pytest.approx(truth.value, rel=0.1)


def test_values_rounded_to_float32_stall_the_search_and_that_is_failed():
    f = Quadratic(torch.full((5,), 1e-5), torch.zeros(5), 2.0)

    class Rounded(Quadratic):
        def value_and_grad(self, point):
            value, gradient = super().value_and_grad(point)
            return torch.tensor(value, dtype=torch.float32).item(), gradient

    rounded = Rounded(f.gradient, f.hessian, f.constant)
    assert sharpness(f, torch.zeros(5)).value == pytest.approx(100 * 5e-8 / 3, rel=1e-6)
    for rule in ("published", "ascent", "searched"):
        stalled = sharpness(rounded, torch.zeros(5), rule=rule)
        assert stalled.status is Status.FAILED
        assert math.isnan(stalled.value)


def test_every_point_evaluated_in_float32_lies_in_keskars_box():
    f = NetworkObjective(normalised_network(), data()[0].float(), data()[1])
    x = f.start.double()
    points: list[torch.Tensor] = []

    class Seen:
        size, dtype = f.size, f.dtype

        def value_and_grad(self, point):
            points.append(point.to(self.dtype).double())
            return f.value_and_grad(point)

    for rule in ("published", "ascent", "searched"):
        sharpness(Seen(), x, rule=rule)
    assert len(points) > 60
    assert all(((point - x).abs() <= 1e-3 * (x.abs() + 1)).all() for point in points)


@pytest.mark.parametrize("rule", ["published", "ascent", "searched"])
@pytest.mark.parametrize("columns", [0, 4])
@pytest.mark.parametrize("batchnorm", ["running", "batch"])
def test_the_network_and_the_random_state_are_what_they_were_bit_for_bit(rule, columns, batchnorm):
    model = normalised_network().train()
    model[0].eval()
    for parameter in list(model.parameters())[:2]:
        parameter.grad = torch.ones_like(parameter)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes, random_state = [m.training for m in model.modules()], torch.get_rng_state()
    f = NetworkObjective(model, data()[0].float(), data()[1], chunk=10, batchnorm=batchnorm)
    manifold = random_manifold(f.size, columns, stream(0, "manifold")) if columns else None
    assert sharpness(f, f.start, rule=rule, manifold=manifold, budget=12).usable
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert [m.training for m in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), random_state)
    gradients = [parameter.grad for parameter in model.parameters()]
    assert all(torch.equal(g, torch.ones_like(g)) for g in gradients[:2])
    assert gradients[2:] == [None] * len(gradients[2:])


def test_a_cheaper_objective_only_proposes_and_costs_its_share():
    first, second = weights()
    calls = []

    class Sketching(NetworkObjective):
        def sketch(self):
            class Cheap(NetworkObjective):
                def value_and_grad(self, point):
                    calls.append(1)
                    value, gradient = super().value_and_grad(point)
                    return value + 1e6, gradient

            inputs, labels = data()
            return Cheap(self.model, inputs[::5], labels[::5]), 0.25

    f = Sketching(Unbiased(first, second), *data())
    plain = unbiased(first, second)
    found = sharpness(f, f.start, 1e-2)
    assert found.value == pytest.approx(sharpness(plain, plain.start, 1e-2).value, rel=1e-6)
    assert calls
    assert found.cost == found.evaluations + 0.25 * len(calls) <= 60
    inside = sharpness(f, f.start, 1e-2, manifold=random_manifold(20, 5, stream(0, "manifold")))
    assert inside.evaluations == inside.cost <= 60


@pytest.mark.parametrize("budget", [8, 30])
def test_adaptive_sharpness_costs_no_more_than_its_budget(budget):
    f = unbiased(*weights())
    assert adaptive_sharpness(f, f.start, 1e-2, budget=budget).cost <= budget
