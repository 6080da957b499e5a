"""The full-data loss: closed forms, a dense float64 oracle on the whole batch, a second library, refusals."""

from __future__ import annotations

import copy
from math import exp, isnan, log

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.errors import DataError, UsageError
from repro.measure import NetworkObjective, Objective, cross_entropy
from repro.nets import glorot_uniform_
from repro.nets.keskar2017 import fully_connected, shallow_convolutional
from repro.streams import stream


def examples(count: int, shape: tuple[int, ...] = (4,), classes: int = 3) -> tuple[Tensor, Tensor]:
    inputs = torch.randn(count, *shape, generator=stream(0, "inputs"), dtype=torch.float64)
    return inputs, torch.randint(classes, (count,), generator=stream(0, "labels"))


def started(model: nn.Module, inputs: Tensor) -> nn.Module:
    """The model in float64, with weights and with running statistics that are no round numbers."""
    glorot_uniform_(model, stream(0, "init"))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model.double()(inputs)
    return model


def dense_network() -> nn.Module:
    return started(fully_connected((4,), 3, hidden=2, width=5), examples(50)[0])


def direction(objective: Objective) -> Tensor:
    return torch.randn(objective.size, generator=stream(0, "direction"), dtype=torch.float64)


def whole_batch(model: nn.Module, inputs: Tensor, labels: Tensor) -> tuple[float, Tensor]:
    """Loss and gradient of everything at once, by plain autograd in float64 and evaluation mode."""
    oracle = copy.deepcopy(model).double().eval()
    loss = F.cross_entropy(oracle(inputs.double()), labels)
    gradient = torch.autograd.grad(loss, list(oracle.parameters()))
    return loss.item(), torch.cat([g.flatten() for g in gradient])


# Closed forms


def test_equal_logits_cost_the_logarithm_of_the_number_of_classes() -> None:
    model = nn.Linear(4, 3)
    objective = NetworkObjective(model, *examples(7))
    assert objective.value(torch.zeros(objective.size)) == pytest.approx(log(3), abs=1e-15)


def softmax_regression(count: int) -> tuple[NetworkObjective, Tensor, Tensor, Tensor]:
    """The objective, and by hand: inputs with a one, probabilities, and labels one-hot."""
    inputs, labels = examples(count)
    objective = NetworkObjective(started(nn.Linear(4, 3), inputs), inputs, labels, chunk=4)
    W, b = objective.start[:12].view(3, 4), objective.start[12:]
    x = torch.cat([inputs, torch.ones(count, 1, dtype=torch.float64)], 1)
    return objective, x, torch.softmax(inputs @ W.T + b, 1), F.one_hot(labels, 3).double()


def test_the_gradient_of_softmax_regression_is_the_textbooks() -> None:
    objective, x, p, e = softmax_regression(11)
    expected = (p - e).T @ x / 11
    loss, gradient = objective.value_and_grad(objective.start)
    assert loss == pytest.approx(-(e * p.log()).sum().item() / 11, rel=1e-14)
    torch.testing.assert_close(gradient[:12].view(3, 4), expected[:, :4], rtol=1e-13, atol=1e-15)
    torch.testing.assert_close(gradient[12:], expected[:, 4], rtol=1e-13, atol=1e-15)


