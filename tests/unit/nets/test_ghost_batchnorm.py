"""GhostBatchNorm against `nn.BatchNorm` on each split, in all that a layer does."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from repro.errors import UsageError
from repro.nets import build, glorot_uniform_
from repro.nets.ghost_batchnorm import GhostBatchNorm, ghostify
from repro.nets.ghost_normalise import normalise_ghosts
from repro.nets.ghost_statistics import running_weights
from repro.streams import stream

SHAPES = [(12, 3), (14, 3), (12, 3, 4, 5), (9, 3, 2, 2), (11, 3, 5)]
KINDS = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}


def normal(*shape: int, of: object = 0) -> Tensor:
    return torch.randn(shape, generator=stream(0, "test ghosts", of), dtype=torch.float64)


def pair(shape: tuple[int, ...], ghost_size: int, **settings) -> tuple[GhostBatchNorm, nn.Module]:
    """Our layer and PyTorch's, with the same parameters and running statistics, none of them at their start."""
    running = settings.pop("running", "sequential")
    plain = KINDS[len(shape)](shape[1], **settings).double()
    for name, tensor in plain.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(normal(shape[1], of=name).abs() + 0.5)
    ours = GhostBatchNorm(shape[1], ghost_size, running=running, **settings).double()
    ours.load_state_dict(plain.state_dict())
    return ours, plain


def by_splits(plain: nn.Module, inputs: Tensor, ghost_size: int) -> Tensor:
    return torch.cat([plain(part) for part in inputs.split(ghost_size)])


def assert_same_state(ours: nn.Module, theirs: nn.Module) -> None:
    for name, tensor in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], tensor, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ghost_size", [3, 4, 5])
@pytest.mark.parametrize(
    "settings", [{}, {"affine": False}, {"bias": False}, {"eps": 0.5, "momentum": 0.3}, {"momentum": None}]
)
def test_outputs_gradients_and_statistics_are_those_of_batchnorm_on_each_split(shape, ghost_size, settings) -> None:
    ours, plain = pair(shape, ghost_size, **settings)
    inputs, slope = normal(*shape, of="inputs").requires_grad_(), normal(*shape, of="slope")
    found, expected = ours(inputs), by_splits(plain, inputs, ghost_size)
    assert torch.equal(found, expected)
    sought = [inputs, *ours.parameters()], [inputs, *plain.parameters()]
    slopes = [torch.autograd.grad(y, x, slope) for y, x in zip((found, expected), sought, strict=True)]
    assert torch.equal(slopes[0][0], slopes[1][0])
    for one, other in zip(*slopes, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-13, atol=1e-13)
    assert_same_state(ours, plain)


