"""Filter-normalised random directions, and the lines and planes they span."""

from __future__ import annotations

import copy
from itertools import pairwise

import pytest
import torch
from torch import nn

from repro.data import Split
from repro.measure import (
    Landscape,
    Quadratic,
    filter_normalised,
    grid,
    random_direction,
    random_line,
    random_surface,
    ray,
    survey,
    to_vector,
    trace,
    unflatten,
)
from repro.streams import stream
from tests.unit.measure.bowl import Bowl


def normal(*shape, of=0):
    return torch.randn(shape, generator=stream(0, "test directions", of), dtype=torch.float64)


def examples(count, of):
    drawn = stream(0, "test directions", "examples", of)
    labels = torch.randint(3, (count,), generator=drawn)
    return Split(torch.randn(count, 2, 6, 6, generator=drawn) + labels.view(-1, 1, 1, 1), labels)


def network(batchnorm=True, eps=1e-5):
    """Convolution, perhaps BatchNorm, ReLU, linear; float64, so that invariance shows to the last digits."""
    norm = nn.BatchNorm2d(4, eps=eps) if batchnorm else nn.Identity()
    model = nn.Sequential(nn.Conv2d(2, 4, 3), norm, nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)).double()
    drawn = stream(0, "test directions", "network")
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.copy_(torch.randn(tensor.shape, generator=drawn) / 4)
    return model


def rescaled(model, scale):
    """The filters times `scale`, one number each; BatchNorm undoes it, or else the last layer."""
    other = copy.deepcopy(model)
    with torch.no_grad():
        other[0].weight.mul_(scale.view(-1, 1, 1, 1))
        other[0].bias.mul_(scale)
        if isinstance(model[1], nn.Identity):
            other[4].weight.div_(scale.repeat_interleave(16))
    return other


TRAIN, TEST = examples(30, "train"), examples(15, "test")
STEPS = (-1.0, -0.3, 0.0, 0.5, 1.0)


def losses(model, direction, rule="recomputed"):
    landscape = Landscape(model, TRAIN, TEST, batchnorm=rule)
    return trace(landscape, ray(to_vector(model), direction), STEPS)[0].loss


def test_every_filter_and_neuron_is_as_long_as_the_networks_own():
    model = network()
    shaped = unflatten(random_direction(model, 0, "first"), list(model.parameters()))
    for d, w in zip(shaped, model.parameters(), strict=True):
        if w.ndim > 1:
            ours, theirs = d.flatten(1).norm(dim=1), w.detach().flatten(1).norm(dim=1)
            assert ours.tolist() == pytest.approx(theirs.tolist(), rel=1e-12)
            assert len(set(theirs.tolist())) == len(theirs)


def test_biases_and_batchnorm_parameters_do_not_move():
    model = network()
    shaped = unflatten(random_direction(model, 0, "first"), list(model.parameters()))
    still = [not d.any() for d in shaped]
    assert still == [False, True, True, True, False, True]


def test_normalising_keeps_each_filters_direction():
    d, w = normal(3, 5, of="d"), normal(3, 5, of="w")
    (found,) = filter_normalised([d], [w])
    assert torch.cosine_similarity(found, d).tolist() == pytest.approx([1.0] * 3)


def test_a_filter_of_weight_zero_and_a_direction_of_length_zero_stay_where_they_are():
    d, w = (
        torch.tensor([[1.0, 2.0], [0.0, 0.0], [3.0, 4.0]]),
        torch.tensor([[0.0, 0.0], [1.0, 1.0], [6.0, 8.0]]),
    )
    (found,) = filter_normalised([d], [w])
    assert found.tolist() == [[0, 0], [0, 0], [6, 8]]


def test_the_draw_depends_on_seed_and_name_and_not_on_the_global_generator():
    model, state = network(), torch.get_rng_state()
    first = random_direction(model, 0, "first")
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, random_direction(model, 0, "first"))
    assert not torch.equal(first, random_direction(model, 1, "first"))
    assert not torch.equal(first, random_direction(model, 0, "second"))


def gaussian(model):
    """The negative control: a direction of one length whatever the filters'."""
    return normal(to_vector(model).numel(), of="gaussian") / 10


@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_rescaling_two_layers_of_a_relu_network_leaves_the_normalised_curve_alone_and_moves_the_raw_one(
    factor,
):
    model = network(batchnorm=False)
    other = rescaled(model, torch.full((4,), factor, dtype=torch.float64))
    before, after = (losses(one, random_direction(one, 0, "first")) for one in (model, other))
    assert after == pytest.approx(before, rel=1e-10)
    assert before[0] != pytest.approx(before[2], rel=1e-2)
    raw_before, raw_after = (losses(one, gaussian(one)) for one in (model, other))
    assert raw_after[2] == pytest.approx(raw_before[2], rel=1e-10)
    assert raw_after[0] != pytest.approx(raw_before[0], rel=1e-2)


