from __future__ import annotations

import re
from dataclasses import asdict
from itertools import product
from statistics import fmean

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.errors import UsageError
from repro.measure.noise import GradientNoise, SquaredNorms, gradient_noise, squared_norms
from repro.streams import stream


def estimate(**changed: float) -> GradientNoise:
    plain = {"small_batch": 1, "large_batch": 4, "small_squared_norm": 5.0, "large_squared_norm": 2.0}
    return gradient_noise(**{**plain, **changed})


def test_the_two_parts_are_those_that_explain_both_squared_norms():
    found = estimate()
    assert asdict(found) == pytest.approx({"squared_gradient": 1.0, "trace": 4.0}, rel=1e-15)
    for batch, squared_norm in ((1, 5.0), (4, 2.0)):
        assert found.squared_gradient + found.trace / batch == pytest.approx(squared_norm, rel=1e-15)


def test_gradients_that_are_all_alike_have_no_noise():
    assert estimate(small_squared_norm=3.0, large_squared_norm=3.0) == GradientNoise(squared_gradient=3.0, trace=0.0)


def test_gradients_that_are_all_zero_are_no_error():
    assert estimate(small_squared_norm=0.0, large_squared_norm=0.0) == GradientNoise(squared_gradient=0.0, trace=0.0)


def test_gradients_that_are_all_noise_have_no_mean():
    assert estimate(small_squared_norm=4.0, large_squared_norm=1.0).squared_gradient == 0


def test_the_simple_noise_scale_is_the_noise_of_one_example_over_the_squared_gradient():
    assert estimate().simple_noise_scale() == pytest.approx(4.0, rel=1e-15)


@pytest.mark.parametrize("squared_gradient", [0.0, -0.25, float("nan")])
def test_a_squared_gradient_that_is_not_positive_has_no_noise_scale(squared_gradient):
    with pytest.raises(UsageError, match=f"squared_gradient={squared_gradient} must be positive; estimate it from"):
        GradientNoise(squared_gradient, 1.0).simple_noise_scale()


@pytest.mark.parametrize(("small", "large"), [(0, 4), (4, 4), (8, 4), (-1, 4), (1.0, 4), (1, 4.0), (True, 4)])
def test_batches_that_are_not_two_rising_whole_numbers_are_refused(small, large):
    with pytest.raises(UsageError, match=f"small_batch={small} and large_batch={large} must be whole numbers"):
        estimate(small_batch=small, large_batch=large)


@pytest.mark.parametrize("name", ["small_squared_norm", "large_squared_norm"])
@pytest.mark.parametrize("value", [-1e-9, float("nan"), float("inf")])
def test_a_squared_norm_that_none_can_have_is_refused(name, value):
    with pytest.raises(UsageError, match=f"{name}={value} must be finite and not negative"):
        estimate(**{name: value})