def test_the_hessian_of_softmax_regression_is_the_textbooks() -> None:
    objective, x, p, _ = softmax_regression(11)
    v = direction(objective)
    V = torch.cat([v[:12].view(3, 4), v[12:, None]], 1)
    z = x @ V.T
    expected = (p * z - p * (p * z).sum(1, keepdim=True)).T @ x / 11
    product = objective.hvp(objective.start, v)
    torch.testing.assert_close(product[:12].view(3, 4), expected[:, :4], rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(product[12:], expected[:, 4], rtol=1e-12, atol=1e-15)


def test_a_loss_of_ones_own_is_averaged_over_examples() -> None:
    inputs, _ = examples(5)
    targets = torch.randn(5, 2, generator=stream(0, "targets"), dtype=torch.float64)
    model = nn.Linear(4, 2).double()

    def squared_error(outputs: Tensor, goals: Tensor) -> Tensor:
        return (outputs - goals).square().sum(1)

    objective = NetworkObjective(model, inputs, targets, loss=squared_error, chunk=2)
    assert objective.value(torch.zeros(10)) == pytest.approx(targets.square().sum().item() / 5, rel=1e-14)


def near_perfect(dtype: torch.dtype) -> NetworkObjective:
    """Logits (21, 0), all right: each example's loss is log(1 + e^-21)."""
    inputs = torch.ones(6, 1)
    return NetworkObjective(nn.Linear(1, 2).to(dtype), inputs, torch.zeros(6, dtype=torch.int64), chunk=4)


def test_a_float32_network_of_tiny_loss_keeps_its_loss_and_gradient() -> None:
    point, tiny = torch.tensor([21.0, 0, 0, 0]), exp(-21)
    loss, gradient = near_perfect(torch.float32).value_and_grad(point)
    assert loss == pytest.approx(tiny, rel=1e-6)
    torch.testing.assert_close(gradient, tiny * torch.tensor([-1.0, 1, -1, 1]).double(), rtol=1e-6, atol=0)


def test_control_a_float32_loss_head_loses_them() -> None:
    logits = torch.tensor([[21.0, 0.0]], requires_grad=True)
    F.cross_entropy(logits, torch.tensor([0])).backward()
    assert F.cross_entropy(logits, torch.tensor([0])).item() == 0
    assert logits.grad is not None
    assert logits.grad[0, 0] == 0


# The whole batch, in float64


@pytest.mark.parametrize("chunk", [1, 4, 10, 11, 100])
def test_loss_and_gradient_are_those_of_the_whole_batch_whatever_the_chunk(chunk: int) -> None:
    model, (inputs, labels) = dense_network(), examples(11)
    expected = whole_batch(model, inputs, labels)
    objective = NetworkObjective(model, inputs, labels, chunk=chunk)
    loss, gradient = objective.value_and_grad(objective.start)
    assert loss == pytest.approx(expected[0], rel=1e-14)
    assert objective.value(objective.start) == pytest.approx(expected[0], rel=1e-14)
    torch.testing.assert_close(gradient, expected[1], rtol=1e-12, atol=1e-15)


def test_control_a_mean_of_chunk_means_is_another_number() -> None:
    model, (inputs, labels) = dense_network().eval(), examples(11)
    means = [F.cross_entropy(model(x), y) for x, y in zip(inputs.split(4), labels.split(4), strict=True)]
    assert abs(sum(means).item() / 3 - whole_batch(model, inputs, labels)[0]) > 1e-3  # type: ignore[union-attr]


@pytest.mark.parametrize("images", [False, True])
def test_a_float32_network_agrees_with_float64_to_float32_rounding(images: bool) -> None:
    shape = (2, 6, 6) if images else (4,)
    inputs, labels = examples(9, shape)
    net = shallow_convolutional(shape, 3) if images else fully_connected(shape, 3, hidden=2, width=5)
    model = started(net, inputs).float()
    expected = whole_batch(model, inputs, labels)
    objective = NetworkObjective(model, inputs.float(), labels, chunk=4)
    loss, gradient = objective.value_and_grad(objective.start)
    assert loss == pytest.approx(expected[0], rel=1e-5)
    assert torch.linalg.vector_norm(gradient - expected[1]) < 1e-4 * torch.linalg.vector_norm(expected[1])
    assert gradient.dtype == torch.float64


def test_the_gradient_is_the_slope_of_the_value() -> None:
    objective = NetworkObjective(dense_network(), *examples(11), chunk=4)
    x, v, h = objective.start, direction(objective), 1e-6
    slope = (objective.value(x + h * v) - objective.value(x - h * v)) / (2 * h)
    assert slope == pytest.approx((objective.value_and_grad(x)[1] @ v).item(), rel=1e-7)


@pytest.mark.parametrize("batchnorm", ["running", "batch"])
def test_the_hessian_vector_product_is_the_slope_of_the_gradient(batchnorm: str) -> None:
    objective = NetworkObjective(dense_network(), *examples(11), chunk=4, batchnorm=batchnorm)  # type: ignore[arg-type]
    x, v, h = objective.start, direction(objective), 1e-6
    slope = (objective.value_and_grad(x + h * v)[1] - objective.value_and_grad(x - h * v)[1]) / (2 * h)
    torch.testing.assert_close(objective.hvp(x, v), slope, rtol=1e-5, atol=1e-7)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")  # torch's own
def test_hessian_vector_products_are_those_of_torch_func() -> None:
    model, (inputs, labels) = dense_network(), examples(11)
    objective = NetworkObjective(model, inputs, labels, chunk=4)
    shapes = {name: p.shape for name, p in model.named_parameters()}

    def loss(point: Tensor) -> Tensor:
        parts = point.split([shape.numel() for shape in shapes.values()])
        state = {name: part.view(shapes[name]) for name, part in zip(shapes, parts, strict=True)}
        return F.cross_entropy(torch.func.functional_call(model.eval(), state, (inputs,)), labels)

    hessian = torch.func.hessian(loss)(objective.start)
    v = direction(objective)
    torch.testing.assert_close(objective.hvp(objective.start, v), hessian @ v, rtol=1e-11, atol=1e-14)


def test_a_convolutional_hessian_vector_product_is_the_slope_of_the_gradient() -> None:
    inputs, labels = examples(5, (2, 6, 6))
    objective = NetworkObjective(started(shallow_convolutional((2, 6, 6), 3), inputs), inputs, labels, chunk=3)
    x, v, h = objective.start, direction(objective), 1e-7
    slope = (objective.value_and_grad(x + h * v)[1] - objective.value_and_grad(x - h * v)[1]) / (2 * h)
    error = torch.linalg.vector_norm(objective.hvp(x, v) - slope)
    assert error < 1e-5 * torch.linalg.vector_norm(slope)


def test_loss_and_accuracy_come_together() -> None:
    model, (inputs, labels) = dense_network().eval(), examples(11)
    objective = NetworkObjective(model, inputs, labels, chunk=4)
    loss, accuracy = objective.evaluate(objective.start)
    assert loss == objective.value(objective.start)
    assert accuracy == (model(inputs).argmax(1) == labels).double().mean().item()
    assert 0 < accuracy < 1


# What a point is


def test_the_start_is_the_network_itself() -> None:
    model = dense_network()
    objective = NetworkObjective(model, *examples(3))
    assert torch.equal(objective.start, nn.utils.parameters_to_vector(model.parameters()).detach())
    assert objective.dtype == torch.float64
    assert objective.size == 25 + 10 + 30 + 10 + 18


def test_a_point_is_rounded_to_the_networks_precision() -> None:
    objective = NetworkObjective(dense_network().float(), *examples(5))
    point = objective.start.double()
    assert objective.dtype == torch.float32
    assert objective.value(point + 1e-12) == objective.value(point)


def test_only_the_parameters_named_are_variables() -> None:
    model, data = dense_network(), examples(11)
    whole = NetworkObjective(model, *data).value_and_grad(NetworkObjective(model, *data).start)[1]
    objective = NetworkObjective(model, *data, parameters=["7.bias", "1.weight"])
    gradient = objective.value_and_grad(objective.start)[1]
    torch.testing.assert_close(gradient, torch.cat([whole[:20], whole[-3:]]), rtol=1e-12, atol=1e-15)


def test_frozen_parameters_are_no_variables_by_default() -> None:
    model = dense_network()
    next(iter(model.parameters())).requires_grad_(False)
    objective = NetworkObjective(model, *examples(3))
    assert objective.size == sum(p.numel() for p in model.parameters()) - 20


class Odd(nn.Module):
    """One matrix used twice, and one not used at all."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.dead = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(2, 1)
        self.second.weight = self.first.weight

    def forward(self, inputs: Tensor) -> Tensor:
        return self.second(torch.tanh(self.first(inputs)))  # type: ignore[no-any-return]


def test_tied_parameters_are_one_variable_and_dead_ones_have_no_slope() -> None:
    inputs, labels = examples(7)
    objective = NetworkObjective(started(Odd(), inputs), inputs, labels, chunk=3)
    x, v, h = objective.start, direction(objective), 1e-6
    gradient, product = objective.value_and_grad(x)[1], objective.hvp(x, v)
    assert objective.size == 16 + 4 + 4 + 3
    assert gradient[-3:].eq(0).all()
    assert product[-3:].eq(0).all()
    slope = (objective.value(x + h * v) - objective.value(x - h * v)) / (2 * h)
    assert slope == pytest.approx((gradient @ v).item(), rel=1e-7)


def test_a_network_of_no_curvature_has_hessian_zero() -> None:
    objective = NetworkObjective(nn.Linear(4, 1), *examples(3), loss=lambda out, _: out[:, 0])
    assert objective.hvp(objective.start, torch.ones(5)).eq(0).all()


# How it is called


def test_pixels_are_fractions_of_255() -> None:
    pixels = torch.randint(256, (6, 4), generator=stream(0, "pixels"), dtype=torch.uint8)
    model, labels = dense_network().float(), examples(6)[1]
    from_pixels = NetworkObjective(model, pixels, labels)
    from_floats = NetworkObjective(model, pixels.float() / 255, labels)
    assert from_pixels.value(from_pixels.start) == from_floats.value(from_floats.start)


def test_measuring_twice_gives_the_same_bits() -> None:
    inputs, labels = examples(9, (2, 6, 6))
    model = started(shallow_convolutional((2, 6, 6), 3), inputs).float()
    objective = NetworkObjective(model, inputs, labels, chunk=4)
    x, v = objective.start, direction(objective)
    assert objective.value_and_grad(x)[0] == objective.value_and_grad(x)[0]
    assert torch.equal(objective.value_and_grad(x)[1], objective.value_and_grad(x)[1])
    assert torch.equal(objective.hvp(x, v), objective.hvp(x, v))


def test_autocast_and_no_grad_around_the_call_change_nothing() -> None:
    model, data = dense_network().float().eval(), examples(11)
    objective = NetworkObjective(model, *data)
    loss, gradient = objective.value_and_grad(objective.start)
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
        assert model(data[0].float()).dtype == torch.bfloat16
        loss_inside, gradient_inside = objective.value_and_grad(objective.start)
    assert loss_inside == loss
    assert torch.equal(gradient_inside, gradient)


def test_a_diverged_point_has_a_loss_that_says_so() -> None:
    objective = NetworkObjective(dense_network(), *examples(5))
    assert objective.value(torch.full((objective.size,), torch.nan)) != objective.value(objective.start)
    assert torch.tensor(objective.value(torch.full((objective.size,), torch.nan))).isnan()


def image_network() -> nn.Module:
    """With a `view` of its convolution's output, which no other layout than its own allows."""

    class Viewing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.filters, self.head = nn.Conv2d(2, 4, 3), nn.Linear(64, 3)

        def forward(self, inputs: Tensor) -> Tensor:
            hidden = self.filters(inputs).relu()
            return self.head(hidden.view(len(hidden), -1))  # type: ignore[no-any-return]

    return Viewing().double()


def test_a_network_runs_in_its_own_layout() -> None:
    model, (inputs, labels) = image_network(), examples(9, (2, 6, 6))
    loss, gradient = whole_batch(model, inputs, labels)
    objective = NetworkObjective(model, inputs, labels, chunk=4)
    found = objective.value_and_grad(objective.start)
    assert found[0] == pytest.approx(loss, rel=1e-12)
    torch.testing.assert_close(found[1], gradient)


def test_images_come_in_the_layout_of_the_filters() -> None:
    class Noting(nn.Conv2d):
        def forward(self, input: Tensor) -> Tensor:
            seen.append(input.is_contiguous(memory_format=torch.channels_last))
            return super().forward(input).mean((2, 3))

    seen: list[bool] = []
    inputs, labels = examples(5, (2, 6, 6))
    for layout in (torch.contiguous_format, torch.channels_last):
        model = Noting(2, 3, 3).double().to(memory_format=layout)  # type: ignore[call-overload]
        objective = NetworkObjective(model, inputs, labels)
        objective.value(objective.start)
    assert seen == [False, True]


def test_attention_has_a_hessian() -> None:
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix, self.head = nn.Linear(4, 12), nn.Linear(4, 3)

        def forward(self, inputs: Tensor) -> Tensor:
            queries, keys, values = self.mix(inputs).chunk(3, dim=-1)
            one_head = (
                part.unsqueeze(1) for part in (queries, keys, values)
            )  # as the kernel without a Hessian takes it
            return self.head(F.scaled_dot_product_attention(*one_head).mean((1, 2)))  # type: ignore[no-any-return]

    objective = NetworkObjective(Attending().double(), *examples(6, (5, 4)), chunk=4)
    x, v, step = objective.start, direction(objective), 1e-5
    ahead, behind = (objective.value_and_grad(x + side * step * v)[1] for side in (1, -1))
    torch.testing.assert_close(objective.hvp(x, v), (ahead - behind) / (2 * step), rtol=1e-6, atol=1e-8)


def test_where_the_loss_is_no_number_neither_is_the_accuracy() -> None:
    objective = NetworkObjective(dense_network(), *examples(5))
    assert isnan(objective.evaluate(torch.full((objective.size,), torch.nan)).accuracy)


# Refusals


def test_what_is_no_network_of_logits_or_no_tensor_is_refused() -> None:
    class Pair(nn.Linear):
        def forward(self, input: Tensor) -> tuple[Tensor]:  # type: ignore[override]
            return (super().forward(input),)

    inputs, labels = examples(3)
    pair = NetworkObjective(Pair(4, 3), inputs.float(), labels)
    for call in (pair.value, lambda point: pair.hvp(point, point)):
        with pytest.raises(UsageError, match="the model gives a tuple, not a tensor of logits"):
            call(torch.zeros(15))
    with pytest.raises(UsageError, match=r"inputs are a ndarray; pass a tensor"):
        NetworkObjective(dense_network(), inputs.numpy(), labels)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"the model holds torch.complex128"):
        NetworkObjective(nn.Linear(4, 3, dtype=torch.complex128), inputs, labels)