def test_the_second_derivative_is_batchnorms_too() -> None:
    ours, plain = pair((7, 3, 2, 2), 4)
    inputs = normal(7, 3, 2, 2, of="inputs").requires_grad_()
    curvatures = []
    for layer, output in ((ours, ours(inputs)), (plain, by_splits(plain, inputs, 4))):
        variables = [inputs, *layer.parameters()]
        first = torch.autograd.grad((output**3).sum(), variables, create_graph=True)
        curvatures.append(torch.autograd.grad(sum((g**2).sum() for g in first), variables))
    for one, other in zip(*curvatures, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-9)
    assert torch.autograd.gradcheck(lambda x: normalise_ghosts(x, None, None, ghost_size=4, eps=1e-5).output, inputs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_precision_and_layout_are_batchnorms(dtype, layout) -> None:
    ours, plain = (layer.float() for layer in pair((10, 3, 4, 4), 4))
    inputs = normal(10, 3, 4, 4).to(dtype).contiguous(memory_format=layout).requires_grad_()
    outputs = ours(inputs), by_splits(plain, inputs, 4)
    assert torch.equal(*outputs)
    assert outputs[0].dtype == dtype
    assert outputs[0].is_contiguous(memory_format=layout)
    assert torch.equal(*(torch.autograd.grad(y.square().sum(), inputs)[0] for y in outputs))


VIEWS = {
    "transposed": lambda: normal(3, 12).T,
    "every second channel": lambda: normal(12, 6)[:, ::2],
    "every second example": lambda: normal(24, 3)[::2],
    "positions before channels": lambda: normal(12, 7, 3).transpose(1, 2),
    "cropped": lambda: normal(12, 3, 6, 6)[..., 1:5, 2:5],
    "some channels": lambda: normal(12, 6, 4, 4)[:, 2:5],
    "rotated": lambda: normal(12, 3, 4, 5).rot90(1, (2, 3)),
    "expanded": lambda: normal(12, 3, 1, 5).expand(12, 3, 4, 5),
    "volumes": lambda: normal(12, 3, 2, 4, 5).contiguous(memory_format=torch.channels_last_3d),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("view", VIEWS)
def test_strides_of_inputs_and_slopes_change_nothing(view, dtype) -> None:
    strided = VIEWS[view]().to(dtype)
    plain = strided.clone(memory_format=torch.contiguous_format)
    found, expected = [], []
    for inputs, slope, into in ((strided, strided, found), (plain, plain, expected)):
        layer = GhostBatchNorm(3, 5).to(dtype)
        x = inputs.detach().requires_grad_()
        output = layer(x)
        into += [output, *torch.autograd.grad(output, [x, *layer.parameters()], slope.sin()), *layer.buffers()]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_ghosts_may_be_computed_again_in_the_backward_pass() -> None:
    inputs = normal(12, 3, 4, 4).requires_grad_()
    again = checkpoint(GhostBatchNorm(3, 4).double(), inputs, use_reentrant=False)
    slopes = [torch.autograd.grad(y.sin().sum(), inputs)[0] for y in (again, GhostBatchNorm(3, 4).double()(inputs))]
    assert torch.equal(*slopes)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("more", [0, 1, 100])
def test_a_ghost_as_large_as_the_batch_is_batchnorm_bit_for_bit(shape, more) -> None:
    ours, plain = pair(shape, shape[0] + more)
    inputs = normal(*shape)
    assert torch.equal(ours(inputs), plain(inputs))
    for name, tensor in plain.state_dict().items():
        assert torch.equal(ours.state_dict()[name], tensor)


@pytest.mark.parametrize("track", [True, False])
def test_there_are_no_ghosts_in_evaluation_mode(track) -> None:
    ours, plain = pair((12, 3), 4, track_running_stats=track)
    inputs = normal(12, 3)
    assert torch.equal(ours.eval()(inputs), plain.eval()(inputs))


def test_without_tracking_nothing_is_remembered() -> None:
    ours, plain = pair((12, 3), 4, track_running_stats=False)
    assert torch.equal(ours(normal(12, 3)), by_splits(plain, normal(12, 3), 4))
    assert ours.running_mean is None


def test_divided_is_batchnorm_on_each_split_with_the_momentum_over_the_number_of_ghosts() -> None:
    ours, plain = pair((14, 3), 4, running="divided", momentum=0.3)
    plain.momentum = 0.3 / 4
    ours(normal(14, 3))
    by_splits(plain, normal(14, 3), 4)
    assert_same_state(ours, plain)


def test_averaged_is_the_mean_of_one_batchnorm_for_each_split() -> None:
    ours, plain = pair((12, 3), 4, running="averaged")
    splits = [copy.deepcopy(plain) for _ in range(3)]
    for update in range(5):
        inputs = normal(12, 3, of=update)
        ours(inputs)
        for layer, part in zip(splits, inputs.split(4), strict=True):
            layer(part)
    for name in ("running_mean", "running_var"):
        expected = torch.stack([getattr(layer, name) for layer in splits]).mean(0)
        torch.testing.assert_close(getattr(ours, name), expected, rtol=1e-13, atol=1e-13)


def test_averaged_weighs_examples_not_ghosts() -> None:
    ours, _ = pair((10, 3), 4, running="averaged", momentum=1.0)
    inputs = normal(10, 3)
    ours(inputs)
    torch.testing.assert_close(ours.running_mean, inputs.mean(0))


def test_paper_is_algorithm_1_to_the_letter() -> None:
    ours, plain = pair((6, 3), 2, running="paper", momentum=0.1)
    inputs = normal(6, 3)
    ours(inputs)
    mean, deviation = 0.9**2 * plain.running_mean, 0.9**2 * plain.running_var.sqrt()
    for i, part in enumerate(inputs.split(2), start=1):
        mean = mean + 0.9**i * 0.1 * part.mean(0)
        deviation = deviation + 0.9**i * 0.1 * part.std(0)
    torch.testing.assert_close(ours.running_mean, mean)
    torch.testing.assert_close(ours.running_var, deviation.square())


@pytest.mark.parametrize(
    ("convention", "keep", "weights"),
    [
        ("sequential", 0.25, [0.25, 0.5]),
        ("divided", 0.5625, [0.1875, 0.25]),
        ("averaged", 0.5, [0.375, 0.125]),
        ("paper", 0.125, [0.25, 0.125]),
    ],
)
def test_weights_of_an_update_counted_by_hand(convention, keep, weights) -> None:
    assert running_weights([3, 1], 0.5, convention) == (keep, weights)


def test_what_the_gradient_sees_is_one_ghost_only() -> None:
    ours, _ = pair((9, 3), 4)
    inputs = normal(9, 3)[:8].requires_grad_()
    (slope,) = torch.autograd.grad(ours(inputs)[5].square().sum(), inputs)
    assert slope[:4].eq(0).all()
    assert slope[4:].ne(0).all()


@pytest.mark.parametrize(("batch", "ghost_size", "other"), [(9, 4, 5), (7, 2, 4), (3, 1, 3), (5, 1, 3)])
def test_a_ghost_of_one_value_is_refused_and_the_size_proposed_is_not(batch, ghost_size, other) -> None:
    with pytest.raises(
        UsageError, match=f"ghost_size={ghost_size} leaves one example of a batch of {batch} .* {other},"
    ):
        GhostBatchNorm(3, ghost_size)(torch.zeros(batch, 3))
    assert GhostBatchNorm(3, other)(torch.zeros(batch, 3)).eq(0).all()


def test_a_ghost_of_one_image_is_normalised_over_its_pixels() -> None:
    ours, plain = pair((9, 3, 4, 4), 4)
    inputs = normal(9, 3, 4, 4)
    assert torch.equal(ours(inputs), by_splits(plain, inputs, 4))
    with pytest.raises(UsageError, match="no variance"):
        ours(normal(9, 3, 1, 1))


@pytest.mark.parametrize("ghost_size", [0, -1, 2.5, True, None])
def test_a_ghost_size_that_is_no_count_is_refused(ghost_size) -> None:
    with pytest.raises(UsageError, match=f"ghost_size={ghost_size!r} must be a whole number"):
        GhostBatchNorm(3, ghost_size)


def test_unknown_or_impossible_conventions_are_refused() -> None:
    with pytest.raises(UsageError, match="'often' must be one of sequential, divided, averaged, paper"):
        GhostBatchNorm(3, 4, running="often")
    with pytest.raises(UsageError, match="'averaged' needs a momentum"):
        GhostBatchNorm(3, 4, momentum=None, running="averaged")


@pytest.mark.parametrize("shape", [(8, 4), (8,), (8, 4, 2, 2)])
@pytest.mark.parametrize("mode", [True, False])
def test_inputs_of_another_number_of_channels_are_refused(shape, mode) -> None:
    with pytest.raises(UsageError, match=r"must be \(batch, 3, ...\)"):
        GhostBatchNorm(3, 4).train(mode)(torch.zeros(shape))


def test_a_print_shows_the_ghosts() -> None:
    assert "ghost_size=4, running='divided'" in repr(GhostBatchNorm(3, 4, running="divided"))


def small() -> nn.Sequential:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, momentum=0.3), nn.Flatten(), nn.Linear(16, 3))
    model.append(nn.Sequential(nn.BatchNorm1d(3, eps=0.1, affine=False), nn.ReLU()))
    glorot_uniform_(model, stream(0, "weights"))
    return model