def per_example(model: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """The dense oracle: one backward pass for each example, shape `(N, p)`."""
    losses = F.cross_entropy(model(inputs), labels, reduction="none")
    slopes = [torch.autograd.grad(loss, list(model.parameters()), retain_graph=True) for loss in losses]
    return torch.stack([torch.cat([part.flatten() for part in slope]) for slope in slopes])


def plain_model() -> nn.Module:
    generator = stream(0, "model")
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return model


def examples(count: int) -> tuple[Tensor, Tensor]:
    generator = stream(0, "examples")
    return torch.randn(count, 3, generator=generator, dtype=torch.float64), torch.arange(count) % 2


def noise_of(norms: SquaredNorms, batch: int, batches: int) -> GradientNoise:
    return gradient_noise(
        small_batch=batch,
        large_batch=batch * batches,
        small_squared_norm=norms.small,
        large_squared_norm=norms.large,
    )


def test_over_all_draws_the_estimates_are_those_of_the_dense_oracle():
    model, (inputs, labels) = plain_model(), examples(3)
    gradients = per_example(model, inputs, labels)
    draws = [[list(first), list(second)] for first, second in product(product(range(3), repeat=2), repeat=2)]
    found = [noise_of(squared_norms(model, [(inputs[i], labels[i]) for i in draw]), 2, 2) for draw in draws]
    assert len(found) == 81
    mean = gradients.mean(0)
    assert fmean(f.squared_gradient for f in found) == pytest.approx(mean.square().sum().item(), rel=1e-12)
    spread = (gradients - mean).square().sum().item() / 3
    assert fmean(f.trace for f in found) == pytest.approx(spread, rel=1e-12)
    pairs = [f for f, draw in zip(found, draws, strict=True) if not set(draw[0]) & set(draw[1])]
    assert fmean(f.trace for f in pairs) != pytest.approx(spread, rel=0.1)  # control: draws that avoid one another


def test_batches_that_are_normalised_together_are_what_is_drawn():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).double()
    inputs, labels = examples(12)
    batches = list(zip(inputs.split(4), labels.split(4), strict=True))
    norms = squared_norms(model, batches)
    slopes = [torch.autograd.grad(F.cross_entropy(model(x), y), list(model.parameters())) for x, y in batches]
    gradients = torch.stack([torch.cat([part.flatten() for part in slope]) for slope in slopes])
    assert norms.small == pytest.approx(gradients.square().sum(1).mean().item(), rel=1e-12)
    assert norms.large == pytest.approx(gradients.mean(0).square().sum().item(), rel=1e-12)
    whole = torch.autograd.grad(F.cross_entropy(model(inputs), labels), list(model.parameters()))
    assert norms.large != pytest.approx(sum(part.square().sum().item() for part in whole), rel=1e-2)  # control


def test_the_noise_is_that_of_the_examples_and_not_of_dropout():
    model, (inputs, labels) = plain_model(), examples(6)
    dropped = nn.Sequential(*list(model)[:2], nn.Dropout(0.5), model[2])
    batches = list(zip(inputs.split(2), labels.split(2), strict=True))
    assert squared_norms(dropped, batches) == squared_norms(model, batches)


def test_the_network_is_given_back_as_it_was():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2)).double().eval()
    model[1].train()
    inputs, labels = examples(8)
    F.cross_entropy(model(inputs), labels).backward()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    slopes = [parameter.grad.clone() for parameter in model.parameters()]
    state = torch.get_rng_state()
    squared_norms(model, [(inputs[:4], labels[:4]), (inputs[4:], labels[4:])])
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(torch.equal(p.grad, slope) for p, slope in zip(model.parameters(), slopes, strict=True))
    assert [module.training for module in model] == [False, True, False, False]
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("sizes", [[4], [4, 2], []])
def test_small_batches_must_be_two_or_more_of_one_size(sizes):
    inputs, labels = examples(sum(sizes))
    batches = list(zip(inputs.split(sizes), labels.split(sizes), strict=True)) if sizes else []
    with pytest.raises(UsageError, match=re.escape(f"batches of {sizes} examples must be at least two, all of one")):
        squared_norms(plain_model(), batches)


class Unusual(nn.Module):
    """Dropout by a function, and a parameter that takes no part."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.unused = model, nn.Parameter(torch.ones(3, dtype=torch.float64))

    def forward(self, inputs: Tensor) -> Tensor:
        return F.dropout(self.model(inputs), 0.5, self.training)


def test_dropout_by_a_function_is_off_too_and_what_is_unused_adds_nothing():
    model, (inputs, labels) = plain_model(), examples(6)
    batches = list(zip(inputs.split(2), labels.split(2), strict=True))
    with torch.no_grad():
        found = squared_norms(Unusual(model), batches)
    assert found == squared_norms(model, batches)


def test_pixels_are_divided_by_255():
    model, labels = nn.Linear(3, 2), torch.tensor([0, 1])
    pixels = [torch.tensor([[0, 51, 255], [255, 0, 102]], dtype=torch.uint8) for _ in range(2)]
    assert squared_norms(model, [(x, labels) for x in pixels]) == squared_norms(
        model, [(x.float() / 255, labels) for x in pixels]
    )