def test_an_accuracy_of_several_labels_an_example_is_refused() -> None:
    inputs, labels = examples(4, (5, 4))[0], examples(20)[1].view(4, 5)
    objective = NetworkObjective(
        nn.Linear(4, 3).double(), inputs, labels, loss=lambda z, y: F.cross_entropy(z.mT, y, reduction="none").sum(1)
    )
    assert objective.value(objective.start) > 0
    with pytest.raises(UsageError, match=r"labels of shape \(4, 5\) must be one class an example"):
        objective.evaluate(objective.start)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_half_precision_network_is_refused(dtype: torch.dtype) -> None:
    with pytest.raises(UsageError, match=f"the model holds {dtype}; what is measured needs float32 or float64"):
        NetworkObjective(dense_network().to(dtype), *examples(3))


def test_a_network_of_two_precisions_is_refused() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 3).double())
    with pytest.raises(UsageError, match="mixes float32 and float64"):
        NetworkObjective(model, *examples(3))


def test_no_examples_are_refused() -> None:
    with pytest.raises(DataError, match="inputs are empty"):
        NetworkObjective(dense_network(), *examples(0))


def test_inputs_without_labels_are_refused() -> None:
    with pytest.raises(DataError, match="5 inputs must have as many labels, not 4"):
        NetworkObjective(dense_network(), examples(5)[0], examples(4)[1])


