"""Loss and accuracy between two minima: closed forms on a quadratic, then networks with BatchNorm."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from repro.data import Split
from repro.errors import UsageError
from repro.measure import (
    Landscape,
    PathProfile,
    Quadratic,
    barrier,
    curvilinear,
    grid,
    linear,
    path,
    recompute_statistics,
    rise,
    trace,
)
from repro.streams import stream
from tests.unit.measure.bowl import Bowl

ALL_RULES = ["recomputed", "interpolated", "batch"]


def normal(*shape, of=0):
    return torch.randn(shape, generator=stream(0, "test paths", of), dtype=torch.float64)


def examples(count, of, dtype=torch.float32):
    drawn = stream(0, "test paths", "examples", of)
    labels = torch.randint(3, (count,), generator=drawn)
    centres = torch.tensor([[2.0, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0]])
    return Split((torch.randn(count, 4, generator=drawn) + centres[labels]).to(dtype), labels)


def network(of, batchnorm=True):
    """Four inputs, three classes; the states of two such networks are far apart, statistics included."""
    norm = nn.BatchNorm1d(6) if batchnorm else nn.Identity()
    model = nn.Sequential(nn.Linear(4, 6), norm, nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 3))
    drawn = stream(0, "test paths", "network", of)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape, generator=drawn) + 0.2)
                tensor.mul_(torch.where(torch.rand(tensor.shape, generator=drawn) < 0.3, -1, 1))
        if batchnorm:
            norm.running_var.abs_()
    return model


TRAIN, TEST = examples(60, "train"), examples(25, "test")


def along(rule, alphas=(0.0, 0.5, 1.0), batchnorm=True, train=TRAIN, test=TEST, **options):
    first, second = network(1, batchnorm), network(2, batchnorm)
    states = first.state_dict(), second.state_dict()
    return path(network(3, batchnorm), *states, train, test, alphas=alphas, batchnorm=rule, **options)


def mean_loss(model, split):
    inputs, labels = split.batch(slice(None))
    with torch.no_grad():
        return float(F.cross_entropy(model(inputs).double(), labels))


# curves and profiles


def test_the_loss_of_a_quadratic_along_the_line_is_a_parabola():
    square = normal(5, 5, of="H")
    bowl = Quadratic(normal(5, of="g"), square + square.T, 0.7)
    start, end = normal(5, of="start"), normal(5, of="end")
    (profile,) = trace(Bowl(bowl), linear(start, end), grid(-1, 2))
    level, slope = bowl.value_and_grad(start)
    step = end - start
    curvature = float(step @ bowl.hvp(start, step))
    expected = [level + alpha * float(slope @ step) + alpha**2 * curvature / 2 for alpha in profile.alpha]
    assert profile.loss == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert profile.accuracy == pytest.approx([float(start[0] + alpha * step[0]) for alpha in profile.alpha])
    assert profile.cost == 12.5


@pytest.mark.parametrize("curve", [linear, curvilinear])
def test_both_ends_are_met_bit_for_bit_however_unlike_they_are(curve):
    start, end = torch.tensor([1e30, 0.0, -0.1]), torch.tensor([1e-3, 1e-30, 0.3])
    walk = curve(start, end)
    assert torch.equal(walk(0.0), start.double())
    assert torch.equal(walk(1.0), end.double())


def test_the_curvilinear_path_keeps_the_norm_between_orthogonal_ends_of_one_norm_and_the_line_does_not():
    start, end = torch.tensor([3.0, 4.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, -5.0, 0.0])
    curved, straight = curvilinear(start, end), linear(start, end)
    assert [float(curved(alpha).norm()) for alpha in grid(0, 1)] == pytest.approx([5.0] * 25, rel=1e-14)
    assert float(straight(0.5).norm()) == pytest.approx(5 / math.sqrt(2))


def test_the_curvilinear_path_gives_the_end_the_sine():
    walk = curvilinear(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))
    assert walk(1 / 3).tolist() == pytest.approx([math.sqrt(3) / 2, 0.5])


def test_the_grids_are_the_papers_25_points():
    assert grid(-1, 2) == tuple(k / 8 for k in range(-8, 17))
    assert grid(0, 1) == tuple(k / 24 for k in range(25))


def test_a_path_of_no_points_is_refused():
    with pytest.raises(UsageError, match="alphas are empty"):
        trace(Bowl(Quadratic(torch.ones(2), torch.ones(2))), linear(torch.zeros(2), torch.ones(2)), [])


@pytest.mark.parametrize(("low", "high", "points"), [(0, 1, 1), (1, 1, 5), (2, 1, 5)])
def test_a_grid_that_does_not_increase_is_refused(low, high, points):
    with pytest.raises(UsageError, match=f"points={points}"):
        grid(low, high, points)


# summaries


def profile_of(function, alphas):
    return PathProfile(alphas, tuple(function(alpha) for alpha in alphas), (1.0,) * len(alphas), 0.0)


def test_the_rise_averages_both_sides():
    """`3(α - 1)² + 7α` rises by 3d² around 1: the slope cancels."""
    profile = profile_of(lambda alpha: 3 * (alpha - 1) ** 2 + 7 * alpha, grid(-1, 2))
    assert rise(profile, at=1, distance=0.25) == pytest.approx(3 / 16)


def test_the_rise_takes_the_one_side_that_the_profile_reaches():
    profile = profile_of(lambda alpha: 7 * alpha, grid(0, 1))
    assert rise(profile, at=0, distance=0.125) == pytest.approx(7 / 8)
    assert rise(profile, at=1, distance=0.125) == pytest.approx(-7 / 8)


def test_the_rise_is_not_finite_where_a_loss_is_not():
    profile = profile_of(lambda alpha: math.inf if alpha > 1 else 0.0, grid(-1, 2))
    assert rise(profile, at=1, distance=0.125) == math.inf


@pytest.mark.parametrize(
    ("at", "distance", "message"),
    [
        (1, 0.1, r"alpha=0.9 is none of the 25 points; the nearest is 0.875"),
        (0.01, 0.125, "none of the 25 points"),
        (1, 0.0, "distance=0.0 must be above 0"),
        (1, 4.0, "leaves the profile on both sides"),
    ],
)
def test_a_rise_off_the_grid_is_refused(at, distance, message):
    with pytest.raises(UsageError, match=message):
        rise(profile_of(abs, grid(-1, 2)), at, distance)


def test_the_barrier_looks_between_the_ends_only_and_starts_from_the_higher_one():
    losses = {-0.5: 9.0, 0.0: 1.0, 0.5: 4.0, 1.0: 3.0, 1.5: 8.0}
    assert barrier(profile_of(losses.__getitem__, tuple(losses))) == 1.0


def test_ends_within_rounding_of_0_and_1_belong_to_the_barrier():
    alphas = grid(-0.1, 1.1, 13)
    assert 1.0 not in alphas
    assert barrier(profile_of(lambda alpha: 5.0 if abs(alpha - 1) < 0.01 else 1.0, alphas)) == 0


def test_a_barrier_is_no_number_where_a_loss_is_none():
    losses = {0.0: 1.0, 0.5: math.nan, 1.0: 1.0}
    assert math.isnan(barrier(profile_of(losses.__getitem__, tuple(losses))))


def test_there_is_no_barrier_on_a_slope():
    assert barrier(profile_of(lambda alpha: 2 - alpha, grid(-1, 2))) == 0


# networks


@pytest.mark.parametrize("kind", ["linear", "curvilinear"])
def test_by_default_the_ends_are_the_minima_with_statistics_of_the_training_set(kind):
    first, second = network(1), network(2)
    found = path(network(3), first.state_dict(), second.state_dict(), TRAIN, TEST, kind=kind, chunk=7)
    assert (found.kind, len(found.train.alpha)) == (kind, 25)
    for alpha, model in ((0.0, first), (1.0, second)):
        recompute_statistics(model.eval(), TRAIN.inputs)
        assert found.train.loss_at(alpha) == pytest.approx(mean_loss(model, TRAIN), rel=1e-6)
        assert found.test.loss_at(alpha) == pytest.approx(mean_loss(model, TEST), rel=1e-6)


def test_recomputed_statistics_are_those_of_the_training_set_as_one_batch():
    model = network(1)
    model[3].p = 0.0
    expected = mean_loss(model.train(), TRAIN)
    assert along("recomputed").train.loss[0] == pytest.approx(expected, rel=1e-5)


def test_interpolated_statistics_are_each_ends_own_and_between_them_their_mean():
    first, second, middle = network(1).eval(), network(2).eval(), network(3).eval()
    found = along("interpolated").test
    for tensor, one, other in zip(
        middle.state_dict().values(), first.state_dict().values(), second.state_dict().values(), strict=True
    ):
        tensor.copy_((one + other) / 2)
    expected = [mean_loss(model, TEST) for model in (first, middle, second)]
    assert found.loss == pytest.approx(expected, rel=1e-6)


def test_a_variance_extrapolated_below_zero_counts_as_zero():
    first, second, beyond = network(1), network(2), network(3).eval()
    first[1].running_var.fill_(1.0)
    second[1].running_var.fill_(0.25)
    states = first.state_dict(), second.state_dict()
    found = path(network(3), *states, TRAIN, TEST, alphas=[2.0], batchnorm="interpolated")
    for tensor, one, other in zip(beyond.state_dict().values(), *(s.values() for s in states), strict=True):
        tensor.copy_(2 * other - one)
    beyond[1].running_var.zero_()
    assert found.train.loss[0] == pytest.approx(mean_loss(beyond, TRAIN), rel=1e-5)


def test_batch_statistics_are_each_chunks_own_on_the_test_set_too():
    model = network(1).train()
    model[3].p = 0.0
    parts = [TEST.take(slice(0, 10)), TEST.take(slice(10, 20)), TEST.take(slice(20, 25))]
    expected = sum(mean_loss(model, part) * len(part) for part in parts) / len(TEST)
    assert along("batch", chunk=10).test.loss[0] == pytest.approx(expected, rel=1e-5)


def test_the_rules_differ_on_a_network_with_batchnorm():
    found = [along(rule, chunk=10).train.loss[1] for rule in ALL_RULES]
    assert min(abs(found[i] - found[j]) for i, j in ((0, 1), (0, 2), (1, 2))) > 1e-3


def test_the_rules_agree_bit_for_bit_on_a_network_without_batchnorm():
    found = [along(rule, batchnorm=False) for rule in ALL_RULES]
    assert len({(one.train.loss, one.test.loss, one.test.accuracy) for one in found}) == 1


def test_a_test_examples_loss_depends_on_its_neighbours_under_batch_statistics_alone():
    halves = TEST.take(slice(0, 12)), TEST.take(slice(12, 25))

    def discrepancy(rule):
        whole, first, second = (along(rule, test=part).test.loss[1] for part in (TEST, *halves))
        return abs(whole - (12 * first + 13 * second) / 25)

    assert discrepancy("recomputed") < 1e-6
    assert discrepancy("interpolated") < 1e-6
    assert discrepancy("batch") > 1e-3


@pytest.mark.parametrize("rule", ["recomputed", "interpolated"])
def test_the_chunk_is_a_matter_of_memory_only(rule):
    one, other = along(rule, chunk=7), along(rule, chunk=1000)
    assert one.train.loss == pytest.approx(other.train.loss, rel=1e-6)
    assert one.test.accuracy == other.test.accuracy


def test_accuracy_is_the_fraction_classified_rightly():
    model = network(1).eval()
    right = model(TEST.inputs).argmax(1) == TEST.labels
    assert along("interpolated").test.accuracy[0] == int(right.sum()) / 25


@pytest.mark.parametrize("rule", ALL_RULES)
def test_the_path_back_is_the_path_there_reversed(rule):
    there, back = network(1).state_dict(), network(2).state_dict()
    one = path(network(3), there, back, TRAIN, TEST, batchnorm=rule)
    other = path(network(3), back, there, TRAIN, TEST, batchnorm=rule, alphas=[1 - a for a in one.train.alpha])
    assert one.train.loss == pytest.approx(other.train.loss, rel=1e-5)


@pytest.mark.parametrize("rule", ALL_RULES)
@pytest.mark.parametrize("training", [True, False])
def test_the_network_and_the_global_generator_are_given_back_bit_for_bit(rule, training):
    model, states = network(3).train(training), (network(1).state_dict(), network(2).state_dict())
    model[0].weight.grad = torch.ones_like(model[0].weight)
    before, random_state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    path(model, *states, TRAIN, TEST, batchnorm=rule, alphas=[0.3])
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(module.training == training for module in model.modules())
    assert torch.equal(model[0].weight.grad, torch.ones(6, 4))
    assert torch.equal(torch.get_rng_state(), random_state)


def test_a_failure_on_the_way_leaves_the_network_as_it_was():
    model, wrong = network(3), Split(TEST.inputs, TEST.labels + 3)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match="labels"):
        path(model, network(1).state_dict(), network(2).state_dict(), TRAIN, wrong)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_frozen_parameters_move_along_the_path_too():
    frozen = network(3)
    frozen[0].weight.requires_grad_(False)
    states = network(1).state_dict(), network(2).state_dict()
    assert path(frozen, *states, TRAIN, TEST, alphas=[0.5]) == path(network(3), *states, TRAIN, TEST, alphas=[0.5])


def test_uint8_pixels_are_the_same_examples_as_float32_ones_in_0_to_1():
    pixels = Split((TRAIN.inputs.abs() * 50).to(torch.uint8), TRAIN.labels)
    floats = Split(pixels.inputs.float() / 255, TRAIN.labels)
    one, other = along("recomputed", train=pixels), along("recomputed", train=floats)
    assert one.train.loss == pytest.approx(other.train.loss, rel=1e-6)


def test_statistics_from_a_part_are_those_of_evenly_spaced_training_examples():
    model = network(1).eval()
    recompute_statistics(model, TRAIN.inputs[::4])
    found = along("recomputed", statistics=15)
    assert found.train.loss[0] == pytest.approx(mean_loss(model, TRAIN), rel=1e-6)
    assert found.train.loss[0] != pytest.approx(along("recomputed").train.loss[0], rel=1e-4)


def test_statistics_from_as_many_examples_as_there_are_are_those_of_all():
    assert along("recomputed", statistics=60) == along("recomputed")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "statistics recomputed at each point on all 60 training examples"),
        (
            {"statistics": 15},
            "statistics recomputed at each point on 15 evenly spaced of the 60 training examples",
        ),
        ({"batchnorm": "interpolated"}, "running statistics moved as the parameters are"),
        ({"batchnorm": "batch", "chunk": 20}, "statistics of each chunk of 20 examples"),
    ],
)
def test_the_rule_is_said_in_words(options, words):
    states = network(1).state_dict(), network(2).state_dict()
    assert path(network(3), *states, TRAIN, TEST, alphas=[0.0], **options).batchnorm == words


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"rule": "recomputed"}, 3 * 2 / 3),
        ({"rule": "recomputed", "statistics": 15}, 3 * 1.25 / 3),
        ({"rule": "interpolated"}, 3 / 3),
        ({"rule": "recomputed", "batchnorm": False}, 3 / 3),
    ],
)
def test_the_cost_counts_passes_forward_and_those_for_statistics(options, expected):
    found = along(**options)
    assert found.train.cost == pytest.approx(expected)
    assert found.test.cost == pytest.approx(1)


def test_a_point_of_another_length_is_refused():
    with pytest.raises(UsageError):
        Landscape(network(1), TRAIN, TEST).evaluate(torch.zeros(3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "straight"}, "kind='straight' must be one of linear, curvilinear"),
        ({"batchnorm": "running"}, "batchnorm='running' must be"),
        ({"batchnorm": "batch", "statistics": 10}, "statistics=10 goes with"),
        ({"statistics": 61}, "statistics=61 must lie between 2 and the 60"),
        ({"statistics": 1}, "statistics=1 must lie"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        path(network(3), network(1).state_dict(), network(2).state_dict(), TRAIN, TEST, **options)


def test_a_state_of_another_network_is_refused():
    other = nn.Sequential(nn.Linear(5, 6)).state_dict()
    with pytest.raises(UsageError, match=r"0\.weight must have shape \(6, 4\), but the state holds \(6, 5\)"):
        path(network(3), network(1).state_dict(), other, TRAIN, TEST)


def test_a_state_that_lacks_a_tensor_is_refused():
    lacking = {name: tensor for name, tensor in network(1).state_dict().items() if name != "4.bias"}
    with pytest.raises(UsageError, match=r"4\.bias must have shape .* holds nothing"):
        path(network(3), lacking, network(1).state_dict(), TRAIN, TEST)


def test_weights_that_overflow_give_a_loss_that_is_not_finite_rather_than_an_error():
    huge = {name: tensor * 1e38 for name, tensor in network(2, False).state_dict().items()}
    found = path(network(3, False), network(1, False).state_dict(), huge, TRAIN, TEST, alphas=[1.0, 2.0])
    assert not math.isfinite(found.train.loss[1])