@pytest.mark.parametrize("rule", ["recomputed", "batch"])
def test_rescaling_filters_before_batchnorm_leaves_the_normalised_curve_alone_and_moves_the_raw_one(rule):
    model = network(eps=1e-12)
    other = rescaled(model, torch.tensor([0.1, 1.0, 3.0, 10.0], dtype=torch.float64))
    before, after = (losses(one, random_direction(one, 0, "first"), rule) for one in (model, other))
    assert after == pytest.approx(before, rel=1e-8)
    assert before[0] != pytest.approx(before[2], rel=1e-2)
    raw_before, raw_after = (losses(one, gaussian(one), rule) for one in (model, other))
    assert raw_after[2] == pytest.approx(raw_before[2], rel=1e-8)
    assert raw_after[0] != pytest.approx(raw_before[0], rel=1e-2)


def test_a_surface_of_a_quadratic_is_its_second_order_expansion():
    square = normal(5, 5, of="H")
    bowl = Quadratic(normal(5, of="g"), square + square.T, 0.3)
    x, d, e = (normal(5, of=name) for name in "xde")
    alphas, betas = (-1.0, 0.0, 2.0), (-0.5, 0.0)
    (found,) = survey(Bowl(bowl), x, (d, e), alphas, betas)
    level, slope = bowl.value_and_grad(x)
    for i, alpha in enumerate(alphas):
        for j, beta in enumerate(betas):
            step = alpha * d + beta * e
            expected = level + float(slope @ step) + float(step @ bowl.hvp(x, step)) / 2
            assert found.loss[i][j] == pytest.approx(expected, rel=1e-9)
            assert found.accuracy[i][j] == pytest.approx(float((x + step)[0]))
    assert (found.alpha, found.beta, found.cost) == (alphas, betas, 3)


@pytest.mark.parametrize("rule", ["recomputed", "interpolated", "batch"])
def test_a_random_line_passes_through_the_minimum_and_is_its_planes_line_at_zero(rule):
    model = network()
    landscape = Landscape(model, TRAIN, TEST, batchnorm=rule)
    line = random_line(model, TRAIN, TEST, seed=3, alphas=STEPS, batchnorm=rule)
    on_train, on_test = random_surface(model, TRAIN, TEST, seed=3, alphas=STEPS, betas=(0.0, 0.5), batchnorm=rule)
    here = landscape.evaluate(landscape.point(model.state_dict()))
    assert (line.train.loss_at(0), line.test.loss_at(0)) == (here[0].loss, here[1].loss)
    assert tuple(row[0] for row in on_train.loss) == line.train.loss
    assert tuple(row[0] for row in on_test.accuracy) == line.test.accuracy
    assert (line.kind, line.batchnorm) == ("random", landscape.rule)


def test_the_planes_two_directions_differ_and_no_row_repeats_another():
    on_train, _ = random_surface(network(), TRAIN, TEST, seed=3, alphas=(0.0, 0.5), betas=(0.0, 0.5))
    assert on_train.loss[0][1] != pytest.approx(on_train.loss[1][0], rel=1e-3)
    assert all(row != other for row, other in pairwise(on_train.loss))


def test_equal_seeds_give_two_networks_of_one_architecture_the_same_draw():
    model = network()
    twice = rescaled(network(), torch.full((4,), 2.0, dtype=torch.float64))
    first, second = (unflatten(random_direction(m, 0, "first"), list(m.parameters()))[0] for m in (model, twice))
    assert (second / first).flatten().tolist() == pytest.approx([2.0] * first.numel())


def test_by_default_a_line_has_25_points_from_one_filter_length_back_to_one_ahead():
    assert random_line(network(), TRAIN, TEST, seed=0).train.alpha == grid(-1, 1)


def test_the_network_is_given_back_bit_for_bit():
    model = network()
    before = copy.deepcopy(model.state_dict())
    random_line(model, TRAIN, TEST, seed=0, alphas=STEPS)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_directions_of_a_float32_network_are_float64() -> None:
    drawn = [torch.randn(3, 4, generator=stream(0, "direction"))]
    weights = [torch.randn(3, 4, generator=stream(1, "direction"))]
    (found,) = filter_normalised(drawn, weights)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found.norm(dim=1), weights[0].double().norm(dim=1), rtol=1e-12, atol=0)
