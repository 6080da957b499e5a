from __future__ import annotations

import itertools
import math
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from repro.measure.box import Box
from repro.measure.maximise import searched
from repro.measure.measurement import Status
from repro.measure.quadratic import Quadratic
from repro.measure.sharpness import sharpness_in_box
from repro.theory import corners
from repro.theory.corners import highest_corner

SEARCH = partial(searched, budget=40)


@st.composite
def problems(draw: st.DrawFn, curved: str) -> tuple[Quadratic, Tensor, Box]:
    """A quadratic of up to 3 variables, a point near which its gradient is small, and a box around that.

    Its second derivatives are positive in every direction (`up`), along each axis (`axes`), or in none (`down`).
    """
    size = draw(st.integers(1, 3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    factor = torch.randn(size, size, generator=generator, dtype=torch.float64)
    x, slope, width = torch.rand(3, size, generator=generator, dtype=torch.float64) * 2 - 1
    hessian = factor @ factor.T + torch.eye(size, dtype=torch.float64)
    if curved == "axes":
        hessian = factor + factor.T + torch.diag(2 * factor.diagonal().abs() - 2 * factor.diagonal())
    if curved == "down":
        hessian = -hessian
    return Quadratic(0.1 * slope - hessian @ x, hessian, 100.0), x, Box.around(x, 0.5 + width.abs())


@pytest.mark.holds(corners.convex_maximum)
@given(st.one_of(problems("up"), problems("axes")))
def test_a_search_of_the_whole_box_finds_nothing_higher_than_the_highest_corner(problem) -> None:
    assert corners.convex_maximum(*problem, SEARCH) < 1e-9


@pytest.mark.breaks(corners.convex_maximum)
@given(problems("down"))
def test_a_concave_function_is_highest_inside(problem) -> None:
    assert corners.convex_maximum(*problem, SEARCH) > 0.5


@given(problems("down"))
def test_where_no_corner_is_higher_the_search_is_failed_and_never_a_zero(problem) -> None:
    found = sharpness_in_box(*problem, highest_corner)
    assert found.status is Status.FAILED
    assert math.isnan(found.value)
    assert found.maximum < found.loss


@given(problems("up"))
def test_every_corner_is_there_once(problem) -> None:
    _, _, box = problem
    bounds = zip(box.lower.tolist(), box.upper.tolist(), strict=True)
    assert {tuple(corner) for corner in corners.corners(box).tolist()} == set(itertools.product(*bounds))


@given(problems("up"))
def test_the_value_is_that_of_the_highest_corner_and_its_cost_is_counted(problem) -> None:
    f, x, box = problem
    found = sharpness_in_box(f, x, box, highest_corner)
    points = corners.corners(box)
    assert found.maximum == max(f.value(point) for point in points)
    assert f.value(x + found.displacement) == pytest.approx(found.maximum, rel=1e-12)
    assert found.cost == found.evaluations == len(points) + 1
    assert found.fraction_on_bound == 1
