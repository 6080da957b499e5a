from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.report.regression import fit


@given(st.floats(-5, 5).filter(lambda slope: abs(slope) > 1e-3), st.floats(-10, 10))
def test_points_on_a_line_give_its_slope_and_explain_everything(slope: float, intercept: float) -> None:
    xs = [0.0, 1.0, 3.0, 4.0]
    found = fit(xs, [slope * x + intercept for x in xs])
    assert found is not None
    assert found.slope == pytest.approx(slope)
    assert found.explained == pytest.approx(1)
    assert found.n == 4


def test_interval_and_share_are_those_of_a_worked_example() -> None:
    # x 1..5, y 2 4 5 4 5: slope 0.6, residual sum 2.4 on 3 degrees of freedom, standard error 0.28284, t 3.18245
    found = fit([1, 2, 3, 4, 5], [2, 4, 5, 4, 5])
    assert found is not None
    assert found.slope == pytest.approx(0.6)
    assert found.interval == pytest.approx((0.6 - 3.182446 * 0.282843, 0.6 + 3.182446 * 0.282843), rel=1e-5)
    assert found.explained == pytest.approx(0.6)


def test_two_points_have_a_slope_and_no_interval() -> None:
    found = fit([0, 2], [1, 5])
    assert found is not None
    assert (found.slope, found.interval) == (2.0, None)


@pytest.mark.parametrize(("xs", "ys"), [([], []), ([1.0], [2.0]), ([1.0, 1.0], [2.0, 3.0]), ([1.0, 2.0], [3.0, 3.0])])
def test_points_that_determine_no_line_give_none(xs: list[float], ys: list[float]) -> None:
    assert fit(xs, ys) is None


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="2 values of x must have as many of y, not 1"):
        fit([1, 2], [1])


def test_groups_have_intercepts_of_their_own() -> None:
    xs, ys = [0.0, 1.0, 2.0, 10.0, 11.0, 12.0], [0.0, 1.0, 2.0, -50.0, -49.0, -48.0]
    within, pooled = fit(xs, ys, list("aaabbb")), fit(xs, ys)
    assert within is not None
    assert pooled is not None
    assert (within.slope, within.explained) == pytest.approx((1.0, 1.0))
    assert pooled.slope < -4


def test_each_group_costs_a_degree_of_freedom() -> None:
    xs, ys = [1, 2, 3, 4, 5], [2, 4, 5, 4, 5]
    found = fit([*xs, *xs], [*ys, *(y + 9 for y in ys)], ["a"] * 5 + ["b"] * 5)
    # twice the worked example: residual sum 4.8 on 10 - 3 degrees of freedom, spread of x 20, t 2.36462
    assert found is not None
    assert found.slope == pytest.approx(0.6)
    assert found.interval == pytest.approx(
        (0.6 - 2.364624 * (4.8 / 7 / 20) ** 0.5, 0.6 + 2.364624 * (4.8 / 7 / 20) ** 0.5)
    )