def test_ghostify_replaces_every_batchnorm_and_keeps_its_tensors() -> None:
    model = small()
    before = dict(model.state_dict(keep_vars=True))
    layers = model[1], model[4][0]
    assert ghostify(model, 5, running="divided") is model
    after = model.state_dict(keep_vars=True)
    assert list(after) == list(before)
    assert all(after[name] is tensor for name, tensor in before.items())
    for old, new in zip(layers, (model[1], model[4][0]), strict=True):
        assert isinstance(new, GhostBatchNorm)
        for name in ("num_features", "eps", "momentum", "affine", "track_running_stats", "training"):
            assert getattr(new, name) == getattr(old, name)
        assert (new.ghost_size, new.running) == (5, "divided")


def test_ghostify_keeps_modes_and_frozen_parameters() -> None:
    model = small()
    model[1].eval().weight.requires_grad_(False)
    ghostify(model, 5)
    assert (model[1].training, model[4].training, model[1].weight.requires_grad) == (False, True, False)


def test_an_optimiser_made_before_still_moves_the_ghosts() -> None:
    model = small()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    ghostify(model, 4)
    before = model[1].weight.detach().clone()
    model(normal(8, 1, 4, 4).float()).square().sum().backward()
    optimizer.step()
    assert not torch.equal(model[1].weight, before)


def test_ghostify_changes_the_size_of_ghosts_that_are_there() -> None:
    model = ghostify(ghostify(small(), 5), 7, running="averaged")
    assert (model[1].ghost_size, model[1].running) == (7, "averaged")


def test_a_layer_used_twice_stays_one_layer() -> None:
    shared = nn.BatchNorm1d(3)
    model = ghostify(nn.Sequential(shared, nn.ReLU(), shared, nn.Sequential(shared)), 4)
    assert isinstance(model[0], GhostBatchNorm)
    assert model[0] is model[2] is model[3][0]


def test_a_single_layer_is_returned_as_ghosts() -> None:
    assert isinstance(ghostify(nn.BatchNorm1d(3), 4), GhostBatchNorm)


def test_the_papers_networks_run_with_ghosts() -> None:
    plain = build("F1", (6,), 3, stream(0, "weights"))
    model = ghostify(copy.deepcopy(plain), 8)
    inputs = normal(20, 6).float()
    assert not torch.equal(model(inputs), plain(inputs))
    plain.load_state_dict(model.state_dict())
    assert torch.equal(model.eval()(inputs), plain.eval()(inputs))


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (nn.Linear(2, 2), "a Linear without BatchNorm layers has no ghosts"),
        (nn.Sequential(nn.SyncBatchNorm(2)), "layer '0' is a SyncBatchNorm"),
        (nn.Sequential(nn.LazyBatchNorm1d()), "layer '0' is a LazyBatchNorm1d"),
    ],
)
def test_models_that_cannot_have_ghosts_are_refused(model, why) -> None:
    with pytest.raises(UsageError, match=why):
        ghostify(model, 4)
