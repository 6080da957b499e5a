from __future__ import annotations

import pytest
import torch

from repro.errors import UsageError
from repro.measure.adaptive import adaptive_box
from repro.measure.box import Box, keskar_box


def test_keskars_box_has_the_half_width_of_equation_3():
    x = torch.tensor([0.0, -2.0, 0.5], dtype=torch.float64)
    box = keskar_box(x, 1e-3)
    assert torch.allclose(box.radius, torch.tensor([1e-3, 3e-3, 1.5e-3], dtype=torch.float64), rtol=1e-12)
    assert torch.allclose(box.centre, x, rtol=0, atol=1e-15)


def test_the_adaptive_box_does_not_let_a_zero_weight_move():
    box = adaptive_box(torch.tensor([0.0, -2.0]), 1e-2)
    assert box.lower[0] == box.upper[0] == 0
    assert torch.allclose(box.radius[1], torch.tensor(0.02).double(), rtol=1e-6)


def test_a_point_of_the_box_is_still_in_it_once_it_is_cast_to_float32():
    x = torch.randn(2000, generator=torch.Generator().manual_seed(0))
    exact = 1e-3 * (x.double().abs() + 1)
    box = keskar_box(x, 1e-3, torch.float32)
    assert torch.equal(box.upper.float().double(), box.upper)
    for bound in (box.lower, box.upper, (box.upper - 1e-13), (box.lower + 1e-13)):
        cast = bound.float().double()
        assert ((cast - x.double()).abs() <= exact).all()
        assert torch.equal(box.clip(cast), cast)


def test_bounds_rounded_to_nearest_would_leave_the_box():
    x = torch.randn(2000, generator=torch.Generator().manual_seed(0))
    exact = 1e-3 * (x.double().abs() + 1)
    nearest = (x.double() + exact).float().double()
    assert (nearest - x.double() > exact).any()


def test_a_weight_too_large_for_its_box_stays_where_it_is():
    box = Box.around(torch.tensor([1e8]), torch.tensor([1e-3]), torch.float32)
    assert box.lower.item() == box.upper.item() == 1e8


def test_the_fraction_on_the_bound_counts_only_what_may_move():
    box = Box(torch.tensor([0.0, 0.0, 1.0]).double(), torch.tensor([1.0, 1.0, 1.0]).double())
    assert box.fraction_on_bound(torch.tensor([1.0, 0.5, 1.0]).double()) == 0.5


@pytest.mark.parametrize("eps", [0.0, -1e-3, float("nan"), float("inf")])
def test_a_box_without_a_size_is_an_error_that_names_it(eps):
    with pytest.raises(UsageError, match=f"eps={eps}"):
        keskar_box(torch.ones(2), eps)


def test_a_point_that_is_not_finite_has_no_box():
    with pytest.raises(UsageError, match="finite"):
        keskar_box(torch.tensor([1.0, float("nan")]), 1e-3)


def test_bounds_the_wrong_way_round_are_no_box():
    with pytest.raises(UsageError, match="lower <= upper"):
        Box(torch.ones(2).double(), torch.zeros(2).double())


def test_the_adaptive_box_of_zero_is_an_error():
    with pytest.raises(UsageError, match="zero in every entry"):
        adaptive_box(torch.zeros(3), 1e-3)


def test_the_box_is_around_the_point_that_is_really_evaluated():
    x = torch.tensor([0.1], dtype=torch.float64)
    box = Box.around(x, torch.tensor([1e-9]), torch.float32)
    assert box.lower.item() == box.upper.item() == x.float().item()


def test_coordinates_on_either_bound_are_counted_and_those_that_cannot_move_are_not():
    box = Box.around(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]), torch.tensor([0.5, 0.5, 0.5, 0.5, 0.0]))
    point = torch.tensor([0.5, 2.5, 3.1, 4.0, 5.0], dtype=torch.float64)
    assert box.fraction_on_bound(point) == pytest.approx(2 / 4)


@pytest.mark.parametrize(("short_of_it", "fraction"), [(1e-7, 1.0), (1e-4, 0.0)])
def test_a_point_is_on_a_bound_to_a_millionth_of_the_radius(short_of_it, fraction):
    box = Box(torch.tensor([-2.0]).double(), torch.tensor([2.0]).double())
    for side in (-1, 1):
        assert box.fraction_on_bound(side * (box.upper - 2 * short_of_it)) == fraction


def test_bounds_are_float64_whatever_the_networks_precision():
    box = keskar_box(torch.ones(3), 1e-3, torch.float32)
    assert (box.lower.dtype, box.upper.dtype) == (torch.float64, torch.float64)