@pytest.mark.parametrize("shape", [(5, 1), (5, 3)])
def test_labels_that_are_not_one_class_an_example_are_refused(shape: tuple[int, ...]) -> None:
    objective = NetworkObjective(dense_network(), examples(5)[0], torch.zeros(shape, dtype=torch.int64))
    with pytest.raises(DataError, match=rf"labels of shape \(5, {shape[1]}\) must be .*: one class number an example"):
        objective.value(objective.start)


@pytest.mark.parametrize("label", [-100, -1, 3])
def test_a_label_that_is_no_class_is_refused(label: int) -> None:
    inputs, labels = examples(5)
    labels[4] = label
    objective = NetworkObjective(dense_network(), inputs, labels, chunk=2)
    with pytest.raises(DataError, match=f"labels from {label} to {label} must be integers from 0 to 2"):
        objective.value(objective.start)


def test_labels_that_are_no_integers_are_refused() -> None:
    with pytest.raises(DataError, match="must be integers"):
        cross_entropy(torch.zeros(2, 3), torch.tensor([0.0, 1.0]))


def test_a_chunk_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="chunk=0 must be at least 1"):
        NetworkObjective(dense_network(), *examples(3), chunk=0)


def test_a_loss_that_is_averaged_already_is_refused() -> None:
    objective = NetworkObjective(dense_network(), *examples(3), loss=F.cross_entropy)
    with pytest.raises(UsageError, match=r"loss gave shape \(\) for 3 examples"):
        objective.value(objective.start)


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(UsageError, match=r"parameters \['nine'\] are not in the model; choose among 1.weight"):
        NetworkObjective(dense_network(), *examples(3), parameters=["nine"])


