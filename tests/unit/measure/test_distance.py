"""How far parameters have travelled."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from repro.errors import UsageError
from repro.measure import distance_by_module, log_grid, parameter_distance
from repro.nets import glorot_uniform_
from repro.nets.distance import last_layer_norm
from repro.streams import stream


def test_three_and_four_are_five_apart():
    assert parameter_distance([torch.tensor([3.0]), torch.zeros(2, 2)], [torch.zeros(1), torch.full((2, 2), 2.0)]) == 5


def test_ten_million_float32_entries_are_summed_without_loss_where_a_float32_norm_is_wrong():
    moved = torch.full((10_000_000,), 0.1)
    exact = math.sqrt(10_000_000) * float(moved[0])
    assert parameter_distance([moved], [torch.zeros_like(moved)]) == pytest.approx(exact, rel=1e-9)
    assert abs(float(torch.norm(moved)) / exact - 1) > 1e-3


def test_a_difference_below_float32_resolution_of_the_sum_still_counts():
    """In float32 the large square swallows the small ones."""
    far, near = torch.tensor([1e4]), torch.full((1000,), 0.5)
    expected = math.sqrt(1e8 + 250)
    assert parameter_distance([far, near], [torch.zeros(1), torch.zeros(1000)]) == pytest.approx(expected, rel=1e-14)


def test_squares_by_module_add_up_to_the_whole_and_each_is_its_modules_own():
    first, second = (nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3)) for _ in range(2))
    for model, seed in ((first, 1), (second, 2)):
        glorot_uniform_(model, stream(seed, "weights"))
    by_module = distance_by_module(dict(first.named_parameters()), dict(second.named_parameters()))
    whole = parameter_distance(first.parameters(), second.parameters())
    assert math.hypot(*by_module.values()) == pytest.approx(whole, rel=1e-12)
    last = (first[2].weight - second[2].weight).detach().double().norm()  # biases are 0 in both
    assert by_module["2"] == pytest.approx(float(last), rel=1e-6)
    assert by_module["1"] == 0


def test_the_norm_of_the_last_layer_has_its_weight_and_bias_and_nothing_of_the_others():
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))
    own = [parameter.detach().double().norm().item() for parameter in model[3].parameters()]
    assert last_layer_norm(dict(model.named_parameters())) == pytest.approx(math.hypot(*own), rel=1e-12)


def test_no_layer_is_the_last_of_none():
    with pytest.raises(UsageError, match="parameters are empty"):
        last_layer_norm({})


def test_parameters_of_the_model_itself_stand_under_the_empty_name():
    assert distance_by_module({"w": torch.ones(4)}, {"w": torch.zeros(4)}) == {"": 2.0}


def test_a_distance_that_is_not_finite_says_so():
    assert math.isnan(parameter_distance([torch.tensor([math.nan])], [torch.zeros(1)]))


def test_a_lacking_tensor_is_refused():
    with pytest.raises(UsageError, match="1 tensors cannot be compared with 2"):
        parameter_distance([torch.zeros(1)], [torch.zeros(1), torch.zeros(1)])


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(UsageError, match=r"\(3,\) and \(1,\)"):
        parameter_distance([torch.zeros(3)], [torch.zeros(1)])


def test_a_name_on_one_side_only_is_refused():
    with pytest.raises(UsageError, match=r"\['b', 'c'\]"):
        distance_by_module({"a": torch.zeros(1), "b": torch.zeros(1)}, {"a": torch.zeros(1), "c": torch.zeros(1)})


def test_one_point_a_decade_is_the_powers_of_ten_and_the_end():
    assert log_grid(2500, 1) == [1, 10, 100, 1000, 2500]


def test_three_points_a_decade():
    assert log_grid(100, 3) == [1, 2, 5, 10, 22, 46, 100]


@pytest.mark.parametrize(("total", "per_decade"), [(0, 3), (10, 0), (-1, 1)])
def test_a_grid_without_updates_or_points_is_refused(total, per_decade):
    with pytest.raises(UsageError, match=f"total={total} and per_decade={per_decade}"):
        log_grid(total, per_decade)