def test_one_name_is_one_parameter() -> None:
    model = dense_network()
    one, listed = (NetworkObjective(model, *examples(3), parameters=names) for names in ("1.weight", ["1.weight"]))
    assert one.size == listed.size == model[1].weight.numel()


def test_a_point_of_another_size_is_refused() -> None:
    objective = NetworkObjective(nn.Linear(4, 3), *examples(3))
    with pytest.raises(UsageError, match=r"shape \(14,\) must have shape \(15,\)"):
        objective.value(torch.zeros(14))


def test_a_sketch_is_the_loss_on_every_tenth_example() -> None:
    inputs, labels = examples(1005)
    model = started(nn.Linear(4, 3), inputs)
    objective = NetworkObjective(model, inputs, labels)
    found = objective.sketch()
    assert found is not None
    thinner, cost = found
    assert cost == pytest.approx(101 / 1005)
    point = objective.start + 0.1
    assert thinner.value(point) == NetworkObjective(model, inputs[::10], labels[::10]).value(point)


def test_small_data_and_batch_statistics_have_no_sketch() -> None:
    assert NetworkObjective(nn.Linear(4, 3).double(), *examples(999)).sketch() is None
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)).double()
    assert NetworkObjective(model, *examples(1005), batchnorm="batch").sketch() is None
